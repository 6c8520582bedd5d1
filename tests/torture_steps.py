# SPDX-License-Identifier: Apache-2.0
"""torture_steps - die at step n, for every n, go on, and compare with a run that nothing disturbed.

The command under test is mailchute-faulty (common/fault.h): MAILCHUTE_FAULT_AT=n ends it at its n-th
point. A scenario is a mailbox and a connection string. It is prepared once per server, as a template;
each round works on a copy of its own, under a user name of its own, so rounds know nothing of each other.

After a death:  I1, I3   a message that is no longer in its mailbox is in badmail, or has its entry with
                         all raw bytes
After a healthy run:     folders with digests and flags, entries with state, reason and raw bytes, and
                         the ledger's steps are those of the undisturbed run
A sweep ends when a run gets through: then n is beyond the last point.
"""
import collections
import dataclasses
import hashlib
import itertools
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time

import dovecot

FAULTY = "mailchute-faulty"
SWAPPED = "mailchute-swapped"   # settles before it commits
MAILCHUTE_DIED = 137
RECORD = 32            # bytes of a record of the trace
RUN_SECONDS = 120
SESSION_SECONDS = 30   # Dovecot ends the session of a client that died
TOUCHING = re.compile(r"asked UID (MOVE|COPY|STORE|EXPUNGE)")
STEPS = ("unknown", "attempted", "stored", "moving", "copied", "deleting", "moved")
STATES = ("new", "taken", "done", "failed", "bad")


class Violation(Exception):
    """A promise does not hold."""


def built(program):
    """(path of the command, path of the loader that belongs to it; None: it finds its own)"""
    top = os.environ.get("top_builddir", "build")
    if program == "mailchute":
        return os.path.join(top, "host", program), None
    return (os.path.join(top, "tests", program),
            os.path.join(top, "tests", ".libs", program.split("-")[1] + "-imap.so"))


def preloaded(shim, **variables):
    """Environment in which a program runs with this shim before it."""
    top = os.environ.get("top_builddir", "build")
    return {"LD_PRELOAD": os.path.join(top, "tests", ".libs", shim + ".so"),
            "ASAN_OPTIONS": "verify_asan_link_order=0", **variables}


def failing_calls(at, why, trace):
    """Environment in which the @at-th call that changes a file fails (fail-shim.c)."""
    return preloaded("fail-shim", FAIL_AT=str(at), FAIL_ERRNO=str(why), FAIL_TRACE=trace)


def environment(program):
    if program == SWAPPED:   # it cannot free what it settled too early
        return dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
    return dict(os.environ)


def message(number, size=100, subject="message", message_id=None):
    text = ("From: sender@example.org\r\nTo: ann@example.org\r\nSubject: %s %d\r\n"
            "Message-ID: <%s@torture.example.org>\r\n"
            "Date: Sun, 01 Mar 2026 12:00:00 +0100\r\n\r\n"
            % (subject, number, message_id or number))
    return text.encode() + b"%d: " % number + b"x" * size + b"\r\n"


def messages(count, **options):
    return tuple(message(n, **options) for n in range(count))


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    inbox: tuple                 # raw bytes, or (raw bytes, flags)
    keys: str = ""               # more of the connection string
    others: tuple = ()           # (folder, raw bytes): what was there before
    twice: bool = False          # in the long run: die while going on, too
    check: tuple = ()            # kinds of server of make check


