# SPDX-License-Identifier: Apache-2.0
"""torture_steps - die at step n, for every n, go on, and compare with a run that nothing disturbed.

The command under test is mailchute-faulty (common/fault.h): MAILCHUTE_FAULT_AT=n ends it at its n-th
point. A scenario is a mailbox and a connection string. It is prepared once per server, as a template;
each round works on a copy of its own, under a user name of its own, so rounds know nothing of each other.

After a death:  I1, I3   a message that is no longer in its mailbox is in badmail, or has its entry with
                         all raw bytes
After a healthy run:     folders with digests and flags, entries with state, reason and raw bytes, and
                         the ledger's steps are those of the undisturbed run
A sweep ends when a run gets through whose n is beyond the last point: beyond those that an undisturbed
run passed, and those that it passed itself, as it, or the shim in it, tells. A run that ends early for
another reason is not taken for one that got through: its exit code is none of an undisturbed run, or
n is among the points that there are, and the sweep goes on.
"""
import collections
import dataclasses
import hashlib
import itertools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time

import dovecot
from torture_scenarios import SCENARIOS

FAULTY = "mailchute-faulty"
SWAPPED = "mailchute-swapped"   # settles before it commits
MAILCHUTE_DIED = 137
BAD_MAIL = 65          # exit code: some mail could not be loaded, and was set aside
HELD = 78              # and: a person has to look
NEVER = 10 ** 9        # as n: no run has so many points
NEW_UIDVALIDITY = 4711
RECORD = 32            # bytes of a record of the trace
RUN_SECONDS = 300
EARLIER = 200          # allocations by which a run may differ from another
SESSION_SECONDS = 120   # Dovecot ends the session of a client that died
TOUCHING = re.compile(r"asked UID (MOVE|COPY|STORE|EXPUNGE)")
MOVING = re.compile(r"asked UID (MOVE|COPY)")
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
    library = os.path.join(os.environ.get("top_builddir", "build"), "tests", ".libs", shim + ".so")
    if not os.path.exists(library):
        raise Violation("%s is not there, without which nothing fails" % library)
    return {"LD_PRELOAD": library, "ASAN_OPTIONS": "verify_asan_link_order=0", **variables}


# What can fail instead of a death: from (n, the folder that all is in, the file that tells that it
# happened) to the environment in which the n-th one fails. Beside that file, counted() tells in the end
# how many there were.
def counted(trace):
    return trace + ".counted"


def failing_change(why):
    return lambda at, folder, trace: preloaded(
        "fail-shim", FAIL_AT=str(at), FAIL_ERRNO=str(why), FAIL_TRACE=trace, FAIL_COUNT=counted(trace))


def failing_call(at, folder, trace):
    return preloaded("fail-shim", FAIL_AT=str(at), FAIL_ALL=folder, FAIL_TRACE=trace,
                     FAIL_COUNT=counted(trace))


def only(failing, names):
    """The same, of calls of these names alone."""
    return lambda at, folder, trace: dict(failing(at, folder, trace), FAIL_ONLY=names)


def failing_allocation(goes_on):
    return lambda at, folder, trace: preloaded(
        "oom-shim", OOM_AT=str(at), OOM_TRACE=trace, OOM_COUNT=counted(trace),
        **({"OOM_ON": "1"} if goes_on else {}))


# The same for allocations by the call path that led to them, as a pair of paths(), and a run that lists
# these paths. It is looked at from some allocations before the place where it was met: that costs time.
def failing_path(goes_on):
    return lambda at, folder, trace: preloaded(
        "oom-shim", OOM_PATH=at[1], OOM_FROM=str(at[0] - EARLIER), OOM_TRACE=trace,
        OOM_COUNT=counted(trace), **({"OOM_ON": "1"} if goes_on else {}))


def listing_paths(file):
    return lambda at, folder, trace: preloaded("oom-shim", OOM_PATHS=file, OOM_COUNT=counted(trace))


