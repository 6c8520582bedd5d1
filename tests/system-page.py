#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of mailchute serve in a real browser, against a real IMAP server."""
from email.headerregistry import Address
from email.message import EmailMessage
import json
import os
import re
import socket
import sys
import threading
import time
import unittest

from fault_proxy import FaultProxy
from page_support import CANARY, PASSWORD, PageCase, Populated
import system_support
from system_support import mail, sha256
import tap
import xss_vectors

sys.path.insert(0, os.path.join(system_support.SOURCE, "tests", "bench"))
import bench_web

PAGE = os.path.join(system_support.SOURCE, "host", "web", "page")


class Texts(unittest.TestCase):

    def texts(self, language):
        with open(os.path.join(PAGE, "texts", language + ".json"), encoding="utf-8") as file:
            return json.load(file)

    def test_every_language_has_the_same_texts_with_the_same_places(self):
        english = self.texts("en")
        for language in ("de", "cs"):
            other = self.texts(language)
            self.assertEqual(sorted(other), sorted(english))
            for key, text in english.items():
                self.assertTrue(other[key].strip(), key)
                self.assertEqual(sorted(re.findall(r"\{\w+\}", other[key])),
                                 sorted(re.findall(r"\{\w+\}", text)), key)


    def test_every_text_that_the_page_asks_for_is_there(self):
        english, asked = self.texts("en"), set()
        for name in os.listdir(PAGE):
            if name.endswith(".js"):
                with open(os.path.join(PAGE, name), encoding="utf-8") as file:
                    code = re.sub(r"(?m)//.*$", "", file.read())
                asked.update(re.findall(r'\bt\("([^"]+)"', code))
        self.assertGreater(len(asked), 100)
        self.assertEqual(sorted(asked - set(english)), [])


class Entering(PageCase):

    def test_the_first_user_is_made_with_the_token_and_is_signed_in(self):
        daemon = self.serve()
        self.wait(lambda: daemon.said("this token: "), "the token is printed", daemon)
        token = next(line for line in daemon.log if "this token: " in line).split("this token: ")[1]
        page = self.page
        page.fresh()
        page.goto(self.url)
        page.click("link", "Set up the first user")
        page.fill("Set-up token", token)
        page.fill("User name", "ann")
        page.fill("Password", PASSWORD)
        page.click("button", "Create and sign in")
        page.sees("No sources yet")
        page.click("button", "Sign out")
        page.sees("Mailboxes into work queues")
        page.fill("User name", "ann")
        page.fill("Password", "not her password")
        page.click("button", "Sign in")
        page.sees("user name or password is wrong")
        page.fill("Password", PASSWORD)
        page.click("button", "Sign in")
        page.sees("No sources yet")
        self.check_nothing_broke()


