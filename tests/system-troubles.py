#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What happens to mailboxes and their servers while mailchute serve runs: each time the status tells
it, the source is well again by itself once the cause is gone, and the sources beside it notice
nothing. And what a kill -9 costs an import.

    system-troubles.py                       all, in small
    MAILCHUTE_KILLS=20000x10 system-troubles.py killed     an import of 20,000, killed ten times
"""
import contextlib
import math
import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import threading

import dovecot
import fault_proxy
from serve_support import CANARY, SETTINGS, Daemon, Namespace, ServeCase
import system_support
from system_support import MAIL, OK, mail
import tap

WITNESS = "witness"
HELD_BY_SERVERS = "1h"   # as the timeout of a source: whoever waits for it would wait for ever
WINDOWS, COMMIT = 16, 128   # of bodies on their way, and messages of a commit, when it is killed


class TroubleCase(ServeCase):
    """Source "office" is in trouble; "witness", of another user, is to notice nothing."""

    def setUp(self):
        super().setUp()
        self.other = self.user + "w"

    def private_server(self, **options):
        server = dovecot.Dovecot(password=CANARY, **options).start()
        self.addCleanup(server.stop)
        return server

    def at(self, server):
        """Keys of a connection string."""
        return {"port": server.tls_port, "caFile": server.ca_file, "timeout": "2s", "poll": "1s"}

    def through(self, port=None):
        """A proxy before the server, for the length of the test."""
        proxy = fault_proxy.FaultProxy(port or self.server.tls_port)
        self.enterContext(proxy)
        return proxy

    def enterContext(self, manager):   # of unittest, from Python 3.11 on
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def serve(self, settings=SETTINGS):
        """A daemon, with both sources idle."""
        self.add(WITNESS, user=self.other)
        daemon = Daemon(self, settings)
        self.comes_to(daemon, "active", "idle")
        self.comes_to(daemon, "active", "idle", WITNESS)
        self.witnessed = self.server.logins(self.other)
        return daemon

    def deliver(self, server=None, subject="new"):
        (server or self.server).append(self.user, "INBOX", mail(subject))

    def tells(self, daemon, *words):
        """status_message comes to hold these."""
        def there():
            message = (self.shown()["status_message"] or "").lower()
            return all(word in message for word in words)
        self.wait(there, "it tells %s" % (words,), daemon)

    def is_well(self, daemon, queued, server=None):
        """It mended by itself: idle, and new mail comes through; the witness was never disturbed."""
        self.comes_to(daemon, "active", "idle")
        self.deliver(server, "after it")
        self.has_queued(daemon, queued)
        self.assertEqual(self.server.logins(self.other), self.witnessed)
        self.server.append(self.other, "INBOX", MAIL)
        self.has_queued(daemon, 1, WITNESS)
        shown = self.shown(WITNESS)
        self.assertEqual((shown["status"], shown["status_message"]), ("active", None))
        self.assertFalse(any(WITNESS in line for line in daemon.log
                             if "level=warn" in line or "level=error" in line), daemon.log)


class Servers(TroubleCase):

    def test_one_that_is_stopped_and_started_is_found_again(self):
        server = self.private_server()
        self.deliver(server)
        self.add(**self.at(server))
        daemon = self.serve()
        server.halt()
        self.comes_to(daemon, "active", "degraded")
        self.tells(daemon, "localhost")
        self.assertTrue(self.shown()["last_message"].startswith("Error: "))
        server.go_on()
        self.is_well(daemon, 2, server)

    def test_a_black_hole_is_noticed_and_the_last_contact_stays_the_proven_one(self):
        proxy = self.through()
        self.add(**dict(self.at(self.server), port=proxy.port))
        daemon = self.serve()
        proxy.swallow = True
        self.comes_to(daemon, "active", "degraded")
        contact = self.shown()["last_contact"]
        self.assertEqual(daemon.get("/healthz?source=office")[0], 503)
        metrics = daemon.get("/metrics")[1]
        for name, value in (("office", 1), (WITNESS, 0)):
            self.assertIn('mailchute_source_degraded{source="%s"} %d\n' % (name, value), metrics)
        self.wait(lambda: daemon.said("within 2 s"), "it tries to come back", daemon)
        self.assertEqual(self.shown()["last_contact"], contact)
        proxy.swallow = False
        self.is_well(daemon, 1)
        self.assertGreaterEqual(self.shown()["last_contact"], contact)

    def test_a_black_hole_is_told_of_those_too_that_wait_for_their_turn_behind_another(self):
        """No server gets all workers: one of its sources has the only one, the other waits for it."""
        proxy = self.through()
        self.add(**dict(self.at(self.server), port=proxy.port, timeout=HELD_BY_SERVERS))
        with contextlib.closing(sqlite3.connect(self.database())) as database, database:
            database.execute("UPDATE source SET interval_s = 1")
        self.clone(1)
        daemon = Daemon(self, SETTINGS + "workers = 1\nsilence = 1s\n", MAILCHUTE_TEST_PASSWORD=CANARY)
        for name in ("office", "many-000"):
            self.comes_to(daemon, "active", "idle", name)
        proxy.swallow = True
        self.wait(lambda: "idle" not in {self.shown(name)["detail"] for name in ("office", "many-000")},
                  "neither is taken for idle", daemon)

    def test_a_slow_one_is_waited_for_as_long_as_it_goes_on(self):
        for number in range(8):
            self.server.append(self.user, "INBOX", mail("slow %d" % number, b"A line.\r\n" * 100))
        proxy = self.through()
        self.add(**dict(self.at(self.server), port=proxy.port))
        proxy.pause = 0.05
        daemon = Daemon(self)
        self.wait(lambda: self.shown()["status"] == "importing", "it is importing", daemon)
        self.has_queued(daemon, 8)
        self.comes_to(daemon, "active", "idle")
        self.assertFalse(any("level=warn" in line for line in daemon.log), daemon.log)

    def test_what_is_left_is_told_in_the_midst_of_a_turn_and_while_the_server_is_away(self):
        server = self.private_server()
        for number in range(8):
            server.append(self.user, "INBOX", mail("%d" % number, b"A line of it.\r\n" * 3000))
        proxy = self.through(server.tls_port)
        self.add(**dict(self.at(server), port=proxy.port))
        proxy.pause = 0.1   # a kilobyte each: a message takes seconds
        daemon = Daemon(self)
        eight = {"found": 8, "queued": 0, "bad": 0, "left": 8}
        self.wait(lambda: self.shown()["counts"] == eight, "eight are found", daemon)
        self.assertEqual(self.shown()["status"], "importing")
        server.halt()
        proxy.drop()
        self.comes_to(daemon, "importing", "degraded")
        failures = 'mailchute_source_failures_total{source="office"} '
        self.wait(lambda: int(daemon.get("/metrics")[1].split(failures)[1].split("\n")[0]) > 2,
                  "it tried again in vain", daemon)
        self.assertEqual(self.shown()["counts"], eight)
        proxy.pause = 0
        server.go_on()
        self.has_queued(daemon, 8)
        self.comes_to(daemon, "active", "idle")
        self.assertEqual(self.shown()["counts"], dict(eight, queued=8, left=0))

    def test_one_that_asks_for_a_pause_gets_it(self):
        proxy = self.through(self.server.port)
        plain = {"ssl": "False", "starttls": "Never", "caFile": None}
        self.add(**dict(self.at(self.server), port=proxy.port, **plain))
        daemon = self.serve()
        proxy.refusal = (b"* BYE [UNAVAILABLE] Request is throttled. Suggested Backoff Time: 1000 "
                         b"milliseconds")
        proxy.drop()
        self.comes_to(daemon, "active", "throttled")
        self.tells(daemon, "throttled")
        self.wait(lambda: re.search(r"active, throttled until \d\d:\d\d\t", self.source("list").out),
                  "it is told until when", daemon)
        proxy.refusal = None
        self.is_well(daemon, 1)

    def test_a_certificate_that_changes_is_an_error_with_advice_until_it_is_good(self):
        server = self.private_server()
        self.add(**self.at(server))
        daemon = self.serve()
        for certificate, why in (("self-signed", "not trusted"), ("wrong-name", "not trusted")):
            server.halt()
            server.set_certificate(certificate)
            server.go_on()
            self.wait(lambda: self.shown()["status"] == "error", "it is an error", daemon)
            self.tells(daemon, why, "cafile", "pinnedkey")
        server.halt()
        server.set_certificate("good")
        server.go_on()
        self.is_well(daemon, 1, server)


class Pauses(TroubleCase):

    def test_one_in_the_midst_of_a_long_message_acts_at_once_and_survives_a_restart(self):
        self.server.append(self.user, "INBOX", mail("long", b"A line of it.\r\n" * 70000))
        proxy = self.through()
        self.add(port=proxy.port)
        daemon = Daemon(self)
        proxy.pause = 0.2   # a kilobyte each: all of it would take minutes
        self.wait(lambda: self.shown()["counts"]["found"] == 1, "it is found", daemon)
        self.assertEqual(self.shown()["status"], "importing")
        self.source("pause", "office")
        self.wait(lambda: not self.connections(daemon, proxy), "the connection is closed", daemon)
        self.assertEqual(self.shown()["status"], "paused")
        daemon.end(signal.SIGKILL)
        proxy.pause = 0
        daemon = Daemon(self)
        self.add(WITNESS, user=self.other)
        self.comes_to(daemon, "active", "idle", WITNESS)
        self.assertEqual(self.shown()["status"], "paused")
        self.assertEqual((self.server.count(self.user), self.queued()), (1, []))
        self.source("resume", "office")
        self.has_queued(daemon, 1)
        self.comes_to(daemon, "active", "idle")

    @staticmethod
    def connections(daemon, proxy):
        """The daemon's sockets that are connected to the proxy."""
        inodes = set()
        folder = "/proc/%d/fd" % daemon.process.pid
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                inodes.add(os.readlink(os.path.join(folder, name)))
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table][1:]
        return [row for row in rows if row[2].endswith(":%04X" % proxy.port) and row[3] == "01"
                and "socket:[%s]" % row[9] in inodes]