def environment(program, healthy=False):
    """Leaks are looked for where something fails: that takes as long as all else of a short run. The
    swapped one cannot free what it settled too early."""
    if healthy or program == SWAPPED:
        return dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
    return dict(os.environ)


class Queue:
    """What is in a queue's folder, read past the program under test, from a copy."""

    NAME = "iif(o.mailbox = 'INBOX', {0}, o.mailbox || ':' || {0})"

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
        """[(uid, state, reason, digest told, digest of the raw bytes that are there)]; a uid of another
        folder than INBOX as 'folder:uid'"""
        rows = self._rows("SELECT %s, e.state, e.error, e.raw_sha256, e.raw_place, b.raw, e.id"
                          " FROM entry e JOIN body b USING (n) JOIN scope o ON o.id = e.scope"
                          " ORDER BY o.mailbox, e.uid" % self.NAME.format("e.uid"))
        return [(uid, STATES[state], error, told.hex() if place else None,
                 self._digest(place, raw, identity.hex()))
                for uid, state, error, told, place, raw, identity in rows]

    def created(self):
        """Seconds since 1970 at which the program under test says each entry was made"""
        return [at for at, in self._rows("SELECT created_s FROM entry")]

    def _digest(self, place, raw, identity):
        if place == 2:
            name = "-".join((identity[:8], identity[8:12], identity[12:16], identity[16:20],
                             identity[20:]))
            path = os.path.join(self.folder, "raw", name)
            if not os.path.exists(path):
                return "file lost"
            with open(path, "rb") as file:
                raw = file.read()
        return hashlib.sha256(raw).hexdigest() if place else None

    def ledger(self):
        """[(uid, step, fate, target, UID there or 0)]; uid: the one its entry was made of"""
        return [(uid, STEPS[step], *rest) for uid, step, *rest in self._rows(
            "SELECT %s AS was, l.step, l.fate, w.text, l.target_uid FROM ledger l"
            " LEFT JOIN word w ON w.id = l.target JOIN scope o ON o.id = l.scope"
            " WHERE l.renamed = 0 ORDER BY o.mailbox, was"
            % self.NAME.format("iif(l.named_uid = 0, l.uid, l.named_uid)"))]

    def attempts(self):
        """{UID in INBOX: how often it was begun}"""
        return dict(self._rows("SELECT l.uid, l.attempts FROM ledger l JOIN scope o ON o.id = l.scope"
                               " WHERE o.mailbox = 'INBOX'"))

    def files(self):
        """Entries whose raw bytes are files."""
        rows = self._rows("SELECT count(*) FROM entry WHERE raw_place = 2")
        return rows[0][0] if rows else 0

    def stray_files(self):
        """Raw files beside those that entries have, and what is left in the spool."""
        return -self.files() + sum(len(names) for place in ("raw", "spool")
                                   for _, _, names in os.walk(os.path.join(self.folder, place)))


@dataclasses.dataclass
class Round:
    """What came of one."""
    died: int = 0        # at so many of its deaths
    code: int = 0        # of the last run that was to die
    counted: int = 0     # points that it passed
    trace: list = ()     # their names; those of the healthy run where none was to die
    state: dict = None   # in the end


