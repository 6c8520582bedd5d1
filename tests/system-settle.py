#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What becomes of a message on the server: moved, left, deleted or flagged, as told, on four kinds
of server; and nothing else is ever touched."""
import glob
import os
import re
import tempfile

import system_support
from system_support import MAIL, OK, mail
import tap


class FullServer(system_support.Case):
    """A server that has MOVE and UIDPLUS. The classes below repeat all of this on lesser ones: the
    promises are the same whatever the server can do."""

    server_options = {"kind": "full", "rawlog": True}
    removes, marks_deleted, order = True, False, rb"UID MOVE"

    def sent_by(self, command):
        """What @command sends to the server after its login."""
        self.server.traffic(self.user)
        before = len(self.server.raw_input(self.user))
        command()
        self.server.traffic(self.user)
        return b"\n".join(self.server.raw_input(self.user)[before:]).upper()

    def test_mail_gets_into_the_archive_and_is_not_picked_up_twice(self):
        self.server.append(self.user, "INBOX", *[mail("n%d" % n) for n in range(30)])
        self.assertEqual(len(self.picked_up()), 30)
        self.assertEqual(self.picked_up(), [])
        self.check_folders(INBOX=0 if self.removes else 30, DROPBOX=30)

    def test_other_peoples_deleted_messages_are_still_there(self):
        self.server.append(self.user, "INBOX", mail("one"))
        self.server.append(self.user, "INBOX", mail("deleted by another"), flags="(\\Deleted)")
        self.server.append(self.user, "INBOX", mail("two"))
        self.assertEqual(len(self.picked_up(accept="Subject:/^(one|two)$/")), 2)
        kept = [flags for _, flags, raw in self.server.messages(self.user) if b"another" in raw]
        self.assertEqual(kept, [("\\Deleted",)])

    def test_no_command_is_sent_that_could_touch_the_mail_of_others(self):
        self.server.append(self.user, "INBOX", *[mail("n%d" % n) for n in range(5)])
        sent = self.sent_by(self.picked_up)
        self.assertIn(b"UID FETCH", sent)
        self.assertIn(self.order, sent)
        self.assertNotRegex(sent, rb"BODY\[")   # without PEEK it would set \Seen
        self.assertNotRegex(sent, rb"(?m)^\S+ (EXPUNGE|CLOSE|STORE|COPY|MOVE|FETCH|SEARCH)\b")
        self.assertEqual(b"\\DELETED" in sent, self.marks_deleted)
        self.assertEqual(b"UID EXPUNGE" in sent, self.marks_deleted)

    def test_a_dry_run_only_looks(self):
        self.server.append(self.user, "INBOX", MAIL)
        sent = self.sent_by(lambda: self.picked_up("--dry-run"))
        self.assertIn(b"EXAMINE", sent)
        self.assertNotRegex(sent, rb"\b(SELECT|STORE|COPY|MOVE|EXPUNGE|CREATE|CLOSE)\b")


class ServerWithoutMove(FullServer):

    server_options = {"kind": "uidplus", "rawlog": True}
    removes, marks_deleted, order = True, True, rb"UID COPY"


class ServerWithoutUidplus(FullServer):

    server_options = {"kind": "move", "rawlog": True}


class ServerWithNeither(FullServer):

    server_options = {"kind": "bare", "rawlog": True}
    removes, marks_deleted, order = False, False, rb"UID COPY"

    def test_mail_that_cannot_be_removed_is_marked_for_other_hosts(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.picked_up()
        (flags,) = self.server.flags(self.user).values()
        self.assertTrue(flags and "\\Deleted" not in flags, flags)
        self.folder = tempfile.mkdtemp(dir=self.folder)   # another host has another queue
        self.assertEqual(self.picked_up(), [])


class After(system_support.Case):

    def test_leave_touches_nothing_and_takes_only_what_is_new_next_time(self):
        self.server.append(self.user, "INBOX", *[mail("n%d" % n) for n in range(5)])
        before = self.server.snapshot(self.user)
        self.assertEqual(len(self.picked_up(after="Leave")), 5)
        self.assertEqual(self.server.snapshot(self.user), before)
        self.server.append(self.user, "INBOX", mail("new"))
        self.assertEqual([e["subject"] for e in self.picked_up(after="Leave")], ["new"])

    def test_delete_removes_what_was_picked_up_and_nothing_else(self):
        self.server.append(self.user, "INBOX", mail("mine"), mail("spared"))
        self.server.append(self.user, "INBOX", mail("theirs"), flags="(\\Deleted)")
        self.assertEqual(len(self.picked_up(after="Delete", accept="Subject:/mine/")), 1)
        self.assertEqual([raw for _, _, raw in self.server.messages(self.user)],
                         [mail("spared"), mail("theirs")])
        self.assertEqual(self.server.count(self.user, "DROPBOX"), 0)

    def test_flag_marks_what_was_picked_up_and_does_not_take_it_again(self):
        self.server.append(self.user, "INBOX", MAIL, MAIL)
        self.assertEqual(len(self.picked_up(after="Flag")), 2)
        for flags in self.server.flags(self.user).values():
            self.assertTrue(flags and "\\Deleted" not in flags, flags)
        self.check_folders(INBOX=2, DROPBOX=0)
        self.assertEqual(self.picked_up(after="Flag"), [])

    def test_what_flag_marked_is_moved_when_the_settings_say_so(self):
        self.server.append(self.user, "INBOX", *[mail("n%d" % n) for n in range(25)])
        self.assertEqual(len(self.picked_up(after="Flag")), 25)
        self.server.append(self.user, "INBOX", mail("new"))
        self.assertEqual([e["subject"] for e in self.picked_up()], ["new"])
        self.check_folders(INBOX=0, DROPBOX=26)
        self.assertEqual(self.picked_up(), [])

    def test_flags_that_a_message_had_go_with_it_into_the_archive(self):
        self.server.append(self.user, "INBOX", MAIL, flags="(\\Seen \\Flagged)")
        self.picked_up()
        self.assertEqual(list(self.server.flags(self.user, "DROPBOX").values()),
                         [("\\Flagged", "\\Seen")])

    def test_after_a_new_uidvalidity_new_mail_is_picked_up(self):
        self.server.append(self.user, "INBOX", mail("a"), mail("b"))
        self.assertEqual(len(self.picked_up()), 2)
        self.server.set_uidvalidity(self.user, 4711)
        self.server.append(self.user, "INBOX", mail("c"))
        entry, = self.picked_up()
        self.assertEqual((entry["subject"], entry["origin"]["uidvalidity"]), ("c", 4711))


class UnreadableMail(system_support.Case):
    """Dovecot ends the connection when it cannot read a message: here when its body is asked for."""

    server_options = {"kind": "full", "mail_format": "maildir"}
    files = "*,S=*"
    TRY_LATER = 75

    def file_of(self, number):
        """One of the messages in the mailbox; where it lies now."""
        where = self.server.path("mail", self.user, "**", self.files)
        found = [path for path in glob.glob(where, recursive=True) if "DROPBOX" not in path]
        return sorted(found, key=os.path.basename)[number if len(found) > 1 else 0]

    def test_one_message_that_cannot_be_read_keeps_no_other_back_and_is_not_blamed(self):
        self.server.append(self.user, "INBOX", *[mail("n%d" % n, b"line\r\n" * 2000) for n in range(5)])
        os.chmod(self.file_of(1), 0)
        for _ in range(5):   # each finds out one that may be why
            run = self.pickup()
            self.assertEqual(run.code, self.TRY_LATER, run)
        uid, = self.server.uids(self.user)
        self.assertIn("message %d of 'INBOX'" % uid, run.err)
        self.check_folders(INBOX=1, DROPBOX=4)
        os.chmod(self.file_of(1), 0o600)
        self.assertEqual([entry["subject"] for entry in self.picked_up()], ["n%d" % (uid - 1)])
        self.check_folders(INBOX=0, DROPBOX=5, BADMAIL=0)


class UnlistedMail(UnreadableMail):
    """And here when it is listed already."""

    server_options = {"kind": "full", "mail_format": "sdbox"}
    files = "u.*"


class WhatIsTaken(system_support.Case):

    SUBJECTS = ("invoice 1", "newsletter", "Invoice 2", "question")

    def setUp(self):
        super().setUp()
        self.server.append(self.user, "INBOX", *[mail(s) for s in self.SUBJECTS])

    def subjects_left(self):
        return [re.search(rb"Subject: (.*)\r", raw).group(1).decode()
                for _, _, raw in self.server.messages(self.user)]

    def test_accept_takes_what_matches_and_leaves_the_rest_as_it_is(self):
        entries = self.picked_up(accept="Subject:/(?i)^invoice/")
        self.assertEqual([e["subject"] for e in entries], ["invoice 1", "Invoice 2"])
        self.assertEqual(self.subjects_left(), ["newsletter", "question"])
        self.assertEqual(set(self.server.flags(self.user).values()), {()})

    def test_skip_leaves_what_matches_and_takes_the_rest(self):
        entries = self.picked_up(skip="Subject:/newsletter/")
        self.assertEqual([e["subject"] for e in entries], ["invoice 1", "Invoice 2", "question"])
        self.assertEqual(self.subjects_left(), ["newsletter"])

    def test_search_takes_what_the_server_finds(self):
        entries = self.picked_up(search='SUBJECT "invoice"')
        self.assertEqual([e["subject"] for e in entries], ["invoice 1", "Invoice 2"])
        self.assertEqual(self.subjects_left(), ["newsletter", "question"])

    def test_a_limit_takes_the_oldest_and_the_next_run_goes_on(self):
        self.assertEqual([e["subject"] for e in self.picked_up("--limit", "3")],
                         list(self.SUBJECTS[:3]))
        self.assertEqual([e["subject"] for e in self.picked_up("--limit", "3")],
                         list(self.SUBJECTS[3:]))

    def test_a_dry_run_shows_the_entries_and_changes_nothing(self):
        before = self.server.snapshot(self.user)
        entries = self.picked_up("--dry-run")
        self.assertEqual([e["subject"] for e in entries], list(self.SUBJECTS))
        self.assertEqual(self.server.snapshot(self.user), before)
        self.assertEqual([e["subject"] for e in self.picked_up()], list(self.SUBJECTS))

    def test_check_says_that_all_is_well_and_changes_nothing(self):
        before = self.server.snapshot(self.user)
        run = self.command("check", self.connection(), "--user", self.user,
                           "--password-file", self.password_file)
        self.assertEqual(run.code, OK, run)
        self.assertTrue(run.out.strip() or run.err.strip())
        self.assertEqual(self.server.snapshot(self.user), before)


if __name__ == "__main__":
    tap.main()
