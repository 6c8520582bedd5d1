#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mail from the test suites of other projects, with what these expect of it: a folder that is not
part of this tree. CORPUS names it; without CORPUS ../shared/corpus beside the tree is tried.
docs/mime.md tells where we differ and why; `make check-corpus CORPUS=DIR` prints all figures."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import system_support
from system_support import PROGRAM
import tap

FOLDER = os.environ.get("CORPUS") or os.path.join(system_support.SOURCE, "..", "shared", "corpus")
RUN = os.path.join(FOLDER, "run.py")
AGREED_MIN = 0.985  # of all that is expected; what is left is a matter of choice


class Corpus(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        if not os.path.exists(RUN):
            raise unittest.SkipTest("no corpus in '%s': CORPUS=DIR names one" %
                                    os.path.relpath(FOLDER, system_support.SOURCE))
        if not os.access(PROGRAM, os.X_OK):
            raise unittest.SkipTest("mailchute is not built in '%s'" % system_support.BUILD)
        with tempfile.TemporaryDirectory(prefix="mailchute-corpus-") as folder:
            figures = os.path.join(folder, "figures.json")
            done = subprocess.run(
                [sys.executable, RUN, PROGRAM, FOLDER, "--keep", os.path.join(folder, "results"),
                 "--", "--list", "0", "--json", figures],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            cls.out = done.stdout
            cls.code = done.returncode
            with open(figures, encoding="utf-8") as file:
                cls.figures = json.load(file)

    def test_each_message_gives_an_entry_in_time_and_none_ends_the_program(self):
        self.assertEqual(self.code, 0, self.out)
        self.assertIn("no result: 0, slower than 10 s: 0, died by a signal: 0", self.out)

    def test_what_other_projects_expect_holds_but_for_what_we_choose_otherwise(self):
        fields = self.figures["fields"].values()
        agreed = sum(f["agree"] for f in fields)
        stated = sum(f["stated"] for f in fields)
        self.assertGreater(stated, 0)
        self.assertGreaterEqual(agreed / stated, AGREED_MIN, self.out)


if __name__ == "__main__":
    tap.main()
