# SPDX-License-Identifier: Apache-2.0
"""system_support - what the system-*.py tests share: a server per class, a user per test, and
mailchute as a command.

    class Moving(system_support.Case):
        server_options = {"kind": "uidplus"}
        def test_...(self):
            self.server.append(self.user, "INBOX", MAIL)
            run = self.pickup()          # a Run: code, out, err, entries
"""
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import dovecot

BUILD = os.environ.get("top_builddir", "")
SOURCE = os.environ.get("top_srcdir", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(BUILD, "host", "mailchute")
IMAP = os.path.join(BUILD, "loader", ".libs", "imap.so")
SECONDS = 240   # no single command takes that long, sanitizers and a busy machine included

OK, USAGE, BAD_MAIL, UNREACHABLE, PROTOCOL, CREDENTIALS, CONFIG = 0, 64, 65, 69, 76, 77, 78

MAIL = (b"From: Ann Lee <ann@example.org>\r\nTo: desk@example.com\r\nSubject: hello\r\n"
        b"Date: Mon, 02 Mar 2026 09:00:00 +0100\r\n\r\nA message.\r\n")


def mail(subject, body=b"A message.\r\n"):
    """A small message with this subject (ASCII)."""
    return b"From: ann@example.org\r\nSubject: %s\r\n\r\n%s" % (subject.encode(), body)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def quoted(value):
    """A value for a connection string."""
    value = str(value)
    if value.strip() != value or any(c in value for c in ";'\""):
        return '"%s"' % value.replace('"', '""')
    return value


class Run:
    """One command that has ended."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8")
        self.err = done.stderr.decode("utf-8")

    @property
    def entries(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self):
        return "exit code %d\n%s\n%s" % (self.code, self.out[-2000:], self.err[-4000:])


def lose_by_deleting(folder):
    for name in ("queue.db", "queue.db-wal", "queue.db-shm"):
        os.unlink(os.path.join(folder, name))


def lose_by_renaming(folder):
    os.rename(folder, folder + "-old")


def lose_by_replacing(folder):
    """As mv, rsync or a backup program put an older copy in its place, all files at once."""
    copy = folder + "-copy"
    shutil.copytree(folder, copy)
    lose_by_deleting(folder)
    for name in ("queue.db", "queue.db-wal"):
        os.rename(os.path.join(copy, name), os.path.join(folder, name))


LOSSES = (lose_by_deleting, lose_by_renaming, lose_by_replacing)   # of a queue, under who uses it
OF_STORE = 74   # exit code


class Case(unittest.TestCase):
    """A test against server_options' server; skipped, with the reason, where there is none."""

    server_options = {}
    users = 0
    prefix = ()   # before mailchute: what runs it elsewhere

    @classmethod
    def setUpClass(cls):
        why = dovecot.missing()
        if why is None and not (os.access(PROGRAM, os.X_OK) and os.access(IMAP, os.R_OK)):
            why = "mailchute and imap.so are not built in '%s'" % BUILD
        if why:
            raise unittest.SkipTest(why)
        cls.server = dovecot.Dovecot(**cls.server_options).start()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        Case.users += 1
        self.user = "user%d" % Case.users
        self.folder = tempfile.mkdtemp(prefix="mailchute-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.password_file = self.write("password", self.server.password + "\n")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(text)
        return path

    @property
    def queue(self):
        return "sqlite:" + os.path.join(self.folder, "queue")

    def connection(self, **keys):
        """A connection string to the server: implicit TLS, verified, unless told otherwise."""
        settings = {"url": self.server.host, "port": self.server.tls_port, "ssl": "True",
                    "caFile": self.server.ca_file}
        settings.update(keys)
        return ";".join("%s=%s" % (k, quoted(v)) for k, v in settings.items() if v is not None)

    def command(self, *args, **options):
        """Run mailchute with these arguments."""
        return Run(subprocess.run([*self.prefix, PROGRAM, *args], stdin=subprocess.DEVNULL, timeout=SECONDS,
                                  capture_output=True, check=False, **options))

    def pickup_args(self, connection=None, *more, password_file=None):
        return ["pickup", self.connection() if connection is None else connection,
                "--user", self.user, "--password-file", password_file or self.password_file,
                "--queue", self.queue, "--json", *more]

    def pickup(self, *more, connection=None, password_file=None, **keys):
        """mailchute pickup --json; @keys change the connection string."""
        if connection is None:
            connection = self.connection(**keys)
        return self.command(*self.pickup_args(connection, *more, password_file=password_file))

    def picked_up(self, *more, **keys):
        """The entries of a pick-up that must go well."""
        run = self.pickup(*more, **keys)
        self.assertEqual(run.code, OK, run)
        return run.entries

    def queued(self):
        """All entries of the queue; none where nothing has made it yet."""
        if not os.path.exists(self.queue[len("sqlite:"):]):
            return []
        run = self.command("queue", "list", "--json", "--queue", self.queue)
        self.assertEqual(run.code, OK, run)
        return run.entries

    def check_folders(self, **counts):
        """How many messages are in which folder; INBOX="..." and so on."""
        self.assertEqual({name: self.server.count(self.user, name) for name in counts}, counts)
