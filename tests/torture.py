#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""torture - break a pick-up in every way from outside and look whether anything was lost or doubled.

    tests/torture.py cut  [--every 32] [--fault cut|reset|stall|drip] [--tls] [--large --most 1000]
                          [--kind full|uidplus|move|bare]
    tests/torture.py kill [--times 100] [--seed N] [--kind ...] [--workers 2]
    tests/torture.py clock [--times 100] [--seed N] [--kind ...]
    tests/torture.py io   [--every 1] [--only NAME,...] [--all] [--scenario WORDS] [--kind ...]
    tests/torture.py steps [--all [--in-turn] [--stride 7]] [--scenario WORDS] [--kind ...]
    tests/torture.py calls, oom [--paths]   as io
    tests/torture.py power [--times 200] [--seed N] [--all] [--forget WORDS]

cut:  a session through a proxy that breaks the connection behind byte n, for every n of both
      directions; then a healthy run. kill: kill -9 at random moments while mail arrives, again and
      again, --times times; then a healthy run; with --workers several run and are killed at the same time,
      over one queue. One message in ten is large; with --large one of those of cut.
clock: the time of day jumps by a second up to ten years in the middle of a run, which goes on, stands
      still for a while or is killed; see torture_clock.py.
steps: see torture_steps.py; --all takes every scenario to every kind of server (with --in-turn one to
      one of them, the next to the next), and dies twice. io: as steps, but the n-th call that changes
      a file fails, with EIO and with ENOSPC (fail-shim.c); no mail may be blamed for it. calls: also
      those that only look at files. oom: the n-th allocation fails (oom-shim.c), alone and with all
      behind it; with --paths the first of each call path, which a scenario has fewer of by far. With
      --passed FILE what passed is noted there; another run of the same build goes on behind it.
power: see torture_power.py; the power goes off --times times in all. --program mailchute-swapped takes a build that settles before it
      commits, --forget a disk that does not flush: what these tests are for, so they must fail.

top_builddir is the build folder. After a round of cut or kill the judge looks at a real Dovecot and
the queue:

    I1  each message is in its mailbox, or in badmail with an entry that tells why, or has a durable
        entry with its raw bytes
    I2  no message has two entries
    I3  a message left its mailbox only after its entry was durable
    I5  after the healthy run each message is in the archive, and its entry in the queue

A message that three kills in a row happened to hit is set aside as poison, as promised (I4): it counts
as kept, and is told. Faults of the link never make bad mail.

Prints TAP: one line a direction or all kills of a kind; the first violation ends a round with the place.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import errno
import glob
import hashlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import dovecot
import fault_proxy
import torture_clock
import torture_power
import torture_scenarios
import torture_steps
from torture_steps import Violation

USER = "ann"
RUN_SECONDS = 400      # no single run may take longer: a server has five minutes to move messages
CUT_EVERY = 32         # bytes
BUSY = 75              # exit code: another one has the mailbox
BAD_MAIL = 65          # and: some mail could not be loaded, and was set aside
RUNS_MEASURED = 25     # runs between two looks at how long one takes
STALLED = "1s"          # timeout of a run that waits for a server in vain
STANDSTILL_SECONDS = 0.2
LAST_ATTEMPT = 3       # the death that sets a message aside
LARGE_EVERY = 10       # of so many messages one is large
PICKED_UP = b"$mailchutepickedup"  # keyword of copied mail where nothing may be expunged


def message(number, large=False):
    """A message that nobody can take for another: its Message-ID tells its number. A small one, and one in
    ten large: written by threads, past the page cache, into a file of its own."""
    size = 300000 + number * 7919 % 400000 if large or number % LARGE_EVERY == LARGE_EVERY - 1 else 200
    text = ("From: sender@example.org\r\nTo: ann@example.org\r\nSubject: message %d\r\n"
            "Message-ID: <%d@torture.example.org>\r\n"
            "Date: Sun, 01 Mar 2026 12:00:00 +0100\r\n\r\n" % (number, number))
    return text.encode() + b"A%d OK FETCH done\r\n" % number + b"x" * size + b"\r\n"