FILED = "dropbox=Done/2026/M\u00e4rz;badmail=Done/Bad mail"
TWIN = message(1)
SCENARIOS = (
    Scenario("no mail", ()),
    Scenario("one mail", messages(1), twice=True, check=("full", "uidplus", "move", "bare")),
    Scenario("three mails", messages(3), check=("bare",)),
    Scenario("300 mails", messages(300, size=10)),
    Scenario("60 mails, more than one order moves", messages(60, size=10)),
    Scenario("a mail that is too large", (message(1, size=3000),), "maxSize=2kB",
             check=("uidplus",)),
    Scenario("good, too large, empty, without header",
             (message(0), message(1, size=3000), b"\r\n", b"\r\nbody only\r\n", message(2)),
             "maxSize=2kB", twice=True, check=("full",)),
    Scenario("a mail that is kept as a file", (message(1, size=300000),), check=("move",)),
    Scenario("after=Leave", messages(2), "after=Leave", check=("bare",)),
    Scenario("after=Leave with bad mail", (message(0), message(1, size=3000)),
             "after=Leave;maxSize=2kB"),
    Scenario("after=Delete", messages(2), "after=Delete", twice=True, check=("full",)),
    Scenario("after=Delete with bad mail", (message(0), message(1, size=3000)),
             "after=Delete;maxSize=2kB"),
    Scenario("after=Flag", messages(2), "after=Flag", check=("uidplus",)),
    Scenario("nested folders that are missing", messages(1), FILED, check=("uidplus",)),
    Scenario("nested folders, bad mail", (message(0), message(1, size=3000)),
             FILED + ";maxSize=2kB"),
    Scenario("batch=1", messages(3), "batch=1"),
    Scenario("an accept rule", (message(0), message(1, subject="other"), message(2)),
             "accept=Subject:/^message/", check=("move",)),
    Scenario("a search of the user", (message(0), (message(1), "(\\Seen)"), message(2)),
             "search=UNSEEN"),
    Scenario("flags are kept", ((message(0), "(\\Seen \\Flagged)"), (message(1), "(\\Answered)"))),
    Scenario("the archive holds the same Message-ID", (message(1), message(2, message_id="1")),
             others=(("DROPBOX", message(9, message_id="1")),)),
    Scenario("the archive holds the same mail", (TWIN, message(2)),
             others=(("DROPBOX", TWIN), ("DROPBOX", TWIN)), twice=True, check=("bare",)),
    Scenario("two mails that are alike", (TWIN, TWIN, message(2)), check=("bare",)),
    Scenario("other people's \\Deleted", (message(0), (message(1), "(\\Deleted)"), message(2)),
             check=("uidplus",)),
)


def scenario(name):
    return next(each for each in SCENARIOS if each.name == name)


class Queue:
    """What is in a queue's folder, read past the program under test, from a copy."""

    def __init__(self, folder):
        self.folder = folder

    def _rows(self, sql):
        if not os.path.exists(os.path.join(self.folder, "queue.db")):
            return []
        with tempfile.TemporaryDirectory() as copy:
            for name in os.listdir(self.folder):
                if name.startswith("queue.db"):
                    shutil.copy(os.path.join(self.folder, name), copy)
            database = sqlite3.connect(os.path.join(copy, "queue.db"))
            try:
                database.execute("PRAGMA synchronous = OFF")
                if not database.execute("PRAGMA user_version").fetchone()[0]:
                    return []   # died before its tables were made
                return database.execute(sql).fetchall()
            finally:
                database.close()

    def entries(self):
        """[(uid, state, reason, digest told, digest of the raw bytes that are there)]"""
        rows = self._rows("SELECT e.uid, e.state, e.error, e.raw_sha256, e.raw_place, b.raw, e.id"
                          " FROM entry e JOIN body b USING (n) ORDER BY e.uid")
        return [(uid, STATES[state], error, told.hex() if place else None,
                 self._digest(place, raw, identity.hex()))
                for uid, state, error, told, place, raw, identity in rows]

    def _digest(self, place, raw, identity):
        if place == 2:
            name = "-".join((identity[:8], identity[8:12], identity[12:16], identity[16:20],
                             identity[20:]))
            path = os.path.join(self.folder, "raw", name[:2], name[2:4], name)
            if not os.path.exists(path):
                return "file lost"
            with open(path, "rb") as file:
                raw = file.read()
        return hashlib.sha256(raw).hexdigest() if place else None

    def ledger(self):
        """[(uid, step, fate, target, UID there or 0)]"""
        return [(uid, STEPS[step], *rest) for uid, step, *rest in self._rows(
            "SELECT l.uid, l.step, l.fate, w.text, l.target_uid FROM ledger l LEFT JOIN word w"
            " ON w.id = l.target ORDER BY l.uid")]

    def stray_files(self):
        """Raw files beside those that entries have, and what is left in the spool."""
        files = sum(len(names) for place in ("raw", "spool")
                    for _, _, names in os.walk(os.path.join(self.folder, place)))
        owned = self._rows("SELECT count(*) FROM entry WHERE raw_place = 2")
        return files - (owned[0][0] if owned else 0)


