#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_profile - what does the processor do while mail is picked up, thread by thread?

    make bench-profile [PROFILES=office,small]

A pick-up out of a Dovecot under 'perf record' (of the whole of it, kernel included where perf may look
there): for each thread milliseconds in each library. The pick-up goes through the same turns as those that
bench.py measures, and its result is verified likewise; perf makes it some percent slower.
"""
import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile

import bench
import bench_contestants
import bench_server
import dovecot

BUILD = os.environ.get("top_builddir", "")
HERTZ = 1999         # samples a second of each processor's time; no harmonic of a timer's
LEAST_MS = 20        # threads and libraries with less stand in no line of their own
KERNEL = "kernel"


class Recorded(bench_contestants.Mailchute):
    """mailchute pickup, under perf."""

    def __init__(self, program, samples):
        super().__init__(program)
        self.samples = samples

    def command(self, round_):
        # -N: else perf keeps links to the libraries of the system in the folder of the turn
        return ["perf", "record", "-N", "-q", "-e", "cpu-clock", "-F", str(HERTZ), "-o", self.samples, "--",
                *super().command(round_)]


def milliseconds(samples):
    """{thread: {library: milliseconds}} of what perf has recorded."""
    told = subprocess.run(["perf", "script", "-i", samples, "-F", "tid,ip,dso"], check=True,
                          capture_output=True, text=True, errors="replace").stdout
    used = collections.defaultdict(collections.Counter)
    for line in told.splitlines():   # "  4341  ffffffff81 (/usr/lib/libcrypto.so.3)"
        words = line.split()
        if len(words) >= 3 and words[0].isdigit():
            name = os.path.basename(words[-1].strip("()"))
            used[words[0]][KERNEL if name.startswith("[") else name] += 1000 / HERTZ
    return used


def rows(used):
    """The table's lines: libraries, and a column for each thread, the busiest first."""
    threads = sorted(used, key=lambda thread: -used[thread].total())
    busy = [thread for thread in threads if used[thread].total() >= LEAST_MS]
    names = [name for name, ms in sum(used.values(), collections.Counter()).most_common() if ms >= LEAST_MS]
    yield ["part, ms"] + ["thread %d" % number for number in range(1, len(busy) + 1)] + ["all"]
    for name in names:
        yield [name] + [used[thread][name] for thread in busy] + [sum(use[name] for use in used.values())]
    yield ["all"] + [used[thread].total() for thread in busy] + [sum(use.total() for use in used.values())]


def table(used):
    for number, (name, *cells) in enumerate(rows(used)):
        print("| %-24s |%s" % (name, "".join(
            " %9s |" % (cell if isinstance(cell, str) else "%.0f" % cell) for cell in cells)))
        if number == 0:
            print("|%s|%s" % ("-" * 26, "----------:|" * len(cells)))
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profiles", default="office,small")
    parser.add_argument("--count", type=int, help="messages instead of the profile's")
    parser.add_argument("--mailchute", default=os.path.join(BUILD, "host", "mailchute"))
    parser.add_argument("--tools", default=os.path.join(BUILD, "tests"))
    parser.add_argument("--work", default=os.path.join(BUILD, "tests", "bench-work"))
    parser.add_argument("--json")
    args = parser.parse_args()
    if shutil.which("perf") is None:
        sys.exit("bench_profile: there is no perf here; install linux-perf")
    args.tools, profiles = os.path.abspath(args.tools), {}
    with tempfile.TemporaryDirectory(prefix="mailchute-bench-") as folder, bench_server.Server() as server:
        for profile in args.profiles.split(","):
            box = bench_server.mailbox(profile, os.path.abspath(args.work), args.tools, args.count)
            samples = os.path.join(folder, "perf.data")
            turn = bench.Round(server, box, False, args.tools, folder)
            used = turn.run(Recorded(os.path.abspath(args.mailchute), samples))
            turn.clean()
            print("%s, %d messages: %.2f s, %.2f s of the processors\n" % (
                profile, box.count, used["wall"], used["user"] + used["system"]))
            profiles[profile] = milliseconds(samples)
            table(profiles[profile])
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(profiles, out, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (bench_contestants.Wrong, dovecot.NoDovecot) as error:
        sys.exit("bench_profile: %s" % error)
