#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hooks of work queues under mailchute serve: real commands, and a receiver of webhooks that refuses,
hangs, dies and comes back. Each entry is told of at least once, whoever is killed. Entries are brought by
mailchute pickup from a folder; nothing here needs a mail server."""
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import dovecot
from serve_support import PATIENCE, SETTINGS, Daemon, Namespace
from system_support import PROGRAM
import tap

CANARY = "canary-5ecret-of-the-hook"
HOOKS = SETTINGS + "hook-retry-first = 20ms\nhook-retry-max = 100ms\n"


class Receiver:
    """Takes POSTs; answer(number of the request, from 1) is (status, headers) or None: hang up."""

    def __init__(self, case, answer=lambda number: (200, {}), port=0, tls=None):
        self.got, self.answer = [], answer
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, {k.lower(): v for k, v in self.headers.items()},
                                     body))
                answer = receiver.answer(len(receiver.got))
                if answer is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(answer[0])
                for name, value in answer[1].items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # hung up: as told

        self.server = Server(("127.0.0.1", port), Handler)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls + ".crt", tls + ".key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.addCleanup(self.stop)

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def url(self, host="127.0.0.1", scheme="http"):
        return "%s://%s:%d/in?from=mailchute" % (scheme, host, self.port)

    def ids(self):
        return [json.loads(body)["id"] for _, _, body in self.got]


class Case(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mailchute-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.inbox = self.path("in")
        os.mkdir(self.inbox)
        self.queue = "sqlite:" + self.path("queue")
        self.sent = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def read(self, name):
        try:
            with open(self.path(name), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def script(self, text):
        """A hook: what is behind the entry's JSON went to $1, $2 ... in @text."""
        return self.write("hook", "#!/bin/sh\ncd '%s'\n%s\n" % (self.folder, text), 0o700)

    def run_it(self, *args, code=0):
        done = subprocess.run([PROGRAM, *args, "--queue", self.queue], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def configure(self, *settings, name="default"):
        return self.run_it("queue", "configure", name, *settings)

    def bring(self, count=1, name="default"):
        """So many mails become entries; their ids."""
        for _ in range(count):
            self.sent += 1
            self.write("in/%03d.eml" % self.sent, "From: Ann <ann@example.org>\nSubject: no %d\n\n"
                       "text\n" % self.sent)
        return self.bring_what_there_is(name)

    def bring_what_there_is(self, name="default"):
        done = self.run_it("pickup", "path=" + self.inbox, "--loader", "Folder", "--json",
                           "--queue-name", name, "--source", "post")
        return [json.loads(line)["id"] for line in done.stdout.splitlines()]

    def shown(self, name="default"):
        for line in self.run_it("queue", "queues", "--json").stdout.splitlines():
            queue = json.loads(line)
            if queue["name"] == name:
                return queue
        return None

    def hook(self, kind="command", name="default"):
        """(pending, failed, delivered, error) as they stand in the database: cheaper to ask for again
        and again than a command."""
        with contextlib.closing(sqlite3.connect(self.path("queue/queue.db"))) as database:
            found = database.execute(
                "SELECT pending, failed, delivered, error FROM hook JOIN work_queue q ON q.id = queue"
                " WHERE q.name = ? AND kind = ?", (name, ("command", "webhook").index(kind)))
            return found.fetchone()

    def wait(self, true, what, daemon=None):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if true():
                return
            if daemon is not None and daemon.process.poll() is not None:
                break
            time.sleep(0.02)
        self.fail("it never came to be that %s\n%s\n%s" % (
            what, self.shown(), "\n".join(daemon.log[-30:]) if daemon else ""))

    def is_told(self, daemon, count, kind="command", name="default"):
        self.wait(lambda: self.hook(kind, name)[:3] == (0, 0, count), "%d are told" % count, daemon)

    def is_given_up(self, daemon, kind="command"):
        self.wait(lambda: self.hook(kind)[1] == 1, "it is given up", daemon)


class Commands(Case):

    def test_a_command_reads_the_entry_and_knows_what_it_is_about(self):
        hook = self.script('cat >> got; echo >> got; env > "env-$MAILCHUTE_ENTRY_ID"; echo "hi $1"')
        self.configure("hook=%s 'a  b'" % hook)
        first, second = self.bring(2)
        daemon = Daemon(self, HOOKS, MAILCHUTE_PASSWORD=CANARY)
        self.is_told(daemon, 2)
        entries = [json.loads(line) for line in self.read("got").splitlines()]
        self.assertEqual([e["id"] for e in entries], [first, second])
        self.assertEqual(entries[0]["subject"], "no 1")
        environment = dict(line.split("=", 1) for line in self.read("env-" + first).splitlines())
        self.assertEqual({k: v for k, v in environment.items() if k.startswith("MAILCHUTE_")},
                         {"MAILCHUTE_ENTRY_ID": first, "MAILCHUTE_QUEUE": "default",
                          "MAILCHUTE_SOURCE": "post", "MAILCHUTE_EVENT": "created",
                          "MAILCHUTE_KEY": first + ":command", "MAILCHUTE_ATTEMPT": "1"})
        self.assertNotIn(CANARY, self.read("env-" + first))
        self.wait(lambda: daemon.said("hi a  b"), "what it prints is logged", daemon)

    def test_what_comes_while_the_daemon_runs_is_told_too(self):
        self.configure("hook=" + self.script("cat >> got; echo >> got"))
        daemon = Daemon(self, HOOKS)
        ids = self.bring(3) + self.bring(2)
        self.is_told(daemon, 5)
        self.assertEqual([json.loads(x)["id"] for x in self.read("got").splitlines()], ids)

    def test_a_command_that_fails_is_run_again_until_it_does_not(self):
        self.configure("hook=" + self.script(
            'echo "$MAILCHUTE_ATTEMPT $MAILCHUTE_KEY" >> got; echo not yet >&2\n'
            'test "$(wc -l < got)" -ge 3'))
        key, = self.bring()
        daemon = Daemon(self, HOOKS)
        self.is_told(daemon, 1)
        self.assertEqual(self.read("got").splitlines(),
                         ["%d %s:command" % (n, key) for n in (1, 2, 3)])
        self.wait(lambda: daemon.said("exit code 1: not yet"), "why it failed is told", daemon)
        self.assertIsNone(self.shown()["hook"]["error"])

    def test_a_command_that_fails_has_failed_whoever_started_the_daemon(self):
        """Where SIGCHLD is ignored, and that is inherited, the kernel keeps no exit codes."""
        self.prefix = ["env", "--ignore-signal=CHLD"]
        self.configure("hook=" + self.script('echo x >> got; test "$(wc -l < got)" -ge 2'))
        self.bring()
        daemon = Daemon(self, HOOKS)
        self.is_told(daemon, 1)
        self.assertEqual(self.read("got"), "x\nx\n")

    def test_a_command_whose_output_goes_to_a_file_reads_all_of_a_large_entry(self):
        self.configure("hook=" + self.script(
            "exec >> log 2>&1\nsleep 0.3\ndd bs=20000 2>> log >> got; cat >> got"))
        self.write("in/large.eml", "Subject: large\n\n" + "0123456789abcde\n" * 20000)
        entry, = self.bring_what_there_is()
        daemon = Daemon(self, HOOKS)
        self.is_told(daemon, 1)
        self.assertGreater(len(self.read("got")), 200 << 10)
        self.assertEqual(json.loads(self.read("got"))["id"], entry)

    def test_a_command_inherits_no_descriptor_of_a_webhook_that_is_under_way(self):
        go = threading.Event()
        self.addCleanup(go.set)
        receiver = Receiver(self, lambda number: (200, {}) if go.wait(PATIENCE) else None)
        self.configure("webhook=" + receiver.url(), name="posted")
        self.configure("hook=" + self.script("exec ls /proc/self/fd > got"))
        self.bring(1, "posted")
        daemon = Daemon(self, HOOKS)
        self.wait(lambda: receiver.got, "it is being posted", daemon)
        self.bring()
        self.is_told(daemon, 1)
        go.set()
        self.assertEqual(self.read("got").split(), ["0", "1", "2", "3"])  # 3: the folder itself

    def test_a_command_that_hangs_is_ended_with_all_it_started(self):
        self.configure("hook=" + self.script("sleep 1000 &\necho $! >> pids\nsleep 1000"))
        self.bring()
        daemon = Daemon(self, HOOKS + "hook-timeout = 300ms\nhook-tries = 1\n")
        self.is_given_up(daemon)
        self.assertIn("did not end within", self.shown()["hook"]["error"])
        pid = int(self.read("pids").split()[0])

        def is_dead():
            try:
                with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
                    return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
            except FileNotFoundError:
                return True
        self.wait(is_dead, "what it started is ended", daemon)

    def test_a_command_that_is_not_there_is_told(self):
        self.configure("hook=/nowhere/at/all")
        self.bring()
        daemon = Daemon(self, HOOKS + "hook-tries = 2\n")
        self.is_given_up(daemon)
        self.assertIn("cannot be started", self.shown()["hook"]["error"])
        self.assertIn("1 failed", self.run_it("queue", "queues").stdout)
        self.configure("hook=" + self.script("true"))
        self.assertEqual(json.loads(self.run_it("queue", "redeliver", "default", "--json").stdout),
                         {"again": 1})
        self.is_told(daemon, 1)
        self.assertEqual(self.shown()["hook"]["failed"], 0)

    def test_a_hook_can_be_taken_away(self):
        self.configure("hook=/nowhere/at/all")
        self.bring()
        daemon = Daemon(self, HOOKS)
        self.wait(lambda: self.hook()[3] is not None, "it fails", daemon)
        self.configure("hook=")
        self.assertIsNone(self.shown()["hook"])
        self.assertEqual(daemon.end(), 0)

    def test_hooks_that_cannot_be_are_refused_with_what_to_do(self):
        for setting, word in (
                ("hook=notify", "whole path"), ("hook=/bin/a 'b", "quote"),
                ("webhook=http://example.org/", "https"), ("webhook=ftp://example.org/", "https"),
                ("webhook=https://user:pw@example.org/", "secret"), ("webhook=example", "no URL"),
                ("webhook=http://127.0.0.1.example.org/", "loopback")):
            with self.subTest(setting):
                done = self.run_it("queue", "configure", "default", setting, code=64)
                self.assertIn(word, done.stderr)
                self.assertNotIn("pw@", done.stderr)
        done = self.run_it("queue", "configure", "default", "webhook-secret-file=/dev/null", code=64)
        self.assertIn("webhook=", done.stderr)


class Webhooks(Case):

    def sign(self, secret, headers, body):
        text = ("%s.%s." % (headers["webhook-id"], headers["webhook-timestamp"])).encode() + body
        return "v1," + base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()

    def test_a_post_is_signed_and_names_itself(self):
        receiver = Receiver(self)
        self.configure("webhook=" + receiver.url(),
                       "webhook-secret-file=" + self.write("secret", CANARY + "\n"))
        entry, = self.bring()
        before = int(time.time())
        daemon = Daemon(self, HOOKS)
        self.is_told(daemon, 1, "webhook")
        (path, headers, body), = receiver.got
        self.assertEqual(path, "/in?from=mailchute")
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(headers["webhook-id"], entry + ":webhook")
        self.assertEqual(headers["idempotency-key"], entry + ":webhook")
        self.assertTrue(before <= int(headers["webhook-timestamp"]) <= int(time.time()))
        self.assertEqual(headers["webhook-signature"], self.sign(CANARY.encode(), headers, body))
        self.assertEqual((headers["x-mailchute-event"], headers["x-mailchute-queue"],
                          headers["x-mailchute-attempt"]), ("created", "default", "1"))
        shown, = [json.loads(line) for line in self.run_it("queue", "list", "--json").stdout
                  .splitlines()]
        self.assertEqual(json.loads(body), shown)
        self.assertTrue(self.shown()["webhook"]["signed"])
        self.assertEqual(daemon.end(), 0)
        self.assertNotIn(CANARY, "\n".join(daemon.log))
        for root, _, names in os.walk(self.path("queue")):
            for name in names:
                with open(os.path.join(root, name), "rb") as file:
                    self.assertNotIn(CANARY.encode(), file.read(), name)

    def test_a_secret_in_base64_signs_by_what_it_says_and_outlives_a_new_address(self):
        key = bytes(range(24))
        receiver = Receiver(self)
        self.configure("webhook=http://127.0.0.1:1/", "webhook-secret-file=" + self.write(
            "secret", "whsec_" + base64.b64encode(key).decode()))
        self.configure("webhook=" + receiver.url("localhost"))
        self.bring()
        daemon = Daemon(self, HOOKS)
        self.is_told(daemon, 1, "webhook")
        _, headers, body = receiver.got[-1]
        self.assertEqual(headers["webhook-signature"], self.sign(key, headers, body))

    def test_whatever_the_receiver_does_each_entry_arrives_at_last(self):
        answers = {1: (500, {}), 2: None, 3: (302, {"Location": "http://127.0.0.1:1/"}),
                   4: (429, {"Retry-After": "0"}), 5: (404, {})}
        receiver = Receiver(self, lambda number: answers.get(number, (204, {})))
        self.configure("webhook=" + receiver.url())
        ids = self.bring(4)
        daemon = Daemon(self, HOOKS)
        self.is_told(daemon, 4, "webhook")
        self.assertEqual(len(receiver.got), 9)
        self.assertEqual(set(receiver.ids()), set(ids))

    def test_a_redirect_is_not_followed(self):
        other = Receiver(self)
        receiver = Receiver(self, lambda number: (307, {"Location": other.url()}))
        self.configure("webhook=" + receiver.url())
        self.bring()
        daemon = Daemon(self, HOOKS + "hook-tries = 2\n")
        self.is_given_up(daemon, "webhook")
        self.assertIn("not followed", self.shown()["webhook"]["error"])
        self.assertEqual(other.got, [])

    def test_one_that_is_gone_is_not_asked_again(self):
        receiver = Receiver(self, lambda number: (410, {}))
        self.configure("webhook=" + receiver.url())
        self.bring()
        daemon = Daemon(self, HOOKS)
        self.is_given_up(daemon, "webhook")
        self.assertEqual(len(receiver.got), 1)

    def test_a_receiver_that_dies_gets_all_when_it_is_back(self):
        receiver = Receiver(self)
        self.configure("webhook=" + receiver.url())
        daemon = Daemon(self, HOOKS + "hook-tries = 1000\n")
        self.bring(2)
        self.is_told(daemon, 2, "webhook")
        receiver.stop()
        ids = self.bring(3)
        self.wait(lambda: daemon.said("is not reached"), "it is told", daemon)
        again = Receiver(self, port=receiver.port)
        self.is_told(daemon, 5, "webhook")
        self.assertEqual(set(again.ids()), set(ids))
        self.assertEqual(len(again.got), 3)
        self.wait(lambda: daemon.said("it answers again"), "that is told as well", daemon)

    @unittest.skipIf(shutil.which("openssl") is None, "the openssl command is not there")
    def test_https_is_verified(self):
        dovecot.make_certificates(self.folder, "good")
        receiver = Receiver(self, tls=self.path("good"))
        self.configure("webhook=" + receiver.url("localhost", "https"))
        self.bring()
        daemon = Daemon(self, HOOKS)
        self.wait(lambda: self.hook("webhook")[3] is not None, "it fails", daemon)
        self.assertIn("not trusted", self.shown()["webhook"]["error"])
        self.assertEqual(receiver.got, [])
        self.assertEqual(daemon.end(), 0)
        daemon = Daemon(self, HOOKS + "hook-ca-file = %s\n" % self.path("ca.crt"))
        self.is_told(daemon, 1, "webhook")
        self.assertEqual(daemon.end(), 0)
        os.mkdir(self.path("ca.d"))   # the setting wants a file: that is told, and nothing is sent
        daemon = Daemon(self, HOOKS + "hook-ca-file = %s\n" % self.path("ca.d"))
        self.bring()
        self.wait(lambda: self.hook("webhook")[3] is not None, "it fails", daemon)
        self.assertIn(self.path("ca.d"), self.shown()["webhook"]["error"])
        self.assertEqual(len(receiver.got), 1)

    @unittest.skipIf(shutil.which("openssl") is None, "the openssl command is not there")
    def test_who_names_authorities_trusts_those_of_the_system_no_more(self):
        for name in ("system", "named"):
            os.mkdir(self.path(name))
            dovecot.make_certificates(self.path(name), "good")
        there = subprocess.run(["openssl", "x509", "-noout", "-hash", "-in", self.path("system/ca.crt")],
                               capture_output=True, text=True, check=True).stdout.strip()
        os.mkdir(self.path("certs"))
        for name in (there + ".0", "ca-certificates.crt"):
            shutil.copy(self.path("system/ca.crt"), self.path("certs/" + name))
        self.prefix = Namespace(self, 'mount --bind "$1" /etc/ssl/certs', self.path("certs")).prefix
        receiver = Receiver(self, tls=self.path("system/good"))
        self.configure("webhook=" + receiver.url("localhost", "https"))
        self.bring()
        daemon = Daemon(self, HOOKS)   # the system's alone
        self.is_told(daemon, 1, "webhook")
        self.assertEqual(daemon.end(), 0)
        daemon = Daemon(self, HOOKS + "hook-ca-file = %s\n" % self.path("named/ca.crt"))
        self.bring()
        self.wait(lambda: self.hook("webhook")[3] is not None, "it fails", daemon)
        self.assertIn("not trusted", self.shown()["webhook"]["error"])
        self.assertEqual(len(receiver.got), 1)


class Promises(Case):

    def test_a_daemon_that_is_killed_between_entry_and_hook_tells_it_afterwards(self):
        hook = self.script('echo "$MAILCHUTE_KEY" >> got; test -e go || sleep 1000')
        self.configure("hook=" + hook)
        ids = self.bring(3)
        daemon = Daemon(self, HOOKS)
        self.wait(lambda: self.read("got") != "", "the hook runs", daemon)
        daemon.end(signal.SIGKILL)
        self.assertEqual(self.shown()["hook"]["pending"], 3)
        self.write("go", "")
        daemon = Daemon(self, HOOKS)
        self.is_told(daemon, 3)
        got = self.read("got").splitlines()
        self.assertEqual(got, [ids[0] + ":command"] + [i + ":command" for i in ids])

    def test_a_daemon_that_is_killed_again_and_again_tells_each_entry_at_least_once(self):
        receiver = Receiver(self)
        self.configure("webhook=" + receiver.url())
        ids = self.bring(60)
        for round_ in range(4):
            daemon = Daemon(self, HOOKS)
            self.wait(lambda: len(receiver.got) > 12 * round_, "some have arrived", daemon)
            daemon.end(signal.SIGKILL)
        daemon = Daemon(self, HOOKS)
        self.wait(lambda: self.hook("webhook")[0] == 0, "all have arrived", daemon)
        self.assertEqual(set(receiver.ids()), set(ids))
        keys = {(h["webhook-id"], json.loads(body)["id"]) for _, h, body in receiver.got}
        self.assertEqual(len(keys), 60)  # what came twice came under the same name

    def test_a_hook_that_hangs_holds_up_neither_mail_nor_other_hooks(self):
        self.configure("hook=" + self.script("sleep 1000"), name="slow")
        receiver = Receiver(self)
        self.configure("webhook=" + receiver.url(), name="quick")
        self.bring(2, "slow")
        self.run_it("source", "add", "post", "path=" + self.inbox, "--loader", "Folder",
                    "--interval", "1h", "--queue-name", "quick")
        daemon = Daemon(self, HOOKS)
        for number in range(3):
            self.write("in/later-%d.eml" % number, "Subject: later\n\n")
            daemon.process.send_signal(signal.SIGUSR1)
            self.wait(lambda number=number: len(receiver.got) == number + 1,
                      "mail comes and is told", daemon)
        self.assertEqual(self.shown("slow")["hook"]["pending"], 2)
        started = time.monotonic()
        self.assertEqual(daemon.end(), 0)  # the command still hangs
        self.assertLess(time.monotonic() - started, PATIENCE / 2)
        self.assertEqual(self.shown("slow")["hook"]["pending"], 2)

    def test_a_command_that_is_about_to_end_may_when_the_daemon_leaves(self):
        self.configure("hook=" + self.script("echo x >> begun; until test -e go; do sleep 0.01; done"))
        self.bring()
        daemon = Daemon(self, HOOKS)
        self.wait(lambda: self.read("begun"), "it runs", daemon)
        daemon.process.send_signal(signal.SIGTERM)
        self.wait(lambda: daemon.said("stopping"), "it is leaving")
        self.write("go", "")
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(self.shown()["hook"]["delivered"], 1)

    def test_hooks_are_measured(self):
        self.configure("hook=/nowhere/at/all")
        self.bring(2)
        daemon = Daemon(self, HOOKS + "hook-tries = 1\n")
        self.wait(lambda: 'mailchute_hook_failed_deliveries{queue="default",kind="command"} 2' in
                  daemon.get("/metrics")[1], "both are given up", daemon)
        self.assertIn('mailchute_hook_pending_deliveries{queue="default",kind="command"} 0',
                      daemon.get("/metrics")[1])

    def test_an_entry_that_is_moved_is_told_where_it_comes(self):
        self.configure("hook=" + self.script('echo "$MAILCHUTE_EVENT $MAILCHUTE_QUEUE" >> got'),
                       name="second")
        entry, = self.bring()
        self.run_it("queue", "move", entry, "second")
        daemon = Daemon(self, HOOKS)
        self.is_told(daemon, 1, name="second")
        self.assertEqual(self.read("got"), "moved second\n")

    def test_the_database_counts_what_there_is(self):
        self.configure("hook=" + self.script("test $MAILCHUTE_ATTEMPT = 2"))
        self.bring(5)
        daemon = Daemon(self, HOOKS)
        self.is_told(daemon, 5)
        self.assertEqual(daemon.end(), 0)
        with sqlite3.connect(self.path("queue/queue.db")) as database:
            self.assertEqual(database.execute(
                "SELECT pending, failed, delivered, (SELECT count(*) FROM delivery) FROM hook")
                .fetchall(), [(0, 0, 5, 0)])
        database.close()


if __name__ == "__main__":
    tap.main()
