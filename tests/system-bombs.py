#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mail made to cost far more than its size (bombs.py) becomes an entry all the same.

In a build with sanitizers each is a twentieth of its size, and only what comes out is looked at;
else it has its full size, and its memory is bounded as well. Nothing is timed here: make bombs does
that."""
import os
import shutil
import tempfile
import unittest

import bombs
import system_support
import tap

SANITIZED = bool(os.environ.get("SAN_FLAGS"))
SMALLER = 20 if SANITIZED else 1
PROBLEMS_MAX = 33


class Bombs(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        if not os.access(bombs.PROGRAM, os.X_OK):
            raise unittest.SkipTest("mailchute is not built in '%s'" % system_support.BUILD)
        cls.folder = tempfile.mkdtemp(prefix="mailchute-bombs-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.costs = {}    # by bomb
        for bomb in bombs.BOMBS:
            path = os.path.join(cls.folder, "bomb.eml")
            bomb.to_file(path, max(bomb.n // SMALLER, bomb.least))
            cls.costs[bomb] = bombs.Cost(path)

    def test_each_bomb_becomes_an_entry_of_one_line_without_a_word_of_complaint(self):
        for bomb, cost in self.costs.items():
            self.assertEqual((cost.code, cost.err), (0, ""), bomb.name)
            self.assertIsNotNone(cost.entry, bomb.name)

    def test_each_limit_that_is_hit_is_told_in_problems(self):
        for bomb, cost in self.costs.items():
            problems = cost.entry["problems"]
            self.assertLessEqual(len(problems), PROBLEMS_MAX, bomb.name)
            for piece in bomb.tells:
                self.assertIn(piece, " / ".join(problems), bomb.name)

    def test_no_bomb_makes_more_attachments_than_its_limit_allows(self):
        for bomb, cost in self.costs.items():
            self.assertLessEqual(cost.entry["attachments"], bomb.attachments, bomb.name)

    def test_no_bomb_costs_more_memory_than_32_mb(self):
        if SANITIZED:
            self.skipTest("sanitizers need memory of their own: configure without them")
        for bomb, cost in self.costs.items():
            self.assertLessEqual(cost.memory, bombs.MEMORY_MB, bomb.name)

    def test_those_of_text_cost_no_more_when_they_are_shown_to_a_person(self):
        if SANITIZED:
            self.skipTest("sanitizers need memory of their own: configure without them")
        for bomb in bombs.BOMBS[:3]:
            path = os.path.join(self.folder, "bomb.eml")
            bomb.to_file(path, bomb.n)
            cost = bombs.Cost(path, ())
            self.assertEqual((cost.code, cost.err), (0, ""), bomb.name)
            self.assertLessEqual(cost.memory, bombs.MEMORY_MB, bomb.name)


if __name__ == "__main__":
    tap.main()