class Sources(PageCase):

    def fill_form(self, name, port, password=CANARY):
        page = self.page
        page.fill("Name", name)
        page.fill("Host", self.server.host)
        page.fill("Port", str(port))
        page.run("await page.getByLabel('Allow insecure certificate').check();")
        page.fill("User name", self.user)
        page.fill("Password", password)

    def menu(self, name, item):
        self.page.click("button", "Actions for " + name)
        self.page.click("menuitem", item)

    def badge(self, name, word):
        """Waits until the source's badge says so."""
        self.page.run("await page.locator('tr', {hasText: args.name}).locator('.badge',"
                      " {hasText: args.word}).waitFor()", name=name, word=word)

    def test_a_source_is_made_imports_with_progress_and_new_mail_appears_by_itself(self):
        self.server.append(self.user, "INBOX", *[mail("old %d" % n, b"x" * 2000) for n in range(60)])
        self.serve()
        self.signed_in(address="#/sources/new")
        with FaultProxy(self.server.tls_port) as proxy:
            self.fill_form("office", proxy.port)
            self.page.click("button", "Test connection")
            self.page.sees("Everything works")
            self.assertGreater(self.page.count(".step-ok"), 3)
            proxy.pause = 0.05
            self.page.click("button", "Create source")
            self.page.run("await page.getByRole('progressbar', {name: 'Import of office'}).waitFor()")
            self.badge("office", "Importing")
            proxy.pause = 0
            self.badge("office", "Active")
            self.page.sees("60", within="tbody tr", exact=True)
            self.note_asked("61", ".count")
            self.server.append(self.user, "INBOX", mail("and one more"))
            self.page.sees("61", within="tbody tr", exact=True)
            self.page.sees("61", within=".tile-new", exact=True)
            self.assertEqual(self.asked_before(), [])
        self.check_nothing_broke()

    def test_a_source_is_paused_resumed_synced_edited_and_deleted(self):
        self.serve()
        self.signed_in(address="#/sources/new")
        page = self.page
        self.fill_form("office", self.server.tls_port)
        page.click("button", "Create source")
        self.badge("office", "Active")
        self.menu("office", "Pause")
        self.badge("office", "Paused")
        self.server.append(self.user, "INBOX", mail("meanwhile"))
        page.run("await page.getByRole('switch', {name: 'office is active'}).check()")
        self.badge("office", "Active")
        page.sees("1", within="tbody tr", exact=True)
        self.menu("office", "Pause")
        self.badge("office", "Paused")
        self.menu("office", "Sync now")
        self.badge("office", "Active")
        self.menu("office", "Edit")
        page.run("await page.getByText('Queue and interval').click()")
        page.fill("Interval in seconds", "77")
        page.click("button", "Save")
        page.sees("office is saved")
        self.assertEqual(self.shown()["interval"], 77)
        self.menu("office", "Delete")
        page.click("button", "Cancel")
        self.assertEqual(page.count("tbody tr"), 1)
        self.menu("office", "Delete")
        page.click("button", "Delete source")
        page.sees("No sources yet")
        self.assertEqual(self.all_shown(), "")
        self.check_nothing_broke()

    def test_a_wrong_password_is_told_with_what_to_do_and_mended(self):
        self.serve()
        self.signed_in(address="#/sources/new")
        page = self.page
        self.fill_form("office", self.server.tls_port, "not it")
        page.click("button", "Test connection")
        page.sees("was refused", within=".test")
        self.assertEqual(page.count(".test .step-failed"), 1)
        page.click("button", "Create source")
        page.sees("many providers want an app password", within="form > .problem")
        self.assertEqual(self.all_shown(), "")
        page.run("await page.getByLabel('Save without testing').check()")
        page.click("button", "Create source")
        self.badge("office", "Error")
        page.sees("many providers want an app password", within="tbody")
        self.menu("office", "Edit")
        page.fill("Password", CANARY)
        page.click("button", "Save")
        self.badge("office", "Active")
        self.check_nothing_broke()
        self.assertNotIn(CANARY, page.run("return await page.content()"))

    def test_the_form_and_the_connection_string_follow_each_other(self):
        self.serve()
        self.signed_in(address="#/sources/new")
        page = self.page
        page.run("await page.getByText('Expert: connection string').click();"
                 "await page.getByText('Folders and attachments').click();")

        def string():
            return page.value("Connection string")
        page.choose("Provider", "gmail")
        self.assertEqual((page.value("Host"), page.value("Port"), string()),
                         ("imap.gmail.com", "993", "ssl=True;url=imap.gmail.com"))
        page.sees("app password", within=".notice")
        page.run("await page.getByLabel('Use TLS').uncheck()")
        self.assertEqual((page.value("Port"), string()), ("143", "ssl=False;url=imap.gmail.com"))
        page.run("await page.getByLabel('Port').fill('1143');"
                 "await page.getByLabel('Use TLS').check();")
        self.assertEqual((page.value("Port"), string()),
                         ("1143", "ssl=True;url=imap.gmail.com;port=1143"))
        page.choose("Provider", "outlook")
        self.assertIn("auth=XOAuth2", string())
        page.choose("Provider", "dovecot")
        self.assertEqual((page.value("Host"), string()), ("", "ssl=True"))
        page.fill("Connection string", "url=mail.example.org;port=1143;mailbox=Work")
        for own in "generic", "dovecot":
            page.choose("Provider", own)
            self.assertEqual((page.value("Host"), page.value("Port")), ("mail.example.org", "1143"))
        page.fill("Archive folder", 'done; "really"')
        page.run("await page.getByLabel('Archive folder').blur()")
        self.assertIn('dropbox="done; ""really"""', string())
        page.fill("Connection string", "URL = mail.example.org ; ssl=no;badmail='it''s bad';after=leave;")
        self.assertEqual((page.value("Host"), page.value("Port"), page.value("Folder for bad mail"),
                          page.value("After pick-up")),
                         ("mail.example.org", "143", "it's bad", "Leave"))
        page.fill("Host", "other.example.org")
        page.run("await page.getByLabel('Host').blur()")
        self.assertEqual(string(), "URL=other.example.org; ssl=no;badmail='it''s bad';after=leave;")
        for wrong, told in (("url=a;url=b", "there already (at character 7)"),
                            ("url", "without = and value"), ('url="a', "not closed"),
                            ('url="a"b', "Only ; may follow"), ("=a", "without a key")):
            page.fill("Connection string", wrong)
            page.sees(told)
            self.assertTrue(page.run("return await page.getByLabel('Host').isDisabled()"))
        self.check_nothing_broke()


