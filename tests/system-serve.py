#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mailchute serve: sources are imported, kept up to date and told of truthfully, whatever happens to
their servers. Nothing here sleeps for a fixed time: each wait ends when what it waits for is there."""
import contextlib
import json
import os
import pty
import re
import resource
import signal
import socket
import sqlite3
import threading
import time
import urllib.error
import urllib.request

import dovecot
import fault_proxy
from serve_support import CANARY, PATIENCE, SETTINGS, Daemon, ServeCase
import system_support
from system_support import MAIL, OK, PROGRAM, mail
import tap


class Serving(ServeCase):

    def test_what_is_there_is_imported_and_what_comes_is_picked_up_by_itself(self):
        for number in range(5):
            self.server.append(self.user, "INBOX", mail("old %d" % number))
        self.add()
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        self.has_queued(daemon, 5)
        self.check_folders(INBOX=0, DROPBOX=5)
        self.server.append(self.user, "INBOX", MAIL)
        self.has_queued(daemon, 6)
        self.wait(lambda: self.shown()["last_message"] == "OK; 1 items.", "one item is told",
                  daemon)
        shown = self.shown()
        self.assertEqual(shown["counts"], {"found": 6, "queued": 6, "bad": 0, "left": 0})
        self.assertIsNotNone(shown["last_contact"])
        self.assertIsNotNone(shown["last_success"])
        self.assertIsNotNone(shown["import"]["ended"])
        self.assertIn("INBOX", shown["import"]["cursor"])
        self.assertEqual({e["source"] for e in self.queued()}, {"office"})
        self.assertEqual(daemon.end(), 0)
        self.assertEqual((self.shown()["status"], self.shown()["detail"]), ("active", None))
        self.assertIn("does not run", self.shown()["status_message"])

    def test_what_a_killed_daemon_told_last_is_not_taken_for_how_it_is(self):
        self.add()
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        daemon.end(signal.SIGKILL)
        self.assertEqual(self.shown()["detail"], None)
        self.assertIn("does not run", self.shown()["status_message"])
        self.assertNotIn("idle", self.source("list").out)

    def test_sources_are_taken_up_changed_and_dropped_while_it_runs(self):
        daemon = Daemon(self)
        self.server.append(self.user, "INBOX", MAIL)
        self.server.append(self.user, "Work", MAIL)
        self.add()
        self.comes_to(daemon, "active", "idle")
        self.has_queued(daemon, 1)
        self.source("edit", "office", "--mailbox", "Work")
        self.has_queued(daemon, 2)
        self.source("remove", "office", "--yes")
        self.server.append(self.user, "Work", MAIL)
        other = self.user + "b"
        self.server.append(other, "INBOX", MAIL)
        self.add("other", user=other)
        self.has_queued(daemon, 1, "other")
        self.assertEqual(self.server.count(self.user, "Work"), 1)
        self.assertEqual(daemon.end(), 0)

    def test_a_pause_acts_at_once_and_survives_a_restart(self):
        self.add()
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        self.source("pause", "office")
        self.wait(lambda: len(self.server.sessions(self.user)) == self.server.logins(self.user),
                  "the connection is closed", daemon)
        self.assertEqual(self.shown()["status"], "paused")
        self.server.append(self.user, "INBOX", MAIL)
        daemon.end()
        daemon = Daemon(self)
        self.add("witness", user=self.user + "b")
        self.comes_to(daemon, "active", "idle", "witness")
        self.assertEqual(self.shown()["status"], "paused")
        self.assertEqual(self.server.count(self.user), 1)
        self.source("resume", "office")
        self.has_queued(daemon, 1)

    def test_a_sync_looks_anew(self):
        self.add(idle="False", poll="1h")
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        self.server.append(self.user, "INBOX", MAIL)
        self.source("sync", "office")
        self.has_queued(daemon, 1)
        self.server.append(self.user, "INBOX", MAIL)
        daemon.process.send_signal(signal.SIGUSR1)
        self.has_queued(daemon, 2)

    def test_the_interval_is_kept_where_there_is_no_idle(self):
        self.add("office", "--interval", "10s", idle="False")
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        self.server.append(self.user, "INBOX", MAIL)
        self.has_queued(daemon, 1)

    def test_one_daemon_serves_a_queue(self):
        Daemon(self)
        second = self.command("serve", "--queue", self.queue, "--listen", "")
        self.assertEqual(second.code, 75, second)
        self.assertIn("another mailchute serve", second.err)

    def test_it_tells_the_service_manager_how_it_is(self):
        path = os.path.join(self.folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(PATIENCE)
            self.add()
            self.clone(1)
            with contextlib.closing(sqlite3.connect(self.database())) as database, database:
                database.execute("UPDATE source SET connection = 'url=127.0.0.1;port=1;starttls=Never'"
                                 " WHERE name = 'many-000'")
            daemon = Daemon(self, NOTIFY_SOCKET=path, WATCHDOG_USEC="400000",
                            MAILCHUTE_TEST_PASSWORD=CANARY)
            told = ""
            while not all(word in told for word in (
                    "READY=1", "WATCHDOG=1", "2 sources: 1 active, 1 importing, 0 in error, 0 paused, 0 held; "
                    "1 of them degraded, 0 throttled")):
                told += manager.recv(4096).decode() + "\n"
            daemon.process.send_signal(signal.SIGHUP)
            while "RELOADING=1\nMONOTONIC_USEC=" not in told or told.count("READY=1") < 2:
                told += manager.recv(4096).decode() + "\n"
            daemon.end()
            while "STOPPING=1" not in told:
                told += manager.recv(4096).decode() + "\n"

    def test_metrics_and_health_are_told_on_loopback(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.add()
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        code, text = daemon.get("/metrics")
        self.assertEqual(code, 200)
        self.assertIn('mailchute_source_status{source="office",status="active"} 1', text)
        self.assertIn('mailchute_source_messages_total{source="office"} 1\n', text)
        self.assertIn('mailchute_sources{phase="waiting"} 1', text)
        self.assertNotIn(self.user, text)
        self.assertNotIn("localhost", text)
        names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
        self.assertEqual(len(names), len(set(names)))
        for path, want in (("/livez", 200), ("/readyz", 200), ("/healthz?source=office", 200),
                           ("/healthz?source=nobody", 404), ("/nowhere", 404)):
            code, text = daemon.get(path)
            self.assertEqual((path, code), (path, want))
            json.loads(text)

    def test_a_page_elsewhere_cannot_ask_through_a_browser(self):
        daemon = Daemon(self)
        port = next(line for line in daemon.log if "listening" in line).split("port ")[1].strip('"')
        request = urllib.request.Request("http://127.0.0.1:%s/metrics" % port,
                                         headers={"Host": "evil.example.org"})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        self.assertEqual(refused.exception.code, 403)
        refused.exception.close()

    def test_it_can_be_asked_how_it_is_however_many_descriptors_are_open(self):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        with contextlib.ExitStack() as open_ones, open(os.devnull, "rb") as null:
            fds = []
            for _ in range(1100):   # more than select() can tell apart
                fds.append(os.dup(null.fileno()))
                open_ones.callback(os.close, fds[-1])
            daemon = Daemon(self, fds=fds)
        self.assertEqual(daemon.get("/livez")[0], 200)

    def test_where_no_descriptors_are_left_that_is_told_and_no_server_or_file_is_blamed(self):
        self.add()
        self.clone(12)
        self.prefix = ["prlimit", "--nofile=48"]
        daemon = Daemon(self, SETTINGS + "workers = 2\nweb = no\n", MAILCHUTE_TEST_PASSWORD=CANARY)
        self.prefix = ()
        self.wait(lambda: daemon.said("LimitNOFILE"), "it is told", daemon)
        self.wait(lambda: "LimitNOFILE" in self.all_shown(), "a status tells it", daemon)
        self.assertNotIn('"error"', self.all_shown())

    def test_it_is_ready_again_once_the_queue_can_be_read_again(self):
        daemon = Daemon(self)
        self.wait(lambda: daemon.get("/readyz")[0] == 200, "it is ready", daemon)
        with contextlib.closing(sqlite3.connect(self.database())) as database:
            database.execute("ALTER TABLE meta RENAME TO away")
            self.wait(lambda: daemon.get("/readyz")[0] == 503, "it is not ready", daemon)
            database.execute("ALTER TABLE away RENAME TO meta")
        self.wait(lambda: daemon.get("/readyz")[0] == 200, "it is ready again", daemon)

    def test_a_reload_leaves_what_the_command_line_says(self):
        daemon = Daemon(self, SETTINGS.replace("debug", "error"), ("-v",))
        daemon.process.send_signal(signal.SIGHUP)
        self.wait(lambda: daemon.said("reloaded"), "it says so", daemon)

    def test_it_leaves_while_somebody_else_writes_to_the_queue(self):
        self.add()
        self.source("pause", "office")
        daemon = Daemon(self)
        self.comes_to(daemon, "paused")
        with contextlib.closing(sqlite3.connect(self.database())) as database:
            database.execute("BEGIN IMMEDIATE")
            self.assertEqual(daemon.end(), 0)
        self.assertFalse(daemon.said("level=error"), daemon.log)

    def test_connections_that_come_and_go_leave_no_descriptor_behind(self):
        self.add(idle="False", poll="1h")
        daemon = Daemon(self)
        folder = "/proc/%d/fd" % daemon.process.pid
        counts = []
        for number in range(1, 16):
            self.wait(lambda number=number: self.server.logins(self.user) > number,
                      "it logs in", daemon)   # the first one is that of source add
            self.comes_to(daemon, "active", "idle")
            counts.append(self.sockets(folder))
            daemon.process.send_signal(signal.SIGUSR1)
        self.assertLessEqual(counts[-1], counts[2], counts)

    def sockets(self, folder):
        """How many are open; a worker that came or went meanwhile has files of the queue alone."""
        count = 0
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                count += os.readlink(os.path.join(folder, name)).startswith("socket:")
        return count

    def answer(self, *args, password=CANARY):
        """Start mailchute on a terminal of its own and type the password; (pid, terminal)."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(PROGRAM, [PROGRAM, *args])
        said = b""
        while b"Password" not in said:
            said += os.read(terminal, 1024)
        os.write(terminal, password.encode() + b"\n")
        return pid, terminal

    def drain(self, terminal):
        """Read what it says until it ends: an unread terminal would hold it up."""
        said = b""
        with contextlib.suppress(OSError):   # EIO: the other side was closed
            while True:
                said += os.read(terminal, 4096)
        os.close(terminal)
        self.said = said.decode(errors="replace")

    def test_a_password_that_nobody_stores_is_asked_for_when_the_daemon_starts(self):
        self.server.append(self.user, "INBOX", MAIL)
        pid, terminal = self.answer("source", "add", "office", self.connection(), "--user",
                                    self.user, "--ask-password", "--queue", self.queue)
        self.drain(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, self.said)
        self.assertEqual(self.shown()["password"], "ask")
        daemon = Daemon(self)   # one that has nobody to ask
        self.comes_to(daemon, "error")
        self.assertIn("on a terminal", self.shown()["status_message"])
        daemon.end()
        pid, terminal = self.answer("serve", "--queue", self.queue, "--listen", "")
        reader = threading.Thread(target=self.drain, args=(terminal,))
        reader.start()
        try:
            self.has_queued(None, 1)
        finally:
            os.kill(pid, signal.SIGTERM)
            reader.join(PATIENCE)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertNotIn(CANARY, self.said)

    def test_a_password_that_is_set_later_replaces_the_one_that_was_typed(self):
        self.add("office", "--force")
        with contextlib.closing(sqlite3.connect(self.database())) as database, database:
            database.execute("UPDATE source SET secret_kind = 'ask', secret = NULL")
        config = self.write("mailchute.conf", SETTINGS)
        pid, terminal = self.answer("serve", "--queue", self.queue, "--config", config,
                                    password="mistyped")
        reader = threading.Thread(target=self.drain, args=(terminal,))
        reader.start()
        try:
            self.comes_to(None, "error")
            self.source("edit", "office", "--password-file", self.password_file)
            self.comes_to(None, "active", "idle")
        finally:
            os.kill(pid, signal.SIGTERM)
            reader.join(PATIENCE)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)

    def test_the_password_is_in_no_log_argument_or_core(self):
        self.add()
        wrong = self.write("wrong", CANARY + "x\n")
        self.add("other", "--force", user=self.user + "b", password_file=wrong)
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        self.wait(lambda: self.shown("other")["last_message"] is not None, "the other one fails",
                  daemon)
        pid = daemon.process.pid
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            self.assertNotIn(CANARY.encode(), file.read())
        with open("/proc/%d/limits" % pid, encoding="ascii") as file:
            core = next(line for line in file if line.startswith("Max core file size"))
        self.assertEqual(core.split()[4:6], ["0", "0"])
        daemon.end()
        self.assertNotIn(CANARY, "\n".join(daemon.log) + self.all_shown())


