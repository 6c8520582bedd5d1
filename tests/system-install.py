#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make install brings what a user and a loader's author need, and it works where it was put."""
import glob
import os
import shutil
import subprocess
import shlex
import tempfile
import unittest

import system_support
import tap

# The smallest loader there can be; written against the installed header alone.
LOADER = r"""
#include <mailchute/loader-plugin.h>

static int open_nothing(const struct loader_host *host, const struct loader_settings *settings,
                        void **out_handle, struct loader_error *err)
{
    (void)host, (void)settings, (void)err;
    *out_handle = 0;
    return 0;
}

static enum loader_next next_nothing(void *handle, const struct loader_item **out_item,
                                     struct loader_error *err)
{
    (void)handle, (void)out_item, (void)err;
    return LOADER_NEXT_DRAINED;
}

static int settle_nothing(void *handle, const uint64_t *tokens, uint64_t count, uint32_t fate,
                          struct loader_error *err)
{
    (void)handle, (void)tokens, (void)count, (void)fate, (void)err;
    return 0;
}

static void close_nothing(void *handle)
{
    (void)handle;
}

static const struct loader_plugin plugin = {
    LOADER_PLUGIN_HEAD, .name = "Nothing", .version = "1", .summary = "picks up nothing",
    .open = open_nothing, .next = next_nothing, .settle = settle_nothing, .close = close_nothing,
};

const struct loader_plugin *mailchute_loader_plugin(void)
{
    return &plugin;
}
"""


class Installed(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        if not os.access(system_support.PROGRAM, os.X_OK):
            raise unittest.SkipTest("mailchute is not built in '%s'" % system_support.BUILD)
        cls.root = tempfile.mkdtemp(prefix="mailchute-install-")
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        done = subprocess.run(["make", "-s", "-C", system_support.BUILD, "install",
                               "DESTDIR=" + cls.root], env=clean, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stdout[-2000:] + done.stderr[-4000:])
        pc, = glob.glob(cls.root + "/**/mailchute.pc", recursive=True)
        cls.env = dict(clean, PKG_CONFIG_PATH=os.path.dirname(pc),
                       PKG_CONFIG_SYSROOT_DIR=cls.root)

    def file(self, name):
        """The one installed file whose path ends so."""
        found = glob.glob(self.root + "/**/" + name, recursive=True)
        self.assertEqual(len(found), 1, name)
        return found[0]

    def pkg_config(self, *args):
        return subprocess.run(["pkg-config", *args, "mailchute"], env=self.env, check=True,
                              capture_output=True, text=True).stdout.strip()

    def test_program_plug_ins_header_and_manual_are_there(self):
        for name in ("bin/mailchute", "mailchute/imap.so", "mailchute/folder.so",
                     "mailchute/mailchain.so",
                     "include/mailchute/loader-plugin.h", "pkgconfig/mailchute.pc",
                     "man1/mailchute.1", "man3/mailchute-loader.3"):
            with self.subTest(name=name):
                self.file(name)

    def test_nothing_else_is_installed(self):
        names = {os.path.relpath(p, self.root) for p in
                 glob.glob(self.root + "/**/*", recursive=True) if os.path.isfile(p)}
        strange = {n for n in names if not any(part in n for part in (
            "bin/mailchute", "/mailchute/imap.", "/mailchute/folder.", "/mailchute/mailchain.",
            "loader-plugin.h",
            "mailchute.pc", "/man/"))}
        self.assertEqual(strange, set())

    def test_the_installed_program_finds_the_installed_plug_ins(self):
        plugins = os.path.dirname(self.file("mailchute/imap.so"))
        done = subprocess.run([self.file("bin/mailchute"), "loaders"], check=True,
                              env=dict(self.env, MAILCHUTE_PLUGIN_DIR=plugins),
                              capture_output=True, text=True)
        self.assertIn("IMAP", done.stdout)
        self.assertIn(plugins, done.stdout)

    def test_the_pkg_config_file_says_where_plug_ins_go(self):
        self.assertEqual(self.pkg_config("--variable=plugindir"),   # the root stands for /
                         os.path.dirname(self.file("mailchute/imap.so")))

    def test_a_loader_builds_out_of_tree_with_the_installed_header_and_runs(self):
        source = os.path.join(self.root, "nothing.c")
        with open(source, "w", encoding="ascii") as out:
            out.write(LOADER)
        plugin = os.path.join(self.root, "nothing.so")
        subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-std=c11", "-Wall", "-Wextra",
                        "-Werror", *shlex.split(self.pkg_config("--cflags")), "-shared", "-fPIC",
                        "-o", plugin, source], check=True)
        queue = "sqlite:" + os.path.join(self.root, "queue")
        done = subprocess.run([self.file("bin/mailchute"), "pickup", "--loader", plugin, "x=y",
                               "--user", "ann", "--password-file", "-", "--queue", queue],
                              input="secret\n", capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    tap.main()
