# SPDX-License-Identifier: Apache-2.0
"""page_support - what the tests of the page share: a server, a daemon, a browser, somebody signed
in."""
import os
import unittest

import browser
from fault_proxy import FaultProxy
import serve_support
import system_support
from system_support import OK
from serve_support import Daemon

CANARY = "canary-5ecret-of-the-page"
PASSWORD = "correct horse battery"
SETTINGS = serve_support.SETTINGS.replace("debug", "info") + "private-hosts = yes\n"
SAMPLES = os.path.join(system_support.SOURCE, "conf", "sample-mail")


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
        self.sign_in(role)

    def sign_in(self, role):
        self.page.run("""
            await page.locator('input[autocomplete=username]').fill(args.name);
            await page.locator('input[type=password]').fill(args.password);
            await page.locator('button[type=submit]').click();
            await page.locator('nav').waitFor();""", name=role, password=PASSWORD)

    def note_asked(self, text, selector):
        """From now on the page notes what it asks the server for, until @text stands in what @selector
        names."""
        self.page.run("""await page.evaluate(({text, selector}) => {
            const {fetch} = window;
            const asked = [];
            window.askedBefore = null;
            window.fetch = (url, more) => { asked.push(url); return fetch(url, more); };
            new MutationObserver(() => {
                const there = [...document.querySelectorAll(selector)]
                    .some((one) => one.textContent === text);
                if (there)
                    window.askedBefore ??= [...asked];
            }).observe(document.querySelector("main"), {childList: true, subtree: true,
                                                        characterData: true});
        }, args);""", text=text, selector=selector)

    def asked_before(self):
        """What was asked for before that text was there: nothing, where an event told it."""
        return self.page.run("await page.waitForFunction(() => window.askedBefore !== null);"
                             "return await page.evaluate(() => window.askedBefore)")

    def check_nothing_broke(self):
        """No script failed, and the policy had nothing to refuse."""
        self.assertEqual(self.page.faults(), [])




def samples():
    """The sample mail, in order."""
    out = []
    for name in sorted(os.listdir(SAMPLES)):
        if name.endswith(".eml"):
            with open(os.path.join(SAMPLES, name), "rb") as file:
                out.append(file.read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return out


class Populated(PageCase):
    """Sources in every state, and the sample mail in the queue: what people see on a usual day."""

    def populate(self, count=400):
        """Sources office (active), support (importing @count mails, slowly), invoices (error),
        old-archive (paused)."""
        self.server.append(self.user, "INBOX", *samples())
        slow = [system_support.mail("Ticket %d" % n, b"Please help.\r\n" * 40) for n in range(count)]
        self.server.append("support", "INBOX", *slow)
        self.proxy = FaultProxy(self.server.tls_port)
        self.proxy.__enter__()
        self.addCleanup(self.proxy.__exit__)
        wrong = self.write("wrong", "not the password\n")
        self.add("office", "--force")
        self.add("invoices", "--force", user="invoices@example.com", password_file=wrong)
        self.add("old-archive", "--force", user="archive")
        self.source("pause", "old-archive")
        self.serve()
        self.has_queued(self.daemon, len(samples()))
        self.proxy.pause = 0.03
        self.add("support", "--force", user="support", port=self.proxy.port)
        self.wait(lambda: self.shown("support")["counts"]["queued"] > 0, "the import is under way",
                  self.daemon)
        self.wait(lambda: self.shown("invoices")["status"] == "error", "one is an error",
                  self.daemon)
        for subject in ("Invoice 2026-118", "Re: your order", "Meeting on Tuesday"):
            self.server.append(self.user, "INBOX", system_support.mail(subject))
        self.has_queued(self.daemon, len(samples()) + 3)