class Queue(PageCase):

    def wait_until_it_listens(self):
        """The first thing that is heard is to look at all anew: that may come before the list was asked
        for, so it listens when it says that it is connected and asked for no list since a second."""
        self.page.run("await page.locator('.live-on').waitFor()")
        asked = [None, time.monotonic()]

        def listens():
            urls = self.page.run("return world.requests")
            count = sum("/entries?" in url for url in urls)
            if count != asked[0]:
                asked[:] = count, time.monotonic()
            return count > 0 and time.monotonic() - asked[1] > 1

        self.wait(listens, "it listens")

    def test_mail_appears_live_is_found_opened_saved_and_worked_off(self):
        pdf = bytes(range(256)) * 40
        letter = EmailMessage()
        letter["From"], letter["Subject"] = "Ann <ann@example.org>", "The contract"
        letter.set_content("Please sign.\n")
        letter.add_alternative("<p>Please <b>sign</b>.</p>", subtype="html")
        letter.add_attachment(pdf, maintype="application", subtype="pdf", filename="b\u00fcro.pdf")
        self.add()
        self.serve()
        self.signed_in(address="#/queue")
        page = self.page
        page.sees("No entries here")
        self.wait_until_it_listens()
        self.note_asked("The contract", ".subject")
        self.server.append(self.user, "INBOX", bytes(letter), mail("Lunch"))
        page.sees("The contract")
        page.sees("Lunch")
        self.assertEqual(self.asked_before(), [])
        page.fill("Search", "CONTRACT")
        page.run("await page.getByRole('link', {name: 'Lunch'}).waitFor({state: 'detached'})")
        page.run("await page.reload()")     # what is looked for stands in the address
        page.click("link", "The contract")
        page.sees("Please sign.")
        page.click("tab", "HTML")
        page.run("await page.frameLocator('iframe').getByText('sign').waitFor()")
        page.click("tab", "Source")
        page.sees("Content-Type: multipart/mixed")
        saved = page.run("""
            const [got] = await Promise.all([page.waitForEvent("download"),
                page.getByRole("link", {name: "b\u00fcro.pdf"}).click()]);
            await got.saveAs(args.path);
            return got.suggestedFilename();""", path=os.path.join(self.folder, "saved"))
        self.assertEqual(saved, "b\u00fcro.pdf")
        with open(os.path.join(self.folder, "saved"), "rb") as file:
            self.assertEqual(sha256(file.read()), sha256(pdf))
        self.take_and_fail()
        self.check_nothing_broke()

    def take_and_fail(self):
        page = self.page
        page.goto(self.url + "#/queue")
        page.click("button", "Take next")
        page.click("button", "Failed")
        page.fill("Reason", "nobody is there")
        page.run("await page.locator('dialog button[type=submit]').click()")
        page.sees("nobody is there", within=".problem")
        page.click("button", "Try again")
        page.run("await page.locator('.badge', {hasText: 'New'}).waitFor()")
        page.goto(self.url + "#/queue")
        page.click("button", "Take next")
        page.click("button", "Done")
        page.run("await page.locator('.badge', {hasText: 'Done'}).waitFor();"
                 "await page.locator('h1:focus').waitFor();")
        self.assertEqual(sorted(entry["state"] for entry in self.queued()), ["done", "new"])

    def test_a_bad_entry_says_why_and_offers_no_message_that_was_never_downloaded(self):
        self.server.append(self.user, "INBOX", mail("large", b"x" * 5000))
        self.add(maxSize="1kB")
        self.serve()
        self.signed_in(address="#/queue?state=bad")
        page = self.page
        page.click("link", "(no subject)")
        page.sees("raise maxSize to load it", within=".problem")
        page.sees("This message has no text")
        self.assertEqual(page.run("return await page.getByRole('tab').allTextContents()"), ["Text"])
        self.assertEqual(page.run("return await page.getByRole('button').filter({hasText:"
                                  " 'again'}).count()"), 1)
        self.assertEqual(page.count("a[download]"), 0)
        self.check_nothing_broke()

    def test_many_events_at_once_are_one_question_and_none_is_forgotten(self):
        self.server.append(self.user, "INBOX", mail("first"))
        self.add()
        self.serve()
        self.has_queued(self.daemon, 1)
        self.user_added()
        page = self.page
        page.fresh()
        page.run('''await page.addInitScript(() => {
            const asked = [], streams = [], {fetch, EventSource} = window;
            window.fetch = (url, more) => { asked.push(url); return fetch(url, more); };
            window.EventSource = class extends EventSource {
                constructor(url) { super(url); streams.push(this); }
            };
            window.burst = (name) => {
                asked.length = 0;
                for (let i = 0; i < 200; i += 1)
                    streams.at(-1).dispatchEvent(new MessageEvent(name, {data: "{}"}));
                return asked.length;
            };
            window.asked = asked;
        });''')
        page.goto(self.url)
        self.sign_in("admin")
        entry = self.queued()[0]["id"]
        for view, there, name, question, most in (
                ("queue", "form.filters", "more", "api/v1/entries?limit=50", 1),
                ("queue/" + entry, ".entry-subject", "counts", "api/v1/entries/" + entry, 1),
                ("queue", "form.filters", "counts", "api/v1/entries?limit=50", 1),
                ("sources", ".tile-new", "reset", "api/v1/ingestion-sources?limit=100",
                 2)):   # and /queues
            page.goto(self.url + "#/" + view)
            page.run("await page.locator(args.there).waitFor()", there=there)
            asked = page.run("""
                const asked = await page.evaluate((name) => window.burst(name), args.name);
                await page.waitForFunction((question) => window.asked.includes(question),
                                           args.question);
                return asked;""", name=name, question=question)
            self.assertLessEqual(asked, most, (view, name))
        self.check_nothing_broke()

    def test_a_message_that_cannot_be_had_is_told_and_not_shown_as_its_source(self):
        self.server.append(self.user, "INBOX", mail("here"))
        self.add()
        self.serve()
        self.has_queued(self.daemon, 1)
        self.signed_in(address="#/queue/" + self.queued()[0]["id"])
        page = self.page
        page.run('''await page.route("**/raw", (route) => route.fulfill({status: 503,
            contentType: "application/problem+json", body: JSON.stringify({status: 503,
                detail: "the disk is away", to_do: "bring it back"})}));''')
        page.click("tab", "Source")
        page.sees("the disk is away", within="[role=tabpanel] .problem")
        page.sees("bring it back", within="[role=tabpanel] .problem")
        self.assertEqual(page.count("[role=tabpanel] pre.mono"), 0)

    def test_an_address_that_means_nothing_leads_somewhere(self):
        self.serve()
        self.signed_in()
        page = self.page
        for address, told in (("#/%zz", "No sources yet"), ("#/queue/%zz", "there is no such entry"),
                              ("#/sources/%e0%a4%a/edit", "there is no such source"),
                              ("#/nowhere/at/all", "No sources yet")):
            page.goto(self.url + address)
            page.sees(told)
        self.check_nothing_broke()

    def test_statistics_tell_what_came(self):
        self.server.append(self.user, "INBOX", *[mail("m %d" % n) for n in range(12)])
        self.add()
        self.serve()
        self.has_queued(self.daemon, 12)
        self.signed_in(address="#/statistics")
        page = self.page
        page.sees("Statistics of office")
        self.assertEqual(page.text(".tiles-facts dd"), "12")
        self.assertEqual(page.count(".plot-days rect.plot-bar"), 30)
        for title in "Mails per day", "Sizes", "By folder":
            numbers = page.run("return await page.locator('figure', {hasText: args.title})"
                               ".locator('.plot-table td').allTextContents()", title=title)
            self.assertEqual(numbers.count("12"), 1, title)
        self.check_nothing_broke()


