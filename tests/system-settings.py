#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of all settings is what the program's tables say, and the manual knows each of them."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

from system_support import PROGRAM, SOURCE
import tap

DOCS = os.path.join(SOURCE, "docs")


def read(*names):
    with open(os.path.join(*names), encoding="utf-8") as file:
        return file.read()


class Settings(unittest.TestCase):

    def test_the_page_is_what_the_tables_say(self):
        with tempfile.TemporaryDirectory() as folder:
            made = os.path.join(folder, "settings.md")
            subprocess.run([sys.executable, os.path.join(DOCS, "settings.py"), PROGRAM, made],
                           check=True, timeout=120)
            page = read(made)
        self.assertIn("Loader IMAP", page)
        self.assertIn("`retry-refused`", page)
        self.assertIn("`throttle-items`", page)
        self.assertEqual(read(DOCS, "settings.md"), page,
                         "a table changed: make settings writes docs/settings.md anew")

    def test_a_hook_is_tried_for_three_days_where_nothing_is_set(self):
        done = subprocess.run([PROGRAM, "serve", "--print-config"], capture_output=True, text=True,
                              check=True, timeout=120)
        standard = dict(re.findall(r"(?m)^#(hook-\S+) = (\S+)$", done.stdout))
        self.assertEqual((standard["hook-retry-first"], standard["hook-retry-max"]), ("2s", "15min"))
        pauses = [min(2.0 * 2 ** n, 900.0) / 2 for n in range(int(standard["hook-tries"]) - 1)]
        self.assertGreater(sum(pauses), 3 * 86400)  # any part of a pause is taken: half of it on average

    def test_every_setting_of_a_work_queue_is_in_the_manual(self):
        done = subprocess.run([PROGRAM, "queue", "settings", "--json"], capture_output=True, text=True,
                              check=True, timeout=120)
        manual = read(DOCS, "mailchute.1")
        keys = [json.loads(line)["key"] for line in done.stdout.splitlines()]
        self.assertGreater(len(keys), 9)
        for key in keys:
            self.assertTrue(re.search(r"(?m)^\.It Cm (.+, )?%s( ,|$)" % re.escape(key), manual), key)


if __name__ == "__main__":
    tap.main()
