#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mail becomes entries: each message one, whole, oldest first, over every kind of connection."""
import contextlib
import fcntl
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import termios
import threading
import time

import dovecot
import fault_proxy
import mailgen
import system_support
from system_support import BAD_MAIL, MAIL, OK, mail, sha256
import tap

MANY = 1000
BUSY = 75


def found(entry):
    """What mailgen promises about a message, as the entry tells it."""
    return (entry["subject"], [(a["filename"], a["sha256"]) for a in entry["attachments"]])


class AThousandMessages(system_support.Case):
    """One mailbox, picked up once; each test looks at another side of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mails = list(mailgen.generate(MANY))
        cls.server.append("thousand", "INBOX", *[m.raw for m in cls.mails])
        one = cls("setUp")   # any method: it is not run as a test
        one.setUp()
        one.user = "thousand"
        cls.first, cls.second, cls.queue_after = one.pickup(), one.pickup(), one.queued()
        one.doCleanups()

    def test_a_thousand_messages_become_a_thousand_entries(self):
        self.assertEqual(self.first.code, OK, self.first)
        self.assertEqual(len(self.first.entries), MANY)
        self.assertEqual(len({e["id"] for e in self.first.entries}), MANY)
        self.assertEqual({e["id"] for e in self.queue_after},
                         {e["id"] for e in self.first.entries})

    def test_the_mailbox_is_empty_and_the_archive_holds_them_all_byte_for_byte(self):
        self.assertEqual(self.server.count("thousand", "INBOX"), 0)
        archive = [sha256(raw) for _, _, raw in self.server.messages("thousand", "DROPBOX")]
        self.assertEqual(sorted(archive), sorted(m.sha256 for m in self.mails))

    def test_a_second_run_finds_nothing(self):
        self.assertEqual((self.second.code, self.second.out), (OK, ""), self.second)

    def test_the_order_is_oldest_first(self):
        self.assertEqual([e["origin"]["uid"] for e in self.first.entries],
                         list(range(1, MANY + 1)))

    def test_each_entry_keeps_its_message_byte_for_byte(self):
        self.assertEqual([(e["raw"]["size"], e["raw"]["sha256"]) for e in self.first.entries],
                         [(len(m.raw), m.sha256) for m in self.mails])

    def test_subjects_and_attachments_of_every_kind_of_message_are_right(self):
        for entry, made in zip(self.first.entries, self.mails):
            self.assertEqual(found(entry), (made.subject, made.attachments), made.kind)

    def test_no_flag_is_set_on_the_way(self):
        self.assertEqual(set(self.server.flags("thousand", "DROPBOX").values()), {()})

    def test_one_line_at_the_end_tells_how_many(self):
        self.assertEqual(len(self.first.err.splitlines()), 1, self.first)
        self.assertIn("{:,} picked up".format(MANY), self.first.err)


class Entries(system_support.Case):

    KEYS = ("id class queue source state error attempts created origin sender recipient cc bcc "
            "addresses subject date_sent date_received message_id in_reply_to references "
            "message_body html attachments raw flags problems").split()

    def test_an_entry_has_the_agreed_keys_in_the_agreed_order(self):
        self.server.append(self.user, "INBOX", MAIL, date='"02-Mar-2026 10:00:00 +0100"')
        entry, = self.picked_up()
        self.assertEqual(list(entry), self.KEYS)
        self.assertEqual(list(entry["origin"]),
                         "loader account mailbox uidvalidity uid key".split())
        self.assertEqual((entry["class"], entry["state"], entry["error"]), ("Mail", "new", None))
        self.assertEqual((entry["subject"], entry["message_body"].strip()),
                         ("hello", "A message."))
        self.assertEqual(entry["date_sent"], "2026-03-02T09:00:00+01:00")
        self.assertTrue(entry["date_received"].startswith("2026-03-02T"), entry)

    def test_the_queue_shows_what_the_pick_up_told(self):
        self.server.append(self.user, "INBOX", MAIL)
        entry, = self.picked_up()
        run = self.command("queue", "show", entry["id"], "--json", "--queue", self.queue)
        self.assertEqual(run.code, OK, run)
        shown, = run.entries
        self.assertEqual(shown, entry)

    def test_a_message_and_its_attachments_can_be_saved_as_they_came(self):
        made = next(m for m in mailgen.generate(40) if m.kind == "many_attachments")
        self.server.append(self.user, "INBOX", made.raw)
        entry, = self.picked_up()
        folder = os.path.join(self.folder, "saved")
        run = self.command("queue", "save", entry["id"], folder, "--queue", self.queue)
        self.assertEqual(run.code, OK, run)
        digests = set()
        for top, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(top, name), "rb") as saved:
                    digests.add(sha256(saved.read()))
        self.assertLessEqual({made.sha256} | {digest for _, digest in made.attachments}, digests)

    def test_mail_without_subject_from_or_to_is_an_entry(self):
        self.server.append(self.user, "INBOX", b"X-Nothing: here\r\n\r\nbody\r\n")
        entry, = self.picked_up()
        self.assertEqual((entry["subject"], entry["sender"], entry["recipient"]),
                         (None, None, None))
        self.check_folders(INBOX=0, DROPBOX=1)

    def test_mail_with_nothing_in_it_is_an_entry(self):
        self.server.append(self.user, "INBOX", b"\r\n", b"Subject: only a header\r\n\r\n", b"x")
        entries = self.picked_up()
        self.assertEqual([e["raw"]["size"] for e in entries], [2, 26, 1])
        self.check_folders(INBOX=0, DROPBOX=3)

    def test_an_empty_mailbox_is_no_error(self):
        self.assertEqual(self.picked_up(), [])

    def test_the_html_version_becomes_the_last_attachment_when_asked_for(self):
        made = next(m for m in mailgen.generate(40) if m.kind == "alternative")
        self.server.append(self.user, "INBOX", made.raw, made.raw)
        without, = self.picked_up("--limit", "1")
        with_html, = self.picked_up(attachHtml="True")
        self.assertEqual(without["attachments"], [])
        self.assertEqual([a["filename"] for a in with_html["attachments"]], ["original.html"])

    def test_a_message_of_forty_megabytes_is_picked_up_whole(self):
        raw = mailgen.large(40_000_000)
        self.server.append(self.user, "INBOX", MAIL, raw, MAIL)
        entries = self.picked_up()
        self.assertEqual([e["raw"]["sha256"] for e in entries],
                         [sha256(MAIL), sha256(raw), sha256(MAIL)])
        self.check_folders(INBOX=0, DROPBOX=3)

    def test_a_message_above_the_limit_goes_to_badmail_without_being_downloaded(self):
        self.server.append(self.user, "INBOX", MAIL, mailgen.large(3_000_000), MAIL)
        run = self.pickup(maxSize="1MB")
        self.assertEqual(run.code, BAD_MAIL, run)
        self.check_folders(INBOX=0, DROPBOX=2, BADMAIL=1)
        bad, = [e for e in self.queued() if e["state"] == "bad"]
        self.assertIn("size", (bad["error"] or "").lower(), bad)
        # Everything that left the server for this user, the test's own sessions included.
        self.assertLess(self.server.traffic(self.user)["out"], 100_000)


class Connections(system_support.Case):

    def test_mail_comes_over_implicit_tls_with_a_verified_certificate(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.assertEqual(len(self.picked_up()), 1)

    def test_mail_comes_over_starttls_with_a_verified_certificate(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.assertEqual(len(self.picked_up(port=self.server.port, ssl="False",
                                            starttls="Required")), 1)

    def test_starttls_is_used_where_the_server_offers_it(self):
        self.server.append(self.user, "INBOX", MAIL)
        before = self.server.log().count(", TLS, session")
        self.assertEqual(len(self.picked_up(port=self.server.port, ssl="False")), 1)
        self.server.traffic(self.user)
        self.assertEqual(self.server.log().count(", TLS, session"), before + 1)

    def test_mail_comes_over_a_plain_connection_when_told_so(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.assertEqual(len(self.picked_up(port=self.server.port, ssl="False",
                                            starttls="Never", caFile=None)), 1)

    def test_a_url_with_scheme_and_port_says_it_all(self):
        self.server.append(self.user, "INBOX", MAIL)
        url = "imaps://localhost:%d" % self.server.tls_port
        self.assertEqual(len(self.picked_up(url=url, port=None, ssl=None)), 1)

    def test_a_server_without_tls_on_loopback_is_accepted(self):
        with dovecot.Dovecot(ssl="no") as server:
            server.append(self.user, "INBOX", MAIL)
            self.assertEqual(len(self.picked_up(port=server.port, ssl="False", caFile=None)), 1)

    def test_an_unknown_certificate_is_accepted_only_when_told_so_and_with_a_warning(self):
        with dovecot.Dovecot(certificate="self-signed") as server:
            server.append(self.user, "INBOX", MAIL)
            run = self.pickup(port=server.tls_port, caFile=None, allowInsecureCert="True")
            self.assertEqual((run.code, len(run.entries)), (OK, 1), run)
            self.assertIn("allowInsecureCert", run.err)


class WhileItRuns(system_support.Case):

    def test_mail_that_arrives_during_the_run_is_picked_up_or_left_and_never_flagged(self):
        early = [mail("early %d" % n) for n in range(300)]
        late = [mail("late %d" % n) for n in range(60)]
        self.server.append(self.user, "INBOX", *early)
        feeder = threading.Thread(target=self.server.append, args=(self.user, "INBOX", *late))
        feeder.start()
        first = self.picked_up()
        feeder.join()
        left = self.server.messages(self.user)
        self.assertEqual({flags for _, flags, _ in left}, {()} if left else set())
        self.assertEqual(len(first) + len(left), 360)
        second = self.picked_up()
        self.assertEqual([e["raw"]["sha256"] for e in first + second],
                         [sha256(m) for m in early + late])
        self.check_folders(INBOX=0, DROPBOX=360)

    def test_killed_at_any_moment_the_next_run_loses_and_doubles_nothing(self):
        mails = [mail("message %d" % n) for n in range(400)]
        self.server.append(self.user, "INBOX", *mails)
        for pause in (0.15, 0.4):   # behind a third kill one may be set aside
            process = subprocess.Popen([system_support.PROGRAM, *self.pickup_args()],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            time.sleep(pause)
            process.kill()
            process.wait()
        self.server.traffic(self.user)   # the server has seen the end of every session
        self.picked_up()
        self.assertEqual(sorted(e["raw"]["sha256"] for e in self.queued()),
                         sorted(sha256(m) for m in mails))
        self.assertEqual(sorted(sha256(raw) for _, _, raw in
                                self.server.messages(self.user, "DROPBOX")),
                         sorted(sha256(m) for m in mails))
        self.check_folders(INBOX=0)

    def test_with_watch_new_mail_is_picked_up_until_told_to_stop(self):
        self.server.append(self.user, "INBOX", mail("first"))
        process = subprocess.Popen([system_support.PROGRAM, *self.pickup_args(None, "--watch")],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        watchdog = threading.Timer(system_support.SECONDS, process.kill)   # ends what would hang
        watchdog.start()
        try:
            self.assertIn('"first"', process.stdout.readline())
            self.server.append(self.user, "INBOX", mail("second"))
            self.assertIn('"second"', process.stdout.readline())
            process.send_signal(signal.SIGTERM)
            process.communicate()
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
        self.assertEqual(process.returncode, OK)
        self.check_folders(INBOX=0, DROPBOX=2)

    def test_with_watch_a_lost_connection_is_made_again(self):
        self.server.append(self.user, "INBOX", mail("first"))
        with fault_proxy.FaultProxy(self.server.tls_port) as proxy:
            process = subprocess.Popen(
                [system_support.PROGRAM,
                 *self.pickup_args(self.connection(port=proxy.port), "--watch")],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            watchdog = threading.Timer(system_support.SECONDS, process.kill)
            watchdog.start()
            try:
                for subject in ("first", "second", "third"):
                    self.assertIn('"%s"' % subject, process.stdout.readline())
                    proxy.drop()
                    self.server.append(self.user, "INBOX",
                                       mail({"first": "second"}.get(subject, "third")))
                process.send_signal(signal.SIGTERM)
                _, err = process.communicate()
            finally:
                watchdog.cancel()
                process.kill()
                process.wait()
        self.assertEqual(process.returncode, OK, err)
        self.assertIn("trying again in", err)

    def stopped(self, process):
        """The exit code of @process, which one signal has to end."""
        watchdog = threading.Timer(system_support.SECONDS, process.kill)
        watchdog.start()
        process.send_signal(signal.SIGINT)
        try:
            process.wait()
        finally:
            watchdog.cancel()
        return process.returncode

    @staticmethod
    def unread(pipe):
        """How many bytes there are in it."""
        count = bytearray(4)
        fcntl.ioctl(pipe, termios.FIONREAD, count)
        return int.from_bytes(count, sys.byteorder)

    def test_a_stop_is_heeded_while_nobody_reads_standard_output(self):
        self.server.append(self.user, "INBOX", *[mail("m%d" % n, b"x" * 2000) for n in range(99)])
        process = subprocess.Popen([system_support.PROGRAM, *self.pickup_args()],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)   # a line or two, of 99
        unread, before = self.unread(process.stdout), 0
        while unread == 0 or unread != before:
            time.sleep(0.5)
            unread, before = self.unread(process.stdout), unread
        self.assertNotIn(self.stopped(process), (None, -signal.SIGKILL))
        process.communicate()
        self.picked_up()
        self.assertEqual(len(self.queued()), 99)
        self.check_folders(INBOX=0, DROPBOX=99)

    def test_a_stop_is_heeded_while_another_process_writes_to_the_queue(self):
        self.picked_up()   # makes it
        self.server.append(self.user, "INBOX", mail("a"))
        path = os.path.join(self.folder, "queue", "queue.db")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            process = subprocess.Popen([system_support.PROGRAM, *self.pickup_args()],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE)
            time.sleep(1)
            self.assertNotIn(self.stopped(process), (None, -signal.SIGKILL))
            process.communicate()
        self.picked_up()
        self.check_folders(INBOX=0, DROPBOX=1)

    @contextlib.contextmanager
    def watching(self, connection=None):
        process = subprocess.Popen(
            [system_support.PROGRAM, *self.pickup_args(connection, "--watch")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        watchdog = threading.Timer(system_support.SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()
            process.communicate()

    def test_a_second_pickup_is_told_to_wait_however_long_the_first_one_stands_still(self):
        self.server.append(self.user, "INBOX", mail("first"))
        with self.watching() as process:
            self.assertIn('"first"', process.stdout.readline())
            process.send_signal(signal.SIGSTOP)   # as a host that is suspended
            self.server.append(self.user, "INBOX", mail("second"))
            run = self.pickup()
            self.assertEqual((run.code, run.out), (BUSY, ""), run)
            self.assertIn("another pick-up", run.err)
            process.send_signal(signal.SIGCONT)
            self.assertIn('"second"', process.stdout.readline())
            process.send_signal(signal.SIGSTOP)
            self.server.append(self.user, "INBOX", mail("third"))
            process.kill()   # nobody has the mailbox any more
            process.wait()
            self.assertEqual([e["subject"] for e in self.picked_up()], ["third"])
        self.assertEqual(sorted(e["subject"] for e in self.queued()), ["first", "second", "third"])
        self.check_folders(INBOX=0, DROPBOX=3)

    def test_a_queue_that_is_moved_or_replaced_under_a_watching_run_ends_it_and_moves_no_mail(self):
        for lose in system_support.LOSSES:
            with self.subTest(lose=lose.__name__):
                self.setUp()
                self.server.append(self.user, "INBOX", mail("first"))
                with self.watching() as process:
                    self.assertIn('"first"', process.stdout.readline())
                    self.comes_to_folders(INBOX=0, DROPBOX=1)
                    lose(self.queue[len("sqlite:"):])
                    self.server.append(self.user, "INBOX", mail("second"))
                    self.assertEqual(process.stdout.readline(), "")
                    self.assertEqual(process.wait(system_support.SECONDS), system_support.OF_STORE)
                    self.assertIn("stop mailchute before", process.stderr.read())
                self.check_folders(INBOX=1, DROPBOX=1)
                self.assertIn("second", [e["subject"] for e in self.picked_up()])
                self.check_folders(INBOX=0, DROPBOX=2)

    def comes_to_folders(self, **counts):
        """What was told of is moved a moment later."""
        end = time.monotonic() + system_support.SECONDS
        while True:
            try:
                return self.check_folders(**counts)
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def test_a_stop_is_heeded_in_the_pause_before_the_next_try(self):
        """This server asks for an hour: who does not listen meanwhile is ended by the watchdog."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            string = "url=127.0.0.1;port=%d;starttls=Never" % port
            with self.watching(string) as process:
                with listener.accept()[0] as link:
                    link.sendall(b"* BYE busy. Suggested Backoff Time: 3600000 milliseconds\r\n")
                said = re.search(r"trying again in (\d+) s", process.stderr.readline())
                self.assertGreaterEqual(int(said.group(1)), 3600)   # never sooner than it asked
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(), OK)

    def test_the_password_is_in_no_output_no_file_and_no_command_line(self):
        self.server.append(self.user, "INBOX", *[MAIL] * 200)
        process = subprocess.Popen([system_support.PROGRAM, *self.pickup_args()],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        seen = b""
        for name in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (process.pid, name), "rb") as file:
                seen += file.read()
        seen += process.communicate()[0]
        self.assertEqual(process.returncode, OK)
        os.unlink(self.password_file)
        for top, _, names in os.walk(self.folder):
            for name in names:
                with open(os.path.join(top, name), "rb") as file:
                    seen += file.read()
        self.assertIn(sha256(MAIL).encode(), seen)
        for part in filter(None, self.server.password.split('"')):   # however it is quoted
            self.assertFalse(part.encode() in seen, "a part of the password can be seen")


if __name__ == "__main__":
    tap.main()
