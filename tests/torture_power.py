# SPDX-License-Identifier: Apache-2.0
"""torture_power - what is on the disk after the power went off, and whether it is enough.

A pick-up runs once with power-shim.so, which writes down all calls that change files, and what was sent
to the server. From that record the disk is made as it may be after a power cut at any place in it:
what was flushed is there, of the rest any part. So one run serves any number of cuts.

What a disk may do (Disk.after_cut):
  contents   of the sectors written since the file's last flush each is there or not, whatever came
             before or after it; a sector that is missing in a file that grew is zeros or garbage
  names      of the changes of a name since its folder's last flush any first part is there; names
             are independent of each other. A flush of a file says nothing of its name
What is held against it (judge):
  the database opens, is sound, and each of its entries has its message, whole
  of a message whose removal was asked for before the cut (MOVE, \\Deleted), that is an entry, and the
  ledger knows of the move; of a message whose body was asked for, the ledger has the attempt, where it
  was asked for alone from the next bytes on that were received
  and, for some of the cuts, the next run against a server that obeyed all it was sent ends as one
  that nothing disturbed

FORGETFUL are disks that do not do what a flush asks for: as if the program had left it out. Every one
must be caught.
"""
import collections
import contextlib
import dataclasses
import os
import random
import re
import shutil
import sqlite3
import struct
import subprocess

import dovecot
import torture_scenarios
import torture_steps
from torture_steps import Violation

SECTOR = 512
HEAD = struct.Struct("=5Q")
MODES = ("nothing", "everything", "half", "most", "first part", "torn")

FORGETFUL = {
    "no flush at all": lambda path: True,
    "no flush of messages kept as files": lambda path: re.match(r"queue/(raw|spool)/", path),
    "no flush of the folders of messages": lambda path: path == "queue/raw",
    "no flush of the database's log": lambda path: path.endswith("-wal"),
    "no flush of the database": lambda path: path.endswith("queue.db"),
}


# Scenario, kind of server, and how many messages a run before this one picked up.
CHECK = (("a mail that is kept as a file", "full", 0), ("three mails", "bare", 1),
         ("good, too large, empty, without header", "uidplus", 1), ("one mail", "move", 0))


def long_runs():
    """Every scenario with every kind of server, into a new queue and one that was in use in turn; that
    one would change what runs that came before and died had left."""
    return [(scenario.name, kind, 0 if scenario.before or scenario.renumbered else (number + at) % 2)
            for number, scenario in enumerate(torture_scenarios.SCENARIOS)
            for at, kind in enumerate(dovecot.KINDS)]


@dataclasses.dataclass
class Record:
    what: str
    file: int
    a: int
    b: int
    data: bytes


def read_records(path):
    with open(path, "rb") as file:
        log = file.read()
    at, records = 0, []
    while at < len(log):
        what, inode, a, b, size = HEAD.unpack_from(log, at)
        at += HEAD.size
        records.append(Record(chr(what), inode, a, b, log[at:at + size]))
        at += size
    return records


class File:
    """A file or folder: what is safe, and what was done to it since its last flush."""

    def __init__(self, content=b""):
        self.safe = bytearray(content)
        self.pending = []              # (offset, bytes) or a size
        self.names, self.path = None, ""

    def apply(self, content, change):
        if isinstance(change, int):
            del content[change:]
            content.extend(bytes(change - len(content)))
        else:
            at, data = change
            content.extend(bytes(max(0, at + len(data) - len(content))))
            content[at:at + len(data)] = data

    def flush(self):
        for change in self.pending:
            self.apply(self.safe, change)
        self.pending = []

    def sectors(self):
        """The pending changes, writes cut at the borders of sectors."""
        for change in self.pending:
            if isinstance(change, int):
                yield change
                continue
            at, data = change
            while data:
                room = SECTOR - at % SECTOR
                yield at, data[:room]
                at, data = at + room, data[room:]

    def after_cut(self, chance, mode):
        """What may be there; @mode of MODES."""
        changes = list(self.sectors())
        keep = {"nothing": 0, "half": 0.5, "most": 0.95}.get(mode, 1)
        if mode == "first part":
            changes = changes[:chance.randint(0, len(changes))]
        if mode == "torn" and changes:
            del changes[chance.randrange(len(changes))]
        content, garbage = bytearray(self.safe), chance.random() < 0.3
        for change in changes:
            if chance.random() < keep:
                if garbage and not isinstance(change, int) and change[0] > len(content):
                    content.extend(chance.randbytes(change[0] - len(content)))
                self.apply(content, change)
        return bytes(content)


