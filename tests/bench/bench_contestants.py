# SPDX-License-Identifier: Apache-2.0
"""bench_contestants - who takes part: how each is told to pick a mailbox up and to archive it, and
how its result is checked.

A contestant has a name, missing() (None, or why it cannot take part), command(round) and
verify(round), which raises Wrong. It may write into round.folder before it starts. A Round has:
server, user, box, tls, folder (empty at the start), tools (folder of bench-drain and so on)."""
import collections
import contextlib
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import urllib.parse
import uuid

import bench_server

ARCHIVE = "DROPBOX"
PLACE_FILE = 2   # QUEUE_SQLITE_FILE: the message lies in raw/, not in its row


class Wrong(Exception):
    """A contestant did not do what it was timed for."""


def check(is_so, text, *args):
    if not is_so:
        raise Wrong(text % args)


def check_all(what, found, wanted):
    """Two collections with the same members, each as often."""
    found, wanted = collections.Counter(found), collections.Counter(wanted)
    check(found == wanted, "%s: %d missing, %d unknown", what, sum((wanted - found).values()),
          sum((found - wanted).values()))


def check_server(round_, archived=True):
    """INBOX is empty; all is in the archive."""
    server, box = round_.server, round_.box
    left = server.count(round_.user)
    check(left == 0, "%d messages are left in INBOX", left)
    if archived:
        there = server.count(round_.user, ARCHIVE)
        check(there == box.count, "%d of %d messages are in the archive", there, box.count)


def run_to_end(command, seconds, **how):
    """Its exit code. One that takes longer is ended with all its children, lest they work on beside
    the next contestant, and so it is when this program is stopped."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **how)
    try:
        return child.wait(seconds)
    except BaseException as why:
        if child.returncode is None:   # not waited for: its number is still that of its group
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        if isinstance(why, subprocess.TimeoutExpired):
            raise Wrong("it took longer than %d s" % seconds) from None
        raise


class Contestant:
    archive = "move"   # what it does with picked-up mail on the server
    peer = True        # one of other people's: that it fails ends its part alone

    def missing(self):
        return None

    def environment(self, round_):
        return {"HOME": round_.folder, "SSL_CERT_FILE": round_.server.ca_file}


class Drain(Contestant):
    """The limit: fetch and forget, with and without the move."""

    peer = False

    def __init__(self, move):
        self.name = "raw drain + move" if move else "raw drain"
        self.move, self.archive = move, "move" if move else "none"

    def command(self, round_):
        server = round_.server
        more = ["--tls", server.ca_file] if round_.tls else []
        more += ["--move", ARCHIVE] if self.move else []
        return [os.path.join(round_.tools, "bench-drain"),
                str(server.tls_port if round_.tls else server.port), round_.user,
                bench_server.PASSWORD] + more

    def verify(self, round_):
        with open(os.path.join(round_.folder, "stdout"), encoding="ascii") as out:
            told = json.load(out)
        check(told["messages"] == round_.box.count, "%d messages came", told["messages"])
        check(told["bytes"] == round_.box.bytes, "%d bytes of %d came", told["bytes"],
              round_.box.bytes)
        if self.move:
            check_server(round_)


def stored_digests(folder):
    """(id, SHA-256) of every message in mailchute's queue: of the bytes that lie there, in the row
    or in the file, not of what the program says of them; None where there are none."""
    path = urllib.parse.quote(os.path.join(folder, "queue.db"))
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as db:
        for number, place, raw in db.execute("SELECT e.id, e.raw_place, b.raw FROM entry e"
                                             " JOIN body b ON b.n = e.n"):
            name = str(uuid.UUID(bytes=number))
            if place == PLACE_FILE:
                yield name, file_digest(os.path.join(folder, "raw", name))
            else:
                yield name, None if raw is None else hashlib.sha256(raw).hexdigest()


def file_digest(path):
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


class Mailchute(Contestant):
    """mailchute pickup, as it is by default; only maxSize is raised."""

    name = "mailchute"
    peer = False

    def __init__(self, program):
        self.program = program

    def folder(self, round_):
        return os.path.join(round_.folder, "queue")

    def queue(self, round_):
        return "sqlite:" + self.folder(round_)

    def command(self, round_):
        server = round_.server
        secret = os.path.join(round_.folder, "password")
        with open(secret, "w", encoding="ascii") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(bench_server.PASSWORD + "\n")
        connection = "url=localhost;dropbox=%s;maxSize=1GB;" % ARCHIVE
        connection += ("port=%d;ssl=True;caFile=%s" % (server.tls_port, server.ca_file)
                       if round_.tls else "port=%d;starttls=Never" % server.port)
        return [self.program, "pickup", connection, "--user", round_.user, "--password-file",
                secret, "--queue", self.queue(round_)]

    def entries(self, round_):
        done = subprocess.run([self.program, "queue", "list", "--json", "--queue",
                               self.queue(round_)], capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def verify(self, round_):
        entries = self.entries(round_)
        check_all("entries", [(e["state"], e["raw"]["sha256"],
                               tuple(a["sha256"] for a in e["attachments"])) for e in entries],
                  [("new", e.raw, tuple(e.attachments)) for e in round_.box.expected])
        stored = dict(stored_digests(self.folder(round_)))
        wrong = [e["id"] for e in entries if stored.get(e["id"]) != e["raw"]["sha256"]]
        check(not wrong, "%d messages are not stored as they came, such as %s", len(wrong),
              ", ".join(wrong[:3]))
        check_server(round_)
