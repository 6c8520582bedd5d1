#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_web - how long the REST interface takes with 10,000 sources and 1,000,000 entries.

    make bench-web [ENTRIES=1000000] [ROWS=10000] [FOLDER=...]

Sources (paused: none connects anywhere) and entries are written into the database directly, a daemon
serves them, and each call is made one after the other over loopback, as the page makes it: from the
first byte sent to the last one received, beside the 300 ms that a first view may take in all (every
file that a browser loads for it, and every call that the page makes), and the 20 ms of each list. Then
mail is delivered, and has a second to appear (bench_web_live.py). What nine in ten times do not keep to
is told in the end, and makes the benchmark fail. FOLDER keeps the queue for another run.
"""
import argparse
import collections
import contextlib
import hashlib
import http.client
import json
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import bench_web_live

BUILD = os.environ.get("top_builddir", "")
API = "/api/v1"
VIEW_MS, LIST_MS, LIVE_MS = 300.0, 20.0, 1000.0
PAGE = 100          # rows that the page asks for
QUEUES = ("default", "invoices", "support", "archive", "spam")
STATES = (0,) * 6 + (1,) + (2,) * 10 + (3,) + (4,) * 2     # of twenty entries, as they come

MAKE = """
INSERT OR IGNORE INTO word (text) VALUES ('Mail');
WITH RECURSIVE i (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM i WHERE k < {sources})
INSERT INTO word (text) SELECT printf('source-%05d', k) FROM i;
INSERT OR IGNORE INTO work_queue (name) VALUES {queues};
WITH RECURSIVE i (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM i WHERE k < {sources})
INSERT INTO source (id, version, name, loader, connection, user, queue, secret_kind, secret, interval_s,
  paused, syncs, created_s, guarded)
SELECT randomblob(16), 1, printf('source-%05d', k), 'IMAP',
  printf('url=mail%d.example.org;ssl=True;dropbox=Archive/2026', k % 50), printf('user%d@example.org', k),
  'default', 'none', NULL, 300, 1, 0, 1767225600 + k, 0 FROM i;
INSERT INTO source_report SELECT id, 'paused', NULL, NULL, 'OK; 12 items.',
  'imap:user@mail.example.org:1:4711:INBOX', 1767225600, 1767225600, 1767225600, 0, 1767225600,
  1767225700, 0, 0, 0 FROM source;
INSERT INTO scope (loader, account, mailbox) SELECT 'IMAP', s.user, 'INBOX' FROM source s
  WHERE s.user IS NOT NULL;
CREATE TEMP TABLE base AS SELECT (SELECT id FROM word WHERE text = 'source-00001') AS word,
  (SELECT min(id) FROM scope) AS scope, (SELECT id FROM word WHERE text = 'Mail') AS mail,
  (SELECT coalesce(max(n), 0) FROM entry) AS n;
"""

ENTRIES = """
WITH RECURSIVE i (k) AS (SELECT {first} UNION ALL SELECT k + 1 FROM i WHERE k < {last})
INSERT INTO entry (n, id, class, queue, source, state, created_s, scope, uidvalidity, uid, key, error,
  sender, subject, date_received, raw_place, raw_size, raw_sha256, message_id)
SELECT base.n + k, randomblob(16), base.mail, 1 + k % {queues}, base.word + k * 7919 % {sources},
  substr('{states}', 1 + k % 20, 1) + 0, 1767225600 + k * 20, base.scope + k * 7919 % {sources}, 1, k, '',
  iif(k % 20 > 17, 'the message is larger than maxSize', NULL),
  printf('Sender %d <sender%d@example.org>', k % 997, k % 997),
  printf('Order %d of %s', k, substr('winter spring summer autumn', 1 + k % 4 * 7, 6)),
  '2026-03-01T12:00:00Z', 1, 2048, zeroblob(32), k FROM i, base;
