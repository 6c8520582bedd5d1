#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make analyse: gcc -fanalyzer, clang-tidy and cppcheck over every C file, without findings.

    analyse.py [FILE...]       without files: all of common, loader, queue, host and tests

A tool that is not installed is skipped, and that is said. What a tool gets wrong is answered where
it happens: a comment in the line, or in the one above, that begins with "analyse:" and tells why.
Ends with 1 when anything is found. Takes the flags to compile with from CPPFLAGS."""
import concurrent.futures
import os
import re
import shlex
import shutil
import subprocess
import sys

ROOT = os.environ["top_srcdir"]
STRINGS = ["SRCDIR", "PLUGINDIR", "SEEDS"]  # macros that are text: any will do
FLAGS = [flag for flag in shlex.split(os.environ.get("CPPFLAGS", ""))
         if not flag.startswith(tuple(f"-D{name}=" for name in STRINGS))]
FLAGS += ["-std=gnu11", "-DANALYSE"] + [f'-D{name}="x"' for name in STRINGS]
FINDING = re.compile(r"^(\S+?):(\d+):(?:\d+:)? (?:warning|(?:fatal )?error|performance|portability): "
                     r"(.*)$")
# Locals that clean themselves up (common/cleanup.h): gcc knows them, clang's analyser takes them
# for leaks, and cppcheck cannot look into the macros at all.
CLEANS = r"\b(AUTO(_TEXT|(_DONE)?\(\w+\))|cleanup\(.*) %s\b"
LEAK = re.compile(r"[Ll]eak of memory pointed to by '(\w+)[^']*'")
LONGEST = 60  # lines of a function
# memleak: see above. varFuncNullUB: NULL is a pointer in every libc that we are built with.
# ctuuninitvar: it takes an address that is handed on for a value that is read; gcc does not.
CPPCHECK = ["cppcheck", "--enable=warning,performance,portability", "--std=c11", "--quiet",
            "--library=bsd",
            "--template={file}:{line}: {severity}: {message} [{id}]",
            "--suppress=memleak", "--suppress=missingIncludeSystem", "--suppress=varFuncNullUB",
            "--suppress=ctuuninitvar"]

# A test that gets NULL ends right there, which is told. See also tests/.clang-tidy.
TESTS = ["-Wno-analyzer-possible-null-argument", "-Wno-analyzer-possible-null-dereference",
         "-Wno-analyzer-null-dereference"]

# What needs a library that nobody has to have.
OPTIONAL = {"tests/gmime-oracle.c": "gmime-3.0"}


def sources(folder):
    for where, _, names in os.walk(os.path.join(ROOT, folder)):
        for name in sorted(names):
            if name.endswith(".c"):
                yield os.path.join(where, name)


def commands(path):
    """The commands for one file, by tool."""
    library = OPTIONAL.get(os.path.relpath(path, ROOT))
    flags = FLAGS + (shlex.split(subprocess.check_output(["pkg-config", "--cflags", library],
                                                         text=True)) if library else [])
    given = [flag for flag in flags if flag[:2] in ("-I", "-D")]
    lenient = TESTS if os.path.relpath(path, ROOT).startswith("tests") else []
    yield ["gcc", "-fanalyzer", "-O1", *lenient, *flags, "-c", "-o", os.devnull, path]
    yield ["clang-tidy", "--quiet", path, "--", *flags]
    yield [*CPPCHECK, *given, path]


def is_possible(path):
    library = OPTIONAL.get(os.path.relpath(path, ROOT))
    if library is None or subprocess.call(["pkg-config", "--exists", library]) == 0:
        return True
    print(f"analyse: {library} is not installed, {os.path.relpath(path, ROOT)} skipped")
    return False


def is_answered(path, line, what):
    """Does the line, or the one above it, tell why this is no finding? Or is it the supposed leak
    of a local that cleans itself up?"""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return False
    leak = LEAK.search(what)
    return any("analyse:" in at for at in lines[max(0, line - 2):line]) or (
        leak is not None and
        any(re.search(CLEANS % leak[1], at) for at in lines[max(0, line - LONGEST):line]))


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    found = set()
    if done.returncode < 0:
        path = next(word for word in command if word.endswith(".c"))
        found.add(f"{os.path.relpath(path, ROOT)}: {command[0]} died of signal {-done.returncode}")
    for line in (done.stdout + done.stderr).splitlines():
        match = FINDING.match(line)
        if match and not is_answered(match[1], int(match[2]), match[3]):
            found.add(f"{os.path.relpath(match[1], ROOT)}:{match[2]}: {command[0]}: {match[3]}")
    return found


def main():
    lacking = [path for path in sys.argv[1:] if not os.path.exists(path)]
    if lacking:
        sys.exit("analyse: %s: there is no such file; give whole paths"
                 % lacking[0])
    paths = sys.argv[1:] or [path for folder in ("common", "lib", "loader", "queue", "host", "tests")
                             for path in sources(folder)]
    paths = [path for path in paths if is_possible(path)]
    tools = [tool for tool in ("gcc", "clang-tidy", "cppcheck") if shutil.which(tool)]
    for tool in ("gcc", "clang-tidy", "cppcheck"):
        if tool not in tools:
            print(f"analyse: {tool} is not installed, skipped")
    work = [command for path in paths for command in commands(path) if command[0] in tools]
    found = set()
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        for some in pool.map(run, work):
            found |= some
    print("\n".join(sorted(found)))
    print(f"analyse: {len(paths)} files, {', '.join(tools)}: {len(found)} findings")
    return 1 if found else 0


sys.exit(main())