class Troubles(ServeCase):

    def setUp(self):
        super().setUp()
        self.other = self.user + "b"

    def test_a_source_with_a_wrong_password_is_an_error_and_mends_itself_when_it_is_set(self):
        wrong = self.write("wrong", "not it\n")
        self.add("office", "--force", password_file=wrong)
        self.add("other", user=self.other)
        daemon = Daemon(self)
        self.comes_to(daemon, "error")
        self.assertIn("refused", self.shown()["status_message"])
        self.assertTrue(self.shown()["last_message"].startswith("Error: "))
        self.assertEqual(daemon.get("/healthz?source=office")[0], 503)
        self.comes_to(daemon, "active", "idle", "other")   # sources share no fate
        self.source("edit", "office", "--password-file", self.password_file)
        self.comes_to(daemon, "active", "idle")

    def test_an_edit_counts_even_when_the_old_settings_fail_after_it(self):
        started = os.path.join(self.folder, "started")
        go_on, password = self.write("go-on", ""), self.write("password-now", CANARY)
        self.source("add", "office", self.connection(), "--user", self.user, "--password-command",
                    "echo >'%s'; until [ -e '%s' ]; do sleep 0.1; done; cat '%s'" %
                    (started, go_on, password))
        for path in (started, go_on, password):
            os.unlink(path)
        daemon = Daemon(self, SETTINGS.replace("person = 200ms", "person = 1h"))
        self.wait(lambda: os.path.exists(started), "the password is fetched", daemon)
        self.source("edit", "office", "--password-file", self.password_file)
        self.source("sync", "office")
        self.add("witness", user=self.other)
        self.comes_to(daemon, "active", "idle", "witness")   # by now the edit is known
        self.write("go-on", "")
        self.comes_to(daemon, "active", "idle")

    def test_how_it_is_is_told_while_every_worker_waits_for_a_silent_server(self):
        with fault_proxy.FaultProxy(self.server.tls_port) as proxy:
            self.add(port=proxy.port, timeout="20s")
            proxy.arm(fault_proxy.Fault("stall", "down", 100))
            daemon = Daemon(self, SETTINGS + "workers = 1\n")
            self.comes_to(daemon, "importing", "syncing")

    def test_a_mailbox_that_is_deleted_is_an_error_until_it_is_there_again(self):
        self.server.append(self.user, "Work", MAIL)
        self.add(mailbox="Work")
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        with self.server.client(self.user) as imap:
            imap.delete("Work")
        self.source("sync", "office")
        self.wait(lambda: self.shown()["status"] == "error", "it is an error", daemon)
        self.server.append(self.user, "Work", mail("again"))
        self.comes_to(daemon, "active", "idle")
        self.has_queued(daemon, 2)

    def test_moves_that_are_refused_show_end_no_session_and_keep_no_new_mail_back(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.add()
        daemon = Daemon(self)
        self.has_queued(daemon, 1)
        self.comes_to(daemon, "active", "idle")
        path = self.server.path("mail", self.user, "box", "mailboxes", "DROPBOX", "dbox-Mails")
        os.chmod(path, 0)
        self.addCleanup(os.chmod, path, 0o700)
        for count in (2, 3):   # the second is told by IDLE in the session of the first
            self.server.append(self.user, "INBOX", mail("new %d" % count))
            self.has_queued(daemon, count)
            self.comes_to(daemon, "active", "degraded")
            self.wait(lambda: "stored messages could not be moved out of 'INBOX'"
                      in self.shown()["status_message"], "it is told", daemon)
        told = daemon.get("/metrics")[1]
        self.assertIn('mailchute_source_failures_total{source="office"} 0\n', told)
        self.assertIn('mailchute_source_logins_total{source="office"} 1\n', told)
        os.chmod(path, 0o700)
        self.source("sync", "office")
        self.comes_to(daemon, "active", "idle")
        self.assertIsNone(self.shown()["status_message"])
        self.check_folders(INBOX=0, DROPBOX=3)

    def test_a_link_that_breaks_is_made_again_and_the_source_stays_active(self):
        with fault_proxy.FaultProxy(self.server.tls_port) as proxy:
            self.server.append(self.user, "INBOX", MAIL)
            proxy.arm(fault_proxy.Fault("cut", "down", 6000))
            self.add("office", "--force", port=proxy.port)
            proxy.arm(fault_proxy.Fault("cut", "down", 6000))
            daemon = Daemon(self)
            self.has_queued(daemon, 1)
            self.comes_to(daemon, "active", "idle")

    def test_a_server_that_goes_silent_holds_up_nobody_else(self):
        with fault_proxy.FaultProxy(self.server.tls_port) as proxy:
            self.add(port=proxy.port, timeout="2s")
            self.add("other", user=self.other)
            proxy.arm(fault_proxy.Fault("stall", "down", 100))
            daemon = Daemon(self)
            self.comes_to(daemon, "active", "idle", "other")
            self.server.append(self.other, "INBOX", MAIL)
            self.has_queued(daemon, 1, "other")
            self.server.append(self.user, "INBOX", MAIL)
            self.has_queued(daemon, 1)   # the next connection is a healthy one

    def test_two_hundred_sources_of_one_server_are_all_active_and_no_thread_waits_for_them(self):
        count = 200
        self.add()
        self.clone(count)
        told = ["%s-%d" % (self.user, number) for number in range(0, count, 20)]
        for user in told:
            self.server.append(user, "INBOX", MAIL)
        daemon = Daemon(self, MAILCHUTE_TEST_PASSWORD=CANARY)
        self.wait(lambda: self.all_shown().count('"status":"active","detail":"idle"') == count + 1,
                  "all are active", daemon)
        self.assertEqual(len(self.queued()), len(told))
        for user in told:
            self.server.append(user, "INBOX", MAIL)
        self.wait(lambda: len(self.queued()) == 2 * len(told), "all new mail is queued", daemon)
        with open("/proc/%d/status" % daemon.process.pid, encoding="ascii") as file:
            threads = int(next(line for line in file if line.startswith("Threads")).split()[1])
        self.assertLess(threads, count / 2)   # 32 workers; twice as many where turns take seconds
        self.assertEqual(daemon.end(), 0)


class Lost(ServeCase):

    def lost(self, lose):
        self.server.append(self.user, "INBOX", mail("old"))
        self.add()
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        self.has_queued(daemon, 1)
        lose(self.queue[len("sqlite:"):])
        for number in range(3):
            self.server.append(self.user, "INBOX", mail("new %d" % number))
        self.assertEqual(daemon.process.wait(PATIENCE), system_support.OF_STORE)
        daemon.reader.join(PATIENCE)
        self.assertTrue(daemon.said("stop mailchute before"), daemon.log)
        self.check_folders(INBOX=3, DROPBOX=1)

    def test_a_queue_that_is_deleted_under_it_ends_it_and_moves_no_mail(self):
        self.lost(system_support.lose_by_deleting)

    def test_a_queue_that_is_renamed_under_it_ends_it_and_moves_no_mail(self):
        self.lost(system_support.lose_by_renaming)

    def test_a_queue_that_is_replaced_under_it_ends_it_and_the_next_start_goes_on_with_the_new_one(self):
        self.lost(system_support.lose_by_replacing)
        self.known.clear()
        daemon = Daemon(self)
        self.wait(lambda: len(self.queued()) == 4, "all are queued", daemon)
        self.check_folders(INBOX=0, DROPBOX=4)


class Restarts(ServeCase):

    def test_a_server_that_is_stopped_and_started_is_found_again(self):
        server = dovecot.Dovecot(password=CANARY).start()
        self.addCleanup(server.stop)
        server.append(self.user, "INBOX", MAIL)
        self.add(port=server.tls_port, caFile=server.ca_file, timeout="3s")
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        server.halt()
        self.wait(lambda: self.shown()["detail"] == "degraded", "it is degraded", daemon)
        self.assertEqual(self.shown()["status"], "active")
        server.go_on()
        server.append(self.user, "INBOX", MAIL)
        self.has_queued(daemon, 2)
        self.comes_to(daemon, "active", "idle")

    def test_an_import_goes_on_where_it_was_when_the_daemon_is_killed(self):
        count = 200
        self.server.append(self.user, "INBOX", *[mail("number %d" % number) for number in range(count)])
        proxy = fault_proxy.FaultProxy(self.server.tls_port)
        proxy.__enter__()
        self.addCleanup(proxy.__exit__, None, None, None)
        proxy.pause = 0.03   # a kilobyte each: it takes seconds
        self.add(batch="20", port=proxy.port)
        kills = 0
        for _ in range(2):   # a third may hit one message for the third time, which is set aside then
            daemon = Daemon(self)
            before = len(self.queued())
            self.wait(lambda: len(self.queued()) > before or self.shown()["detail"] == "idle",
                      "it picks up", daemon)
            kills += self.shown()["status"] == "importing"
            daemon.end(signal.SIGKILL)
        proxy.pause = 0
        daemon = Daemon(self)
        self.comes_to(daemon, "active", "idle")
        self.assertGreater(kills, 0)
        shown = self.shown()
        self.assertEqual(shown["counts"], {"found": count, "queued": count, "bad": 0, "left": 0})
        self.assertEqual(len({e["id"] for e in self.queued()}), count)
        self.check_folders(INBOX=0, DROPBOX=count)
        daemon.end()
        run = self.command("audit", self.connection(port=proxy.port), "--user", self.user, "--password-file",
                           self.password_file, "--queue", self.queue)
        self.assertEqual(run.code, OK, run)


class Settings(system_support.Case):

    def refused(self, text, *words):
        run = self.command("serve", "--queue", self.queue, "--config", self.write("conf", text))
        self.assertEqual(run.code, 78, run)
        self.assertEqual(len(run.err.splitlines()), 1, run)
        for word in words:
            self.assertIn(word, run.err)

    def test_a_mistake_in_the_settings_is_told_with_its_line(self):
        self.refused("\n# a comment\nworker = 3\n", ":3:", "workers")
        self.refused("workers = many\n", ":1:", "many")
        self.refused("workers = 0\n", ":1:", "range")
        self.refused("retry-max = 5 parsecs\n", ":1:", "parsecs")
        self.refused("log-format = xml\n", "auto|plain|logfmt|json")
        self.refused("workers = 1\nworkers = 2\n", ":2:", "twice")
        self.refused("nonsense\n", ":1:", "name = value")
        self.refused("listen = 1.2.3:x\n", "127.0.0.1:8425")

    def test_the_sample_is_what_the_table_says_and_is_read_as_the_defaults(self):
        run = self.command("serve", "--print-config")
        self.assertEqual(run.code, OK, run)
        with open(os.path.join(system_support.SOURCE, "conf", "mailchute.conf"),
                  encoding="utf-8") as file:
            self.assertEqual(run.out, file.read())
        rows = re.findall(r"(?m)^#([a-z-]+) =(?: (.+))?$", run.out)
        self.assertGreater(len(rows), 10)
        for name, _ in rows:   # every line of it is a setting
            self.refused("".join("%s = %s\n" % row for row in rows) + name + " = x\n", "twice")

    def test_every_setting_is_in_the_manual(self):
        run = self.command("serve", "--print-config")
        with open(os.path.join(system_support.SOURCE, "docs", "mailchute.conf.5"),
                  encoding="utf-8") as file:
            manual = file.read().replace("\\-", "-")
        for name, value in re.findall(r"(?m)^#([a-z-]+) =(?: (.+))?$", run.out):
            self.assertRegex(manual, r"(?m)^\.It Cm %s$" % name)
            self.assertIn("Default: %s.\n" % (value or "none"), manual, name)


if __name__ == "__main__":
    tap.main()
