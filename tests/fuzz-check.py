#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make check does of fuzzing: 30 seconds for each of the first targets, a short look by the others,
two at a time. The mutations are the same each time, so that a failure tells of a change and
not of luck; make fuzz looks for what nobody has seen yet. Inputs that were found are kept in the build
folder, so the next time begins where this one ended."""
import os
import subprocess
import sys
import tempfile

import fuzz

FIRST = ("connection-string", "imap-response", "imap-dialogue", "folder-name", "mime")
SECONDS, OTHERS_SECONDS, JOBS, SEED = 30, 5, 2, 1
TARGET = "#include <stdint.h>\nint LLVMFuzzerTestOneInput(const uint8_t *d, unsigned long n);\n" \
         "int LLVMFuzzerTestOneInput(const uint8_t *d, unsigned long n) { return d == 0 && n; }\n"


def missing():
    """Why there is nothing to fuzz with; None: there is."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(["clang", "-fsanitize=fuzzer,address,undefined", "-x", "c", "-", "-o",
                            os.path.join(folder, "target")], input=TARGET, text=True, check=True,
                           capture_output=True)
        except (OSError, subprocess.CalledProcessError) as why:
            return "clang with libFuzzer is not there (%s)" % " ".join(str(why).split())
    return None


def build():
    """The names of the targets that were built."""
    tests = os.path.join(os.environ["top_builddir"], "tests")
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    subprocess.run(["make", "--no-print-directory", "-C", tests, "fuzz-programs"], env=alone,
                   check=True, stdout=sys.stderr)
    work = os.path.join(tests, "fuzz-work")
    return work, sorted(name[5:] for name in os.listdir(work) if name.startswith("fuzz-"))


def main():
    why = missing()
    if why is not None:
        print("1..0 # SKIP " + why)
        return 0
    work, targets = build()
    others = [name for name in targets if name not in FIRST]
    plan = {name: SECONDS for name in FIRST}
    plan.update((name, OTHERS_SECONDS) for name in others)
    return fuzz.run_all(lambda name: fuzz.check(work, name, plan[name], SEED), list(plan), JOBS)


if __name__ == "__main__":
    sys.exit(main())
