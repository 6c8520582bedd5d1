#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The loader shown in mailchute-loader(3) compiles as it is printed, and works."""
import os
import shlex
import shutil
import subprocess
import tempfile
import unittest

import loader_api
import tap

BUILD = os.environ.get("top_builddir", "..")
SOURCE = os.environ.get("top_srcdir", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(SOURCE, "docs", "mailchute-loader.3")
PROGRAM = os.path.join(BUILD, "host", "mailchute")


def example():
    """The literal block that begins with an #include, as a reader sees it."""
    with open(PAGE, encoding="utf-8") as file:
        blocks = file.read().split("\n.Bd -literal\n")[1:]
    code = [block.split("\n.Ed\n")[0] for block in blocks if block.startswith("#include")]
    return code[0].replace("\\e", "\\").replace("\\&", "").replace("\\-", "-") + "\n"


class ManualPage(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.lines = os.path.join(cls.folder, "todo.txt")
        cls.plugin = os.path.join(cls.folder, "lines.so")
        with open(cls.lines, "w", encoding="utf-8") as file:
            file.write("buy bread\n\nwrite to Ann")

    def test_the_example_compiles_without_a_warning(self):
        code = os.path.join(self.folder, "lines.c")
        os.mkdir(os.path.join(self.folder, "mailchute"))
        os.symlink(os.path.join(SOURCE, "plugin-api", "loader-plugin.h"),
                   os.path.join(self.folder, "mailchute", "loader-plugin.h"))
        with open(code, "w", encoding="utf-8") as file:
            file.write(example())
        command = [*shlex.split(os.environ.get("CC", "cc")),
                   *shlex.split(os.environ.get("SAN_FLAGS", "")), "-std=gnu11", "-Wall", "-Wextra",
                   "-Werror", "-Wno-missing-field-initializers", "-shared", "-fPIC",
                   "-fvisibility=hidden", "-I" + self.folder, "-o", self.plugin, code, "-lcrypto"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_plain_host_gets_each_line(self):
        with loader_api.Loader(self.plugin).open(self.lines, "", "") as handle:
            items = list(handle)
            self.assertEqual([loader_api.raw(item) for item in items],
                             [b"buy bread\n", b"\n", b"write to Ann"])
            handle.settle([item.token for item in items])

    def test_a_file_that_is_not_there_is_told(self):
        with self.assertRaises(loader_api.LoaderFailed) as failed:
            loader_api.Loader(self.plugin).open("/nonexistent", "", "")
        self.assertEqual(str(failed.exception), "name a file that can be read, not '/nonexistent'")

    @unittest.skipUnless(os.access(PROGRAM, os.X_OK), "mailchute is not built")
    def test_mailchute_queues_each_line_once(self):
        queue = "sqlite:" + os.path.join(self.folder, "queue")
        env = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
        counts = []
        for _ in range(2):
            done = subprocess.run(
                [PROGRAM, "pickup", self.lines, "--loader", self.plugin, "--json", "--queue",
                 queue],
                capture_output=True, text=True, check=False, env=env)
            self.assertEqual(done.returncode, 0, done.stderr)
            counts.append(len(done.stdout.splitlines()))
        self.assertEqual(counts, [3, 0])

    @unittest.skipIf(shutil.which("mandoc") is None, "mandoc is not installed")
    def test_every_manual_page_is_clean(self):
        pages = [os.path.join(SOURCE, "docs", name) for name in
                 sorted(os.listdir(os.path.join(SOURCE, "docs"))) if name[-2:] in (".1", ".3", ".5",
                                                                                   ".7", ".8")]
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], capture_output=True,
                              text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    loader_api.under_sanitizers(os.path.join(BUILD, "loader", ".libs", "folder.so"))
    tap.main()
