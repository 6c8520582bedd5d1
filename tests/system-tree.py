#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The source tree keeps its own rules (README, "The map"): who may include whom, one door for each
foreign library, texts that say what is there."""
import glob
import os
import re
import shutil
import subprocess
import unittest

import system_support
import tap

TOP = system_support.SOURCE
LAYERS = ("common", "plugin-api", "lib", "loader/lib", "loader/mime", "loader/imap",
          "loader/mailchain", "loader", "queue", "host", "host/web")
# Whose headers a file may include, besides its own folder's. host reaches loaders by dlopen only.
MAY_INCLUDE = {
    "common": (),
    "plugin-api": (),
    "lib": ("common",),
    "loader/lib": ("common", "lib"),
    "loader/mime": ("common", "loader/lib"),
    "loader/imap": ("common", "lib", "loader/lib", "loader/mime"),
    "loader/mailchain": ("common", "loader/lib", "loader/mime"),
    "loader": ("common", "plugin-api", "lib", "loader/lib", "loader/mime", "loader/imap",
               "loader/mailchain"),
    "queue": ("common",),
    "host": ("common", "plugin-api", "lib", "queue", "host/web"),
    "host/web": ("common", "plugin-api", "queue", "host"),
}
# The only files that may include a foreign library's header.
DOORS = {
    r"curl/.*": r"(loader/lib/(stream|http)[^/]*|lib/post)\.c",
    r"pcre2\.h": r"lib/filter\.c",
    r"openssl/.*": r"loader/(lib/(digest|stream-tls)|mime/cms)\.c",
    r"sqlite3\.h": r"queue/queue-sqlite[^/]*\.[ch]",
    r"uuid(/uuid)?\.h": r"queue/[^/]*\.c",
    r"jansson\.h": r"(host/(web/)?[^/]*\.[ch]|loader/mailchain/mailchain-api\.c)",
    r"microhttpd\.h": r"host/http-(server\.c|stream\.[ch])",
    r"sodium(/.*)?\.h": r"host/(vault(-sign)?|secret-shadow|web/pass)\.c",
}
LINES = 800


def sources(*folders):
    for folder in folders or LAYERS:
        for path in sorted(glob.glob(os.path.join(TOP, folder, "*.[ch]"))):
            yield folder, os.path.relpath(path, TOP)


def tests(*more):
    return sorted(os.path.relpath(path, TOP) for kind in ("*.py", "*.c", "*.h") + more
                  for path in glob.glob(os.path.join(TOP, "tests", kind)))


def page():
    return sorted(os.path.relpath(path, TOP) for kind in ("html", "css", "js", "svg")
                  for path in glob.glob(os.path.join(TOP, "host", "web", "page", "*." + kind)))


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def includes(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', read(path), re.M)


class Tree(unittest.TestCase):

    def test_no_file_includes_a_header_of_a_layer_that_it_must_not_know(self):
        owner = {os.path.basename(path): folder for folder, path in sources()
                 if path.endswith(".h")}
        for folder, path in sources():
            for name in includes(path):
                layer = owner.get(os.path.basename(name), folder)
                self.assertIn(layer, (folder,) + MAY_INCLUDE[folder], "%s includes %s" % (
                    path, name))

    def test_each_foreign_library_has_one_door(self):
        for _, path in sources():
            for name in includes(path):
                for header, door in DOORS.items():
                    if re.fullmatch(header, name):
                        self.assertRegex(path, "^" + door + "$", "includes " + name)

    def test_the_contract_needs_nothing_but_libc(self):
        self.assertEqual(includes("plugin-api/loader-plugin.h"), ["stdint.h"])

    def test_every_source_names_its_licence_in_its_first_lines(self):
        for path in [p for _, p in sources()] + tests("*.mk") + page():
            self.assertIn("SPDX-License-Identifier: Apache-2.0",
                          "\n".join(read(path).splitlines()[:2]), path)

    def test_no_file_holds_a_second_idea(self):
        for path in [p for _, p in sources()] + tests() + page():
            self.assertLessEqual(read(path).count("\n"), LINES, path)

    def test_no_call_is_made_that_cannot_be_bounded(self):
        banned = re.compile(r"\b(strcpy|strcat|sprintf|strtok|atoi|gets|sscanf|alloca)\s*\(")
        for _, path in sources():
            code = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', "", read(path), flags=re.S)
            self.assertIsNone(banned.search(code), path)

    def test_the_readme_tells_of_every_folder_and_command(self):
        readme = read("README")
        for folder in LAYERS + ("conf", "tests", "docs"):
            self.assertIn(folder + "/" if "/" not in folder else os.path.basename(folder) + "/",
                          readme)
        for command in ("pickup", "check", "parse", "queue", "loaders"):
            self.assertRegex(readme, r"(?m)^\s*mailchute %s\b" % command)

    def test_every_sample_mail_is_explained(self):
        samples = {os.path.basename(p)[:-4] for p in
                   glob.glob(os.path.join(TOP, "conf", "sample-mail", "*.eml"))}
        self.assertEqual(samples, set(re.findall(r"(?m)^(\d\d-\S+)", read(
            "conf/sample-mail/README"))))

    def test_every_test_is_explained(self):
        readme = read("tests/README")
        for path in glob.glob(os.path.join(TOP, "tests", "*-test.c")) + \
                glob.glob(os.path.join(TOP, "tests", "*-*.py")):
            name = re.sub(r"\.(c|py)$", "", os.path.basename(path))
            self.assertRegex(readme, r"(?m)(^  |, )%s(,|$| )" % re.escape(name))

    def test_each_guarantee_names_tests_that_exist(self):
        texts = "".join(read(path) for path in tests())
        page = read("docs/guarantees.md")
        for letter, last in ("F", 35), ("H", 27), ("W", 15):
            numbers = re.findall(r"(?m)^\| %s(\d+) \|" % letter, page)
            self.assertEqual([int(number) for number in numbers], list(range(1, last + 1)))
        for name in re.findall(r"`(\w+(?:_\w+){3,})`", page):
            self.assertRegex(texts, r"(START_TEST\(|def )%s\b" % name)
        rows = re.findall(r"(?m)^\| ([FHW]\d+\w?) \|.*\| ([^|]*) \|$", page)
        for number, shown_by in rows:
            names = re.findall(r"`([^`]+)`", shown_by)
            self.assertTrue(names or "no test" in shown_by, "row " + number)
            for name in names:
                script = os.path.join(TOP, "tests", name + ".py")
                self.assertTrue(os.path.exists(script) or
                                re.search(r"(START_TEST\(|def )%s\b" % name, texts), name)


class Scripts(unittest.TestCase):

    def quickstart(self, *args):
        return subprocess.run([os.path.join(TOP, "quickstart"), *args], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)

    def test_quickstart_explains_itself(self):
        done = self.quickstart("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in ("CONNECTION-STRING", "--user", "test", "--yes"):
            self.assertIn(word, done.stdout)

    def test_quickstart_refuses_what_it_does_not_understand_before_it_does_anything(self):
        done = self.quickstart("tset")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("'tset'", done.stderr)

    @unittest.skipIf(shutil.which("shellcheck") is None, "shellcheck is not installed")
    def test_shell_scripts_are_clean(self):
        done = subprocess.run(["shellcheck"] + [os.path.join(TOP, p) for p in (
            "quickstart", "autogen.sh", ".ci/run", "host/web/embed.sh")], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    tap.main()
