#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_push - how soon is new mail an entry?

    make bench-push [DELIVERIES=200]

mailchute pickup --watch waits, through a proxy that notes when the server says EXISTS, at a private
Dovecot. Messages are delivered one by one, each after the entry of the one before. Told are, as
p50, p99 and the longest: from the end of the delivery to EXISTS on the wire, which is the server's
own part, and from EXISTS to the entry on mailchute's output, which is written once it is durable.
"""
import argparse
import json
import os
import re
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import bench_contestants
import bench_server
import dovecot

BUILD = os.environ.get("top_builddir", "")
USER = "watcher"
SECONDS = 60   # for one message


class Proxy(threading.Thread):
    """Passes bytes on between clients and a port; notes when the server says EXISTS."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.exists = []   # when the server said it, a number of messages above 0
        self.idling = threading.Event()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.listener:
                    self._accept()
                else:
                    self._pass(key.fileobj, *key.data)

    def _accept(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.target))
        for end, other, from_server in ((client, server, False), (server, client, True)):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(end, selectors.EVENT_READ, (other, from_server))

    def _pass(self, end, other, from_server):
        try:
            data = end.recv(262144)
        except ConnectionResetError:   # the client has left with an answer unread
            data = b""
        if from_server:
            self._look(data, time.monotonic())
        if data:
            other.sendall(data)
            return
        for each in (end, other):
            self.selector.unregister(each)
            each.close()

    def _look(self, data, now):
        if re.search(rb"\* [1-9]\d* EXISTS", data):
            self.exists.append(now)
        if data.startswith(b"+ idling") or b"\n+ idling" in data:
            self.idling.set()


class Watch:
    """mailchute pickup --watch with its entries as they come."""

    def __init__(self, program, port, folder):
        secret = os.path.join(folder, "password")
        with open(secret, "w", encoding="ascii") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(bench_server.PASSWORD + "\n")
        self.queue = "sqlite:" + os.path.join(folder, "queue")
        self.program = program
        self.process = subprocess.Popen(
            [program, "pickup", "url=localhost;port=%d;starttls=Never" % port,
             "--user", USER, "--password-file", secret, "--queue", self.queue, "--json",
             "--watch"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        threading.Thread(target=self._read, daemon=True).start()
        self.entries = {}   # subject: when its entry came
        self.news = threading.Condition()

    def _read(self):
        for line in self.process.stdout:
            now = time.monotonic()
            with self.news:
                self.entries[json.loads(line)["subject"]] = now
                self.news.notify()

    def wait(self, subject):
        with self.news:
            if not self.news.wait_for(lambda: subject in self.entries, SECONDS):
                raise bench_contestants.Wrong("'%s' did not become an entry" % subject)
            return self.entries[subject]

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def queued(self):
        done = subprocess.run([self.program, "queue", "list", "--json", "--queue", self.queue],
                              capture_output=True, text=True, check=True)
        return len(done.stdout.splitlines())


def deliver(imap, subject):
    message = "From: a@example.org\r\nSubject: %s\r\n\r\nA message.\r\n" % subject
    dovecot.checked(imap.append("INBOX", None, None, message.encode()))
    return time.monotonic()


def measure(server, watch, proxy, count):
    """[(the server's part, our part)] in seconds."""
    rows = []
    with server.client(USER) as imap:
        for number in range(1, count + 1):
            if not proxy.idling.wait(SECONDS):
                raise bench_contestants.Wrong("mailchute does not wait with IDLE")
            proxy.idling.clear()
            subject = "push %d" % number
            before = len(proxy.exists)
            delivered = deliver(imap, subject)
            durable = watch.wait(subject)
            exists = proxy.exists[before]
            rows.append((exists - delivered, durable - exists))
    return rows


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def report(name, values):
    ms = [1000 * v for v in values]
    row = {"p50_ms": statistics.median(ms), "p99_ms": percentile(ms, 0.99), "max_ms": max(ms)}
    print("| %-44s | %8.2f | %8.2f | %8.2f |" % (name, row["p50_ms"], row["p99_ms"],
                                                  row["max_ms"]))
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=200)
    parser.add_argument("--mailchute", default=os.path.join(BUILD, "host", "mailchute"))
    parser.add_argument("--json")
    args = parser.parse_args()
    with bench_server.Server() as server, tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(server.port)
        proxy.start()
        watch = Watch(os.path.abspath(args.mailchute), proxy.port, folder)
        try:
            rows = measure(server, watch, proxy, args.deliveries)
        finally:
            watch.stop()
        bench_contestants.check(watch.queued() == args.deliveries, "the queue has %d entries",
                                watch.queued())
    print("| %-44s |   p50 ms |   p99 ms |   max ms |" % (
        "%d deliveries, one by one" % args.deliveries))
    print("|%s|---------:|---------:|---------:|" % ("-" * 46))
    figures = {"server": report("delivered -> EXISTS on the wire (server)", [s for s, _ in rows]),
               "mailchute": report("EXISTS on the wire -> durable entry", [m for _, m in rows])}
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(figures, out, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (bench_contestants.Wrong, dovecot.NoDovecot) as error:
        sys.exit("bench_push: %s" % error)