class Hostile(PageCase):
    """T24, T25: whatever a mail says, it runs nothing here and fetches nothing."""

    def letter(self, vector):
        made = EmailMessage()
        made["From"] = Address(vector[:200], addr_spec="x@example.org")
        made["Subject"] = vector
        made.set_content(vector)
        made.add_alternative("<p>before</p>%s<p>after</p>" % vector, subtype="html")
        made.add_attachment(vector.encode(), maintype="text", subtype="html",
                            filename=vector[:100])
        return bytes(made)

    def listen(self):
        """Somebody who waits for whoever comes; the list of what was sent."""
        came = []
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def accept():
            while True:
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                link.settimeout(1)
                try:
                    came.append(link.recv(200))
                except OSError:
                    came.append(b"(a connection)")
                link.close()
        threading.Thread(target=accept, daemon=True).start()
        return "http://127.0.0.1:%d" % listener.getsockname()[1], came

    def test_where_nothing_protects_the_same_vectors_are_noticed(self):
        """What the next test does not see would be seen."""
        evil, came = self.listen()
        page = self.page
        page.fresh()
        page.run('''
            await page.evaluate((vectors) => {
                for (const vector of vectors) {
                    const frame = document.createElement("iframe");
                    frame.srcdoc = vector;
                    document.body.append(frame);
                }
            }, args.vectors);''', vectors=xss_vectors.vectors(evil))
        self.wait(lambda: page.run("return world.dialogs") > 10, "dialogs are counted")
        self.wait(lambda: len(came) > 10, "whoever comes is heard")
        self.wait(lambda: any(url.startswith(evil) for url in page.run("return world.requests")),
                  "requests are noted")

    def test_two_hundred_vectors_open_no_dialog_and_no_connection(self):
        evil, came = self.listen()
        all_of_them = xss_vectors.vectors(evil)
        self.assertGreaterEqual(len(all_of_them), 200)
        self.server.append(self.user, "INBOX", *[self.letter(one) for one in all_of_them])
        self.add()
        self.serve()
        self.has_queued(self.daemon, len(all_of_them))
        self.signed_in(address="#/queue")
        page = self.page
        page.run("""
            for (;;) {
                const more = page.getByRole("button", {name: "Show more"});
                const rows = await page.locator("tbody tr").count();
                if (rows >= args.count)
                    break;
                await more.click();
                await page.waitForFunction((n) =>
                    document.querySelectorAll("tbody tr").length > n, rows);
            }""", count=len(all_of_them))
        subjects = page.run("return await page.locator('.subject').allTextContents()")
        self.assertEqual(sorted(subjects), sorted(" ".join(one.split()) if "\t" in one else one
                                                  for one in all_of_them))
        opened = page.run(OPEN_EACH, ids=[entry["id"] for entry in self.queued()])
        self.assertEqual(opened, len(all_of_them))
        page.run("await page.waitForTimeout(300)")
        asked = page.run("return world.requests")
        self.assertEqual((page.run("return world.dialogs"), came), (0, []))
        # Of requests to the listener it has told itself: some are refused before they leave.
        self.assertEqual([url for url in asked if not url.startswith((self.url, evil))], [])
        self.assertEqual(page.run("return [page.url().startsWith(args.url), context.pages().length]",
                                  url=self.url), [True, 1])


