# SPDX-License-Identifier: Apache-2.0
"""page_support - what the tests of the page share: a server, a daemon, a browser, somebody signed
in."""
import unittest

import browser
import serve_support
import system_support
from system_support import OK
from serve_support import Daemon

CANARY = "canary-5ecret-of-the-page"
PASSWORD = "correct horse battery"
SETTINGS = serve_support.SETTINGS.replace("debug", "info") + "private-hosts = yes\n"


class PageCase(serve_support.ServeCase):
    """One browser for all tests of a class; a queue and a daemon for each."""

    server_options = {"password": CANARY}

    @classmethod
    def setUpClass(cls):
        why = browser.missing()
        if why:
            raise unittest.SkipTest(why)
        super().setUpClass()
        cls.page = browser.Page()
        cls.addClassCleanup(cls.page.end)

    def mailchute(self, *args):
        run = self.command(*args, "--queue", self.queue)
        self.assertEqual(run.code, OK, run)
        return run.out

    def serve(self, more=""):
        self.daemon = Daemon(self, SETTINGS + more)
        line = next(line for line in self.daemon.log if "listening" in line)
        self.url = "http://127.0.0.1:%s/" % line.split("port ")[1].strip('"')
        return self.daemon

    def user_added(self, role="admin"):
        password = self.write("password-" + role, PASSWORD)
        self.mailchute("user", "add", role, "--role", role, "--password-file", password)

    def signed_in(self, role="admin", address="", **options):
        """A browser in which somebody of this role has signed in."""
        self.user_added(role)
        self.page.fresh(**options)
        self.page.goto(self.url + address)
        self.page.run("""
            await page.locator('input[autocomplete=username]').fill(args.name);
            await page.locator('input[type=password]').fill(args.password);
            await page.locator('button[type=submit]').click();
            await page.locator('nav').waitFor();""", name=role, password=PASSWORD)

    def check_nothing_broke(self):
        """No script failed, and the policy had nothing to refuse."""
        self.assertEqual(self.page.faults(), [])