class Bench:
    """A server behind a proxy, a queue folder and the command under test. All runs go through the
    proxy: the port is part of the account's name. @eye: a session that sees and prepares the mailboxes."""

    def __init__(self, server, proxy, eye, folder, options):
        self.server, self.proxy, self.eye = server, proxy, eye
        self.link = ("url=localhost;port=%d;ssl=True;caFile=" + server.ca_file if options.tls
                     else "url=127.0.0.1;port=%d;starttls=Never")
        self.command, loader = torture_steps.built(options.program)
        self.loader = ["--loader", loader] if loader else []
        self.environment = torture_steps.environment(options.program)
        self.healthy = torture_steps.environment(options.program, healthy=True)
        self.secret = os.path.join(folder, "secret")
        with open(os.open(self.secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
            out.write(server.password)
        self.sent = {}   # Message-ID number -> digest of the raw bytes
        self.large = options.large
        self.queue = os.path.join(folder, "queue")

    def fresh(self, count):
        """An empty account with @count new messages, and no queue."""
        shutil.rmtree(self.queue, ignore_errors=True)
        self.sent.clear()
        for name in ("INBOX", "DROPBOX", "BADMAIL"):
            status, held = self.eye.select(name)
            if status == "OK":
                if int(held[0]):
                    self.eye.store("1:*", "+FLAGS", "(\\Deleted)")
                    self.eye.expunge()
                self.eye.unselect()
        self._deliver(self.eye, range(count))

    def deliver(self, numbers):
        with self.server.client(USER) as imap:
            self._deliver(imap, numbers)

    def _deliver(self, imap, numbers):
        for number in numbers:
            raw = message(number, large=self.large and number == 0)
            self.sent[number] = hashlib.sha256(raw).hexdigest()
            dovecot.checked(imap.append("INBOX", None, None, raw))

    def start(self, environment=None):
        string = (self.link % self.proxy.port
                  + ";timeout=" + (STALLED if self.proxy.fault.kind == "stall" else "5s"))
        return subprocess.Popen(
            [self.command, "pickup", string, "--user", USER, "--password-file", self.secret,
             "--source", "torture", "--queue", "sqlite:" + self.queue, *self.loader],
            env=environment or self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)

    def ended(self, process):
        """What @process said until it ended by itself, which it has to."""
        try:
            _, said = process.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Violation("a run hung for %d s" % RUN_SECONDS) from None
        return said.decode(errors="replace")

    def run(self, environment=None):
        process = self.start(environment)
        said = self.ended(process)
        if process.returncode < 0 or process.returncode == 70 or "Sanitizer" in said:
            raise Violation("a run ended with %d: %s" % (process.returncode, said[-2000:]))
        return process.returncode, said

    def folder_digests(self):
        """{name: how often each digest is there}; mail that was picked up, and could not be expunged, is
        no longer in INBOX."""
        found = {}
        for name in ("INBOX", "DROPBOX", "BADMAIL"):
            found[name] = collections.Counter()
            if self.eye.select(name, readonly=True)[0] != "OK":
                continue
            for part in dovecot.checked(self.eye.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")):
                if isinstance(part, tuple) and not (name == "INBOX" and PICKED_UP in part[0].lower()):
                    found[name][hashlib.sha256(part[1]).hexdigest()] += 1
            self.eye.unselect()
        return found

    def judge(self, settled):
        """Raise Violation unless the invariants hold; @settled: a healthy run has just ended."""
        queue = torture_steps.Queue(self.queue)
        entries, attempts = queue.entries(), queue.attempts()
        aside = [uid for uid, state, *_ in entries if state == "bad"]
        for uid in aside:
            if attempts[uid] < LAST_ATTEMPT:
                raise Violation("I4: UID %d is set aside after %d attempts" % (uid, attempts[uid]))
        digests = collections.Counter(kept for *_, told, kept in entries if told == kept)
        if digests.total() != len(entries):
            raise Violation("I1: an entry has lost its message: %s" % (entries,))
        for uid, count in collections.Counter(entry[0] for entry in entries).items():
            if count > 1:
                raise Violation("I2: UID %d has %d entries" % (uid, count))
        inbox, archive, badmail = self.folder_digests().values()
        for number, digest in self.sent.items():
            if digests[digest] > 1:
                raise Violation("I2: message %d has %d entries" % (number, digests[digest]))
            if not digests[digest] and not inbox[digest] and not badmail[digest]:
                raise Violation("I1/I3: message %d is in no folder it may be in, and not in the queue"
                                % number)
            if settled and inbox[digest]:
                raise Violation("I4: message %d was not picked up" % number)
            if settled and archive[digest] + badmail[digest] != 1:
                raise Violation("I5: message %d is %d times in the archive, %d times in badmail"
                                % (number, archive[digest], badmail[digest]))
        if badmail.total() > len(aside) or (settled and badmail.total() != len(aside)):
            raise Violation("I3: %d messages in badmail, %d bad entries" % (badmail.total(), len(aside)))
        return len(aside)

    def files(self):
        """How many entries have files of their own. Where some messages were large one must, or nothing is
        shown of such; a single one may have been set aside unread."""
        count = torture_steps.Queue(self.queue).files()
        if count == 0 and len(self.sent) >= 3 * LARGE_EVERY:
            raise Violation("of %d messages none is kept as a file" % len(self.sent))
        return count

    def settle(self):
        code, said = self.run(self.healthy)
        if code not in (0, BAD_MAIL):
            raise Violation("the healthy run ended with %d: %s" % (code, said))
        return self.judge(settled=True)


def cut(bench, options, tap):
    """Break the connection behind every n-th byte of each direction."""
    bench.fresh(options.messages)
    bench.proxy.arm(fault_proxy.Fault())
    bench.run()
    bench.judge(settled=True)
    lengths = dict(bench.proxy.passed)
    for direction in fault_proxy.DIRECTIONS:
        every = max(options.every or CUT_EVERY, lengths[direction] // (options.most or lengths[direction]))
        points = range(options.offset, lengths[direction], every)
        with tap.line("a session of kind '%s'%s%s with a %s behind every %d. of %d bytes %s"
                      % (options.kind, " over TLS" if options.tls else "",
                         ", one message large," if options.large else "", options.fault, every,
                         lengths[direction], direction)):
            for at in points:
                fault = fault_proxy.Fault(options.fault, direction, at)
                bench.fresh(options.messages)
                with tap.place(fault):
                    bench.proxy.arm(fault)
                    bench.run()
                    bench.judge(settled=False)
                    if bench.settle() > 0:
                        raise Violation("a fault of the link made bad mail")
                bench.proxy.drop()   # a stalled session lasts until here, and the server has room for few


def undisturbed(bench):
    """Seconds of a run that picks up what is there: how late a kill may come at the latest. A fixed time
    would be before everything in a build with sanitizers on a busy machine, or behind it all."""
    started = time.monotonic()
    bench.run()
    return time.monotonic() - started


def killed(bench, chance, spread):
    """Start a run and kill it at a random moment; its exit code. One that had ended before was not killed."""
    process = bench.start()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(chance.random() * spread)
    process.kill()
    said = process.communicate()[1].decode(errors="replace")
    if process.returncode not in (0, BAD_MAIL, BUSY, -signal.SIGKILL) or "Sanitizer" in said:
        raise Violation("a run ended with %d: %s" % (process.returncode, said[-2000:]))
    return process.returncode


def kill(bench, options, tap):
    """kill -9 at random moments of a run, while mail arrives."""
    chance, kills = random.Random(options.seed), 0
    with tap.line("%d times kill -9 while mail arrives, kind '%s', seed %d"
                  % (options.times, options.kind, options.seed)):
        bench.fresh(3)
        for turn in itertools.count():
            if turn % RUNS_MEASURED == 0:
                spread = undisturbed(bench)
            arriving = threading.Thread(target=bench.deliver,
                                        args=(range(turn * 3 + 3, turn * 3 + 6),))
            arriving.start()
            with tap.place("run %d" % turn):
                try:
                    kills += killed(bench, chance, spread) == -signal.SIGKILL
                finally:
                    arriving.join()
                if turn % RUNS_MEASURED == RUNS_MEASURED - 1:
                    bench.judge(settled=False)
            if kills == options.times:
                break
        aside = bench.settle()
        tap.comment("%d messages, %d of them kept as files, %d kills of %d runs (the others had ended before): "
                    "0 lost, 0 doubled, %d set aside as poison"
                    % (len(bench.sent), bench.files(), kills, turn + 1, aside))


def jump(bench, clock, chance, spread):
    """One run in the middle of which the clock is set; it goes on, stands still a while, or is killed."""
    clock.set(chance.choice(torture_clock.JUMPS))
    process = bench.start()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(chance.random() * spread)
    end = chance.choice(("goes on", "stands still", "killed"))
    if end == "stands still":
        process.send_signal(signal.SIGSTOP)
    clock.set(chance.choice(torture_clock.JUMPS))
    if end == "stands still":
        time.sleep(STANDSTILL_SECONDS)
        process.send_signal(signal.SIGCONT)
    if end == "killed":
        process.kill()
    said = bench.ended(process)
    # Three kills may have been in the middle of one message: then it is set aside, and judged.
    if process.returncode not in (0, BAD_MAIL, -signal.SIGKILL):
        raise Violation("%s with another clock, and ended with %d: %s" % (end, process.returncode, said))


def clock(bench, options, tap):
    """Set the clock --times times, while mail arrives."""
    chance, there = random.Random(options.seed), torture_clock.Clock(os.path.dirname(bench.queue))
    with tap.line("the time of day jumped %d times while mail arrived, kind '%s', seed %d"
                  % (options.times, options.kind, options.seed)):
        bench.fresh(3)
        for each in (bench.environment, bench.healthy):
            each.update(there.environment())
        spread = undisturbed(bench)
        for turn in range(options.times):
            bench.deliver(range(turn * 3 + 3, turn * 3 + 6))
            with tap.place("jump %d" % turn):
                jump(bench, there, chance, spread)
                bench.judge(settled=False)
        aside = bench.settle()
        created = torture_steps.Queue(bench.queue).created()
        if max(created) - min(created) < 3600:
            raise Violation("the clock was never seen to jump: is libfaketime at work?")
        tap.comment("%d messages, %d jumps: 0 lost, 0 doubled, %d set aside as poison"
                    % (len(bench.sent), options.times, aside))


def work(bench, chance, spread, turns, counts, stop):
    """One of several that start, are killed and start again over one mailbox and one queue."""
    while counts["kills"] < turns and not stop.is_set():
        try:
            code = killed(bench, chance, spread)
        except Violation as violation:
            counts["wrong"] = str(violation)
            stop.set()
            break
        counts["runs"] += 1
        counts["kills"] += code == -signal.SIGKILL
        counts["refused"] += code == BUSY
        if code == BUSY:
            time.sleep(chance.random() * spread / 10)


def kill_workers(bench, options, tap):
    """Several pick-ups at the same time, each of them killed at random moments, while mail arrives."""
    chance, stop = random.Random(options.seed), threading.Event()
    counts = collections.Counter()
    with tap.line("%d workers over one mailbox and one queue, %d times kill -9 while mail arrives, kind "
                  "'%s', seed %d" % (options.workers, options.times, options.kind, options.seed)):
        bench.fresh(3)
        spread = undisturbed(bench)
        workers = [threading.Thread(target=work, args=(bench, random.Random(chance.random()), spread,
                                                       options.times, counts, stop))
                   for _ in range(options.workers)]
        for worker in workers:
            worker.start()
        number = 3
        while any(worker.is_alive() for worker in workers):
            bench.deliver(range(number, number + 3))
            number += 3
            time.sleep(spread / 2)
        if counts["wrong"]:
            raise Violation(counts["wrong"])
        aside = bench.settle()
        tap.comment("%d messages, %d of them kept as files, %d kills of %d runs, %d times the other one was at "
                    "work: 0 lost, 0 doubled, %d set aside as poison"
                    % (len(bench.sent), bench.files(), counts["kills"], counts["runs"], counts["refused"],
                       aside))


def sweep(server, scenario, folder, options, how):
    """One line's worth of steps or io."""
    started, on = time.monotonic(), (server, scenario, folder, options.program)
    try:
        if how in PATHS:
            done = torture_steps.sweep_paths(*on, PATHS[how], options.met[how], options.every or 1)
        elif how in FAILURES:
            failing = FAILURES[how]
            if options.only:
                failing = torture_steps.only(failing, options.only)
            done = torture_steps.sweep_once(*on, failing, options.every or 1)
        elif how == TWICE:
            done = torture_steps.sweep_twice(*on, options.stride)
        else:
            done = torture_steps.sweep_once(*on)
    except Violation as violation:   # before the first point
        done = torture_steps.Sweep(violations=[violation])
    return done, time.monotonic() - started


ONCE = "died at every step"
TWICE = "died at every step, and once more while going on"
FAILING = {
    "steps": {},
    "io": {"each call that changes a file failed with EIO": torture_steps.failing_change(errno.EIO),
           "each call that changes a file failed with ENOSPC":
           torture_steps.failing_change(errno.ENOSPC)},
    "calls": {"each call on a file failed, those that only look as well": torture_steps.failing_call},
    "oom": {"each allocation failed": torture_steps.failing_allocation(False),
            "each allocation failed, and all behind it": torture_steps.failing_allocation(True)},
}
FAILURES = {how: what for each in FAILING.values() for how, what in each.items()}
PATHS = {"an allocation of each call path failed": torture_steps.failing_path(False),
         "an allocation of each call path failed, and all behind it": torture_steps.failing_path(True)}


class Passed:
    """What passed in earlier runs of the same build and the same tests, every n of it, in a file: each line is a number of
    rounds and a sentence, but the first, which names the build. Without a file it is forgotten."""

    def __init__(self, options):
        self.file, self.sentences = options.passed, {}
        if not self.file:
            return
        build = hashlib.sha256()
        here = os.path.dirname(os.path.abspath(__file__))
        shims = os.path.join(os.path.dirname(torture_steps.built(options.program)[1]), "*-shim.so")
        for each in (*torture_steps.built(options.program), *sorted(glob.glob(shims)),
                     *sorted(glob.glob(os.path.join(here, "torture*.py")))):
            with open(each, "rb") as program:
                build.update(program.read())
        build.update(b"%d" % options.stride)
        lines = []
        if os.path.exists(self.file):
            with open(self.file, encoding="utf-8") as file:
                lines = file.read().splitlines()
        if lines[:1] == [build.hexdigest()]:
            self.sentences = {sentence: int(rounds) for rounds, sentence in
                              (line.split(" ", 1) for line in lines[1:] if " " in line)}
        else:
            with open(self.file, "w", encoding="utf-8") as file:
                file.write(build.hexdigest() + "\n")

    def keep(self, sentence, rounds):
        self.sentences[sentence] = rounds
        if self.file:
            with open(self.file, "a", encoding="utf-8") as file:
                file.write("%d %s\n" % (rounds, sentence))

    def told(self):
        return (", %d with those of earlier runs" % sum(self.sentences.values())) if self.file else ""


def steps(options, tap):
    """Die, or let a call fail, at every step of every scenario that is asked for, on every kind of server."""
    points = 0
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        servers = {kind: stack.enter_context(dovecot.Dovecot(kind=kind)) for kind in options.kind}
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(options.jobs))
        asked, options.met = {}, collections.defaultdict(set)
        passed = Passed(options)
        for number, scenario in enumerate(torture_scenarios.SCENARIOS):
            in_turn = options.kind[number % len(options.kind)]
            for kind in (in_turn,) if options.in_turn else options.kind:
                if options.scenario not in scenario.name or not (options.all or
                                                                 kind in scenario.check):
                    continue
                hows = PATHS if options.paths else FAILING[options.how] or (ONCE, TWICE)
                for how in hows:
                    if how == TWICE and not (options.all and scenario.twice):
                        continue
                    sentence = ("%s, server of kind '%s': %s%s"
                                % (scenario.name, kind, how, options.only and ", " + options.only or ""))
                    if sentence in passed.sentences:
                        continue
                    future = pool.submit(sweep, servers[kind], scenario, folder, options, how)
                    asked[future] = sentence
        for future in concurrent.futures.as_completed(asked):
            done, seconds = future.result()
            points += done.points
            tap.result(asked[future], done.violations)
            if not done.violations:
                passed.keep(asked[future], done.points)
            tap.comment("%d rounds in %.0f s%s" % (done.points, seconds, done.untaken and
                                                   ", %d of whose points were not come by" % done.untaken or ""))
    tap.comment("%d rounds in all%s" % (points, passed.told()))


def power(options, tap):
    """Cut the power --times times, spread over the runs that are asked for."""
    runs = torture_power.long_runs() if options.all else torture_power.CHECK
    runs = [run for run in runs if options.scenario in run[0]]
    chance, points, restarts = random.Random(options.seed), 0, 0
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        servers = {kind: stack.enter_context(dovecot.Dovecot(kind=kind))
                   for kind in sorted({run[1] for run in runs})}
        for number, (name, kind, before) in enumerate(runs):
            scenario = torture_scenarios.scenario(name)
            recorded = torture_power.Power(servers[kind], scenario, folder, before)
            count = options.times * (number + 1) // len(runs) - options.times * number // len(runs)
            done = recorded.cuts(count, chance, torture_power.FORGETFUL.get(options.forget),
                                 restart_every=0 if options.forget else options.every or 10,
                                 most=1 if options.forget else 5)
            recorded.close()
            points, restarts = points + done.points, restarts + done.restarts
            tap.result("%s%s, server of kind '%s': the power went off %d times"
                       % (name, ", into a queue that was in use" if before else "", kind, done.points),
                       done.violations)
    tap.comment("%d power cuts, %d of them with a next run, seed %d" % (points, restarts, options.seed))


class Tap:
    """Lines of TAP; a Violation inside line() makes it 'not ok' with the place."""

    def __init__(self):
        self.number, self.failed, self.where = 0, 0, ""

    def comment(self, text):
        print("\n".join("# " + line for line in str(text).splitlines()), flush=True)

    @contextlib.contextmanager
    def place(self, where):
        self.where = str(where)
        yield
        self.where = ""

    @contextlib.contextmanager
    def line(self, sentence):
        self.number += 1
        try:
            yield
            print("ok %d - %s" % (self.number, sentence), flush=True)
        except Violation as violation:
            self.failed += 1
            print("not ok %d - %s" % (self.number, sentence), flush=True)
            self.comment("%s: %s" % (self.where, violation))

    def result(self, sentence, violations):
        self.number += 1
        self.failed += bool(violations)
        print("%sok %d - %s" % ("not " * bool(violations), self.number, sentence), flush=True)
        for violation in violations:
            self.comment(violation)

    def skip(self, sentence, why):
        self.number += 1
        print("ok %d - %s # SKIP %s" % (self.number, sentence, why), flush=True)

    def end(self):
        print("1..%d" % self.number, flush=True)
        return 1 if self.failed else 0


def arguments(given):
    parser = argparse.ArgumentParser(description="break a pick-up from outside")
    parser.add_argument("how", choices=("cut", "kill", "clock", "power", *FAILING))
    parser.add_argument("--every", type=int, help="bytes between two cuts, calls between two that fail, "
                        "power cuts between two next runs")
    parser.add_argument("--offset", type=int, default=0, help="first byte that is cut")
    parser.add_argument("--most", type=int, help="cut: so many a direction at most, further apart then")
    parser.add_argument("--large", action="store_true", help="cut: the first message is of 300 kB")
    parser.add_argument("--only", metavar="NAME,...", help="io, calls: only calls of these names fail")
    parser.add_argument("--fault", default="cut", choices=("cut", "reset", "stall", "drip"))
    parser.add_argument("--tls", action="store_true", help="cut, kill, clock: over TLS")
    parser.add_argument("--kind", action="append", choices=tuple(dovecot.KINDS))
    parser.add_argument("--times", type=int, default=100, help="kill: of runs that had not ended before")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=1, help="kill: so many at the same time")
    parser.add_argument("--messages", type=int, default=4, help="of a round of cut")
    parser.add_argument("--program", default="mailchute",
                        choices=("mailchute", torture_steps.FAULTY, torture_steps.SWAPPED))
    parser.add_argument("--all", action="store_true", help="steps: every scenario, every kind")
    parser.add_argument("--in-turn", action="store_true", help="steps, io, calls, oom: each scenario with one "
                        "kind of server, the next with the next")
    parser.add_argument("--passed", metavar="FILE", help="steps, io, calls, oom: what passed, and is not "
                        "tried again")
    parser.add_argument("--paths", action="store_true", help="oom: not each allocation, but one of each "
                        "call path that no scenario before had")
    parser.add_argument("--stride", type=int, default=7, help="steps: of the second death")
    parser.add_argument("--scenario", default="", help="steps: those whose name holds these words")
    parser.add_argument("--jobs", type=int, default=2, help="steps: scenarios at the same time")
    parser.add_argument("--forget", choices=tuple(torture_power.FORGETFUL),
                        help="power: what the disk does not do")
    options = parser.parse_args(given)
    if options.paths and options.how != "oom":
        parser.error("--paths is for oom")
    if options.passed and options.every:
        parser.error("--passed is for every n, not with --every")
    return options


def run(given, tap):
    options = arguments(given)
    if options.how in FAILING:
        options.kind = options.kind or list(dovecot.KINDS)
        if options.program == "mailchute":
            options.program = torture_steps.FAULTY
        return steps(options, tap)
    if options.how == "power":
        return power(options, tap)
    if options.how == "clock" and torture_clock.missing():
        return tap.skip("the time of day jumps", torture_clock.missing())
    for kind in options.kind or ["full"]:
        options.kind = kind
        with (tempfile.TemporaryDirectory() as folder, dovecot.Dovecot(kind=kind) as server,
              fault_proxy.FaultProxy(server.tls_port if options.tls else server.port) as proxy,
              server.client(USER) as eye):
            how = {"cut": cut, "clock": clock,
                   "kill": kill if options.workers == 1 else kill_workers}[options.how]
            how(Bench(server, proxy, eye, folder, options), options, tap)
    return None


def main(*given):
    """One run after the other, with these arguments, or with those of the command line."""
    if dovecot.missing():
        print("1..0 # SKIP " + dovecot.missing())
        return 0
    tap = Tap()
    for each in given or (sys.argv[1:],):
        run(each, tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
