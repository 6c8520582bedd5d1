#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All folders of an account, left as they are: what is taken, what is left out, that nothing on the
server changes, that one folder's trouble is nobody else's, and that nothing is fetched twice."""
import fcntl
import os
import re
import signal
import subprocess
import time

import dovecot
import system_support
from system_support import CONFIG, MAIL, OK, PROGRAM, USAGE, mail
import tap

SPECIAL = {"Entwürfe": "\\Drafts", "Werbung": "\\Junk", "Müll": "\\Trash", "Gesendet": "\\Sent"}
NAMES = ["INBOX", "Gesendet", "Übung", "日本/メール", "a/b/c/d", "with spaces", "100% & more", "it's; here"]
NAMES += ["Projekte/Größe %d/Ärger" % n for n in range(22)]
# All that a client may say that only looks.
LOOKS = re.compile(rb'\S+ (CAPABILITY|ID |NAMESPACE|LIST "" |STATUS "|EXAMINE "|UID SEARCH '
                   rb'|UID FETCH \S+ \((UID FLAGS RFC822.SIZE INTERNALDATE|UID RFC822.SIZE|UID BODY\.PEEK\[\]|'
                   rb'UID BODY\.PEEK\[HEADER\.FIELDS \(MESSAGE-ID\)\])\)'
                   rb'|IDLE|LOGOUT)|DONE')


def message(n):
    return mail("n%d" % n).replace(b"Subject", b"Message-ID: <n%d@example.org>\r\nSubject" % n, 1)


class ArchiveCase(system_support.Case):

    def subjects(self, *more, **keys):
        """[(folder, subject)] of a pick-up of all folders that goes well."""
        keys.setdefault("folders", "*")
        return [(e["origin"]["mailbox"], e["subject"]) for e in self.picked_up(*more, **keys)]

    def audit(self, *more, **keys):
        keys.setdefault("folders", "*")
        return self.command("audit", self.connection(**keys), "--user", self.user,
                            "--password-file", self.password_file, "--queue", self.queue, "--json",
                            *more)

    def agrees(self, *more, **keys):
        run = self.audit(*more, **keys)
        self.assertEqual((run.code, run.out), (OK, ""), run)

    def check(self, **keys):
        run = self.command("check", self.connection(**keys), "--user", self.user,
                           "--password-file", self.password_file)
        return run

    def expunged(self, name, uid):
        self.server.store(self.user, name, uid, "(\\Deleted)")
        self.server.expunge(self.user, name)


class Archive(ArchiveCase):

    server_options = {"special": SPECIAL, "rawlog": True}

    def test_thirty_nested_folders_are_archived_and_nothing_on_the_server_changes(self):
        for n, name in enumerate(NAMES):
            self.server.append(self.user, name, message(n), flags="(\\Flagged)" if n % 2 else None)
        for name in ("Entwürfe", "Werbung", "Müll", "Müll/alt"):
            self.server.append(self.user, name, message(1000))
        before = self.server.snapshot(self.user)
        said = len(self.server.raw_input(self.user))
        dry = self.subjects("--dry-run")
        self.assertEqual(sorted(dry), sorted((name, "n%d" % n) for n, name in enumerate(NAMES)))
        self.assertEqual(self.queued(), [])
        self.assertEqual(sorted(self.subjects()), sorted(dry))
        self.assertEqual(self.subjects(), [])
        self.agrees("--strict", "--deep")
        sent = self.server.raw_input(self.user)[said:]
        self.assertEqual([line for line in sent if not LOOKS.fullmatch(line) and
                          not LOOKS.match(line) or b"BODY[" in line], [])
        self.assertEqual(self.server.snapshot(self.user), before)

    def test_each_message_of_a_folder_is_one_entry_with_the_folders_name(self):
        self.server.append(self.user, "Übung", MAIL)
        self.server.append(self.user, "INBOX", MAIL)
        self.assertEqual(self.subjects(), [("INBOX", "hello"), ("Übung", "hello")])
        entries = self.queued()
        self.assertEqual(len({e["id"] for e in entries}), 2)   # the same mail twice is two messages

    def test_new_mail_in_any_folder_is_found_by_the_next_run(self):
        self.server.append(self.user, "INBOX", message(1))
        self.server.append(self.user, "a/b", message(2))
        self.assertEqual(len(self.subjects()), 2)
        self.server.append(self.user, "a/b", message(3))
        self.server.append(self.user, "neu", message(4))
        self.assertEqual(self.subjects(), [("a/b", "n3"), ("neu", "n4")])
        self.agrees("--strict")

    def test_a_run_that_finds_nothing_new_says_that_nothing_is_left(self):
        self.server.append(self.user, "INBOX", message(1), message(2))
        self.server.append(self.user, "a/b", message(3))
        for keys in ({"folders": "*"}, {"after": "Leave"}):
            self.pickup(**keys)
            run = self.pickup(**keys)
            self.assertIn("0 picked up", run.err)
            self.assertIn("0 left", run.err)

    def test_a_chosen_set_is_what_the_patterns_say(self):
        for n, name in enumerate(("INBOX", "Projekte/a", "Projekte/a/b", "Projekte/alt", "Werbung")):
            self.server.append(self.user, name, message(n))
        self.assertEqual(self.subjects(folders="Projekte/%,Werbung", skipFolders="*/alt"),
                         [("Projekte/a", "n1"), ("Werbung", "n4")])
        self.agrees("--strict", folders="Projekte/%,Werbung", skipFolders="*/alt")

    def test_check_tells_each_folder_and_how_much_is_in_it(self):
        self.server.append(self.user, "Übung", message(1), message(2))
        run = self.check(folders="*")
        self.assertEqual(run.code, OK, run)
        for words in ("'Übung': 2 messages", "'INBOX': 0 messages", "'Werbung': left out by skipSpecial",
                      "take 3 of 6 folders with 2 messages", "changes nothing"):
            self.assertIn(words, run.out)
        run = self.check(folders="Übung,Uebung")
        self.assertIn("no folder 'Uebung'", run.out)
        self.assertEqual(self.check(folders="nichts*").code, CONFIG)

    def test_a_mistake_names_its_key_and_place(self):
        run = self.pickup(folders="*", after="Move")
        self.assertEqual(run.code, USAGE, run)
        self.assertIn("key 'folders' at position", run.err)
        run = self.pickup(folder="*")
        self.assertIn("did you mean 'folders'", run.err)

    def jump(self, name, uid):
        self.server.doveadm("mailbox", "update", "--min-next-uid", str(uid), "-u", self.user, name)

    def test_two_thousand_mails_at_sparse_uids_cost_no_more_than_that_many_elsewhere(self):
        self.server.append(self.user, "weit")
        for part in range(20):
            self.jump("weit", 743000000 + part * 50000000)
            self.server.append(self.user, "weit", *[message(n) for n in range(part * 100, part * 100 + 100)])
        self.server.append(self.user, "eng", *[message(n) for n in range(2000)])
        uids = self.server.uids(self.user, "weit")
        self.assertEqual((len(uids), min(uids), max(uids) > 1690000000), (2000, 743000000, True))
        sent = {}
        for name in ("eng", "weit"):
            said = len(self.server.raw_input(self.user))
            self.assertEqual(len(self.subjects(folders=name)), 2000)
            sent[name] = self.server.raw_input(self.user)[said:]
            self.assertEqual(self.subjects(folders=name), [])
        self.assertLessEqual(len(sent["weit"]), len(sent["eng"]) + 2)
        self.assertLess(sum(map(len, sent["weit"])), 2 * sum(map(len, sent["eng"])))

    def test_a_folder_numbered_anew_is_looked_through_and_the_others_are_not_touched_by_it(self):
        self.server.append(self.user, "INBOX", message(1))
        self.server.append(self.user, "Übung", message(2))
        self.assertEqual(len(self.subjects()), 2)
        self.server.set_uidvalidity(self.user, 4711, "Übung")
        self.server.append(self.user, "Übung", message(3))
        self.server.append(self.user, "INBOX", message(4))
        run = self.pickup(folders="*")
        self.assertEqual(run.code, OK, run)
        came = [(e["origin"]["mailbox"], e["subject"]) for e in run.entries]
        self.assertEqual(came, [("INBOX", "n4"), ("Übung", "n3")])   # n2 keeps its entry
        self.assertIn("numbered anew", run.err)
        self.agrees("--strict")

    def test_a_deleted_folder_leaves_its_entries_and_stops_nothing(self):
        self.server.append(self.user, "weg", message(1))
        self.assertEqual(self.subjects(), [("weg", "n1")])
        with self.server.client(self.user) as imap:
            dovecot.checked(imap.delete("weg"))
        self.server.append(self.user, "INBOX", message(2))
        self.assertEqual(self.subjects(), [("INBOX", "n2")])
        self.assertEqual(len(self.queued()), 2)

    def test_a_folder_that_cannot_be_opened_is_told_by_the_exit_code_and_the_rest_is_archived(self):
        for n, name in enumerate(("INBOX", "Gesperrt", "Übung")):
            self.server.append(self.user, name, message(n))
        path = self.server.path("mail", self.user, "box", "mailboxes", "Gesperrt", "dbox-Mails")
        os.chmod(path, 0)
        self.addCleanup(os.chmod, path, 0o700)
        run = self.pickup(folders="*")
        self.assertEqual([e["subject"] for e in run.entries], ["n0", "n2"], run)
        self.assertEqual(run.code, CONFIG, run)
        self.assertIn("folder 'Gesperrt'", run.err)
        os.chmod(path, 0o700)
        self.assertEqual(self.subjects(), [("Gesperrt", "n1")])

    def test_a_folder_that_another_pickup_has_stops_no_other_and_is_told_by_the_exit_code(self):
        self.server.append(self.user, "INBOX", message(0))
        args = self.pickup_args(self.connection(after="Leave"), "--watch", "--json")
        with subprocess.Popen([PROGRAM, *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as other:
            self.assertTrue(other.stdout.readline())   # it has INBOX
            self.server.append(self.user, "Übung", message(1))
            run = self.pickup(folders="*")
            other.terminate()
        self.assertEqual([e["subject"] for e in run.entries], ["n1"], run)
        self.assertEqual(run.code, 75, run)
        self.assertIn("another pick-up of 'INBOX'", run.err)

    def test_a_killed_run_goes_on_where_it_was(self):
        count = 600
        for name in ("INBOX", "Übung", "a/b"):
            self.server.append(self.user, name, *[message(n) for n in range(count // 3)])
        args = self.pickup_args(self.connection(folders="*", batch="20"))
        run = subprocess.Popen([PROGRAM, *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        shown = [run.stdout.readline() for _ in range(250)]   # in the second folder
        run.send_signal(signal.SIGKILL)
        run.wait()
        run.stdout.close()
        self.assertTrue(all(shown))
        stored = len(self.queued())
        self.assertGreaterEqual(stored, 250)
        said = len(self.server.raw_input(self.user))
        self.assertEqual(len(self.subjects(batch="20")), count - stored)
        fetched = [line for line in self.server.raw_input(self.user)[said:] if b"BODY.PEEK[]" in line]
        asked = sum(self.size(line) for line in fetched)
        self.assertEqual(asked, count - stored, fetched)   # what was stored is not asked for again
        self.agrees("--strict", "--deep")

    @staticmethod
    def size(line):
        """How many UIDs a FETCH names."""
        ranges = line.split()[3].split(b",")
        ends = [[int(n) for n in part.split(b":")] for part in ranges]
        return sum(end[-1] - end[0] + 1 for end in ends)


class Watching(ArchiveCase):

    def test_new_mail_in_the_inbox_comes_at_once_and_in_other_folders_with_the_poll(self):
        self.server.append(self.user, "Übung", message(1))
        args = self.pickup_args(self.connection(folders="*", poll="2s"), "--watch")
        run = subprocess.Popen([PROGRAM, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(run.kill)
        self.assertIn(b'"n1"', run.stdout.readline())
        self.server.append(self.user, "INBOX", message(2))
        self.assertIn(b'"n2"', run.stdout.readline())
        self.server.append(self.user, "Übung", message(3))
        self.assertIn(b'"n3"', run.stdout.readline())
        self.server.append(self.user, "neu", message(4))
        self.assertIn(b'"n4"', run.stdout.readline())
        with self.server.client(self.user) as imap:
            dovecot.checked(imap.delete(dovecot.quoted(self.server.wire("Übung"))))
        end = time.monotonic() + 60
        self.server.append(self.user, "neu", message(5))
        self.assertIn(b'"n5"', run.stdout.readline())
        self.assertLess(time.monotonic(), end)
        run.send_signal(signal.SIGTERM)
        out, err = run.communicate(timeout=60)
        self.assertEqual((run.returncode, out), (OK, b""), err)
        self.assertEqual(err.count(b"no longer there"), 1, err)
        self.agrees("--strict")


class Serving(ArchiveCase):
    """As a source of the daemon."""

    def source(self, verb, *args):
        run = self.command("source", verb, "archive", *args, "--queue", self.queue)
        self.assertEqual(run.code, OK, run)
        return run

    def shown(self):
        return self.source("show", "--json").entries[0]

    def comes_to(self, detail, queued):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            shown = self.shown()
            if (shown["status"], shown["detail"], shown["counts"]["queued"],
                    shown["counts"]["left"]) == ("active", detail, queued, 0):
                return shown
            time.sleep(0.1)
        return self.fail("it never came to be %s with %d entries: %s" % (detail, queued, shown))

    def test_all_folders_are_imported_counted_and_one_that_is_broken_makes_it_degraded(self):
        names = ("INBOX", "Gesperrt", "a/b", "Übung")
        for n, name in enumerate(names):
            self.server.append(self.user, name, *[message(10 * n + i) for i in range(5)])
        run = self.source("add", self.connection(folders="*"), "--user", self.user,
                          "--password-file", self.password_file)
        self.assertIn("take 4 of 5 folders with 20 messages", run.out)
        config = self.write("mailchute.conf", "listen = 127.0.0.1:0\nretry-first = 20ms\n")
        daemon = subprocess.Popen([PROGRAM, "serve", "--queue", self.queue, "--config", config],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)
        self.assertEqual(self.comes_to("idle", 20)["last_message"], "OK; 20 items.")
        path = self.server.path("mail", self.user, "box", "mailboxes", "Gesperrt", "dbox-Mails")
        os.chmod(path, 0)
        self.addCleanup(os.chmod, path, 0o700)
        self.server.append(self.user, "a/b", message(100))
        self.source("sync")
        self.assertIn("'Gesperrt'", self.comes_to("degraded", 21)["status_message"])
        self.server.append(self.user, "INBOX", message(101))   # the others go on, and at once
        self.comes_to("degraded", 22)
        os.chmod(path, 0o700)
        self.source("sync")
        self.assertIsNone(self.comes_to("idle", 22)["status_message"])


    def test_a_folder_that_another_pickup_has_makes_it_degraded_until_it_is_free_again(self):
        self.server.append(self.user, "INBOX", message(0))
        self.picked_up(after="Leave")
        claims = os.path.join(self.queue[len("sqlite:"):], "claims")
        claim, = os.listdir(claims)   # of INBOX
        self.server.append(self.user, "a/b", message(1))
        self.source("add", self.connection(folders="*"), "--user", self.user,
                    "--password-file", self.password_file)
        config = self.write("mailchute.conf", "listen = 127.0.0.1:0\nretry-first = 20ms\n")
        daemon = subprocess.Popen([PROGRAM, "serve", "--queue", self.queue, "--config", config],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(daemon.stderr.close)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)
        self.comes_to("idle", 1)
        with open(os.path.join(claims, claim), "rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            self.server.append(self.user, "INBOX", message(2))   # told by IDLE
            self.assertTrue(any("another pick-up of 'INBOX'" in line for line in daemon.stderr))
            self.server.append(self.user, "a/b", message(3))
            self.source("sync")
            self.assertIn("another pick-up of 'INBOX'", self.comes_to("degraded", 2)["status_message"])
        self.source("sync")
        self.assertIsNone(self.comes_to("idle", 3)["status_message"])


class Many(ArchiveCase):
    """As many folders as MAILCHUTE_FOLDERS says, made in the file system: CREATE takes the longer the more
    there are."""

    server_options = {"rawlog": True, "mail_format": "maildir"}

    def make(self, name, content):
        folder = os.path.join(self.server.path("mail", self.user, "box"), "." + name.replace("/", "."))
        for part in ("", "cur", "new", "tmp"):
            os.mkdir(os.path.join(folder, part))
        if content is not None:
            with open(os.path.join(folder, "new", "1.a.b"), "wb") as out:
                out.write(content)
        owner = dovecot.server_account()
        for root, _, files in os.walk(folder):
            for path in (root, *(os.path.join(root, file) for file in files)):
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def run_over(self, folders):
        """(entries, seconds, EXAMINEs) of a pick-up of all folders."""
        said, start = len(self.server.raw_input(self.user)), time.monotonic()
        came = self.subjects()
        took = time.monotonic() - start
        sent = self.server.raw_input(self.user)[said:]
        self.assertLessEqual(len([line for line in sent if b" LIST " in line]), 4)
        self.assertEqual([line for line in sent if b" STATUS " in line and b" LIST " not in line], [])
        return len(came), took, len([line for line in sent if b" EXAMINE " in line])

    def test_all_of_many_folders_are_archived_and_those_without_mail_cost_no_command(self):
        count = int(os.environ.get("MAILCHUTE_FOLDERS", "60"))
        self.server.append(self.user, "INBOX")   # the account is there
        for n in range(count):
            self.make("many/%02d/%05d" % (n % 100, n), message(n) if n % 2 == 0 else None)
        full = (count + 1) // 2
        first, first_s, _ = self.run_over(count)
        again, again_s, examined = self.run_over(count)
        self.assertEqual((first, again), (full, 0))
        self.assertLessEqual(examined, full + 2)   # and the home, before and behind the others
        print("# %d folders, %d of them with mail: %.1f s, a second run %.1f s with %d EXAMINE"
              % (count, full, first_s, again_s, examined), flush=True)


class DotServer(ArchiveCase):
    """Without any extension, with a dot between levels and a prefix."""

    server_options = {"separator": ".", "prefix": "INBOX.", "kind": "bare"}

    def test_names_and_usual_special_folders_are_right(self):
        for n, name in enumerate(("Übung/Größe", "Entwürfe", "Junk", "Projekte/Trash")):
            self.server.append(self.user, name, message(n))
        before = self.server.snapshot(self.user)
        self.assertEqual(self.subjects(), [("INBOX/Projekte/Trash", "n3"), ("INBOX/Übung/Größe", "n0")])
        self.assertEqual(self.subjects(folders="Junk"), [("INBOX/Junk", "n2")])
        self.assertEqual(self.server.snapshot(self.user), before)
        self.agrees("--strict", "--deep")


if __name__ == "__main__":
    tap.main()
