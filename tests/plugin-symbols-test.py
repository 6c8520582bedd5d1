#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each built plug-in exports one symbol and needs nothing of ours: any program can load it."""
import glob
import os
import subprocess
import unittest

import tap

BUILD = os.environ.get("top_builddir", "..")
PLUGINS = sorted(glob.glob(os.path.join(BUILD, "loader", ".libs", "*.so")))
LIBRARIES = [path for part in ("common", "lib", "loader", "loader/*", "queue", "host")
             for path in glob.glob(os.path.join(BUILD, part, ".libs", "*.a"))]


def nm(path, *options):
    out = subprocess.run(["nm", *options, path], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()
            if line.strip() and not line.endswith(":")}


class Plugins(unittest.TestCase):

    def test_the_folder_loader_is_among_them(self):
        self.assertIn("folder.so", [os.path.basename(path) for path in PLUGINS])

    def test_each_exports_exactly_one_symbol(self):
        for path in PLUGINS:
            with self.subTest(path):
                self.assertEqual(nm(path, "-D", "--defined-only"), {"mailchute_loader_plugin"})

    def test_none_needs_a_symbol_of_ours(self):
        ours = set().union(*(nm(path, "--defined-only", "--extern-only") for path in LIBRARIES))
        self.assertIn("error_set", ours)   # else the question would be empty
        for path in PLUGINS:
            with self.subTest(path):
                self.assertEqual(nm(path, "-D", "--undefined-only") & ours, set())

    def test_the_folder_loader_brings_no_network_library(self):
        path = os.path.join(BUILD, "loader", ".libs", "folder.so")
        out = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True)
        self.assertNotIn("libcurl", out.stdout)


if __name__ == "__main__":
    tap.main()