class Folder(File):
    """Names: {name: [object or None]}, the first one safe, the last one the present one."""

    def __init__(self):
        super().__init__()
        self.names = {}

    def set(self, name, thing):
        self.names.setdefault(name, [None]).append(thing)

    def get(self, name):
        return self.names.get(name, [None])[-1]

    def flush(self):
        for name, states in list(self.names.items()):
            self.names[name] = states[-1:]

    def after_cut(self, chance, mode):
        """{name: object}"""
        kept = {}
        for name, states in self.names.items():
            at = {"nothing": 0, "everything": len(states) - 1}.get(
                mode, chance.randrange(len(states)))
            if states[at] is not None:
                kept[name] = states[at]
        return kept


def snapshot(path):
    """(inode, contents) of a tree, to make a Disk of."""
    inode = os.stat(path).st_ino
    if os.path.isdir(path):
        return inode, {name: snapshot(os.path.join(path, name)) for name in os.listdir(path)}
    with open(path, "rb") as file:
        return inode, file.read()


class Disk:
    """A folder and all below it, as the records change it; what is not below it is left out."""

    def __init__(self, start, forgets=None):
        """@start: a snapshot, all of it safe; @forgets: of FORGETFUL."""
        self.forgets = forgets or (lambda path: False)
        self.files = {}
        self.root = self._load(start, "")

    def _load(self, start, below):
        inode, content = start
        made = Folder() if isinstance(content, dict) else File(content)
        if made.names is not None:
            for name, each in content.items():
                made.names[name] = [self._load(each, os.path.join(below, name))]
        made.path = below
        self.files[inode] = made
        return made

    def play(self, record):
        thing = self.files.get(record.file)
        if record.what == "C":
            self.files[record.file] = Folder() if record.a else File()
        elif record.what in "LU":
            self._name(record.a, record.data.decode(), thing if record.what == "L" else None)
        elif record.what == "R":
            name, new_name = record.data.decode().split("\0")
            self._name(record.a, name, None)
            self._name(record.b, new_name, thing)
        elif thing is None:
            return
        elif record.what == "W":
            thing.pending.append((record.a, record.data))
        elif record.what == "T":
            thing.pending.append(record.a)
        elif record.what == "S" and not self.forgets(thing.path):
            thing.flush()

    def _name(self, inode, name, thing):
        folder = self.files.get(inode)
        if folder is None or folder.names is None:
            return
        folder.set(name, thing)
        if thing is not None and (folder.path or folder is self.root):
            thing.path = os.path.join(folder.path, name)

    def after_cut(self, chance, mode, target):
        """Make the folder @target."""
        self._make(self.root, target, lambda thing: thing.after_cut(chance, mode))

    def present(self, target):
        """Make the folder as it was for the program."""
        everything = random.Random(0)
        self._make(self.root, target, lambda thing: thing.after_cut(everything, "everything"))

    def _make(self, thing, path, choose):
        if thing.names is None:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
                out.write(choose(thing))
            return
        os.mkdir(path, 0o700)
        for name, each in choose(thing).items():
            if not name.endswith("-shm"):   # memory that is shared through a file, made anew
                self._make(each, os.path.join(path, name), choose)


# ---- What was sent -------------------------------------------------------------------------------

def numbers(text):
    """The UIDs of a set."""
    found = set()
    for part in text.split(","):
        first, _, last = part.partition(":")
        found.update(range(int(first), int(last or first) + 1))
    return found


ORDER = re.compile(r"\S+ (UID (MOVE|COPY|STORE|EXPUNGE|FETCH) ([\d:,]+) ?(.*)|CREATE .*|SELECT .*)", re.S)


