#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The crash tests can fail: a build that settles before it commits loses mail, and both find it."""
import os
import subprocess
import sys
import unittest

import dovecot
import tap
import torture_steps

TORTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torture.py")
LOST = "I1/I3"   # how the judge calls it


@unittest.skipIf(dovecot.missing(), dovecot.missing())
class Swapped(unittest.TestCase):

    def check_caught(self, *arguments):
        done = subprocess.run([sys.executable, TORTURE, *arguments, "--program",
                               torture_steps.SWAPPED], capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 1, said)
        self.assertIn("not ok 1 - ", said)
        self.assertIn(LOST, said)
        self.assertNotIn("Traceback", said)

    def test_settling_before_the_commit_is_caught_by_dying_at_every_step(self):
        self.check_caught("steps", "--scenario", "one mail", "--kind", "full")

    def test_settling_before_the_commit_is_caught_by_kill_9(self):
        self.check_caught("kill", "--times", "1000", "--spread", "0.1")


if __name__ == "__main__":
    tap.main()