# Each entry with its text, HTML and file names, as a person opens it; how many there were.
OPEN_EACH = """
    return await page.evaluate(async (ids) => {
        const until = async (found) => {
            for (let i = 0; i < 3000; i += 1) {
                if (found())
                    return;
                await new Promise((wake) => setTimeout(wake, 10));
            }
            throw new Error("it never came");
        };
        let count = 0;
        for (const id of ids) {
            location.hash = `#/queue/${id}`;
            await until(() => document.querySelector(".status-line .mono")?.textContent === id);
            const tab = document.querySelectorAll("[role=tab]")[1];
            tab.click();
            const frame = document.querySelector("iframe");
            await new Promise((loaded) => frame.addEventListener("load", loaded));
            count += 1;
        }
        return count;
    }, args.ids);
"""


class FirstView(PageCase):

    def test_the_benchmark_counts_all_that_a_browser_asks_for(self):
        self.serve()
        self.signed_in()
        page = self.page
        page.sees("No sources yet")
        key = self.mailchute("user", "key", "admin", "test", "--role", "admin").strip()
        counted = bench_web.first_view(bench_web.Client(int(self.url.split(":")[2][:-1]), key))
        page.run('''
            world.asked = [];
            page.on("request", (request) => world.asked.push(request.url()));
            await page.reload();
            await page.locator(".live-on").waitFor();
            await page.getByText("No sources yet").waitFor();''')
        asked = [url.replace(self.url, "/", 1) for url in page.run("return world.asked")]
        # Chromium without a window asks for no icon; the first event may have it look at sources anew.
        self.assertEqual(sorted(set(asked) | {"/page/icon.svg"}), sorted(counted))


