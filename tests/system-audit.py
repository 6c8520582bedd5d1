#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mailchute audit against a real server: agreement after a pick-up on four kinds of server, each
kind of disagreement planted and told alone, nothing changed, no body downloaded, bounded memory."""
import contextlib
import glob
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import threading

import system_support
from system_support import BAD_MAIL, MAIL, OK, USAGE, mail
import tap


class Case(system_support.Case):

    def audit_args(self, *more, **keys):
        return ["audit", self.connection(**keys), "--user", self.user, "--password-file",
                self.password_file, "--queue", self.queue, "--json", *more]

    def audit(self, *more, **keys):
        """Run it; whatever it tells, the server is as it was."""
        before = self.server.snapshot(self.user)
        run = self.command(*self.audit_args(*more, **keys))
        self.assertEqual(self.server.snapshot(self.user), before)
        return run

    def agree(self, *more, **keys):
        run = self.audit(*more, **keys)
        self.assertEqual((run.code, run.out), (OK, ""), run)
        return run.err

    def disagree(self, *more, **keys):
        """What it tells as {(kind, folder)}: findings."""
        run = self.audit(*more, **keys)
        self.assertEqual(run.code, BAD_MAIL, run)
        return run.entries

    def told(self, *more, **keys):
        """[(kind, folder, UID)] of all that is told."""
        return [(f["kind"], f["folder"], f["uid"]) for f in self.disagree(*more, **keys)]

    def fill(self, count, *more, first=0, **keys):
        """Pick up so many different messages."""
        self.server.append(self.user, "INBOX", *[mail("n%d" % (first + n)) for n in range(count)])
        return self.picked_up(*more, **keys)

    def database(self):
        return sqlite3.connect(os.path.join(self.folder, "queue", "queue.db"))


class FullServer(Case):
    """The classes below repeat all of this on servers that can do less."""

    server_options = {"kind": "full"}
    removes, names_copies = True, True

    def test_all_agrees_before_and_after_a_pick_up(self):
        self.fill(3)
        self.server.append(self.user, "INBOX", mail("new"), mail("newer"))
        self.assertIn("2 wait", self.agree())
        self.picked_up()
        self.agree()
        self.agree("--strict")
        self.agree("--strict", "--deep")

    def test_mail_that_is_too_large_and_in_badmail_agrees_too(self):
        self.server.append(self.user, "INBOX", mail("large", b"x" * 5000 + b"\r\n"), mail("small"))
        self.assertEqual(self.pickup(maxSize="2kB").code, BAD_MAIL)
        self.agree("--strict", "--deep", maxSize="2kB")

    def test_equal_messages_are_not_taken_for_copies_of_one(self):
        self.server.append(self.user, "INBOX", MAIL, MAIL, MAIL)
        self.picked_up()
        self.agree("--strict", "--deep")

    def test_mail_that_waits_is_a_disagreement_only_when_strict(self):
        self.picked_up()
        self.server.append(self.user, "INBOX", mail("a"))
        self.assertIn("1 wait", self.agree())
        self.assertEqual(self.told("--strict"), [("waiting", "INBOX", 1)])

    def test_mail_that_somebody_deleted_before_it_was_picked_up_is_told_only_when_strict(self):
        self.fill(1)
        self.server.append(self.user, "INBOX", mail("a"), flags="(\\Deleted)")
        self.assertIn("1 deleted by others", self.agree())
        self.assertEqual(self.told("--strict"), [("deleted", "INBOX", 2)])

    def restore(self, name, *messages):
        """The mailbox holds these, as after a backup: in a numbering it had before."""
        if name in self.server.folders(self.user):
            self.server.doveadm("mailbox", "delete", "-u", self.user, name)
        self.server.append(self.user, name, *messages)
        self.server.set_uidvalidity(self.user, 4711, name)

    def stay(self, name, **keys):
        """Pick up three that stay, then put another one under the second one's UID, of another
        size, and another one of the same size under the third one's."""
        mails = [mail(n) for n in ("a", "b", "c")]
        self.restore(name, *mails)
        self.picked_up(mailbox=name, **keys)
        self.agree("--deep", mailbox=name, **keys)
        self.restore(name, mails[0], mail("other"), mail("d"))

    def test_another_message_under_the_uid_of_one_that_stays_is_seen_through(self):
        for after in ("Leave", "Flag"):
            keys = {"mailbox": "Stays" + after, "after": after}
            self.stay(keys["mailbox"], after=after)
            lines = [(kind, keys["mailbox"], uid) for kind in ("no-entry", "no-message") for uid in (2, 3)]
            self.assertEqual(sorted(self.told(**keys)), [lines[0], lines[2]])
            self.assertEqual(sorted(self.told("--deep", **keys)), lines)

    def test_another_message_under_the_uid_of_one_that_was_archived_has_no_entry(self):
        self.stay("Moved")
        kinds = {(kind, uid) for kind, folder, uid in self.told("--deep", mailbox="Moved")
                 if folder == "Moved"}
        moved_back = {("still-there", 1)} if self.removes else set()
        self.assertEqual(kinds, {("no-entry", 2), ("no-entry", 3)} | moved_back)

    def test_mail_that_stays_agrees_where_its_mailbox_was_numbered_anew_and_after_the_next_run(self):
        ways = ["Leave", "Flag"] + ([] if self.removes else ["Move"])
        for after in ways:
            keys = {"mailbox": "Anew" + after, "after": after}
            self.server.append(self.user, keys["mailbox"], mail("a" + after), mail("b" + after))
            self.assertEqual(len(self.picked_up(**keys)), 2)
            self.server.set_uidvalidity(self.user, 4711, keys["mailbox"])
            for _ in range(2):
                for more in ((), ("--strict",), ("--deep",)):
                    self.assertIn("2 left in the mailbox", self.agree(*more, **keys))
                self.assertEqual(self.picked_up(**keys), [])

    def test_a_message_put_into_the_archive_by_hand_has_no_entry(self):
        self.fill(2)
        self.server.append(self.user, "DROPBOX", mail("stranger"))
        finding, = self.disagree()
        self.assertEqual((finding["kind"], finding["folder"], finding["uid"], finding["size"],
                          finding["entry"]),
                         ("no-entry", "DROPBOX", 3, len(mail("stranger")), None))

    def test_mail_that_lay_in_the_archive_before_is_left_out_by_its_date(self):
        self.server.append(self.user, "DROPBOX", mail("old"), date='"01-Jan-2020 00:00:00 +0000"')
        self.server.append(self.user, "DROPBOX", mail("young"))
        self.fill(1)
        self.assertEqual(self.told(), [("no-entry", "DROPBOX", 1), ("no-entry", "DROPBOX", 2)])
        self.assertEqual(self.told("--since", "2025-06-30"), [("no-entry", "DROPBOX", 2)])
        self.assertEqual(self.told("--since", "300d"), [("no-entry", "DROPBOX", 2)])

    def test_a_message_gone_from_the_archive_leaves_an_entry_alone(self):
        entries = self.fill(3)
        self.server.store(self.user, "DROPBOX", 2, "(\\Deleted)")
        self.server.expunge(self.user, "DROPBOX")
        if not self.removes:   # the original stays: nothing is lost
            self.assertIn("1 without a copy in the archive", self.agree("--deep"))
            self.assertEqual(self.told("--strict"), [("no-copy", "DROPBOX", None)])
            return
        finding, = self.disagree()
        self.assertEqual((finding["kind"], finding["folder"], finding["entry"]),
                         ("no-message", "DROPBOX", entries[1]["id"]))
        self.assertEqual(finding["uid"], 2 if self.names_copies else None)

    def test_an_entry_gone_from_the_queue_leaves_its_message_alone(self):
        entries = self.fill(3)
        with self.database() as database:
            database.execute("DELETE FROM entry WHERE id = ?",
                             (bytes.fromhex(entries[1]["id"].replace("-", "")),))
        told = self.disagree()
        self.assertIn("no-entry", {f["kind"] for f in told})
        self.assertLessEqual({f["kind"] for f in told}, {"no-entry", "ledger"})
        self.assertIn(2, {f["uid"] for f in told})

    def test_a_second_copy_in_the_archive_is_told_with_the_entry_it_belongs_to(self):
        entries = self.fill(3)
        self.server.append(self.user, "DROPBOX", mail("n1"))
        finding, = self.disagree()
        self.assertEqual((finding["kind"], finding["folder"], finding["uid"], finding["entry"]),
                         ("twice", "DROPBOX", 4, entries[1]["id"]))

    def test_a_queue_restored_from_a_backup_lacks_what_came_since(self):
        self.fill(2)
        self.command("queue", "stats", "--queue", self.queue)
        shutil.copytree(os.path.join(self.folder, "queue"), os.path.join(self.folder, "backup"))
        self.fill(3, first=2)
        shutil.rmtree(os.path.join(self.folder, "queue"))
        os.rename(os.path.join(self.folder, "backup"), os.path.join(self.folder, "queue"))
        told = self.told()
        self.assertEqual([t for t in told if t[1] == "DROPBOX"],
                         [("no-entry", "DROPBOX", uid) for uid in (3, 4, 5)])
        self.assertEqual({kind for kind, _, _ in told}, {"no-entry"})


