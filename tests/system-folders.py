#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Folder names as people write them, on servers that write them differently."""
import system_support
from system_support import BAD_MAIL, MAIL, OK, mail
import tap

NAMES = ("Ärchiv/2026", "with some spaces", 'with "quotes" and \\ back-slash', "it's; here",
         "100% & more", "a/b/c/d", "日本/メール", "lower/Done")


class Names(system_support.Case):
    """On a server that separates levels with a slash."""

    def test_mail_is_archived_in_a_folder_with_any_name_which_is_made_when_missing(self):
        for name in NAMES:
            with self.subTest(name=name):
                self.server.append(self.user, "INBOX", MAIL)
                self.assertEqual(len(self.picked_up(dropbox=name)), 1)
                self.check_folders(**{"INBOX": 0, name: 1})

    def test_mail_is_picked_up_from_a_folder_with_any_name(self):
        for name in NAMES:
            with self.subTest(name=name):
                self.server.append(self.user, name, MAIL)
                entry, = self.picked_up(mailbox=name)
                self.assertEqual(entry["origin"]["mailbox"], name)
                self.assertEqual(self.server.count(self.user, name), 0)

    def test_inbox_may_be_written_in_any_case(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.assertEqual(len(self.picked_up(mailbox="inbox")), 1)

    def test_bad_mail_goes_to_a_folder_with_any_name(self):
        self.server.append(self.user, "INBOX", mail("big", b"x" * 3000 + b"\r\n"))
        run = self.pickup(badmail="Fehler/Größe", maxSize="2000")
        self.assertEqual(run.code, BAD_MAIL, run)
        self.check_folders(**{"INBOX": 0, "Fehler/Größe": 1})

    def test_no_folder_is_made_that_is_not_needed(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.picked_up(dropbox="Done")
        self.assertLessEqual(set(self.server.folders(self.user)), {"INBOX", "Done", "BADMAIL"})


class DotServer(system_support.Case):
    """On a server that separates levels with a dot."""

    server_options = {"separator": "."}

    def test_a_slash_separates_levels_whatever_the_server_uses(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.assertEqual(len(self.picked_up(dropbox="Ärchiv/2026")), 1)
        self.check_folders(**{"INBOX": 0, "Ärchiv/2026": 1})

    def test_a_name_in_the_servers_own_way_is_the_same_folder(self):
        self.server.append(self.user, "INBOX", MAIL, MAIL)
        self.assertEqual(len(self.picked_up("--limit", "1", dropbox="INBOX.done")), 1)
        self.assertEqual(len(self.picked_up(dropbox="INBOX/done")), 1)
        self.check_folders(**{"INBOX": 0, "INBOX/done": 2})


class PrefixedServer(DotServer):
    """On a server that keeps everything below "INBOX." as Courier and many hosters do."""

    server_options = {"separator": ".", "prefix": "INBOX."}

    def test_a_name_in_the_servers_own_way_is_the_same_folder(self):
        self.server.append(self.user, "INBOX", MAIL, MAIL)
        self.assertEqual(len(self.picked_up("--limit", "1", dropbox="INBOX.done")), 1)
        self.assertEqual(len(self.picked_up(dropbox="done")), 1)
        self.check_folders(INBOX=0, done=2)


class Maildir(system_support.Case):
    """On another kind of store, whose folders have other rules."""

    server_options = {"mail_format": "maildir", "separator": "."}

    def test_mail_is_moved_and_its_bytes_stay_as_they_were(self):
        self.server.append(self.user, "INBOX", *[mail("n%d" % n) for n in range(20)])
        self.assertEqual(len(self.picked_up(dropbox="Archiv/2026/März")), 20)
        self.assertEqual([raw for _, _, raw in
                          self.server.messages(self.user, "Archiv/2026/März")],
                         [mail("n%d" % n) for n in range(20)])


if __name__ == "__main__":
    tap.main()