class Bench:
    """One server, one scenario, one command; makes rounds."""

    numbers = itertools.count()

    def __init__(self, server, scenario, folder, program, failing=None):
        """@failing: not a death, but one of failing_...() above."""
        self.server, self.scenario, self.program = server, scenario, program
        self.failing, self.earlier = failing, []
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
        """Die at each of @deaths, up to the first that does not come, then a healthy run."""
        user = "user%d" % next(self.numbers)
        place, done = Place(self, user), Round()
        try:
            self.copy_home(self.template, user)
            self.earlier_runs(place)
            if self.scenario.renumbered == "first":
                self.renumber(place)
            for at in deaths:
                done.code, happened, done.trace = place.run(at)
                done.counted = place.counted
                if not happened:
                    self._check_through(at, done, place)
                    break
                done.died += 1
                if any(TOUCHING.match(name) for name in done.trace):
                    self._judge(user, place.queue)
                if self.scenario.work:
                    self.work(place.queue)
            if self.scenario.renumbered == "between":
                self.renumber(place)
            healthy = self.healthy(place)
            done.state, done.trace = self.state(user, place.queue), done.trace or healthy
            return done
        finally:
            self.remove_home(user)
            shutil.rmtree(place.queue.folder, ignore_errors=True)

    def _check_through(self, at, done, place):
        """Nothing happened to a run: it ended as one does that nothing disturbed, and tells of all its points
        that the one that was asked for is not among them."""
        if done.code not in (0, BAD_MAIL) and not (done.code == HELD and self.scenario.renumbered):
            raise Violation("nothing was done to a run, and it ended with %d: %s" % (done.code, place.said))
        if not done.counted:
            raise Violation("a run does not tell of a single point that it passed")
        if isinstance(at, int) and done.counted >= at:
            raise Violation("a run passed %d points, and nothing happened at this one" % done.counted)

    def undisturbed(self):
        """A round of a run that could die, as those to come, and does not."""
        done = self.round((NEVER,))
        orders = sum(bool(MOVING.match(name)) for name in done.trace)
        if orders < self.scenario.orders:
            raise Violation("only %d orders move mail" % orders)
        return done

    def renumber(self, place):
        """The mailbox gets another UIDVALIDITY, and its messages, where that is wanted, other UIDs."""
        with self.server.client(place.user) as imap:
            if int(imap.select("INBOX")[1][0]) and self.scenario.new_uids:
                old = imap.uid("SEARCH", "ALL")[1][0].decode().replace(" ", ",")
                imap.uid("COPY", old, "INBOX")
                imap.uid("STORE", old, "+FLAGS.SILENT", "(\\Deleted)")
                imap.uid("EXPUNGE", old)
        place.sessions += 1
        self._wait_for_sessions(place.user, place.sessions, place.offset)
        self.server.set_uidvalidity(place.user, NEW_UIDVALIDITY)

    def earlier_runs(self, place):
        """The runs that came before, and died."""
        while len(self.earlier) < len(self.scenario.before):
            self.earlier.append(self._find(self.scenario.before[len(self.earlier)]))
        for at in self.earlier:
            place.run_dying(at)

    def _find(self, name):
        """At which point of the next run the first of this name is."""
        user = "find%d" % next(self.numbers)
        self.copy_home(self.template, user)
        place = Place(self, user)
        for at in self.earlier:
            place.run_dying(at)
        points = place.run(None)[2]
        self.remove_home(user)
        return points.index(name) + 1

    def healthy(self, place):
        """The runs that end a round; the points the first of them passed."""
        points = None
        for _ in range(self.scenario.healthy):
            code, _, passed = place.run(None)
            points = points or passed
            if code == HELD and self.scenario.renumbered:   # a person looked, and it is the right one
                code = place.run(None, "--accept-new-uids")[0]
            if code not in (0, 65):
                raise Violation("the healthy run ended with %d: %s" % (code, place.said))
            if self.scenario.work:
                self.work(place.queue)
        return points

    def work(self, queue):
        """Take entries, and be done with them, until none is left."""
        while os.path.exists(os.path.join(queue.folder, "queue.db")):
            taken = self._queue_command(queue, "take")
            if taken is None:
                break
            self._queue_command(queue, "done", taken)

    def _queue_command(self, queue, *what):
        """The id that was printed; None where there was nothing to do."""
        done = subprocess.run([self.command, "queue", *what, "--json", "--queue",
                               "sqlite:" + queue.folder], capture_output=True, check=False)
        if done.returncode != 0:
            raise Violation("queue %s ended with %d: %s"
                            % (" ".join(what), done.returncode, done.stderr.decode()))
        return json.loads(done.stdout)["id"] if done.stdout.strip() else None

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
        ledger = [row[:4] for row in ledger]
        if self.scenario.renumbered:   # which UIDs there are is the server's business
            ledger = sorted(row[1:] for row in ledger if row[1] != "attempted")
            entries = sorted(row[1:] for row in entries)
            folders["INBOX"] = sorted(row[1:] for row in folders["INBOX"])
        return {"folders": folders, "entries": entries, "ledger": ledger,
                "stray raw files": queue.stray_files()}


