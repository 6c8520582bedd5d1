#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real server that numbers a mailbox anew, or whose mail comes back from a backup: stored messages are
found again and have one entry, and where the evidence is short the mailbox is held."""
import glob
import os
import shutil
import sqlite3

import system_support
from system_support import CONFIG, OK, mail
import tap


def message(n):
    """Different from all others, also in its Message-ID."""
    return mail("n%d" % n).replace(b"Subject", b"Message-ID: <n%d@example.org>\r\nSubject" % n, 1)


class Case(system_support.Case):

    def stored_and_not_moved(self, count):
        """As a run leaves it that was killed between storing and moving."""
        self.server.append(self.user, "INBOX", *[message(n) for n in range(count)])
        self.assertEqual(len(self.picked_up(after="Leave")), count)
        with sqlite3.connect(os.path.join(self.folder, "queue", "queue.db")) as database:
            database.execute("UPDATE ledger SET step = 2")

    def held(self, *more):
        run = self.pickup(*more)
        self.assertEqual((run.code, run.out), (CONFIG, ""), run)
        self.assertEqual(len(run.err.strip().splitlines()), 1, run)
        self.assertIn("is held", run.err)
        self.assertIn("--accept-new-uids", run.err)
        return run.err.strip()

    def agrees(self):
        run = self.command("audit", self.connection(), "--user", self.user, "--password-file",
                           self.password_file, "--queue", self.queue, "--strict", "--json")
        self.assertEqual((run.code, run.out), (OK, ""), run)


class NumberedAnew(Case):

    def renumber(self):
        self.server.set_uidvalidity(self.user, 4711)

    def test_stored_mail_keeps_its_entries_and_new_mail_gets_one(self):
        self.stored_and_not_moved(7)
        self.renumber()
        self.server.append(self.user, "INBOX", message(100))
        self.assertEqual([e["subject"] for e in self.picked_up()], ["n100"])
        self.assertEqual(len(self.queued()), 8)
        self.check_folders(INBOX=0, DROPBOX=8)
        self.agrees()

    def test_a_mailbox_in_which_stored_mail_is_not_found_is_held_until_released(self):
        self.stored_and_not_moved(5)
        for uid in (1, 2):
            self.server.store(self.user, "INBOX", uid, "(\\Deleted)")
        self.server.expunge(self.user)
        self.renumber()
        self.server.append(self.user, "INBOX", message(100))
        why = self.held()
        self.assertEqual(self.held(), why)
        check = self.command("check", self.connection(), "--user", self.user, "--password-file",
                             self.password_file, "--queue", self.queue)
        self.assertEqual(check.code, CONFIG, check)
        self.assertIn("held: ", check.out)
        audit = self.command("audit", self.connection(), "--user", self.user, "--password-file",
                             self.password_file, "--queue", self.queue)
        self.assertIn("is held", audit.err)
        self.check_folders(INBOX=4, DROPBOX=0)
        self.assertEqual([e["subject"] for e in self.picked_up("--accept-new-uids")], ["n100"])
        self.assertEqual(len(self.queued()), 6)
        self.check_folders(INBOX=0, DROPBOX=4)


class Maildir(NumberedAnew):
    """The same where a lost index gives new UIDs too; and where mail comes back from a backup."""

    server_options = {"mail_format": "maildir", "separator": "."}

    def files(self, name):
        return glob.glob(os.path.join(glob.escape(self.server.path("mail")), "**", name),
                         recursive=True, include_hidden=True)

    def of_user(self, name):
        found = [f for f in self.files(name) if "/%s/" % self.user in f]
        self.assertTrue(found, name)
        return found

    def renumber(self):
        """The order of messages with one time stamp is the server's to choose."""
        for name in self.of_user("dovecot-uidlist") + self.of_user("dovecot.index*"):
            if ".DROPBOX" not in name and ".BADMAIL" not in name:
                os.unlink(name)

    def restore(self, count):
        """Copy so many files of moved mail back to where they came from."""
        archive = os.path.dirname([f for f in self.of_user("cur") if ".DROPBOX" in f][0])
        files = glob.glob(os.path.join(glob.escape(archive), "new", "*")) + \
            glob.glob(os.path.join(glob.escape(archive), "cur", "*"))
        for source in sorted(files)[:count]:
            target = os.path.join(os.path.dirname(archive), "new", "r" + os.path.basename(source))
            shutil.copy2(source, target)
            os.chown(target, os.stat(source).st_uid, os.stat(source).st_gid)

    def moved(self, count):
        self.server.append(self.user, "INBOX", *[message(n) for n in range(count)])
        self.assertEqual(len(self.picked_up()), count)
        self.check_folders(INBOX=0, DROPBOX=count)

    def test_a_mailbox_restored_from_a_backup_is_held_and_then_processed_again(self):
        self.moved(25)
        self.restore(25)
        self.assertIn("25 of 25 messages", self.held())
        self.held()
        self.assertEqual(len(self.queued()), 25)
        self.check_folders(INBOX=25, DROPBOX=25)
        self.assertEqual(len(self.picked_up("--accept-new-uids")), 25)
        self.assertEqual(len(self.queued()), 50)

    def test_what_is_taken_out_of_a_restored_mailbox_is_not_processed_again(self):
        self.moved(25)
        self.restore(25)
        self.held()
        for uid in self.server.uids(self.user):
            self.server.store(self.user, "INBOX", uid, "(\\Deleted)")
        self.server.expunge(self.user)
        self.server.append(self.user, "INBOX", message(100))
        self.assertEqual([e["subject"] for e in self.picked_up("--accept-new-uids")], ["n100"])
        self.assertEqual(len(self.queued()), 26)

    def test_a_few_messages_put_back_are_processed_again(self):
        self.moved(25)
        self.restore(20)
        self.assertEqual(len(self.picked_up()), 20)
        self.assertEqual(len(self.queued()), 45)


del Case

if __name__ == "__main__":
    tap.main()
