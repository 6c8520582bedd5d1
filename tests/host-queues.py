#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Named work queues by the mailchute command: conditions, and entries that are moved."""
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

import tap

PROGRAM = os.path.join(os.environ["top_builddir"], "host", "mailchute")
OK, USAGE, CONFIG = 0, 64, 78


class Case(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mailchute-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.inbox = os.path.join(self.folder, "in")
        os.mkdir(self.inbox)
        self.database = os.path.join(self.folder, "queue", "queue.db")
        self.sent = 0

    def send(self, subject, sender="Ann <ann@example.org>"):
        self.sent += 1
        path = os.path.join(self.inbox, "%02d.eml" % self.sent)
        with open(path, "w", encoding="utf-8", newline="\r\n") as out:
            out.write("From: %s\nTo: bob@example.org\nSubject: %s\n\ntext\n" % (sender, subject))
        os.utime(path, (1e9 + self.sent, 1e9 + self.sent))

    def run_it(self, *args, code=OK):
        done = subprocess.run([PROGRAM, *args, "--queue", "sqlite:" + os.path.join(
            self.folder, "queue")], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def queue(self, *args):
        return [json.loads(line) for line in self.run_it("queue", *args, "--json").stdout
                .splitlines()]

    def pickup(self, *more, code=OK):
        return self.run_it("pickup", "path=" + self.inbox, "--loader", "Folder", *more, code=code)

    def left(self):
        return sorted(name for name in os.listdir(self.inbox) if name.endswith(".eml"))


class Settings(Case):

    def test_a_secret_that_cannot_be_read_changes_nothing(self):
        self.run_it("queue", "configure", "default", "retry=linear", "retries=2")
        before = self.queue("queues")
        done = self.run_it("queue", "configure", "default", "retry=exponential", "hook=/bin/true",
                           "webhook=https://example.org/", "webhook-secret-file=/nowhere/secret",
                           code=CONFIG)
        self.assertIn("/nowhere/secret", done.stderr)
        self.assertEqual(self.queue("queues"), before)


class Conditions(Case):

    def test_what_does_not_meet_the_condition_is_settled_and_kept_as_done(self):
        self.run_it("queue", "configure", "default", "condition=Subject:/^order /i")
        self.send("Order 1")
        self.send("hello")
        self.send("order 2")
        told = self.pickup()
        self.assertIn("no work: hello", told.stdout)
        self.assertIn("3 picked up", told.stderr)
        self.assertEqual(self.left(), [])  # to the archive, all of it
        entries = self.queue("list")
        self.assertEqual([e["state"] for e in entries], ["new", "done", "new"])
        self.assertIn("condition", entries[1]["error"])
        self.assertGreater(entries[1]["raw"]["size"], 0)
        self.run_it("queue", "save", entries[1]["id"], os.path.join(self.folder, "out"))
        queue, = self.queue("queues")
        self.assertEqual((queue["condition"], queue["skipped"]), ("Subject:/^order /i", 1))
        self.assertEqual([self.queue("take")[0]["subject"] for _ in range(2)],
                         ["Order 1", "order 2"])
        self.assertEqual(self.queue("take"), [])

    def test_a_person_can_have_it_worked_on_all_the_same(self):
        self.run_it("queue", "configure", "default", "condition=!From:/ann@/")
        self.send("hello")
        self.pickup()
        entry, = self.queue("list")
        moved, = self.queue("move", entry["id"], "second")
        self.assertEqual((moved["state"], moved["queue"]), ("new", "second"))
        self.assertEqual(self.queue("take", "--queue-name", "second")[0]["id"], entry["id"])

    def test_a_condition_can_be_taken_away(self):
        self.run_it("queue", "configure", "default", "condition=Subject:/order/")
        self.run_it("queue", "configure", "default", "condition=")
        self.send("hello")
        self.pickup()
        self.assertEqual([e["state"] for e in self.queue("list")], ["new"])
        self.assertIsNone(self.queue("queues")[0]["condition"])

    def test_a_condition_that_cannot_be_is_refused_and_tells_why(self):
        for condition, word in (("Subject:/(/", "position"), ("X:/a/", "Recipient"),
                                ("Subjct:/a/", "did you mean 'Subject'"), ("order", "Header:/"),
                                ("Subject:/%s/" % ("x" * 1100), "1024")):
            done = self.run_it("queue", "configure", "default", "condition=" + condition, code=USAGE)
            self.assertIn(word, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_a_condition_that_another_version_wrote_stops_the_pick_up_and_loses_nothing(self):
        self.run_it("queue", "configure", "default", "condition=Subject:/order/")
        with sqlite3.connect(self.database) as db:
            db.execute("UPDATE policy SET condition = 'whatever that is'")
        db.close()
        self.send("hello")
        self.assertIn("work queue 'default'", self.pickup(code=CONFIG).stderr)
        self.assertEqual(self.left(), ["01.eml"])
        self.assertEqual(self.queue("list"), [])


class Moving(Case):

    def test_an_entry_that_is_worked_on_is_not_moved(self):
        self.send("one")
        self.pickup()
        entry, = self.queue("take")
        done = self.run_it("queue", "move", entry["id"], "second", code=USAGE)
        self.assertIn("somebody works on it", done.stderr)
        self.run_it("queue", "fail", entry["id"], "--why", "no customer")
        self.run_it("queue", "move", entry["id"][:8], "second")
        self.assertEqual(self.queue("list", "--queue-name", "second")[0]["attempts"], 0)
        self.assertIn("already", self.run_it("queue", "move", entry["id"], "second",
                                             code=USAGE).stderr)


if __name__ == "__main__":
    tap.main()
