# SPDX-License-Identifier: Apache-2.0
"""bench_durable - does the program that is measured flush what it stores, before it moves it?

A few messages, some of which become rows and some files, are picked up under strace. Between the
answer that brought a body and the MOVE of that message must lie: what is written to the queue's
write-ahead log, and a flush of it behind the last such write; and where the message is a file, a
flush of it behind its last write, and one of the folder behind its getting a name there. (That this
is enough, at every step and whatever breaks, is what torture-*.py show.)"""
import ast
import os
import re
import shutil
import subprocess

import bench_contestants
from bench_contestants import check

SECONDS = 600
MESSAGES = 12   # of the profile office: five of them become files
FLUSHES = ("fsync", "fdatasync")
WRITES = ("write", "writev", "pwrite64", "pwritev", "pwritev2")
NAMINGS = ("link", "linkat", "rename", "renameat", "renameat2")
READS = ("read", "readv", "recvfrom", "recvmsg")
SENDS = ("write", "writev", "sendto", "sendmsg")
LOG, RAW = "queue.db-wal", "raw"

LINE = re.compile(r"(\d+) +(?:(\w+)\(|<\.\.\. \w+ resumed>)(.*)")
OPEN = " <unfinished ...>"
RESULT = re.compile(r"\) += (\d+)$")   # nothing that failed, or that strace put in its place
FILE = re.compile(r"(\d+)<([^>]*)>")
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
ANSWER = re.compile(rb"\* \d+ FETCH \([^{]*?UID (\d+)[^{]*?BODY\[\] \{(\d+)\}\r\n")
MOVE = re.compile(r"UID MOVE ([\d:,]+) ")


class Call:
    """One that succeeded: the numbers of the lines in which it began and ended."""

    def __init__(self, name, start, text):
        self.name, self.start, self.end, self.text = name, start, None, text

    def file(self):
        """What its first argument stands for: the last part of a path, or "socket:[...]"."""
        found = FILE.match(self.text)
        return os.path.basename(found.group(2)) if found else ""

    def texts(self):
        return TEXT.findall(self.text)


def calls(lines):
    """Those of all threads that succeeded, in the order in which they began."""
    unfinished, found = {}, []
    for number, line in enumerate(lines):
        match = LINE.match(line.rstrip("\n"))
        if match is None:
            continue
        thread, name, text = match.groups()
        call = unfinished.pop(thread, None) if name is None else Call(name, number, "")
        if call is None:
            continue
        if text.endswith(OPEN):
            call.text += text[:-len(OPEN)]
            unfinished[thread] = call
            continue
        call.text, call.end = call.text + text, number
        if RESULT.search(call.text):
            found.append(call)
    return sorted(found, key=lambda call: call.start)


class Trace:
    """What a run did with its files and with the server, by the numbers of the lines."""

    def __init__(self, lines):
        self.writes, self.flushes = {}, {}   # by file: [(start, end)]
        self.named = {}                      # by name: (when it was there, the name before)
        self.moves = []                      # (line, UIDs)
        self.streams = {}                    # by connection: [(line, bytes)]
        for call in calls(lines):
            self._take(call)
        self.answered = {}                   # by UID: when its body was there, whole
        for pieces in self.streams.values():
            self._answers(pieces)

    def _take(self, call):
        file = call.file()
        if call.name in FLUSHES:
            self.flushes.setdefault(file, []).append((call.start, call.end))
        elif call.name in NAMINGS:
            before, name = (os.path.basename(text) for text in call.texts()[:2])
            self.named[name] = (call.end, before)
        elif call.name in READS and file.startswith("socket:"):
            data = ast.literal_eval('b"%s"' % "".join(call.texts()))
            self.streams.setdefault(file, []).append((call.end, data))
        elif call.name in SENDS and file.startswith("socket:"):
            for uids in MOVE.findall("".join(call.texts())):
                self.moves.append((call.start, uid_set(uids)))
        elif call.name in WRITES:
            self.writes.setdefault(file, []).append((call.start, call.end))

    def _answers(self, pieces):
        data = b"".join(piece for _, piece in pieces)
        ends, at = [], 0   # where each piece ends in data
        for line, piece in pieces:
            at += len(piece)
            ends.append((at, line))
        found, piece = ANSWER.search(data), 0
        while found:
            end = found.end() + int(found.group(2))
            while piece < len(ends) - 1 and ends[piece][0] < end:
                piece += 1
            self.answered[int(found.group(1))] = ends[piece][1]
            found = ANSWER.search(data, end)

    def is_flushed(self, files, behind, before):
        """One of these names of a file was flushed: a flush that began behind one line and ended
        before the other."""
        return any(start > behind and end < before
                   for file in files for start, end in self.flushes.get(file, []))

    def last_write(self, files, before):
        ends = [end for file in files for start, end in self.writes.get(file, []) if start < before]
        return max(ends, default=None)