class Looks(Populated):

    def views(self):
        entry = next(one["id"] for one in self.queued() if one["subject"] == "Invoice 2026-0042")
        return ("sources", "sources/new", "queue", "queue/" + entry, "statistics", "account",
                "sources/%s/edit" % self.shown()["id"])

    def test_no_view_breaks_a_rule_of_accessibility_or_is_wider_than_a_phone(self):
        self.populate()
        self.user_added()
        page = self.page
        for scheme, width in ("light", 1280), ("dark", 390):
            page.fresh(colorScheme=scheme, viewport={"width": width, "height": 860},
                       reducedMotion="reduce")
            page.goto(self.url)
            page.sees("Sign in")
            self.assertEqual(page.axe(), [], "sign-in, " + scheme)
            self.sign_in("admin")
            for view in self.views():
                page.goto(self.url + "#/" + view)
                page.run("await page.waitForFunction((view) =>"
                         " document.activeElement?.tagName === 'H1' &&"
                         " location.hash === '#/' + view, args.view)", view=view)
                self.assertEqual(page.axe(), [], "%s, %s" % (view, scheme))
                self.is_no_wider(width, view)
            for state in self.opened():
                self.assertEqual(page.axe(), [], "%s, %s" % (state, scheme))
                self.is_no_wider(width, state)
        self.check_nothing_broke()

    def is_no_wider(self, width, what):
        self.assertLessEqual(self.page.run("return await page.evaluate("
                                           "() => document.documentElement.scrollWidth)"), width, what)

    def opened(self):
        """The page with what opens, and with what goes wrong: the name of each as it stands."""
        page = self.page
        page.goto(self.url + "#/sources")
        page.click("button", "Actions for office")
        yield "a menu"
        page.click("menuitem", "Delete")
        page.sees("Delete office?")
        yield "a question"
        page.click("button", "Cancel")
        page.goto(self.url + "#/sources/new")
        page.sees("New source")
        page.run("for (const one of await page.locator('details summary').all()) await one.click();")
        page.fill("Connection string", "url=a;url=b")
        page.sees("there already")
        yield "a connection string with a mistake"
        page.fill("Connection string", "url=localhost;port=1;starttls=Never")
        page.fill("Name", "wrong")
        page.fill("User name", "nobody")
        page.fill("Password", "nothing")
        page.click("button", "Test connection")
        page.run("await page.locator('.test .problem').waitFor()")
        yield "a test that failed"
        page.click("button", "Create source")
        page.run("await page.locator('form > .problem').filter({visible: true}).waitFor()")
        yield "a form that was refused"
        entry = next(one["id"] for one in self.queued() if one["html"])
        page.goto(self.url + "#/queue/" + entry)
        page.click("tab", "HTML")
        page.run("await page.frameLocator('iframe').locator('body').waitFor()")
        yield "an entry with HTML"
        page.click("tab", "Source")
        page.run("await page.locator('pre.mono').waitFor()")
        yield "an entry's source"
        page.goto(self.url + "#/statistics/" + self.shown("old-archive")["id"])
        page.sees("No mail from this source yet")
        yield "statistics of nothing"
        page.goto(self.url + "#/statistics/" + self.shown("office")["id"])
        page.run("for (const one of await page.locator('.plot-table summary').all()) await one.click();")
        yield "numbers of plots"
        page.goto(self.url + "#/nowhere/%zz")
        page.goto(self.url + "#/queue/nothing")
        page.sees("there is no such entry")
        yield "what is not there"

    def test_the_menu_and_dialogs_are_used_by_keys_and_give_the_focus_back(self):
        self.add("office", "--force")
        self.serve()
        self.signed_in()
        page = self.page
        focused = "return await page.evaluate(() => document.activeElement.textContent ||" \
                  " document.activeElement.getAttribute('aria-label'))"
        self.assertEqual(page.run(focused), "Sources")     # the view's heading
        page.run("await page.getByRole('button', {name: 'Actions for office'}).focus();"
                 "await page.keyboard.press('Enter');")
        self.assertEqual(page.run(focused), "Statistics")
        for key, item in (("ArrowDown", "Edit"), ("ArrowUp", "Statistics"), ("ArrowUp", "Delete"),
                          ("Home", "Statistics"), ("End", "Delete")):
            page.run("await page.keyboard.press(args.key)", key=key)
            self.assertEqual(page.run(focused), item)
        page.run("await page.keyboard.press('Enter')")
        page.sees("Delete office?")
        self.assertEqual(page.run(focused), "Cancel")
        page.run("await page.keyboard.press('Escape')")
        page.run("await page.locator('dialog').waitFor({state: 'detached'})")
        self.assertEqual(page.run(focused), "Actions for office")
        self.assertEqual([source["name"] for source in [self.shown()]], ["office"])
        page.run("await page.keyboard.press('Enter'); await page.keyboard.press('End');"
                 "await page.keyboard.press('Enter'); await page.keyboard.press('Tab');"
                 "await page.keyboard.press('Enter');"
                 "await page.getByText('No sources yet').waitFor();")
        self.assertEqual(page.run(focused), "Sources")     # what had the focus is gone

    def test_a_viewer_sees_all_and_can_change_nothing(self):
        self.add("office", "--force")
        self.serve()
        self.signed_in("viewer")
        page = self.page
        page.sees("office")
        self.assertEqual(page.count("a[href='#/sources/new']"), 0)
        self.assertTrue(page.run("return await page.getByRole('switch').isDisabled()"))
        page.click("button", "Actions for office")
        self.assertEqual(page.run("return await page.getByRole('menuitem').allTextContents()"),
                         ["Statistics"])
        page.goto(self.url + "#/queue")
        page.sees("No entries here")
        self.assertEqual(page.count("main button:visible"), 0)

    def test_the_page_speaks_the_language_of_the_browser(self):
        self.add("office", "--force")
        self.serve()
        self.user_added()
        for locale, words in (("de-AT", ("Anmelden", "Quellen", "Neue Quelle", "Warteschlange")),
                              ("cs-CZ", ("P\u0159ihl\u00e1\u0161en\u00ed", "Zdroje", "Nov\u00fd zdroj",
                                         "Fronta")),
                              ("fr-FR", ("Sign in", "Sources", "New source", "Queue"))):
            self.page.fresh(locale=locale)
            self.page.goto(self.url)
            self.page.sees(words[0])
            self.sign_in("admin")
            for word in words[1:]:
                self.page.sees(word)
            shown = self.page.text("body")
            self.assertNotRegex(shown, r"\b(sources?|nav|state|entry|queue)\.[a-z]+\b")


if __name__ == "__main__":
    tap.main()
