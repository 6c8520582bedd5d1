#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fuzz - let libFuzzer look for findings, several targets at the same time.

    tests/fuzz.py check --seconds 30 TARGET...      each for so long; one line of TAP a target
    tests/fuzz.py long --runs 10000000 TARGET...    each until it was executed so often

Programs are WORK/fuzz-TARGET, inputs that were found useful are kept in WORK/TARGET, seeds are in
fuzz/seeds/TARGET beside this file; --work is fuzz-work in the folder where it is called. A long run may
be stopped at any time and called again: WORK/TARGET.executed holds how far it came. A finding ends its
target; it is an input, WORK/TARGET-crash-..., and a target run with that file alone shows it again.
Exit code 0 only without findings.
"""
import argparse
import concurrent.futures
import itertools
import os
import re
import subprocess
import sys

SEEDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fuzz", "seeds")
CHUNK_SECONDS = 120   # of a long run: what a stop can cost
# A machine that has other work to do makes a minute of a second: no input may be blamed for that. What
# may be asked of time is asked in basic blocks (fuzz/oracle.h). Entropic scheduling cost a third.
LIMITS = ("-timeout=120", "-rss_limit_mb=1024", "-entropic=0", "-print_final_stats=1",
          "-verbosity=1")
LONGEST = (256, 512, 256, 4096)  # bytes of an input, chunk by chunk: most bugs need few, some many
# Where memory came from is told in full when a finding is run by hand. Freed memory is watched until 8
# MB more are freed, many times what one input takes.
ASAN_OPTIONS = "malloc_context_size=1:quarantine_size_mb=8:use_sigaltstack=0"
EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
REACHED = re.compile(r"\bcov: (\d+)")


class Finding(Exception):
    """An input that breaks a promise; what libFuzzer said of it."""


def execute(work, target, *limits):
    """Run a target; (executions, branches reached), or Finding."""
    kept, seeds = os.path.join(work, target), os.path.join(SEEDS, target)
    os.makedirs(kept, exist_ok=True)
    environ = dict(os.environ)
    environ["ASAN_OPTIONS"] = ASAN_OPTIONS + ":" + environ.get("ASAN_OPTIONS", "")
    done = subprocess.run(
        [os.path.join(work, "fuzz-" + target), *LIMITS, *limits,
         "-artifact_prefix=%s-" % kept, kept] + [seeds] * os.path.isdir(seeds),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, env=environ)
    said = done.stderr.decode(errors="replace")
    count = EXECUTED.search(said)
    if done.returncode != 0 or count is None:
        raise Finding("exit code %d\n%s" % (done.returncode, said[-4000:]))
    return int(count.group(1)), max([int(n) for n in REACHED.findall(said)], default=0)


def check(work, target, seconds, seed):
    return "%d executions, %d branches" % execute(work, target, "-max_total_time=%d" % seconds,
                                                  "-seed=%d" % seed)


def executed(path):
    if not os.path.exists(path):
        return 0
    with open(path, encoding="ascii") as file:
        return int(file.read())


def long(work, target, runs):
    path = os.path.join(work, target + ".executed")
    total = executed(path)
    lengths = itertools.cycle(LONGEST)
    while total < runs:
        count, reached = execute(work, target, "-max_total_time=%d" % CHUNK_SECONDS,
                                 "-runs=%d" % (runs - total), "-max_len=%d" % next(lengths))
        total += count
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write("%d\n" % total)
        os.replace(path + ".new", path)
        print("# %s: %d of %d executions, %d branches" % (target, total, runs, reached), flush=True)
    return "%d executions" % total


def run_all(how, targets, jobs):
    """Let @how, a function of a target's name, run for all; the exit code."""
    failed = 0
    print("1..%d" % len(targets), flush=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        asked = {pool.submit(how, target): target for target in targets}
        for number, future in enumerate(concurrent.futures.as_completed(asked), 1):
            sentence = "%d - %s holds its promises on whatever is found" % (number, asked[future])
            try:
                print("ok %s\n# %s: %s" % (sentence, asked[future], future.result()), flush=True)
            except Finding as finding:
                failed += 1
                print("not ok " + sentence, flush=True)
                print("\n".join("# " + line for line in str(finding).splitlines()), flush=True)
    return 1 if failed else 0


def arguments():
    parser = argparse.ArgumentParser(description="look for findings with libFuzzer")
    parser.add_argument("how", choices=("check", "long"))
    parser.add_argument("targets", nargs="+")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the mutations; 0: by chance")
    parser.add_argument("--runs", type=int, default=10_000_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--work", default="fuzz-work")
    return parser.parse_args()


def main():
    options = arguments()
    hows = {"check": lambda target: check(options.work, target, options.seconds,
                                           options.seed),
            "long": lambda target: long(options.work, target, options.runs)}
    return run_all(hows[options.how], options.targets, options.jobs)


if __name__ == "__main__":
    sys.exit(main())