def order(line):
    """(the command without its tag, verb, UIDs, rest) of what changes something; else None."""
    match = ORDER.fullmatch(line.strip())
    if match is None:
        return None
    command, verb, uids, rest = match.groups()
    return command, verb or command.split()[0], numbers(uids) if uids else set(), rest or ""


@dataclasses.dataclass
class Sent:
    """What the server was told up to a place in the record."""
    orders: list = dataclasses.field(default_factory=list)   # commands, in order
    moving: set = dataclasses.field(default_factory=set)     # UIDs that it was told to move or delete
    read: set = dataclasses.field(default_factory=set)       # UIDs whose body may have been looked at
    asked: set = dataclasses.field(default_factory=set)      # the UID asked for alone, nothing of it received
    rest: str = ""

    def play(self, record):
        if record.what == "V":   # whatever it was: the attempt is noted before we look for it
            self.read |= self.asked
            self.asked = set()
        if record.what != "X":
            return
        lines = (self.rest + record.data.decode("utf-8", "replace")).split("\r\n")
        self.rest = lines.pop()
        for line in lines:
            asked = order(line)
            if asked is None:
                continue
            command, verb, uids, rest = asked
            if verb == "FETCH" and "BODY.PEEK[]" in rest and len(uids) == 1:
                self.asked |= uids   # its attempt is noted while the server reads it
                continue
            if verb == "FETCH":
                self.read |= uids if "BODY.PEEK[]" in rest else set()
                continue
            self.orders.append(command)
            if verb in ("MOVE", "EXPUNGE") or (verb == "STORE" and "\\Deleted" in rest):
                self.moving |= uids


def obey(server, user, orders):
    """Let the server do what it was told."""
    with server.client(user) as imap:
        for command in orders:
            words = command.split(" ", 2)
            if words[0] == "SELECT":
                imap.select(command[len("SELECT "):])
            elif words[0] == "CREATE":
                imap.create(command[len("CREATE "):])
            else:
                imap.uid(words[1], *words[2].split(" ", 1))


# ---- The judge -----------------------------------------------------------------------------------

def judge(queue, sent):
    """Raise Violation unless the disk holds what must not be lost. @queue: a Queue."""
    path = os.path.join(queue.folder, "queue.db")
    if os.path.exists(path):
        with contextlib.closing(sqlite3.connect(path)) as database:
            try:
                database.execute("PRAGMA synchronous = OFF")
                told = database.execute("PRAGMA integrity_check").fetchall()
            except sqlite3.DatabaseError as error:
                raise Violation("the database cannot be read: %s" % error) from None
        if told != [("ok",)]:
            raise Violation("the database is damaged: %s" % told[:3])
    entries, ledger = queue.entries(), queue.ledger()
    for uid, count in collections.Counter(entry[0] for entry in entries).items():
        if count > 1:
            raise Violation("I2: message %d has %d entries" % (uid, count))
    for uid, _, _, told, kept in entries:
        if told != kept:
            raise Violation("I1: the entry of message %d has lost its message" % uid)
    safe, steps = {entry[0] for entry in entries}, {row[0]: row[1] for row in ledger}
    for uid in sorted(sent.moving):
        if uid not in safe:
            raise Violation("I1/I3: message %d may have left its mailbox and has no entry" % uid)
        if steps.get(uid) not in ("moving", "copied", "deleting", "moved"):
            raise Violation("P9: message %d was moved, the ledger says '%s'" % (uid, steps.get(uid)))
    for uid in sorted(sent.read):
        if uid not in steps:
            raise Violation("I4: message %d was read, and the ledger knows no attempt" % uid)


@dataclasses.dataclass
class Cuts:
    """What came of one scenario on one server."""
    points: int = 0
    restarts: int = 0
    violations: list = dataclasses.field(default_factory=list)