class Bench:
    """One server, one scenario, one command; makes rounds."""

    numbers = itertools.count()

    def __init__(self, server, scenario, folder, program, failing=None):
        """@failing: not a death but this errno, at the n-th call that changes a file."""
        self.server, self.scenario, self.program = server, scenario, program
        self.failing = failing
        self.folder = tempfile.mkdtemp(dir=folder)
        self.command, self.loader = built(program)
        self.secret = os.path.join(self.folder, "secret")
        with open(os.open(self.secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write(server.password)
        self.template = "template%d" % next(self.numbers)
        self.inbox = collections.Counter()
        self._prepare()

    def _prepare(self):
        with self.server.client(self.template) as imap:
            imap.select("INBOX")   # makes the account's folder
            for name, raw in self.scenario.others:
                imap.create(name)
                imap.append(name, None, None, raw)
            for each in self.scenario.inbox:
                raw, flags = each if isinstance(each, tuple) else (each, None)
                imap.append("INBOX", flags, '" 1-Mar-2026 12:00:00 +0100"', raw)
                self.inbox[hashlib.sha256(raw).hexdigest()] += 1
        self._wait_for_sessions(self.template, 1, 0)

    def close(self):
        self.remove_home(self.template)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _home(self, user):
        return self.server.path("mail", user)

    def copy_home(self, user, copy):
        """All that is the server's of one user becomes another's."""
        subprocess.run(["cp", "-a", self._home(user), self._home(copy)], check=True)

    def rename_home(self, user, name):
        os.rename(self._home(user), self._home(name))

    def remove_home(self, user):
        shutil.rmtree(self._home(user), ignore_errors=True)

    def _wait_for_sessions(self, user, count, offset):
        """Until Dovecot has ended so many sessions of @user: what they were told to do is done."""
        ended = re.compile(rb"imap\(%s\).* out=" % user.encode())
        end = time.monotonic() + SESSION_SECONDS
        while time.monotonic() < end:
            with open(self.server.log_file, "rb") as log:
                log.seek(offset)
                if len(ended.findall(log.read())) >= count:
                    return
            time.sleep(0.002)
        raise RuntimeError("a session of %s does not end" % user)

    def round(self, deaths):
        """Die at each of @deaths, then a healthy run; returns (died at them all, end state, trace of
        the last run that was to die)."""
        user = "user%d" % next(self.numbers)
        place = Place(self, user)
        try:
            self.copy_home(self.template, user)
            died = True
            trace = []
            for at in deaths:
                happened, trace = place.run(at)[1:]
                died = died and happened
                if not happened:
                    break
                if any(TOUCHING.match(name) for name in trace):
                    self._judge(user, place.queue)
            code, _, healthy = place.run(None)
            if code not in (0, 65):
                raise Violation("the healthy run ended with %d: %s" % (code, place.said))
            return died, self.state(user, place.queue), trace or healthy
        finally:
            self.remove_home(user)
            shutil.rmtree(place.queue.folder, ignore_errors=True)

    def _folders(self, user):
        """{name: sorted [(UID, digest, flags)]}"""
        found = {}
        with self.server.client(user) as imap:
            for line in imap.list('""', "*")[1]:
                flags, name = line.decode().rsplit(' "/" ', 1)
                if "noselect" in flags.lower():
                    found[name] = []
                    continue
                imap.select(name, readonly=True)
                rows = []
                for part in imap.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")[1]:
                    if not isinstance(part, tuple):
                        continue
                    uid = int(re.search(rb"UID (\d+)", part[0]).group(1))
                    flags = re.search(rb"FLAGS \(([^)]*)\)", part[0]).group(1).decode().split()
                    rows.append((uid, hashlib.sha256(part[1]).hexdigest(),
                                 " ".join(sorted(f for f in flags if f != "\\Recent"))))
                found[dovecot.folder_text(name.strip('"'))] = sorted(rows)
        return found

    def _judge(self, user, queue):
        """I1 and I3 after a death."""
        entries = queue.entries()
        safe = collections.Counter(kept for _, _, _, told, kept in entries if told == kept)
        bad = sum(1 for entry in entries if entry[1] == "bad")
        folders = self._folders(user)
        for _, digest, _ in folders["INBOX"]:
            safe[digest] += 1
        for name, rows in folders.items():
            if "bad" in name.lower():
                safe.update(digest for _, digest, _ in rows)
                if len(rows) > bad:
                    raise Violation("I3: %d mails in %s, %d bad entries" % (len(rows), name, bad))
        for digest, count in self.inbox.items():
            if safe[digest] < count:
                raise Violation("I1/I3: a message (%s) left its mailbox without a durable entry"
                                % digest[:16])

    def state(self, user, queue):
        entries = queue.entries()
        for uid, count in collections.Counter(e[0] for e in entries).items():
            if count > 1:
                raise Violation("I2: message %d has %d entries" % (uid, count))
        folders, ledger = self._folders(user), queue.ledger()
        digests = {e[0]: e[3] for e in entries}
        for uid, step, _, target, there in ledger:
            if step not in ("copied", "deleting", "moved") or not there or not digests.get(uid):
                continue
            if (there, digests[uid]) not in {row[:2] for row in folders.get(target, ())}:
                raise Violation("the ledger says that message %d is message %d of %s, it is not"
                                % (uid, there, target))
        for name in folders:
            if name != "INBOX":   # in which order copies came is nobody's business
                folders[name] = sorted(row[1:] for row in folders[name])
        return {"folders": folders, "entries": entries, "ledger": [row[:4] for row in ledger],
                "stray raw files": queue.stray_files()}


class Place:
    """One user's queue and the runs over it."""

    def __init__(self, bench, user):
        self.bench, self.user, self.said = bench, user, ""
        self.queue = Queue(os.path.join(bench.folder, user))
        self.trace = os.path.join(bench.folder, user + ".trace")
        self.sessions, self.variables = 0, {}
        self.offset = os.path.getsize(bench.server.log_file)

    def run(self, at, *more):
        """(exit code, whether the fault came, names of the points passed). @at None: to the end.
        @more of the command line."""
        bench, failed = self.bench, self.trace + ".failed"
        open(self.trace, "wb").close()
        variables = dict(environment(bench.program), MAILCHUTE_FAULT_TRACE=self.trace,
                         **self.variables)
        if at is not None and bench.failing is None:
            variables["MAILCHUTE_FAULT_AT"] = str(at)
        elif at is not None:
            variables.update(failing_calls(at, bench.failing, failed))
        string = ("url=127.0.0.1;port=%d;starttls=Never;timeout=20s;%s"
                  % (bench.server.port, bench.scenario.keys))
        done = subprocess.run(
            [bench.command, "pickup", string, "--loader", bench.loader, "--user", self.user,
             "--password-file", bench.secret, "--source", "torture", "--queue",
             "sqlite:" + self.queue.folder, *more], timeout=RUN_SECONDS, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=variables, check=False)
        self.said = done.stderr.decode(errors="replace")[-2000:]
        with open(self.trace, "rb") as trace:
            names = [line.decode().strip() for line in trace.read().splitlines()]
        os.unlink(self.trace)
        if done.returncode < 0 or done.returncode == 70 or "Sanitizer" in self.said:
            raise Violation("a run ended with %d: %s" % (done.returncode, self.said))
        happened = done.returncode == MAILCHUTE_DIED
        if os.path.exists(failed):
            happened = True
            with open(failed, encoding="ascii") as call:
                names.append(call.read())
            os.unlink(failed)
            if done.returncode not in (0, 65) and not self.said.startswith("mailchute: "):
                raise Violation("a run ended with %d and said '%s'" % (done.returncode, self.said))
        if "logged in" in names:
            self.sessions += 1
            bench._wait_for_sessions(self.user, self.sessions, self.offset)
        return done.returncode, happened, names


def differences(wanted, got):
    """What is different, in a few lines."""
    lines = []
    for key in wanted:
        if wanted[key] != got[key]:
            lines.append("%s: instead of %s there is %s"
                         % (key, str(wanted[key])[:1500], str(got[key])[:1500]))
    return "\n".join(lines)


@dataclasses.dataclass
class Sweep:
    """What came of one scenario on one server."""
    points: int = 0
    violations: list = dataclasses.field(default_factory=list)

    def keep(self, where, why):
        self.violations.append("%s: %s" % (where, why))


def attempt(bench, wanted, deaths, sweep):
    """One round; True where it died at all of @deaths."""
    sweep.points += 1
    died, state, trace = bench.round(deaths)
    where = "died at %s (%s)" % (" then ".join(map(str, deaths)), trace[-1] if trace else "start")
    if state != wanted:
        sweep.keep(where, differences(wanted, state))
    return died


def sweep_once(server, scenario, folder, program=FAULTY, failing=None, every=1, most=5):
    """Every n, or every @every-th. Stops after @most violations."""
    bench, sweep = Bench(server, scenario, folder, program, failing), Sweep()
    wanted = bench.round(())[1]
    for at in itertools.count(1, every):
        try:
            if not attempt(bench, wanted, (at,), sweep):
                break
        except Violation as violation:
            sweep.keep("died at %d" % at, violation)
        if len(sweep.violations) >= most:
            break
    return sweep


def sweep_twice(server, scenario, folder, program=FAULTY, stride=7):
    """Die at n, go on, die at m, go on: every n, and every stride-th m, another one each time."""
    bench, sweep = Bench(server, scenario, folder, program), Sweep()
    wanted = bench.round(())[1]
    last = len(bench.round(())[2])
    for first in range(1, last + 1):
        for second in range(1 + first % stride, last + 20, stride):
            try:
                if not attempt(bench, wanted, (first, second), sweep):
                    break
            except Violation as violation:
                sweep.keep("died at %d then %d" % (first, second), violation)
    return sweep
