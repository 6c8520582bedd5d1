#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program and each plug-in are linked so that a bug is harder to use: read-only relocations bound
at the start, no executable stack, nothing writable that is executable, stack protector, any address."""
import glob
import os
import subprocess
import unittest

import tap

BUILD = os.environ.get("top_builddir", "..")
PROGRAM = os.path.join(BUILD, "host", "mailchute")
PLUGINS = sorted(glob.glob(os.path.join(BUILD, "loader", ".libs", "*.so")))


def readelf(path, option):
    return subprocess.run(["readelf", "-W", option, path], check=True, capture_output=True,
                          text=True).stdout


def segments(path):
    """(type, flags) of each program header; flags such as 'RE'."""
    for line in readelf(path, "-l").splitlines():
        words = line.split()
        if len(words) >= 8 and words[1].startswith("0x"):
            yield words[0], "".join(words[6:-1])


class Hardening(unittest.TestCase):

    def each(self):
        for path in [PROGRAM, *PLUGINS]:
            with self.subTest(path):
                yield path

    def test_both_loaders_are_among_them(self):
        self.assertLessEqual({"folder.so", "imap.so"}, {os.path.basename(at) for at in PLUGINS})

    def test_relocations_are_read_only_and_all_bound_at_the_start(self):
        for path in self.each():
            self.assertIn("GNU_RELRO", dict(segments(path)))
            self.assertRegex(readelf(path, "-d"), r"BIND_NOW|FLAGS_1.*\bNOW\b")

    def test_the_stack_is_not_executable(self):
        for path in self.each():
            self.assertEqual(dict(segments(path))["GNU_STACK"], "RW")

    def test_no_segment_is_writable_and_executable(self):
        for path in self.each():
            self.assertTrue(any(kind == "LOAD" and "E" in flags for kind, flags in segments(path)))
            for _, flags in segments(path):
                self.assertFalse("W" in flags and "E" in flags, flags)

    def test_no_relocation_is_in_the_code(self):
        for path in self.each():
            self.assertNotIn("TEXTREL", readelf(path, "-d"))

    def test_functions_look_after_their_stack(self):
        for path in self.each():
            self.assertIn("__stack_chk_fail", readelf(path, "--dyn-syms"))

    def test_the_program_can_be_loaded_at_any_address(self):
        self.assertRegex(readelf(PROGRAM, "-h"), r"Type:\s+DYN")
        self.assertRegex(readelf(PROGRAM, "-d"), r"FLAGS_1.*\bPIE\b")

    def test_no_library_is_looked_for_in_a_folder_of_ours(self):
        for path in self.each():
            self.assertNotRegex(readelf(path, "-d"), r"RPATH|RUNPATH")


if __name__ == "__main__":
    tap.main()