class Power:
    """A recorded run of one scenario on one server, and cuts of it."""

    def __init__(self, server, scenario, folder, before=0, program=torture_steps.FAULTY):
        """@before: so many messages were picked up by a run before this one, into the same queue."""
        self.bench = torture_steps.Bench(server, scenario, folder, program)
        self.wanted = self.bench.round(()).state
        number = next(self.bench.numbers)
        self.user, self.start = "power%d" % number, "start%d" % number   # start: his mail before
        self.root = os.path.join(self.bench.folder, self.user)
        os.mkdir(self.root)
        self.bench.copy_home(self.bench.template, self.user)
        self._prepare(before)
        self.bench.copy_home(self.user, self.start)
        self.snapshot = snapshot(self.root)
        self.records = self._record()
        self.bench.remove_home(self.user)

    def close(self):
        self.bench.remove_home(self.start)
        self.bench.close()

    def _place(self, root):
        """The recorded user - his name is part of a message's - and a queue below @root."""
        place = torture_steps.Place(self.bench, self.user)
        place.queue = torture_steps.Queue(os.path.join(root, "queue"))
        return place

    def _prepare(self, before):
        """What there is when the recorded run begins."""
        place = self._place(self.root)
        self.bench.earlier_runs(place)
        if before:
            self._run(place, "--limit", str(before))
        if self.bench.scenario.renumbered == "first":
            self.bench.renumber(place)

    def _run(self, place, *more):
        code = place.run(None, *more)[0]
        held = code == torture_steps.HELD and self.bench.scenario.renumbered
        if code not in (0, 65) and not held:
            raise Violation("a healthy run ended with %d: %s" % (code, place.said))

    def _record(self):
        log = os.path.join(self.bench.folder, "power.log")
        place = self._place(self.root)
        place.variables = torture_steps.preloaded("power-shim", POWER_LOG=log, POWER_ROOT=self.root)
        self._run(place)
        records = read_records(log)
        self._check_complete(records)
        return records

    def _check_complete(self, records):
        """The records explain all that is there now, or they are worth nothing."""
        disk, told = Disk(self.snapshot), self.root + ".told"
        for record in records:
            disk.play(record)
        disk.present(told)
        differ = subprocess.run(["diff", "-r", "-q", told, self.root], capture_output=True,
                                text=True, check=False)
        shutil.rmtree(told)
        if differ.returncode != 0:
            raise RuntimeError("the record does not tell all: " + differ.stdout + differ.stderr)

    def cuts(self, count, chance, forgets=None, restart_every=8, most=5):
        """Cut at @count random places; after every @restart_every-th start again, 0: never."""
        done, disk, sent, at = Cuts(), Disk(self.snapshot, forgets), Sent(), 0
        for place in sorted(chance.randint(0, len(self.records)) for _ in range(count)):
            for record in self.records[at:place]:
                disk.play(record)
                sent.play(record)
            at, mode = place, chance.choice(MODES)
            restart = restart_every > 0 and done.points % restart_every == restart_every - 1
            done.points += 1
            done.restarts += restart
            try:
                self._cut(disk, sent, mode, chance, restart)
            except Violation as violation:
                done.violations.append("cut behind call %d of %d, '%s' of what was not flushed: %s"
                                       % (place, len(self.records), mode, violation))
            if len(done.violations) >= most:
                break
        return done

    def _cut(self, disk, sent, mode, chance, restart):
        root = os.path.join(self.bench.folder, "cut%d" % next(self.bench.numbers))
        try:
            disk.after_cut(chance, mode, root)
            # UIDs of a new numbering are not those that entries are named by: the next run tells.
            anew = self.bench.scenario.renumbered == "first"
            judge(torture_steps.Queue(os.path.join(root, "queue")), Sent() if anew else sent)
            if restart:
                self._restart(root, sent.orders)
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _restart(self, root, orders):
        """The next run. Who looks at the mailbox has another name, so that sessions can be told apart."""
        bench, other = self.bench, os.path.basename(root)
        try:
            bench.copy_home(self.start, other)
            obey(bench.server, other, orders)
            bench.rename_home(other, self.user)
            place = self._place(root)
            if bench.scenario.renumbered == "between":
                bench.renumber(place)
            bench.healthy(place)
            bench.rename_home(self.user, other)
            state = bench.state(other, place.queue)
            if not torture_steps.ended(bench, self.wanted, state):
                raise Violation("the next run: " + torture_steps.differences(self.wanted, state))
        finally:
            bench.remove_home(other)
            bench.remove_home(self.user)
