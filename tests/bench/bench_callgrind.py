#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_callgrind - instructions for each byte, which no other load on the machine changes.

    make bench-callgrind          prints the table and keeps it in bench-callgrind.json
    cp tests/bench-callgrind.json base.json; ...; make bench-callgrind BASE=../base.json
                                  shows each part's change, and fails where one needs 5 % more

Every part of bench-parts runs once under valgrind's callgrind. memcpy() is left out: its few
instructions are long ones."""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

BUILD = os.environ.get("top_builddir", "")
WORSE = 1.05   # that much more is worth a look


def instructions_per_byte(program, name):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=bench_measured",
             "--callgrind-out-file=" + os.path.join(folder, "out"), program, "--once", name],
            capture_output=True, text=True, check=True)
    counted = int(re.search(r"Collected : (\d+)", done.stderr).group(1))
    return counted / int(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=os.path.join(BUILD, "tests", "bench-parts"))
    parser.add_argument("--parts", help="names with commas; all by default")
    parser.add_argument("--base", help="an earlier table to be compared with")
    parser.add_argument("--json")
    args = parser.parse_args()
    names = args.parts.split(",") if args.parts else subprocess.run(
        [args.program, "--names"], capture_output=True, text=True, check=True).stdout.split()
    base = {}
    if args.base:
        with open(args.base, encoding="utf-8") as file:
            base = json.load(file)
    figures, worse = {}, []
    print("| %-18s | instructions/byte | change |\n|%s|------------------:|-------:|" % (
        "part", "-" * 20))
    for name in (n for n in names if n != "memcpy"):
        figures[name] = each = instructions_per_byte(args.program, name)
        change = each / base[name] if name in base else None
        print("| %-18s | %17.3f | %6s |" % (
            name, each, "" if change is None else "%+.1f%%" % (100 * change - 100)), flush=True)
        if change is not None and change > WORSE:
            worse.append(name)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(figures, out, indent=1)
    if worse:
        sys.exit("bench_callgrind: these need more than before: " + ", ".join(worse))


if __name__ == "__main__":
    main()