class Passwords(TroubleCase):

    def test_one_that_is_refused_is_tried_three_times_then_slowly_and_works_when_it_is_back(self):
        server = self.private_server()
        self.add(**self.at(server))
        daemon = self.serve(SETTINGS.replace("retry-refused = 300ms", "retry-refused = 1h"))
        server.set_password("another one")
        self.source("sync", "office")
        self.wait(lambda: self.shown()["status"] == "error", "it is an error", daemon)
        self.tells(daemon, "refused", "app password")
        refused = server.log().count("auth failed")
        self.assertGreater(refused, 0)
        self.assertEqual(sum("refused" in line for line in daemon.log if "level=error" in line), 1)
        for word in (CANARY, "another one"):
            self.assertNotIn(word, "\n".join(daemon.log) + self.all_shown())
        server.set_password(CANARY)   # an hour would pass until it is tried again: somebody acts
        self.source("edit", "office", "--password-file", self.password_file)
        self.is_well(daemon, 1, server)

    def test_one_that_the_server_accepts_again_needs_nobody(self):
        server = self.private_server()
        self.add(**self.at(server))
        daemon = self.serve()
        server.set_password("another one")
        self.source("sync", "office")
        self.wait(lambda: self.shown()["status"] == "error", "it is an error", daemon)
        server.set_password(CANARY)
        self.is_well(daemon, 1, server)