def uid_set(text):
    """The numbers of "1:3,7"."""
    uids = []
    for piece in text.split(","):
        first, _, last = piece.partition(":")
        uids += range(int(first), int(last or first) + 1)
    return uids


def check_message(trace, entry, path, move):
    """One message that was moved in this line of the trace; @path: its file, where it is one."""
    uid = entry["origin"]["uid"]
    check(trace.answered.get(uid, move) < move, "UID %d was moved, its body never came", uid)
    logged = trace.last_write([LOG], move)
    check(logged is not None and logged > trace.answered[uid],
          "UID %d was moved, and nothing written to the log of the queue", uid)
    check(trace.is_flushed([LOG], logged, move),
          "UID %d was moved before the log of the queue was flushed", uid)
    if not os.path.exists(path):
        return
    name = os.path.basename(path)
    named, before = trace.named.get(name, (move, name))
    names = [name, before, "#%d" % os.stat(path).st_ino]   # the last: of a file without a name
    written = trace.last_write(names, move)
    check(written is not None, "UID %d was moved, its file is not written", uid)
    check(trace.is_flushed(names, written, move), "UID %d was moved before its file was flushed", uid)
    check(trace.is_flushed([RAW], named, move),
          "UID %d was moved before the folder of its file was flushed", uid)


def judge(lines, entries, folder):
    """A sentence for the report; Wrong where a message was moved too early. @entries are those of
    the queue in @folder."""
    trace = Trace(lines)
    by_uid = {entry["origin"]["uid"]: entry for entry in entries}
    files = 0
    for move, uids in trace.moves:
        for uid in uids:
            check(uid in by_uid, "UID %d was moved, and is not in the queue", uid)
            entry = by_uid.pop(uid)
            path = os.path.join(folder, RAW, entry["id"])
            files += os.path.exists(path)
            check_message(trace, entry, path, move)
    check(not by_uid, "strace saw no UID MOVE of %d messages", len(by_uid))
    return "durability: %d messages, %d of them files, %d moves, each behind the flushes of what " \
        "it moves" % (len(entries), files, len(trace.moves))


def run(command, turn, *options):
    """The lines of strace with these options more, or None where it may not trace."""
    path = os.path.join(turn.folder, "trace")
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", HOME=turn.folder)
    which = ",".join("?" + name for name in sorted({*FLUSHES, *WRITES, *NAMINGS, *READS, *SENDS}))
    with open(os.path.join(turn.folder, "stderr"), "wb") as err:
        code = bench_contestants.run_to_end(
            ["strace", "-f", "-y", "-s", "10000000", "-o", path, "-e", "trace=" + which, *options,
             *command],
            SECONDS, env=env, stdout=subprocess.DEVNULL, stderr=err)
    if code != 0 or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8", errors="replace") as lines:
        return lines.readlines()


def look(contestant, turn, *options):
    """A sentence for the report; Wrong where mail was moved before all of it was flushed."""
    if shutil.which("strace") is None:
        return "durability was not looked at: strace is not installed"
    turn.server.give(turn.box, turn.user, bench_contestants.ARCHIVE)
    lines = run(contestant.command(turn), turn, *options)
    if lines is None:
        return "durability was not looked at: strace may not trace here"
    contestant.verify(turn)
    return judge(lines, contestant.entries(turn), contestant.folder(turn))
