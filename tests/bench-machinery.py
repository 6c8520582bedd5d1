#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks (bench/) measure what they say: at a size that takes no time, and without looking
at how long anything took."""
import contextlib
import json
import os
import re
import resource
import select
import shutil
import sqlite3
import subprocess
import sys
import unittest
import unittest.mock

import system_support
import tap

sys.path.insert(0, os.path.join(system_support.SOURCE, "tests", "bench"))
import bench
import bench_contestants
import bench_durable
import bench_server

BENCH = os.path.join(system_support.SOURCE, "tests", "bench")
TESTS = os.path.join(system_support.BUILD, "tests")


def perf_works():
    return shutil.which("perf") is not None and subprocess.run(
        ["perf", "record", "-N", "-q", "-e", "cpu-clock", "-o", os.devnull, "true"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


class Mailboxes(system_support.Case):

    def generate(self, name, profile, count):
        os.mkdir(os.path.join(self.folder, name))
        return bench_server.mailbox(profile, os.path.join(self.folder, name), TESTS, count)

    def test_a_mailbox_is_the_same_every_time(self):
        one, other = self.generate("one", "office", 12), self.generate("other", "office", 12)
        self.assertEqual([vars(e) for e in one.expected], [vars(e) for e in other.expected])
        self.assertEqual(sorted(os.listdir(os.path.join(one.box, "cur"))),
                         sorted(os.listdir(os.path.join(other.box, "cur"))))

    def test_python_finds_the_attachments_that_the_generator_wrote_down(self):
        import email
        box = self.generate("box", "office", 12)
        self.assertTrue(any(e.attachments for e in box.expected))
        for expected, name in zip(box.expected, sorted(os.listdir(os.path.join(box.box, "cur")))):
            with open(os.path.join(box.box, "cur", name), "rb") as file:
                raw = file.read()
            self.assertEqual(system_support.sha256(raw.replace(b"\n", b"\r\n")), expected.raw)
            self.assertEqual(system_support.sha256(raw.split(b"\n\n", 1)[1]), expected.body)
            found = [system_support.sha256(part.get_payload(decode=True))
                     for part in email.message_from_bytes(raw).walk() if part.get_filename()]
            self.assertEqual(found, expected.attachments)


class Measuring(system_support.Case):

    def measure(self, script, *args):
        """What a script printed, and the name of the file it left figures in."""
        out = os.path.join(self.folder, "figures.json")
        done = subprocess.run([sys.executable, os.path.join(BENCH, script), "--json", out, *args],
                              capture_output=True, text=True, check=False)
        return done, out

    def figures(self, script, *args):
        done, out = self.measure(script, *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(out, encoding="utf-8") as file:
            return json.load(file), done.stdout

    def race(self, *more):
        return "bench.py", "--profiles", "office", "--count", "8", "--rounds", "1", "--peers", \
            "none", "--work", self.folder, *more

    def test_every_contestant_is_timed_and_verified_plain_and_over_tls(self):
        figures, shown = self.figures(*self.race())
        groups = figures["groups"]
        self.assertRegex(shown, r"durability: 12 messages, 5 of them files|was not looked at")
        self.assertEqual([group["tls"] for group in groups], [False, True])
        for group in groups:
            self.assertEqual([row["contestant"] for row in group["rows"]],
                             ["raw drain", "raw drain + move", "mailchute"])
            for row in group["rows"]:
                self.assertIn("| %s " % row["contestant"], shown)
                self.assertGreater(min(row["wall_s"], row["rss_bytes"], row["ratio"]), 0)

    def test_a_contestant_that_loses_mail_is_not_in_the_table(self):
        cheat = os.path.join(self.folder, "cheat")
        with open(cheat, "w", encoding="ascii") as script:
            script.write("#!/bin/sh\nexit 0\n")
            os.fchmod(script.fileno(), 0o755)
        done, _ = self.measure(*self.race("--mailchute", cheat, "--links", "plain",
                                           "--untraced"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("mailchute, office: entries: 8 missing", done.stderr)
        self.assertNotIn("| mailchute", done.stdout)

    def test_a_peer_that_fails_is_named_and_the_race_goes_on(self):
        broken = os.path.join(self.folder, "fdm")
        with open(broken, "w", encoding="ascii") as script:
            script.write("#!/bin/sh\nexit 3\n")
            os.fchmod(script.fileno(), 0o755)
        os.chmod(self.folder, 0o711)
        path = os.pathsep.join((self.folder, os.environ["PATH"]))
        with unittest.mock.patch.dict(os.environ, PATH=path):
            figures, shown = self.figures(
                "bench.py", "--profiles", "office", "--count", "8", "--rounds", "2", "--peers", "fdm",
                "--links", "plain", "--untraced", "--work", self.folder)
        group, = figures["groups"]
        self.assertEqual(group["missing"], {"fdm": "round 1 failed: fdm, office: exit code 3"})
        self.assertEqual({row["contestant"]: len(row["rounds"]) for row in group["rows"]},
                         {"raw drain": 2, "raw drain + move": 2, "mailchute": 2})
        self.assertIn("not measured: round 1 failed", shown)

    def read_to_end(self, fifo):
        """What was written into it, when nobody is left who could write more."""
        said = b""
        while True:
            try:
                piece = os.read(fifo, 100)
            except BlockingIOError:
                self.assertTrue(select.select([fifo], [], [], 60)[0], "somebody works on")
                continue
            if not piece:
                return said
            said += piece

    def test_a_contestant_that_takes_too_long_is_ended_with_all_its_children(self):
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        told = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, told)
        command = ["sh", "-c", "exec 3>'%s'; (echo there >&3; exec sleep 600) & wait" % fifo]
        seconds, said = 1, b""
        while not said:   # on a slow machine it takes longer until all of them are there
            with self.assertRaisesRegex(bench_contestants.Wrong, "took longer than %d s" % seconds):
                bench_contestants.run_to_end(
                    [os.path.join(TESTS, "bench-run"), os.path.join(self.folder, "result"),
                     *command], seconds)
            seconds *= 2
            said += self.read_to_end(told)
        self.assertEqual(said, b"there\n")

    def test_an_attachment_that_differs_is_noticed(self):
        with self.assertRaises(bench_contestants.Wrong):
            bench_contestants.check_all("entries", [("new", "a", ("1",))], [("new", "a", ("2",))])
        bench_contestants.check_all("entries", [1, 2, 2], [2, 1, 2])

    def test_a_byte_that_is_stored_wrong_is_noticed_in_rows_and_in_files(self):
        with bench_server.Server() as server:
            turn = bench.Round(server, bench_server.mailbox("office", self.folder, TESTS, 8), False,
                               TESTS, self.folder)
            contestant = bench_contestants.Mailchute(system_support.PROGRAM)
            turn.run(contestant)
            folder = contestant.folder(turn)
            file = os.path.join(folder, "raw", sorted(os.listdir(os.path.join(folder, "raw")))[0])
            with open(file, "r+b") as raw:
                first = raw.read(1)
                for byte, fault in ((b"\0", "1 messages are not stored"), (first, None)):
                    raw.seek(0)
                    raw.write(byte)
                    raw.flush()
                    self.verify(contestant, turn, fault)
            os.rename(file, file + ".away")
            self.verify(contestant, turn, "1 messages are not stored")
            os.rename(file + ".away", file)
            with contextlib.closing(sqlite3.connect(os.path.join(folder, "queue.db"))) as db:
                row, = db.execute("SELECT min(n) FROM entry WHERE raw_place = 1").fetchone()
                db.execute("UPDATE body SET raw = CAST(X'00' || substr(raw, 2) AS BLOB) WHERE n = ?",
                           (row,))
                db.commit()
            self.verify(contestant, turn, "1 messages are not stored")

    def verify(self, contestant, turn, fault):
        """It is found good, or Wrong in these words."""
        if fault is None:
            contestant.verify(turn)
            return
        with self.assertRaisesRegex(bench_contestants.Wrong, fault):
            contestant.verify(turn)

    def test_only_the_files_of_a_turn_itself_are_emptied(self):
        turn, outside = os.path.join(self.folder, "turn"), os.path.join(self.folder, "library")
        os.makedirs(os.path.join(turn, "deep"))
        own = os.path.join(turn, "deep", "own")
        for place in outside, own:
            with open(place, "w", encoding="ascii") as file:
                file.write("kept")
        os.symlink(outside, os.path.join(turn, "symbolic"))
        os.symlink("nowhere", os.path.join(turn, "dangling"))
        os.link(outside, os.path.join(turn, "deep", "hard"))
        bench.empty_files(turn)
        self.assertEqual([os.path.getsize(outside), os.path.getsize(own)], [4, 0])

    def test_sources_are_counted_when_they_wait_and_their_mail_is_waited_for(self):
        figures, shown = self.figures("bench_sources.py", "--sources", "3", "--deliveries", "2",
                                      "--settle", "0")
        row, = figures
        self.assertEqual(row["sources"], 3)
        self.assertGreater(min(row["all_s"], row["memory"], row["descriptors"], row["p50_s"]), 0)
        self.assertIn("|       3 |", shown)

    def test_push_is_measured_from_the_servers_word_to_the_entry(self):
        figures, _ = self.figures("bench_push.py", "--deliveries", "2")
        self.assertEqual(set(figures), {"server", "mailchute"})
        self.assertGreater(figures["mailchute"]["p50_ms"], 0)

    def test_memory_is_measured_by_what_mails_are_made_of_and_held_against_a_limit(self):
        few = ("--shapes", "references", "--links", "plain", "--turns", "1")
        figures, shown = self.figures("bench_memory.py", *few, "--limit", "100000")
        self.assertEqual(set(figures["references"]), {"plain", "dry run"})
        self.assertGreater(min(figures["references"].values()), 1e6)
        self.assertIn("| 150 x 990 references |", shown)
        done, _ = self.measure("bench_memory.py", *few, "--limit", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("more than 1 MB: references", done.stderr)

    def test_invented_mailboxes_are_picked_up_whole_dense_and_sparse(self):
        figures, _ = self.figures("bench_scale.py", "--few", "20", "--messages", "60", "--times",
                                  "1")
        self.assertEqual([row["messages"] for row in figures["pickups"]],
                         [20, 20, 20, 20, 60, 20, 20, 60])

    @unittest.skipIf(shutil.which("perf") is None, "there is no perf here")
    @unittest.skipUnless(perf_works(), "perf is not here, or may not look")
    def test_what_the_processor_does_is_told_by_thread_and_library(self):
        figures, shown = self.figures("bench_profile.py", "--profiles", "small", "--count", "300",
                                      "--work", self.folder)
        self.assertRegex(shown, r"(?m)^\| part, ms +\| +thread 1 \|")
        self.assertRegex(shown, r"(?m)^\| all  ")
        self.assertGreater(sum(sum(used.values()) for used in figures["small"].values()), 10)

    def test_the_calls_of_the_page_are_measured_one_by_one(self):
        folder, wide = os.path.join(self.folder, "web"), ("--slack", "1000")
        figures, _ = self.figures("bench_web.py", "--entries", "400", "--sources", "20", "--times",
                                  "1", "--live", "1", "--folder", folder, *wide)
        calls = {row["name"]: row for row in figures["calls"]}
        self.assertGreater(len(calls), 20)
        self.assertGreater(min(row["median_ms"] for row in calls.values()), 0)
        self.assertIn("new mail, until an event tells of it", calls)
        done, _ = self.measure("bench_web.py", "--times", "1", "--live", "0", "--sources", "20",
                               "--folder", folder, "--slack", "0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("over the limit: first view", done.stderr)

    def test_every_part_is_measured_on_input_that_it_understands(self):
        program = os.path.join(TESTS, "bench-parts")
        names = subprocess.run([program, "--names"], capture_output=True, text=True,
                               check=True).stdout.split()
        self.assertIn("response-listing", names)
        for name in ("base64", "mail-large", "mail-small", "response-bodies"):
            done = subprocess.run([program, "--once", name], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreater(int(done.stdout), 1000000)

    def flush(self, **limits):
        """bench-flush in a folder where its names are taken; they must be untouched behind it."""
        place = os.path.join(self.folder, "place")
        os.makedirs(os.path.join(place, "d0"))
        theirs = {name: "theirs: " + name for name in ("log", "f0", "f7", "d0/f")}
        for name, text in theirs.items():
            with open(os.path.join(place, name), "w", encoding="ascii") as file:
                file.write(text)
        done = subprocess.run([os.path.join(TESTS, "bench-flush"), place, "2"],
                              capture_output=True, text=True, check=False, **limits)
        self.assertEqual(sorted(os.listdir(place)), ["d0", "f0", "f7", "log"])
        self.assertEqual(os.listdir(os.path.join(place, "d0")), ["f"])
        for name, text in theirs.items():
            with open(os.path.join(place, name), encoding="ascii") as file:
                self.assertEqual(file.read(), text)
        return done

    def test_every_way_of_flushing_is_measured_and_no_file_of_others_touched(self):
        done = self.flush()
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split() for line in done.stdout.splitlines()[1:]]
        self.assertEqual([row[0] for row in rows], ["log", "each", "beside", "folders", "syncfs",
                                                    "write1", "write3"])
        for _, median, least, most in rows:
            self.assertTrue(0 < float(least) <= float(median) <= float(most))

    def test_flushing_that_fails_in_the_middle_leaves_nothing_behind(self):
        def few_files():
            resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")   # that looks with files of its own
        done = self.flush(preexec_fn=few_files, env=env)
        self.assertEqual(done.returncode, 73, done.stderr)
        self.assertIn("Too many open files", done.stderr)


@unittest.skipIf(shutil.which("strace") is None, "strace is not installed")
class Durability(system_support.Case):
    """What the bench says of flushes, of a run as it is and of runs that lack one."""

    def traced(self, server, *options):
        """The contestant, its turn and what strace wrote down of a pick-up."""
        box = bench_server.mailbox("office", self.folder, TESTS, bench_durable.MESSAGES)
        turn = bench.Round(server, box, False, TESTS, self.folder)
        contestant = bench_contestants.Mailchute(system_support.PROGRAM)
        server.give(box, turn.user, bench_contestants.ARCHIVE)
        lines = bench_durable.run(contestant.command(turn), turn, *options)
        if lines is None:
            self.skipTest("strace may not trace here")
        return lines, contestant.entries(turn), contestant.folder(turn)

    def refuse(self, why, lines, entries, folder):
        with self.assertRaisesRegex(bench_contestants.Wrong, why):
            bench_durable.judge(lines, entries, folder)

    @staticmethod
    def flushes(lines, file):
        """Which lines begin a flush of a file whose path ends so."""
        return [n for n, line in enumerate(lines)
                if re.search(r" f(data)?sync\(\d+<[^>]*/%s>" % re.escape(file), line)]

    def test_each_flush_that_is_missing_before_a_move_is_noticed(self):
        with bench_server.Server() as server:
            lines, entries, folder = self.traced(server)
        self.assertRegex(bench_durable.judge(lines, entries, folder),
                         "^durability: 12 messages, 5 of them files, [1-9]")
        raw = os.path.join(folder, "raw")
        inodes = ["#%d" % os.stat(os.path.join(raw, name)).st_ino for name in os.listdir(raw)]
        self.assertEqual(len(inodes), 5)
        moves = [n for n, line in enumerate(lines) if "UID MOVE" in line]
        log = [n for n in self.flushes(lines, "queue.db-wal") if n < moves[-1]]
        cases = [("log of the queue was flushed", log), ("log of the queue was flushed", log[-1:]),
                 ("folder of its file was flushed", self.flushes(lines, "raw"))]
        cases += [("before its file was flushed", self.flushes(lines, file)) for file in inodes]
        for why, missing in cases:
            self.assertTrue(missing, why)
            with self.subTest(why, missing=missing):
                self.refuse(why, [line for n, line in enumerate(lines) if n not in missing],
                            entries, folder)
        early = lines[:moves[-1]] + lines[moves[-1] + 1:]
        early.insert(log[-1], lines[moves[-1]])
        self.refuse("log of the queue was flushed", early, entries, folder)

    def test_a_program_that_flushes_nothing_is_noticed(self):
        with bench_server.Server() as server:
            lines, entries, folder = self.traced(server, "-e", "inject=fsync,fdatasync:retval=0")
        self.assertEqual(len(entries), bench_durable.MESSAGES)
        self.assertTrue(self.flushes(lines, "queue.db-wal"))   # it asks for them; none is made
        self.refuse("log of the queue was flushed", lines, entries, folder)


if __name__ == "__main__":
    tap.main()
