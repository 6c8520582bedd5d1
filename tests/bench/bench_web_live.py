# SPDX-License-Identifier: Apache-2.0
"""bench_web_live - how soon new mail appears in the page, for bench_web.

Messages are delivered one by one to a mailbox of a private Dovecot that the daemon watches. Told is how
long it takes from the start of the delivery until a stream of events has told of the entry, and, where
there is a browser, until its row stands in the page's queue."""
import contextlib
import http.client
import os
import queue
import socket
import sys
import threading
import time

import bench_server
import browser
import dovecot

USER = "watched"
SECONDS = 60    # for one message
API = "/api/v1"
NOTE_ROWS = """await page.evaluate(() => {
    window.came = {};
    new MutationObserver(() => {
        for (const one of document.querySelectorAll("tbody .subject"))
            window.came[one.textContent] ??= Date.now();
    }).observe(document.querySelector("main"), {childList: true, subtree: true});
})"""
ROW = """await page.waitForFunction((subject) => subject in window.came, args.subject);
return await page.evaluate((subject) => window.came[subject], args.subject);"""


class Stream:
    """What a stream of events says, line by line, each with when it came."""

    def __init__(self, port, key):
        self.link = http.client.HTTPConnection("127.0.0.1", port)
        self.link.request("GET", API + "/events", headers={"X-API-KEY": key})
        self.socket = self.link.sock    # the answer takes it over: it has no length
        self.answer = self.link.getresponse()
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            while line := self.answer.readline():
                self.lines.put((time.time(), line.decode()))

    def wait(self, words):
        while True:
            when, line = self.lines.get(timeout=SECONDS)
            if words in line:
                return when

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.reader.join()
        self.link.close()


def page_of(port, name, password):
    """A browser that looks at the queue; None, and why, where there is none."""
    why = browser.missing()
    if why:
        print("not measured in a browser: %s" % why)
        return None
    page = browser.Page()
    page.fresh()
    page.goto("http://127.0.0.1:%d/#/queue" % port)
    page.run("""
        await page.locator('input[autocomplete=username]').fill(args.name);
        await page.locator('input[type=password]').fill(args.password);
        await page.locator('button[type=submit]').click();
        await page.locator('tbody tr').first().waitFor();""", name=name, password=password)
    page.run(NOTE_ROWS)
    return page


def deliver(imap, subject):
    message = "From: a@example.org\r\nSubject: %s\r\n\r\nA message.\r\n" % subject
    start = time.time()
    dovecot.checked(imap.append("INBOX", None, None, message.encode()))
    return start


def measure(server, stream, page, times):
    """[(milliseconds to the event, to the row or None)]; the first is not counted: the source signs
    in."""
    rows = []
    with server.client(USER) as imap:
        for number in range(times + 1):
            subject = "live %d of %d" % (number, os.getpid())
            start = deliver(imap, subject)
            told = stream.wait('"subject":"%s"' % subject)
            shown = page and page.run(ROW, subject=subject) / 1000
            rows.append(((told - start) * 1000, page and (shown - start) * 1000))
    return rows[1:]


def figures(mailchute, place, port, user, times):
    """{name: [milliseconds]}, by the program mailchute(*args) with its queue in @place; @user has name,
    password and key."""
    try:
        stack = contextlib.ExitStack()
        server = stack.enter_context(bench_server.Server())
    except dovecot.NoDovecot as why:
        print("how soon new mail appears is not measured: %s" % why)
        return {}
    with stack:
        stream = stack.enter_context(contextlib.closing(Stream(port, user.key)))
        page = page_of(port, user.name, user.password)
        if page is not None:
            stack.callback(page.end)
        secret = os.path.join(place, "live-password")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as out:
            out.write(bench_server.PASSWORD + "\n")
        name, at = "live-%d" % os.getpid(), ("--queue", "sqlite:" + os.path.join(place, "queue"))
        mailchute("source", "add", name, "url=localhost;port=%d;starttls=Never" % server.port,
                  "--user", USER, "--password-file", secret, *at)
        stack.callback(mailchute, "source", "remove", name, "--yes", *at)
        try:
            rows = measure(server, stream, page, times)
        except queue.Empty:
            sys.exit("bench_web: a message was not told of within %d s" % SECONDS)
    out = {"new mail, until an event tells of it": [told for told, _ in rows]}
    if page is not None:
        out["new mail, until it stands in the page"] = [shown for _, shown in rows]
    return out
