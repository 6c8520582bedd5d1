# SPDX-License-Identifier: Apache-2.0
"""bench_durable - does the program that is measured flush what it stores?

A few messages are picked up under strace: nothing may be moved before something was flushed. (That
it is the right thing, at every step, is what torture-*.py show.)"""
import os
import re
import shutil
import subprocess

import bench_contestants

CALLS = "fsync,fdatasync,syncfs,sendto,write,writev,sendmsg"


def trace(command, turn):
    """The lines of strace, or None where it may not trace."""
    path = os.path.join(turn.folder, "trace")
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", HOME=turn.folder)
    with open(os.path.join(turn.folder, "stderr"), "wb") as err:
        done = subprocess.run(["strace", "-f", "-s", "80", "-o", path, "-e", "trace=" + CALLS,
                               *command], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=err, check=False)
    if done.returncode != 0 or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8", errors="replace") as lines:
        return lines.readlines()


def look(contestant, turn):
    """A sentence for the report; Wrong where mail was moved that nothing was flushed for."""
    if shutil.which("strace") is None:
        return "durability was not looked at: strace is not installed"
    turn.server.give(turn.box, turn.user, bench_contestants.ARCHIVE)
    lines = trace(contestant.command(turn), turn)
    if lines is None:
        return "durability was not looked at: strace may not trace here"
    contestant.verify(turn)
    flushes = moves = 0
    for line in lines:
        if re.search(r" (fsync|fdatasync|syncfs)\(.*= 0", line):
            flushes += 1
        elif "UID MOVE" in line:
            bench_contestants.check(flushes > 0, "mail was moved before anything was flushed")
            moves += 1
    bench_contestants.check(moves > 0, "strace saw no UID MOVE")
    return "durability: %d messages, %d flushes, %d moves, the first behind a flush" % (
        turn.box.count, flushes, moves)