class ServerWithoutMove(FullServer):

    server_options = {"kind": "uidplus"}


class ServerWithoutUidplus(FullServer):

    server_options = {"kind": "move"}


class ServerWithNeither(FullServer):

    server_options = {"kind": "bare"}
    removes = False


class Forgetful:
    """A server that leaves out of what it says what matches @forgets; on loopback, without TLS."""

    def __init__(self, port, forgets):
        self.port_behind, self.forgets, self.sockets = port, re.compile(forgets), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self.port_behind))
                self.sockets += [client, server]
                threads = [threading.Thread(target=self.forward, args=pair) for pair in
                           ((client, server, None), (server, client, self.forgets))]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()

    @staticmethod
    def forward(source, sink, forgets):
        with contextlib.suppress(OSError), source.makefile("rb") as lines:
            for line in lines:
                sink.sendall(line if forgets is None else forgets.sub(b"", line))
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        for at in (self.listener, *self.sockets):
            with contextlib.suppress(OSError):
                at.shutdown(socket.SHUT_RDWR)
            at.close()
        self.thread.join()


class ServerThatNamesNoCopies(Case):

    server_options = {"kind": "uidplus"}

    def check(self, forgets, flags):
        """Originals stay, and that is as it should be, run after run."""
        self.server.append(self.user, "INBOX", mail("a"), mail("b"))
        server = Forgetful(self.server.port, forgets)
        self.addCleanup(server.close)
        keys = {"url": "127.0.0.1", "port": server.port, "ssl": "False", "starttls": "Never"}
        self.picked_up(**keys)
        self.assertEqual(self.picked_up(**keys), [])
        self.check_folders(INBOX=2, DROPBOX=2)
        for uid in (1, 2):
            self.assertIn(flags, self.server.flags(self.user)[uid])
        self.assertIn("2 left in the mailbox", self.agree("--strict", "--deep", **keys))

    def test_originals_that_stay_marked_agree(self):
        self.check(rb"\[COPYUID [^\]]*\] ", "$MailchutePickedUp")

    def test_originals_that_stay_where_there_are_no_keywords_agree_as_well(self):
        self.check(rb"\[COPYUID [^\]]*\] | \\\*(?=\))", "\\Flagged")