WITH RECURSIVE i (k) AS (SELECT {first} UNION ALL SELECT k + 1 FROM i WHERE k < {last})
INSERT INTO body (n, content, raw) SELECT base.n + k, '{content}', zeroblob(200) FROM i, base;
"""
CONTENT = json.dumps({"sender": "Ann", "message_body": "A message. " * 20, "html": None,
                      "attachments": [], "problems": []})
CHUNK = 50000


def mailchute(*args):
    done = subprocess.run([os.path.join(BUILD, "host", "mailchute"), *args], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("bench_web: %s: %s" % (" ".join(args[:2]), done.stderr))
    return done.stdout


def make(place, sources, entries):
    """A queue with so many of both, and one user; a key of his."""
    queue = "sqlite:" + os.path.join(place, "queue")
    mail = os.path.join(place, "mail")
    os.makedirs(mail)
    mailchute("source", "add", "first", "path=" + mail, "--loader", "Folder", "--queue", queue)
    mailchute("source", "pause", "first", "--queue", queue)
    started = time.monotonic()
    database = sqlite3.connect(os.path.join(place, "queue", "queue.db"), isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("BEGIN")
    names = ", ".join("('%s')" % name for name in QUEUES)
    for sql in MAKE.format(sources=sources, queues=names).split(";\n"):
        database.execute(sql)
    for first in range(1, entries + 1, CHUNK):
        for sql in ENTRIES.format(
                first=first, last=min(first + CHUNK - 1, entries), sources=sources,
                queues=len(QUEUES), states="".join(map(str, STATES)),
                content=CONTENT).split(";\n"):
            database.execute(sql)
    database.execute("COMMIT")
    database.close()
    # What is counted when a batch is committed is counted by the next one.
    with open(os.path.join(mail, "one.eml"), "w", encoding="ascii") as out:
        out.write("Subject: the last one\r\n\r\nbody\r\n")
    mailchute("pickup", "path=" + mail, "--loader", "Folder", "--queue", queue, "--quiet")
    print("made in %.0f s" % (time.monotonic() - started), flush=True)


User = collections.namedtuple("User", "name password key")


def user_of(place):
    path, password = os.path.join(place, "password"), hashlib.sha256(os.urandom(16)).hexdigest()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as out:
        out.write(password)
    queue = "sqlite:" + os.path.join(place, "queue")
    name = "user%d" % os.getpid()
    mailchute("user", "add", name, "--role", "admin", "--password-file", path, "--queue", queue)
    return User(name, password, mailchute("user", "key", name, "bench", "--role", "admin", "--queue",
                                          queue).strip())


@contextlib.contextmanager
def serving(place):
    """The port of a daemon."""
    config = os.path.join(place, "mailchute.conf")
    with open(config, "w", encoding="ascii") as out:
        out.write("listen = 127.0.0.1:0\n")
    process = subprocess.Popen(
        [os.path.join(BUILD, "host", "mailchute"), "serve", "--config", config, "--queue",
         "sqlite:" + os.path.join(place, "queue")], stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)
    try:
        port = None
        for line in process.stderr:
            found = re.search(r"listening at .*port \"?(\d+)", line)
            port = int(found.group(1)) if found else port
            if "serving" in line:
                break
        yield port
    finally:
        process.terminate()
        process.stderr.read()
        process.wait()


class Client:
    def __init__(self, port, key):
        self.link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.key = key

    def ask(self, path):
        """(milliseconds, body)"""
        start = time.monotonic()
        self.link.request("GET", path, headers={"X-API-KEY": self.key})
        answer = self.link.getresponse()
        if path == API + "/events":     # it does not end
            body = answer.readline()
            self.link.close()
        else:
            body = answer.read()
        took = (time.monotonic() - start) * 1000
        if answer.status != 200:
            sys.exit("bench_web: %s: %d %r" % (path, answer.status, body[:300]))
        return took, body


def page_files(client):
    """Every file that a browser loads for the page: what it names, and what its modules import; system-page
    holds this against a browser."""
    files, left = [], ["/"]
    while left:
        path = left.pop()
        if path in files:
            continue
        files.append(path)
        text = client.ask(path)[1].decode()
        if path == "/":
            left += ["/" + name for name in re.findall(r'(?:href|src)="([^"]+)"', text)]
        elif path.endswith(".js"):
            left += ["/page/" + name for name in re.findall(r'from "\./([^"]+)"', text)]
    return files + ["/page/texts/en.json"]


def first_view(client):
    """All that is asked for when somebody who is signed in opens the page."""
    return page_files(client) + [API + path for path in (
        "/auth/me", "/events", "/ingestion-sources?limit=%d" % PAGE, "/queues")]


def lists(client, middle):
    entries = json.loads(client.ask(API + "/entries?limit=%d" % PAGE)[1])
    deep = entries["next"]
    for _ in range(20):     # some way down
        deep = json.loads(client.ask(API + "/entries?limit=200&after=" + deep)[1])["next"] or deep
    one = entries["items"][0]["id"]
    source = json.loads(client.ask(API + "/ingestion-sources?limit=1&after=" + middle)[1])[0]
    return [
        ("sources, a page", "/ingestion-sources?limit=%d" % PAGE),
        ("sources, a page in the middle", "/ingestion-sources?limit=%d&after=%s" % (PAGE, middle)),
        ("one source", "/ingestion-sources/" + source["id"]),
        ("statistics of a source", "/ingestion-sources/%s/stats" % source["id"]),
        ("work queues", "/queues"),
        ("entries, a page", "/entries?limit=%d" % PAGE),
        ("entries, the largest page", "/entries?limit=200"),
        ("entries, oldest first", "/entries?limit=%d&order=oldest" % PAGE),
        ("entries, 4,000 further down", "/entries?limit=%d&after=%s" % (PAGE, deep)),
        ("entries in a state", "/entries?limit=%d&state=bad" % PAGE),
        ("entries of a work queue", "/entries?limit=%d&queue=support" % PAGE),
        ("... in a state", "/entries?limit=%d&queue=support&state=failed" % PAGE),
        ("entries of a source", "/entries?limit=%d&source=%s" % (PAGE, source["name"])),
        ("... in a work queue, in a state",
         "/entries?limit=%d&source=%s&queue=support&state=new" % (PAGE, source["name"])),
        ("search, many found", "/entries?limit=%d&q=summer" % PAGE),
        ("search, none found", "/entries?limit=%d&q=nowhere-to-be-found" % PAGE),
        ("one entry", "/entries/" + one),
        ("loaders", "/loaders"),
        ("users", "/users"),
        ("keys", "/api-keys"),
        ("audit", "/audit?limit=%d" % PAGE),
    ]


def row(name, times, limit):
    middle, worst = statistics.median(times), max(times)
    most = sorted(times)[(len(times) * 9 - 1) // 10]    # that nine in ten do not exceed
    print("| %-38s | %9.2f | %9.2f | %9.2f | %9.0f |%s" % (
        name, middle, most, worst, limit, " over" if most > limit else ""), flush=True)
    return {"name": name, "median_ms": middle, "p90_ms": most, "worst_ms": worst, "limit_ms": limit}


def measure(port, key, times, middle):
    client = Client(port, key)
    calls = first_view(client)
    views = [sum(client.ask(path)[0] for path in calls) for _ in range(times)]
    rows = [row("first view, %d calls" % len(calls), views, VIEW_MS)]
    rows += [row(name, [client.ask(API + path)[0] for _ in range(times)], LIST_MS)
             for name, path in lists(client, middle)]
    took, body = client.ask(API + "/ingestion-sources")
    print("| %-38s | %9.2f |           |           |           | %.1f MB, as other clients want it" % (
        "all sources in one", took, len(body) / 1e6))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1000000)
    parser.add_argument("--sources", type=int, default=10000)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--live", type=int, default=20, help="messages that are delivered")
    parser.add_argument("--slack", type=float, default=1, help="so many times a limit is allowed")
    parser.add_argument("--folder", help="keeps the queue; one that is there is used again")
    parser.add_argument("--make", action="store_true", help="only make the queue")
    parser.add_argument("--json")
    args = parser.parse_args()
    with contextlib.ExitStack() as stack:
        place = os.path.abspath(args.folder) if args.folder else stack.enter_context(
            tempfile.TemporaryDirectory(prefix="mailchute-web-"))
        if not os.path.exists(os.path.join(place, "queue")):
            make(place, args.sources, args.entries)
        if args.make:
            return
        user = user_of(place)
        print("| %-38s | median ms |    p90 ms |  worst ms |  limit ms |\n|%s|----------:|----------:|"
              "----------:|----------:|" % ("call", "-" * 40))
        with serving(place) as port:
            rows = measure(port, user.key, args.times, "source-%05d" % (args.sources // 2))
            live = bench_web_live.figures(mailchute, place, port, user, args.live) if args.live else {}
            for name, times in live.items():
                rows.append(row(name, times, LIVE_MS))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump({"entries": args.entries, "sources": args.sources, "calls": rows}, out, indent=1)
    over = [one["name"] for one in rows if one["p90_ms"] > one["limit_ms"] * args.slack]
    if over:
        sys.exit("bench_web: over the limit: %s" % ", ".join(over))


if __name__ == "__main__":
    main()
