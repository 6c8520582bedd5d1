# SPDX-License-Identifier: Apache-2.0
"""serve_support - a daemon under test, and what the tests of daemons share.

    class Serving(serve_support.ServeCase):
        def test_...(self):
            self.add()                       # source "office", of self.user
            daemon = Daemon(self)
            self.comes_to(daemon, "active", "idle")

Nothing here sleeps for a fixed time: each wait ends when what it waits for is there."""
import contextlib
import os
import signal
import sqlite3
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request

import system_support
from system_support import OK, PROGRAM

CANARY = "canary-5ecret-of-the-daemon"
PATIENCE = 60   # seconds until a wait has failed; a busy machine with sanitizers included
SETTINGS = """\
retry-first = 20ms
retry-max = 200ms
retry-person = 200ms
retry-refused = 300ms
log-level = debug
listen = 127.0.0.1:0
"""


class Namespace:
    """File systems that are mounted for some processes alone, and go with them: what stands in @prefix
    before a command runs it there. unittest.SkipTest, with the reason, where that cannot be had."""

    def __init__(self, case, script, *args):
        """@script: shell lines that mount things, with @args."""
        user = [] if os.geteuid() == 0 else ["-U"]   # root needs no users of its own
        holder = subprocess.Popen(
            ["unshare", "-m", *(["-r"] if user else []), "sh", "-ec", script + "\necho ready; exec cat", "sh", *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        case.addCleanup(holder.communicate)   # the end of its input ends it
        said = holder.stdout.readline()
        if said != "ready\n":
            raise unittest.SkipTest("nothing can be mounted here: " + said.strip())
        self.prefix = ["nsenter", "-t", str(holder.pid), "-m", *user,
                       "--preserve-credentials"]

    def run(self, *args):
        subprocess.run([*self.prefix, *args], check=True, stdin=subprocess.DEVNULL)


class Daemon:
    """mailchute serve on a queue, with its log in a list; behind case.prefix, if there is one."""

    def __init__(self, case, settings=SETTINGS, args=(), fds=(), **env):
        self.case = case
        self.log = []
        config = case.write("mailchute.conf", settings)
        self.process = subprocess.Popen(
            [*getattr(case, "prefix", ()), PROGRAM, "serve", "--queue", case.queue, "--config", config, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            pass_fds=fds, env=dict(os.environ, **env))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        case.addCleanup(self.end)
        case.wait(lambda: self.said("serving"), "the daemon serves", self)
        self.forget()

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line.rstrip("\n"))

    def said(self, word):
        return any(word in line for line in list(self.log))

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        self.forget()
        self.reader.join(PATIENCE)
        self.process.stderr.close()
        return code

    def forget(self):
        """What is known of the sources: whether they are served shows."""
        getattr(self.case, "known", {}).clear()

    def get(self, path):
        """(code, body) of the daemon's HTTP server."""
        port = next(line for line in self.log if "listening" in line).split("port ")[1].strip('"')
        try:
            with urllib.request.urlopen("http://127.0.0.1:%s%s" % (port, path), timeout=20) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


class ServeCase(system_support.Case):

    server_options = {"password": CANARY}

    def setUp(self):
        super().setUp()
        self.looking, self.known = None, {}

    def wait(self, true, what, daemon=None):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if true():
                return
            if daemon is not None and daemon.process.poll() is not None:
                break
            time.sleep(0.05)
        log = "\n".join(daemon.log[-40:]) if daemon is not None else ""
        self.fail("it never came to be that %s: %s\n%s" % (what, self.all_shown(), log))

    def database(self):
        return os.path.join(self.queue[len("sqlite:"):], "queue.db")

    def open_database(self):
        """For reading, beside a daemon."""
        return sqlite3.connect("file:%s?mode=ro" % self.database(), uri=True, timeout=PATIENCE)

    def source(self, verb, *args, **options):
        run = self.command("source", verb, *args, "--queue", self.queue, **options)
        self.assertEqual(run.code, OK, run)
        return run

    def add(self, name="office", *more, user=None, password_file=None, **keys):
        return self.source("add", name, self.connection(**keys), "--user", user or self.user,
                           "--password-file", password_file or self.password_file, *more)

    def shown(self, name="office"):
        """As source show tells it; a command is run only when the queue's database has changed since, as
        tests ask again and again."""
        version = self.version()
        if version is None or self.known.get(name, (None,))[0] != version:
            self.known[name] = (version, self.source("show", name, "--json").entries[0])
        return self.known[name][1]

    def version(self):
        """Another one after each change by anybody else; None: not known."""
        if self.prefix:
            return None   # it is out of reach
        if self.looking is None:
            self.looking = self.open_database()
            self.addCleanup(self.looking.close)
        return self.looking.execute("PRAGMA data_version").fetchone()[0]

    def all_shown(self):
        return self.command("source", "list", "--json", "--queue", self.queue).out

    def comes_to(self, daemon, status, detail=None, name="office"):
        self.wait(lambda: (self.shown(name)["status"], self.shown(name)["detail"]) ==
                  (status, detail), "%s is %s, %s" % (name, status, detail), daemon)

    def has_queued(self, daemon, count, name="office"):
        self.wait(lambda: self.shown(name)["counts"]["queued"] == count,
                  "%d are queued" % count, daemon)

    def clone(self, count):
        """@count copies of source "office", each of a user of its own: quicker than adding each."""
        with contextlib.closing(sqlite3.connect(self.database())) as database, database:
            for number in range(count):
                database.execute(
                    "INSERT INTO source (id, version, name, loader, connection, user, queue,"
                    " secret_kind, secret, interval_s, paused, syncs, created_s)"
                    " SELECT randomblob(16), 1, printf('many-%03d', ?1), loader, connection,"
                    " printf('%s-%d', user, ?1), queue, 'environment', ?2, interval_s, 0, 0,"
                    " created_s FROM source WHERE name = 'office'",
                    (number, b"MAILCHUTE_TEST_PASSWORD"))