class Audit(Case):

    def test_without_entries_the_ledger_alone_is_not_believed(self):
        self.fill(2)
        with self.database() as database:
            database.execute("DELETE FROM entry")
        self.assertEqual(self.told(), [("no-entry", "DROPBOX", 1), ("no-entry", "DROPBOX", 2)])

    def test_without_its_ledger_row_an_entry_is_told(self):
        entry, = self.fill(1)
        with self.database() as database:
            database.execute("DELETE FROM ledger")
        finding, = self.disagree()
        self.assertEqual((finding["kind"], finding["entry"]), ("ledger", entry["id"]))

    def test_a_ledger_that_names_the_wrong_copies_is_seen_through(self):
        self.server.append(self.user, "INBOX", mail("a", b"1\r\n"), mail("b", b"22\r\n"))
        self.picked_up()
        with self.database() as database:
            database.execute("UPDATE ledger SET target_uid = 3 - target_uid")
        self.agree()

    def test_equal_sizes_hide_a_wrong_copy_only_until_one_looks_deep(self):
        self.server.append(self.user, "INBOX", mail("a"))
        self.picked_up()
        self.server.store(self.user, "DROPBOX", 1, "(\\Deleted)")
        self.server.expunge(self.user, "DROPBOX")
        self.server.append(self.user, "DROPBOX", mail("b"))
        with self.database() as database:
            database.execute("UPDATE ledger SET target_uid = 2")
        self.agree()
        self.assertEqual(self.told("--deep"), [("no-entry", "DROPBOX", 2),
                                               ("no-message", "DROPBOX", 2)])

    def test_a_message_that_says_moved_and_is_still_there_is_told(self):
        self.server.append(self.user, "INBOX", mail("a"))
        self.picked_up(after="Leave")
        self.agree(after="Leave")
        with self.database() as database:
            database.execute("INSERT INTO word (text) VALUES ('DROPBOX')")
            database.execute("UPDATE ledger SET target = (SELECT id FROM word WHERE "
                             "text = 'DROPBOX'), target_uid = 1, target_uidvalidity = 7")
        self.assertEqual(self.told(), [("still-there", "INBOX", 1)])

    def test_a_move_that_is_not_done_is_a_disagreement_only_when_strict(self):
        self.server.append(self.user, "INBOX", mail("a"))
        self.picked_up(after="Leave")
        with self.database() as database:
            database.execute("UPDATE ledger SET step = 3")
        self.assertIn("1 not moved yet", self.agree())
        self.assertEqual(self.told("--strict"), [("unfinished", "INBOX", 1)])

    def test_a_stored_message_that_is_nowhere_is_told(self):
        self.server.append(self.user, "INBOX", mail("a"))
        entry, = self.picked_up(after="Leave")
        with self.database() as database:
            database.execute("UPDATE ledger SET step = 2")
        self.server.store(self.user, "INBOX", 1, "(\\Deleted)")
        self.server.expunge(self.user, "INBOX")
        finding, = self.disagree()
        self.assertEqual((finding["kind"], finding["folder"], finding["uid"], finding["entry"]),
                         ("no-message", "INBOX", 1, entry["id"]))

    def test_an_archive_numbered_anew_is_found_by_content(self):
        self.fill(3)
        self.server.set_uidvalidity(self.user, 4711, "DROPBOX")
        self.agree("--strict")

    def test_a_mailbox_numbered_anew_before_the_move_is_found_by_content(self):
        self.server.append(self.user, "INBOX", mail("a"), mail("bb"))
        self.picked_up("--limit", "1", after="Leave")
        with self.database() as database:
            database.execute("UPDATE ledger SET step = 2")
        self.server.set_uidvalidity(self.user, 4711)
        self.assertIn("1 wait, 1 not moved yet", self.agree())

    def test_mail_archived_in_a_folder_that_is_no_longer_named_is_counted(self):
        self.fill(2)
        self.assertIn("2 in other folders", self.agree(dropbox="Elsewhere"))
        self.assertEqual(len(self.told("--strict", dropbox="Elsewhere")), 2)

    def test_delete_leaves_entries_without_messages_as_told(self):
        self.fill(2, after="Delete")
        self.assertIn("2 deleted as told", self.agree("--strict", after="Delete"))

    def test_flag_leaves_messages_with_entries(self):
        self.fill(2, after="Flag")
        self.assertIn("2 left in the mailbox", self.agree("--strict", after="Flag"))

    def test_a_mark_without_an_entry_is_told(self):
        self.picked_up()
        self.server.append(self.user, "INBOX", MAIL, flags="($MailchutePickedUp)")
        self.assertEqual(self.told(), [("no-entry", "INBOX", 1)])

    def test_other_mailboxes_of_the_account_explain_their_mail_in_a_shared_archive(self):
        self.server.append(self.user, "INBOX", mail("a"))
        self.server.append(self.user, "Sales", mail("b"), mail("c"))
        self.picked_up()
        self.picked_up(mailbox="Sales")
        self.agree("--strict")
        self.agree("--strict", mailbox="Sales")

    def test_mail_of_another_name_of_the_account_is_told_with_its_entry_and_only_when_strict(self):
        alias = {"url": "127.0.0.1", "port": self.server.port, "ssl": "False", "starttls": "Never"}
        entries = self.fill(2)
        self.server.append(self.user, "Stays", mail("n2"))
        flagged, = self.picked_up(mailbox="Stays", after="Flag")
        self.assertIn("0 entries: 0 agree, 2 with an entry of another account", self.agree(**alias))
        self.assertIn("2 with an entry of another account", self.agree("--deep", **alias))
        found = self.disagree("--strict", **alias)
        self.assertEqual([(f["kind"], f["folder"], f["uid"], f["entry"]) for f in found],
                         [("foreign", "DROPBOX", n + 1, e["id"]) for n, e in enumerate(entries)])
        self.assertIn("'%s'" % entries[0]["origin"]["account"], found[0]["why"])
        finding, = [f for f in self.disagree("--strict", mailbox="Stays", after="Flag", **alias)
                    if f["folder"] == "Stays"]
        self.assertEqual((finding["kind"], finding["entry"]), ("foreign", flagged["id"]))

    def test_an_archive_shared_by_two_accounts_agrees_and_lacks_what_neither_has(self):
        alias = {"url": "127.0.0.1", "port": self.server.port, "ssl": "False", "starttls": "Never"}
        self.fill(2)
        self.server.append(self.user, "Sales", mail("n2"), mail("n3"))
        self.picked_up(mailbox="Sales", **alias)
        for keys in ({}, dict(alias, mailbox="Sales")):
            self.assertIn("2 agree, 2 with an entry of another account", self.agree(**keys))
        self.server.append(self.user, "DROPBOX", mail("n9"))
        for keys in ({}, dict(alias, mailbox="Sales")):
            self.assertEqual(self.told(**keys), [("no-entry", "DROPBOX", 5)])

    def test_deep_sees_that_a_raw_message_was_damaged(self):
        self.server.append(self.user, "INBOX", mail("a", b"y" * 300000 + b"\r\n"), mail("b"))
        entries = self.picked_up()
        raw, = [p for p in glob.glob(os.path.join(self.folder, "queue", "**"), recursive=True)
                if os.path.isfile(p) and os.path.getsize(p) == entries[0]["raw"]["size"]]
        os.chmod(raw, 0o600)
        with open(raw, "r+b") as damaged:
            damaged.seek(1000)
            damaged.write(b"z")
        self.agree()
        finding, = self.disagree("--deep")
        self.assertEqual((finding["kind"], finding["entry"]), ("damaged", entries[0]["id"]))
        os.unlink(raw)
        finding, = self.disagree("--deep")
        self.assertEqual(finding["kind"], "damaged")

    def test_raw_messages_that_are_gone_are_told_without_looking_deep(self):
        self.server.append(self.user, "INBOX", mail("a", b"y" * 300000 + b"\r\n"), mail("b"), mail("c"))
        entries = self.picked_up()
        self.agree()
        raw, = glob.glob(os.path.join(self.folder, "queue", "raw", "*"))
        os.unlink(raw)
        with contextlib.closing(self.database()) as database, database:
            database.execute("UPDATE body SET raw = x'' WHERE n = 2")
            database.execute("DELETE FROM body WHERE n = 3")
        found = self.disagree()
        self.assertEqual({f["kind"] for f in found}, {"damaged"})
        self.assertEqual({f["entry"] for f in found}, {e["id"] for e in entries})

    def test_files_are_held_against_the_queue_like_mail_on_a_server(self):
        folder = os.path.join(self.folder, "mail")
        os.mkdir(folder)
        for name in ("a", "b"):
            with open(os.path.join(folder, name + ".eml"), "wb") as file:
                file.write(mail(name))
        args = ["path=" + folder, "--loader", "Folder", "--queue", self.queue, "--json"]
        self.assertEqual(self.command("pickup", *args).code, OK)
        run = self.command("audit", *args, "--strict", "--deep")
        self.assertEqual((run.code, run.out), (OK, ""), run)
        with open(os.path.join(folder, "done", "c.eml"), "wb") as file:
            file.write(mail("c"))
        os.unlink(os.path.join(folder, "done", "a.eml"))
        run = self.command("audit", *args)
        self.assertEqual(run.code, BAD_MAIL, run)
        self.assertEqual({(f["kind"], f["key"] is None) for f in run.entries},
                         {("no-entry", False), ("no-message", True)})

    def test_the_list_for_people_names_the_same(self):
        self.fill(1)
        self.server.append(self.user, "DROPBOX", mail("stranger"))
        args = self.audit_args()
        args.remove("--json")
        run = self.command(*args)
        self.assertEqual(run.code, BAD_MAIL, run)
        self.assertRegex(run.out, r"^no-entry\tDROPBOX\t2\t.*the queue has no entry of it\n$")
        self.assertIn("1 WITHOUT AN ENTRY", run.err)

    def test_a_date_that_is_none_is_refused(self):
        for since in ("yesterday", "2026-1-1", "2026-13-01"):
            self.assertEqual(self.audit("--since", since).code, USAGE)

    def test_a_queue_that_is_not_there_is_an_error_and_not_made(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.assertNotEqual(self.audit().code, OK)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "queue")))