class Mailboxes(TroubleCase):

    def test_one_that_is_deleted_and_made_again_is_an_error_meanwhile(self):
        self.server.append(self.user, "Work", mail("first"))
        self.add(mailbox="Work", poll="1s")
        daemon = self.serve()
        with self.server.client(self.user) as imap:
            imap.delete("Work")
        self.wait(lambda: self.shown()["status"] == "error", "it is an error", daemon)
        self.tells(daemon, "work")
        self.server.append(self.user, "Work", mail("second"))
        self.has_queued(daemon, 2)
        self.comes_to(daemon, "active", "idle")

    def test_an_archive_that_takes_no_more_is_told_and_no_mail_is_queued_twice(self):
        server = self.private_server(kind="uidplus", more=QUOTA)
        for number in range(3):
            server.append(self.user, "INBOX", mail("%d" % number, b"x" * 100 + b"\r\n"))
        self.add(**self.at(server))
        daemon = Daemon(self)
        self.has_queued(daemon, 3)
        self.tells(daemon, "quota")
        self.assertNotEqual(self.shown()["detail"], "idle")
        self.assertEqual(server.count(self.user, "DROPBOX"), 0)
        server.more = ""
        server._write_config()
        server.doveadm("reload")
        self.comes_to(daemon, "active", "idle")
        self.wait(lambda: server.count(self.user, "DROPBOX") == 3, "they are archived", daemon)
        self.assertEqual(len(self.queued()), 3)

    def full_disk(self):
        """A file system for the queue alone; (a function that gives it a size, one that fills it)."""
        folder = self.queue[len("sqlite:"):]
        os.mkdir(folder)
        disk = Namespace(self, 'mount -t tmpfs -o size=2g,mode=700 tmpfs "$1"', folder)
        self.prefix = disk.prefix

        def resize(size):
            disk.run("rm", "-f", folder + "/filler")
            disk.run("mount", "-o", "remount,size=%s" % size, folder)

        def fill():
            disk.run("sh", "-c", 'cat /dev/zero > "$1/filler" 2> /dev/null || true', "sh", folder)
        return resize, fill

    def test_a_disk_that_another_fills_stops_the_pick_up_and_it_goes_on_when_there_is_room(self):
        resize, _ = self.full_disk()
        self.add(poll="1s")
        daemon = self.serve()
        resize("300m")   # some is left, less than is kept in reserve
        self.deliver()
        self.wait(lambda: daemon.get("/healthz?source=office")[0] == 503, "it is told", daemon)
        self.tells(daemon, "in reserve", "free some")
        self.assertEqual(self.server.count(self.user), 1)
        resize("2g")
        self.is_well(daemon, 2)

    def test_a_disk_without_a_free_byte_ends_nothing_and_loses_nothing(self):
        resize, fill = self.full_disk()
        self.add(poll="1s")
        daemon = self.serve()
        resize("4m")
        fill()
        self.deliver()
        self.wait(lambda: daemon.get("/healthz?source=office")[0] == 503, "it is told", daemon)
        self.wait(lambda: daemon.get("/readyz")[0] == 503, "nothing can be written", daemon)
        self.assertIn("mailchute_queue_writable 0", daemon.get("/metrics")[1])
        self.assertEqual(self.server.count(self.user), 1)
        self.assertEqual(daemon.process.poll(), None)
        resize("2g")
        self.is_well(daemon, 2)

    def test_a_disk_that_is_full_is_told_and_nothing_leaves_the_mailbox_meanwhile(self):
        self.add(poll="1s")
        daemon = self.serve()
        pid = daemon.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, before[1]))
        self.server.append(self.user, "INBOX", mail("large", b"A line of it.\r\n" * 40000))
        self.wait(lambda: daemon.get("/healthz?source=office")[0] == 503, "it is told", daemon)
        self.wait(lambda: daemon.said("check its disk"), "it is told what to do", daemon)
        self.assertEqual(self.server.count(self.user), 1)
        self.assertEqual(daemon.process.poll(), None)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        self.is_well(daemon, 2)

    def test_a_held_one_is_released_by_one_command_and_goes_on_in_its_own_work_queue(self):
        def message(number):
            return mail("n%d" % number).replace(b"Subject", b"Message-ID: <n%d@example.org>\r\nSubject"
                                                % number, 1)
        self.server.append(self.user, "INBOX", *map(message, range(5)))
        self.add("office", "--queue-name", "tickets", after="Leave")
        daemon = Daemon(self)
        self.has_queued(daemon, 5)
        self.assertEqual(daemon.end(), 0)
        with contextlib.closing(sqlite3.connect(self.database())) as database, database:
            database.execute("UPDATE ledger SET step = 2")   # stored, and not moved yet
        for uid in (1, 2):
            self.server.store(self.user, "INBOX", uid, "(\\Deleted)")
        self.server.expunge(self.user)
        self.server.set_uidvalidity(self.user, 4711)
        self.server.append(self.user, "INBOX", message(100))
        self.source("edit", "office", self.connection())
        daemon = self.serve_held()
        self.source("resume", "office")       # alone it shows nothing that was not known
        self.wait(lambda: sum("is held" in line for line in list(daemon.log)) == 2, "held again", daemon)
        self.comes_to(daemon, "held")
        self.assertIn("source resume 'office' --accept-new-uids", self.source("show", "office").out)
        self.source("resume", "office", "--accept-new-uids")
        self.comes_to(daemon, "active", "idle")
        self.check_folders(INBOX=0, DROPBOX=4)
        self.assertEqual({(e["queue"], e["source"]) for e in self.queued()}, {("tickets", "office")})
        self.is_well(daemon, 7)

    def test_a_held_folder_of_an_archive_is_released_while_the_others_go_on(self):
        self.deliver()
        self.server.append(self.user, "Work", *[mail("work %d" % number) for number in range(5)])
        self.add("office", folders="*")
        daemon = Daemon(self)
        self.has_queued(daemon, 6)
        self.assertEqual(daemon.end(), 0)
        for uid in (1, 2, 3, 4):
            self.server.store(self.user, "Work", uid, "(\\Deleted)")
        self.server.expunge(self.user, "Work")
        self.server.set_uidvalidity(self.user, 4711, "Work")
        self.server.append(self.user, "Work", mail("new work"))
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "degraded")
        self.tells(daemon, "work", "is held")
        self.deliver()
        self.has_queued(daemon, 7)
        self.source("resume", "office", "--accept-new-uids")
        self.comes_to(daemon, "active", "idle")
        self.has_queued(daemon, 8)

    def serve_held(self):
        self.add(WITNESS, user=self.other)
        daemon = Daemon(self)
        self.comes_to(daemon, "held")
        self.comes_to(daemon, "active", "idle", WITNESS)
        self.witnessed = self.server.logins(self.other)
        return daemon