class Place:
    """One user's queue and the runs over it."""

    def __init__(self, bench, user):
        self.bench, self.user, self.said = bench, user, ""
        self.counted = 0   # points that the last run passed; 0, too, where nothing told of them
        self.queue = Queue(os.path.join(bench.folder, user))
        self.trace = os.path.join(bench.folder, user + ".trace")
        self.sessions, self.variables = 0, {}
        self.offset = os.path.getsize(bench.server.log_file)

    def run_dying(self, at):
        failing, self.bench.failing = self.bench.failing, None
        try:
            return self.run(at)
        finally:
            self.bench.failing = failing

    def run(self, at, *more):
        """(exit code, whether the fault came, names of the points passed). @at None: to the end.
        @more of the command line."""
        bench, failed = self.bench, self.trace + ".failed"
        more += bench.scenario.arguments + (bench.scenario.dying if at is not None else ())
        open(self.trace, "wb").close()
        variables = dict(environment(bench.program, at is None), MAILCHUTE_FAULT_TRACE=self.trace,
                         **self.variables)
        if at is not None and bench.failing is None:
            variables["MAILCHUTE_FAULT_AT"] = str(at)
        elif at is not None:
            asan = variables.get("ASAN_OPTIONS")   # what environment() says counts as well
            variables.update(bench.failing(at, bench.folder, failed))
            if asan is not None:
                variables["ASAN_OPTIONS"] = asan + ":" + variables["ASAN_OPTIONS"]
        string = ("url=127.0.0.1;port=%d;starttls=Never;timeout=60s;%s"
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
        shim = at is not None and bench.failing is not None
        count, call = _taken(counted(failed)), _taken(failed)
        self.counted = int(count or 0) if shim else len(names)
        happened = bool(call) or done.returncode == MAILCHUTE_DIED
        names += [call] if call else []
        self._check_end(done.returncode, happened)
        if "logged in" in names:
            self.sessions += 1
            bench._wait_for_sessions(self.user, self.sessions, self.offset)
        return done.returncode, happened, names

    def _check_end(self, code, happened):
        """One line that tells; 70 only where memory ran out, and where that was asked for."""
        lines = self.said.splitlines()
        oom = happened and "out of memory" in self.said
        if code < 0 or "Sanitizer" in self.said or (code == 70 and not oom):
            raise Violation("a run ended with %d: %s" % (code, self.said))
        if happened and code not in (0, 65, MAILCHUTE_DIED) and (
                not lines or not all(line.startswith("mailchute: ") for line in lines)):
            raise Violation("a run ended with %d and said '%s'" % (code, self.said))


def _taken(path):
    """What a file held that is gone now; "" where there was none."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="ascii") as file:
        text = file.read()
    os.unlink(path)
    return text


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
    untaken: int = 0   # points and call paths that a later run did not come by
    violations: list = dataclasses.field(default_factory=list)

    def keep(self, where, why):
        self.violations.append("%s: %s" % (where, why))

    def check_taken(self, most):
        """Some runs are a little shorter than others. Where more than @most are, points were left out."""
        if self.untaken > most:
            self.keep("the sweep", "%d of %d points were not come by again" % (self.untaken, self.points))


def set_aside(wanted, state):
    """The same mails, each in the archive, or in badmail with an entry that tells of its three attempts."""
    bad = [entry for entry in state["entries"] if entry[1] == "bad"]
    was, now = ({name: sorted(rows) for name, rows in each["folders"].items()} for each in (wanted, state))
    return (len(now["BADMAIL"]) == len(bad) and all("attempts to load" in entry[2] for entry in bad) and
            sorted(now.pop("BADMAIL") + now.pop("DROPBOX")) ==
            sorted(was.pop("BADMAIL") + was.pop("DROPBOX")) and now == was and
            [entry[0] for entry in state["entries"]] == [entry[0] for entry in wanted["entries"]] and
            all(row[1] == "moved" for row in state["ledger"]))


def ended(bench, wanted, state):
    """Whether @state is the end of a run that nothing disturbed, or one that is as good."""
    return state == wanted or (bench.scenario.poison and set_aside(wanted, state))


def attempt(bench, wanted, deaths, sweep):
    """One round."""
    sweep.points += 1
    done = bench.round(deaths)
    where = "died at %s (%s)" % (" then ".join(map(str, deaths)), done.trace[-1] if done.trace else "start")
    if not ended(bench, wanted, done.state):
        sweep.keep(where, differences(wanted, done.state))
    return done


def sweep_once(server, scenario, folder, program=FAULTY, failing=None, every=1, most=5):
    """Every n, or every @every-th, until one is beyond the last. Stops after @most violations."""
    bench, sweep = Bench(server, scenario, folder, program, failing), Sweep()
    wanted, undisturbed = bench.round(()).state, bench.undisturbed()
    for at in itertools.count(1, every):
        try:
            done = attempt(bench, wanted, (at,), sweep)
            if not done.died and done.code != undisturbed.code:
                raise Violation("nothing was done to a run, and it ended with %d" % done.code)
            if not done.died and at > undisturbed.counted:
                break
            sweep.untaken += not done.died
        except Violation as violation:
            sweep.keep("died at %d" % at, violation)
        if len(sweep.violations) >= most:
            return sweep
    sweep.check_taken(1 + sweep.points // 20)
    return sweep


def sweep_paths(server, scenario, folder, program, failing, met, every=1, most=5):
    """The allocations of each call path, the first of them, or every @every-th path: those not in
    @met, a set that it adds them to, unless the run did not come by again: a later scenario may."""
    bench, sweep = Bench(server, scenario, folder, program), Sweep()
    wanted = bench.round(()).state
    for at in paths(bench)[::every]:
        if at[1] in met or len(sweep.violations) >= most:
            continue
        met.add(at[1])
        bench.failing = failing
        try:
            if not attempt(bench, wanted, (at,), sweep).died:
                sweep.untaken += 1
                met.discard(at[1])
        except Violation as violation:
            sweep.keep("failed at %d, %s" % at, violation)
    sweep.check_taken(2 + sweep.points // 4)   # the threads of two runs do not take turns alike
    return sweep


def paths(bench):
    """The call paths of the allocations of an undisturbed run, in their order: [(which allocation was the
    first, the path)]."""
    with tempfile.NamedTemporaryFile("r", dir=bench.folder, encoding="ascii") as file:
        bench.failing = listing_paths(file.name)
        bench.round(("all",))
        found = [(int(number), path) for number, path in map(str.split, file)]
        if not found:
            raise Violation("a run does not tell of a single call path")
        return found


def sweep_twice(server, scenario, folder, program=FAULTY, stride=7, most=5):
    """Die at n, go on, die at m, go on: every n, and every stride-th m, another one each time, until one
    is beyond the last."""
    bench, sweep = Bench(server, scenario, folder, program), Sweep()
    wanted = bench.round(()).state
    for first in range(1, bench.undisturbed().counted + 1):
        for second in itertools.count(1 + first % stride, stride):
            try:
                done = attempt(bench, wanted, (first, second), sweep)
                sweep.untaken += done.died == 0
                if done.died < 2:
                    break
            except Violation as violation:
                sweep.keep("died at %d then %d" % (first, second), violation)
            if len(sweep.violations) >= most:
                return sweep
    sweep.check_taken(1 + sweep.points // 20)
    return sweep
