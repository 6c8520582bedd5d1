#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_sources - how many mailboxes can one daemon watch, and what does each cost?

    make bench-sources [SOURCES=200,1000,10000]

For each number: one private Dovecot, so many accounts, mailchute serve with a source for each, all
idle over TLS with the certificate checked. Told are: the time until all are active; all that the
daemon holds then, divided by the sources: private memory and descriptors; its processor time; how soon
new mail in any of them is queued, from the end of the delivery to the durable entry. About 500 ms of
that are Dovecot's: it tells of new mail half a second later.

Beyond PROCESSES connections those that wait are kept by Dovecot in one process (imap-hibernate): a
process for each would need more memory than most machines have. Dovecot needs an inotify instance for
each such connection, else it keeps the process, of which it has PROCESS_LIMIT:

    sysctl fs.inotify.max_user_instances=12000
"""
import argparse
import contextlib
import json
import os
import random
import re
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import dovecot

BUILD = os.environ.get("top_builddir", "")
PASSWORD = "bench"
SECONDS = 3600   # until all are active
MAIL_SECONDS = 120
# Beyond this many, waiting connections are moved into one process of Dovecot's.
PROCESSES = 300
PROCESS_LIMIT = 3000

SCALE = """
imap_hibernate_timeout = {hibernate}
default_vsz_limit = 2G
service imap-login {{
  service_count = 0
  client_limit = 2000
  process_limit = 8
}}
service imap {{
  process_limit = {processes}
  service_count = 1000
  unix_listener imap-master {{
    user = {user}
  }}
}}
service imap-hibernate {{
  chroot =
  client_limit = 19000
  unix_listener imap-hibernate {{
    user = {user}
    mode = 0600
  }}
}}
service auth {{
  client_limit = 18000
}}
service anvil {{
  client_limit = 18000
}}
service stats {{
  client_limit = 18000
}}
"""


def sums(pid):
    """{field of smaps_rollup: bytes} of a process."""
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        return {name: int(kb) * 1024 for name, kb in re.findall(r"(?m)^(\w+): +(\d+) kB", file.read())}


def private(pid):
    got = sums(pid)
    return got["Private_Dirty"] + got["Private_Clean"]


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


class Daemon:
    """mailchute serve, told of by its metrics."""

    def __init__(self, program, queue, folder, settings):
        config = os.path.join(folder, "mailchute.conf")
        with open(config, "w", encoding="ascii") as out:
            out.write("listen = 127.0.0.1:0\nlog-format = plain\n" + settings)
        self.log = os.path.join(folder, "serve.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program, "serve", "--queue", queue, "--config", config], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=dict(os.environ, MAILCHUTE_BENCH_PASSWORD=PASSWORD))
        self.pid = self.process.pid
        self.port = None

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def waiting(self):
        """How many sources wait for mail."""
        if self.process.poll() is not None:
            sys.exit("bench_sources: the daemon ended:\n" + self.said()[-3000:])
        if self.port is None:
            found = re.search(r"listening at .*port (\d+)", self.said())
            if found is None:
                return 0
            self.port = int(found.group(1))
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.port, timeout=60) as got:
            found = re.search(r'mailchute_sources\{phase="waiting"\} (\d+)', got.read().decode())
        return int(found.group(1))

    def stop(self):
        self.process.terminate()
        self.process.wait()


def wait_for(true, what, seconds=SECONDS, every=0.1):
    start = time.monotonic()
    while not true():
        if time.monotonic() - start > seconds:
            sys.exit("bench_sources: %s did not come within %d s" % (what, seconds))
        time.sleep(every)
    return time.monotonic() - start


def add_sources(program, server, queue, folder, count):
    """One by the command, the others as copies of its row: they differ in name and user."""
    secret = os.path.join(folder, "password")
    with open(secret, "w", encoding="ascii") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(PASSWORD + "\n")
    subprocess.run([program, "source", "add", "first", "url=localhost;port=%d;ssl=True;caFile=%s" %
                    (server.tls_port, server.ca_file), "--user", "ann-0", "--password-file", secret,
                    "--interval", "1h", "--queue", queue], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    path = os.path.join(queue[len("sqlite:"):], "queue.db")
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.executemany(
            "INSERT INTO source (id, version, name, loader, connection, user, queue, secret_kind,"
            " secret, interval_s, paused, syncs, created_s)"
            " SELECT randomblob(16), 1, printf('many-%05d', ?1), loader, connection,"
            " printf('ann-%d', ?1), queue, 'environment', ?2, interval_s, 0, 0, created_s"
            " FROM source WHERE name = 'first'",
            [(number, b"MAILCHUTE_BENCH_PASSWORD") for number in range(1, count)])


def deliveries(server, queue, count, sources):
    """Deliver one by one to any of the accounts; seconds each took until it was queued."""
    path = os.path.join(queue[len("sqlite:"):], "queue.db")
    took = []
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=60)) as db:
        def known():
            return db.execute("SELECT count(*) FROM entry").fetchone()[0]
        for number in range(count):
            before = known()
            user = "ann-%d" % random.randrange(sources)
            server.append(user, "INBOX", b"Subject: bench %d\r\n\r\nA message.\r\n" % number)
            start = time.monotonic()
            wait_for(lambda: known() > before, "the entry of a message to " + user, MAIL_SECONDS,
                     0.002)
            took.append(time.monotonic() - start)
    return took


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def check_inotify(count):
    with open("/proc/sys/fs/inotify/max_user_instances", encoding="ascii") as file:
        instances = int(file.read())
    if count > PROCESS_LIMIT + instances:
        sys.exit("bench_sources: Dovecot cannot hold %d connections: fs.inotify.max_user_instances is %d; "
                 "raise it" % (count, instances))


def measure(args, count):
    check_inotify(count)
    hibernate = "1s" if count > PROCESSES else "0"
    more = SCALE.format(hibernate=hibernate, processes=PROCESS_LIMIT,
                        user=dovecot.server_account().pw_name)
    with tempfile.TemporaryDirectory(prefix="mailchute-sources-") as folder, \
            dovecot.Dovecot(password=PASSWORD, max_connections=20000, more=more) as server:
        queue = "sqlite:" + os.path.join(folder, "queue")
        add_sources(args.mailchute, server, queue, folder, count)
        start = time.monotonic()
        daemon = Daemon(args.mailchute, queue, folder, args.settings.replace(",", "\n") + "\n")
        try:
            wait_for(lambda: daemon.waiting() >= count, "all to wait for mail", every=1)
            all_s = time.monotonic() - start
            used = cpu_seconds(daemon.pid)
            time.sleep(args.settle)   # until the daemon has given back what it does not need
            row = {"sources": count, "all_s": all_s, "memory": private(daemon.pid),
                   "descriptors": descriptors(daemon.pid), "cpu_s": used}
            row["memory_each"] = row["memory"] / count
            took = deliveries(server, queue, args.deliveries, count)
        finally:
            daemon.stop()
    if took:
        row.update(p50_s=statistics.median(took), p99_s=percentile(took, 0.99), max_s=max(took))
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", default="200,1000")
    parser.add_argument("--deliveries", type=int, default=200)
    parser.add_argument("--settings", default="", help="of the daemon: name = value,...")
    parser.add_argument("--mailchute", default=os.path.join(BUILD, "host", "mailchute"))
    parser.add_argument("--settle", type=float, default=35,
                        help="seconds in which the daemon gives back what its start needed")
    parser.add_argument("--json")
    args = parser.parse_args()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    print("| sources | all idle, s | kB each | descriptors | CPU ms each | queued p50, s | p99 |\n"
          "|--------:|------------:|--------:|------------:|------------:|--------------:|----:|")
    rows = []
    for count in args.sources.split(","):
        row = measure(args, int(count))
        rows.append(row)
        print("| %7d | %11.1f | %7.1f | %11d | %11.1f | %13.2f | %.2f |" % (
            row["sources"], row["all_s"], row["memory_each"] / 1000, row["descriptors"],
            1000 * row["cpu_s"] / row["sources"], row.get("p50_s", 0), row.get("p99_s", 0)),
            flush=True)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(rows, out, indent=1)


if __name__ == "__main__":
    main()