QUOTA = """
mail_plugins = quota
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:messages=3
}
"""


class Neighbours(TroubleCase):

    def hostile(self, number):
        """A proxy that holds up whoever talks to it, each in its own way."""
        proxy = self.enterContext(fault_proxy.FaultProxy(self.server.port,
                                                         "127.0.0.%d" % (number + 2)))
        proxy.arm((fault_proxy.Fault("stall", "down", 10), fault_proxy.Fault("stall", "down", 900),
                   fault_proxy.Fault("drip", "down", 0), fault_proxy.Fault("stall", "up", 60),
                   fault_proxy.Fault("none"))[number])
        proxy.pause = 1 if number == 2 else 0
        proxy.swallow = number == 4
        return proxy

    def test_five_that_hold_up_their_workers_delay_nobody_else(self):
        workers, good = 4, 20
        self.add("office")
        self.clone(good + 5)
        with contextlib.closing(sqlite3.connect(self.database())) as database, database:
            for number in range(5):   # source add would try each first, and wait as long
                user = "%s-%d" % (self.user, good + number)
                for each in range(20):
                    self.server.append(user, "INBOX", mail("%d" % each, b"A line.\r\n" * 400))
                proxy = self.hostile(number)
                where = self.connection(url="127.0.0.%d" % (number + 2), port=proxy.port,
                                        ssl="False", starttls="Never", caFile=None,
                                        timeout=HELD_BY_SERVERS)
                database.execute("UPDATE source SET connection = ?, name = ? WHERE name = ?",
                                 (where, "a-bad-%d" % number, "many-%03d" % (good + number)))
        daemon = Daemon(self, SETTINGS + "workers = %d\n" % workers,
                        MAILCHUTE_TEST_PASSWORD=CANARY)
        self.wait(lambda: self.all_shown().count('"status":"active","detail":"idle"') >= good + 1,
                  "the good ones are idle", daemon)
        for number in range(good):
            self.server.append("%s-%d" % (self.user, number), "INBOX", MAIL)
        self.wait(lambda: sum(e["source"].startswith("many-") for e in self.queued()) == good,
                  "their mail is queued", daemon)
        bad = [self.shown("a-bad-%d" % number) for number in range(5)]
        self.assertTrue(all(each["detail"] != "idle" for each in bad), bad)   # held up all the time

    def test_the_log_ins_of_a_server_are_counted_in_whatever_way_it_is_written(self):
        came = []
        silent = self.enterContext(socket.create_server(("127.0.0.2", 0)))

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    came.append(silent.accept()[0])
        threading.Thread(target=accept, daemon=True).start()
        self.addCleanup(lambda: [each.close() for each in came])
        self.add("office")
        self.clone(2)
        with contextlib.closing(sqlite3.connect(self.database())) as database, database:
            for name, url in (("many-000", "127.0.0.2;port=%d"), ("many-001", "imap://127.0.0.2:%d")):
                database.execute("UPDATE source SET connection = ? WHERE name = ?",
                                 ("url=%s;starttls=Never" % url % silent.getsockname()[1], name))
        daemon = Daemon(self, SETTINGS + "logins-per-host = 1\n", MAILCHUTE_TEST_PASSWORD=CANARY)
        self.comes_to(daemon, "active", "idle")   # it was behind both
        self.wait(lambda: came, "one is let in", daemon)
        self.assertEqual(len(came), 1)


