#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The crash tests can fail: a build that settles before it commits loses mail, and three of them find it;
so does a disk on which something is not flushed."""
import os
import subprocess
import sys
import unittest

import dovecot
import tap
import torture_power
import torture_steps

TORTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torture.py")
LOST = "I1/I3"   # how the judge calls it


@unittest.skipIf(dovecot.missing(), dovecot.missing())
class Detector(unittest.TestCase):

    def check_fails(self, *arguments):
        """Returns what was said."""
        done = subprocess.run([sys.executable, TORTURE, *arguments], capture_output=True, text=True,
                              check=False)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 1, said)
        self.assertIn("not ok 1 - ", said)
        self.assertNotIn("Traceback", said)
        return said

    def check_caught(self, *arguments):
        self.assertIn(LOST, self.check_fails(*arguments, "--program", torture_steps.SWAPPED))

    def test_settling_before_the_commit_is_caught_by_dying_at_every_step(self):
        self.check_caught("steps", "--scenario", "one mail", "--kind", "full")

    def test_settling_before_the_commit_is_caught_by_kill_9(self):
        self.check_caught("kill", "--times", "1000")

    def test_settling_before_the_commit_is_caught_by_failing_writes(self):
        self.check_caught("io", "--scenario", "one mail", "--kind", "full", "--every", "11")

    def test_whatever_is_not_flushed_is_caught_by_cutting_the_power(self):
        for what in torture_power.FORGETFUL:
            with self.subTest(what):
                self.check_fails("power", "--scenario", "kept as a file", "--times", "400", "--seed",
                                 "1", "--forget", what)


if __name__ == "__main__":
    tap.main()