class Many(Case):

    COUNT = 5000

    def resident_kb(self):
        """What an audit that goes well needs at most; freed memory is given back at once."""
        code = ("import resource, subprocess, sys; r = subprocess.run(sys.argv[1:]); "
                "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); "
                "sys.exit(r.returncode)")
        run = subprocess.run(["python3", "-c", code, system_support.PROGRAM, *self.audit_args()],
                             capture_output=True, check=False,
                             env=dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=0:"
                                      "thread_local_quarantine_size_kb=0"))
        self.assertEqual(run.returncode, OK, run.stderr)
        self.said = run.stderr.decode()
        return int(run.stdout)

    def test_thousands_of_messages_cost_no_download_and_little_memory(self):
        self.fill(1)
        small_kb = self.resident_kb()
        bodies = [mail("n%d" % n, b"%d\r\n" % n * 500) for n in range(self.COUNT - 1)]
        self.server.append(self.user, "INBOX", *bodies)
        self.assertEqual(self.pickup("--quiet").code, OK)
        before = self.server.traffic(self.user)["out"]
        grown_kb = self.resident_kb() - small_kb
        self.assertIn("5,000 agree", self.said)
        self.assertLess(grown_kb, 8 * 1024)   # all bodies together are larger
        downloaded = self.server.traffic(self.user)["out"] - before
        self.assertLess(downloaded, 200 * self.COUNT)
        self.assertGreater(sum(map(len, bodies)), 10 * downloaded)


if __name__ == "__main__":
    tap.main()