class Kills(TroubleCase):
    server_options = {"password": CANARY, "max_connections": 100}

    def test_an_import_that_is_killed_again_and_again_fetches_little_twice(self):
        count, kills = (int(n) for n in os.environ.get("MAILCHUTE_KILLS", "500x3").split("x"))
        with self.server.client(self.user) as imap:
            for number in range(count):
                imap.append("INBOX", None, None, b"Message-ID: <%d@example.org>\r\n" % number +
                            mail("number %d" % number, b"A line.\r\n" * (number % 31)))
        proxy = self.through()
        window = 5 if count < 5000 else 100   # so that more could be fetched twice than may be
        self.add(port=proxy.port, batch=window)
        pause = 0.05 if count < 5000 else 0.01   # so that it is not done before it is killed
        self.wait(lambda: len(self.server.sessions(self.user)) == 2, "the sessions are over")
        for kill in range(kills):
            proxy.pause = pause
            daemon = Daemon(self)
            before = len(self.stored())
            goal = count * (kill + 1) // (kills + 1) - count // (2 * kills)
            self.wait(lambda: len(self.stored()) >= max(goal, before + 1), "it picks up", daemon)
            proxy.pause = 5   # nor while we look
            self.right_counts(count, daemon)
            daemon.end(signal.SIGKILL)
            self.assertLess(len(self.stored()), count)   # in the midst of it
            told = self.shown()["import"]
            self.assertEqual((told["rate"], told["seconds_left"]), (None, None))   # nothing goes on
        proxy.pause = 0
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        shown = self.shown()
        self.assertEqual(shown["counts"], {"found": count, "queued": count, "bad": 0, "left": 0})
        self.assertEqual(len({key for key, in self.stored()}), count)
        self.check_folders(INBOX=0, DROPBOX=count)
        daemon.end()
        run = self.command("audit", self.connection(port=proxy.port), "--user", self.user, "--password-file",
                           self.password_file, "--queue", self.queue)
        self.assertEqual(run.code, OK, run)
        self.wait(lambda: len(self.server.sessions(self.user)) == self.server.logins(self.user),
                  "all sessions are over")
        rows = self.server.sessions(self.user)[2:]
        twice = sum(row["bodies"] for row in rows) - count
        print("# %d of %d bodies were fetched twice in %d kills" % (twice, count, kills),
              flush=True)
        self.assertLessEqual(twice, kills * (WINDOWS * window + COMMIT))

    def stored(self):
        with contextlib.closing(self.open_database()) as database:
            return database.execute("SELECT id FROM entry").fetchall()

    def right_counts(self, count, daemon):
        """While it imports: what is told adds up to what is there."""
        def told():
            shown = self.shown()
            return (shown["counts"]["found"] == count and shown["import"]["rate"]) or \
                shown["status"] != "importing"
        self.wait(told, "all are found", daemon)
        shown = self.shown()
        if shown["status"] != "importing":
            return
        counts, told = shown["counts"], shown["import"]
        self.assertEqual(counts["found"], counts["queued"] + counts["bad"] + counts["left"])
        self.assertGreaterEqual(counts["queued"], 1)
        self.assertIsNotNone(told["started"])
        self.assertIsNone(told["ended"])
        self.assertIn("INBOX", told["cursor"])
        self.assertGreater(told["rate"], 0)
        self.assertEqual(told["seconds_left"], math.ceil(1000 * counts["left"] / round(1000 * told["rate"])))
        self.assertRegex(self.source("show", "office").out, r"(?m)^import +[\d.]+ a second, .* left$")


if __name__ == "__main__":
    tap.main()
