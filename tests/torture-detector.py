#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The crash tests can fail: a build that settles before it commits loses mail, and four of them find it;
so does a disk on which something is not flushed. And what nobody did cannot pass: a sweep whose runs end
early, or without the library that makes calls fail, says so."""
import dataclasses
import errno
import os
import random
import signal
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import dovecot
import tap
import torture
import torture_power
import torture_scenarios
import torture_steps

TORTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torture.py")
LOST = "I1/I3"   # how the judge calls it


@unittest.skipIf(dovecot.missing(), dovecot.missing())
class Detector(unittest.TestCase):

    def check_fails(self, *arguments):
        """Returns what was said."""
        done = subprocess.run([sys.executable, TORTURE, *arguments], capture_output=True, text=True,
                              check=False)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 1, said)
        self.assertIn("not ok 1 - ", said)
        self.assertNotIn("Traceback", said)
        return said

    def check_caught(self, *arguments):
        self.assertIn(LOST, self.check_fails(*arguments, "--program", torture_steps.SWAPPED))

    def test_settling_before_the_commit_is_caught_by_dying_at_every_step(self):
        self.check_caught("steps", "--scenario", "one mail", "--kind", "full")

    def test_settling_before_the_commit_is_caught_by_kill_9(self):
        self.check_caught("kill", "--times", "1000")

    def test_settling_before_the_commit_is_caught_by_failing_writes(self):
        self.check_caught("io", "--scenario", "one mail", "--kind", "full", "--every", "11")

    def test_settling_before_the_commit_is_caught_by_failing_calls(self):
        self.check_caught("calls", "--scenario", "one mail", "--kind", "full", "--only",
                          "fdatasync,write,pwrite64", "--every", "10")

    def test_a_run_that_had_ended_before_it_was_killed_does_not_count(self):
        class Bench:
            def start(self):
                return subprocess.Popen(self.command, stderr=subprocess.PIPE)
        bench, chance = Bench(), random.Random(1)
        bench.command = ["true"]
        self.assertEqual(torture.killed(bench, chance, 600), 0)
        bench.command = ["sleep", "600"]
        self.assertEqual(torture.killed(bench, chance, 0), -signal.SIGKILL)

    def test_whatever_is_not_flushed_is_caught_by_cutting_the_power(self):
        for what in torture_power.FORGETFUL:
            with self.subTest(what):
                self.check_fails("power", "--scenario", "kept as a file", "--times", "400", "--seed",
                                 "1", "--forget", what)


@unittest.skipIf(dovecot.missing(), dovecot.missing())
class Power(unittest.TestCase):

    def wrong_where_a_body_comes(self, recorded, folder, forgets):
        """What is wrong with a disk that lost all that was not flushed, when the first bytes came of a body
        that was asked for alone."""
        disk, sent = torture_power.Disk(recorded.snapshot, forgets), torture_power.Sent()
        for record in recorded.records:
            disk.play(record)
            sent.play(record)
            if sent.read:
                break
        self.assertEqual((record.what, sent.read), ("V", {1}))
        disk.after_cut(random.Random(0), "nothing", folder)
        try:
            torture_power.judge(torture_steps.Queue(os.path.join(folder, "queue")), sent)
        except torture_steps.Violation as violation:
            return str(violation)
        return ""

    def test_a_body_that_comes_before_its_attempt_is_safe_is_caught_also_where_it_was_asked_for_alone(self):
        with (tempfile.TemporaryDirectory() as folder, dovecot.Dovecot(kind="full") as server):
            recorded = torture_power.Power(server, torture_scenarios.scenario("one mail"), folder)
            self.assertEqual(self.wrong_where_a_body_comes(recorded, folder + "/true", None), "")
            self.assertIn("I4: message 1 was read",
                          self.wrong_where_a_body_comes(recorded, folder + "/forgetful", lambda path: True))


# What a shell does before the program under test, in runs that are to die, or to fail, at their second point
# or behind it; not in the one that is to show how many there are.
FROM_THE_SECOND = ("n=${MAILCHUTE_FAULT_AT:-${FAIL_AT:-${OOM_AT:-0}}}\n"
                   "test $n -gt 1 && test $n -lt 1000000 && %s")
NO_MAIL = torture_scenarios.scenario("no mail")


@unittest.skipIf(dovecot.missing(), dovecot.missing())
class Sweeps(unittest.TestCase):
    """A build folder of links, in which something is missing or is not what it should be."""

    @classmethod
    def setUpClass(cls):
        cls.server = dovecot.Dovecot(kind="full").start()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=self.enter(tempfile.TemporaryDirectory()))
        self.libraries = os.path.join(self.folder, "tests", ".libs")
        os.makedirs(self.libraries)
        self.built = os.path.join(os.path.abspath(os.environ.get("top_builddir", "build")), "tests")
        self.faulty = os.path.join(self.built, torture_steps.FAULTY)
        self.link(torture_steps.FAULTY)
        self.link(".libs/faulty-imap.so")
        self.enter(unittest.mock.patch.dict(os.environ, top_builddir=self.folder))

    def enter(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def link(self, name):
        os.symlink(os.path.join(self.built, name), os.path.join(self.folder, "tests", name))

    def instead(self, what):
        """The program does this, and only else what it is for."""
        path = os.path.join(self.folder, "tests", torture_steps.FAULTY)
        os.unlink(path)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o700), "w") as script:
            script.write("#!/bin/sh\n%s\nexec %s \"$@\"\n" % (what, self.faulty))

    def fails(self, sweep, *how, saying, **more):
        try:
            found = sweep(self.server, NO_MAIL, self.folder, torture_steps.FAULTY, *how, **more).violations
        except torture_steps.Violation as violation:
            found = [str(violation)]
        self.assertIn(saying, "\n".join(map(str, found)))

    def all_fail(self, saying):
        """Each sweep that needs a library."""
        once, paths = torture_steps.sweep_once, torture_steps.sweep_paths
        self.fails(once, torture_steps.failing_change(errno.EIO), saying=saying)
        self.fails(once, torture_steps.failing_call, saying=saying)
        self.fails(once, torture_steps.failing_allocation(False), saying=saying)
        self.fails(paths, torture_steps.failing_path(False), set(), saying=saying)

    def test_without_the_library_that_makes_calls_fail_nothing_passes(self):
        self.all_fail("is not there")

    def test_with_a_library_that_does_nothing_nothing_passes(self):
        for name in ("fail-shim", "oom-shim"):
            open(os.path.join(self.libraries, name + ".so"), "wb").close()
        self.all_fail("does not tell of a single")

    def test_a_program_without_points_does_not_pass(self):
        self.instead("unset MAILCHUTE_FAULT_TRACE MAILCHUTE_FAULT_AT")
        for sweep in (torture_steps.sweep_once, torture_steps.sweep_twice):
            self.fails(sweep, saying="does not tell of a single")

    def test_runs_that_end_early_are_not_taken_for_the_end_of_a_sweep(self):
        self.link(".libs/fail-shim.so")
        self.link(".libs/oom-shim.so")
        eio, oom = torture_steps.failing_change(errno.EIO), torture_steps.failing_allocation(False)
        for code, how, saying in ((75, None, "it ended with 75"), (75, eio, "it ended with 75"),
                                  (75, oom, "it ended with 75"), (0, None, "does not tell of a single")):
            self.instead(FROM_THE_SECOND % "exit %d" % code)
            with self.subTest(code=code, how=how):
                self.fails(torture_steps.sweep_once, how, saying=saying)

    def test_runs_that_are_much_shorter_are_told(self):
        self.instead(FROM_THE_SECOND % "exec %s queue list --queue memory:" % self.faulty)
        self.fails(torture_steps.sweep_once, None, 9, saying="were not come by again")

    def test_a_run_that_goes_past_its_point_is_told(self):
        self.instead(FROM_THE_SECOND % "unset MAILCHUTE_FAULT_AT")
        self.fails(torture_steps.sweep_once, saying="nothing happened at this one")

    def test_a_list_of_call_paths_that_ends_early_is_not_taken_for_all_of_them(self):
        self.link(".libs/oom-shim.so")
        self.instead("test -z \"$OOM_PATHS\" || exit 75")
        self.fails(torture_steps.sweep_paths, torture_steps.failing_path(False), set(),
                   saying="it ended with 75")

    def test_scenarios_have_as_many_orders_as_they_say(self):
        for scenario in torture_scenarios.SCENARIOS:
            if scenario.orders > 0:
                torture_steps.Bench(self.server, scenario, self.folder, torture_steps.FAULTY).undisturbed()
        one_more = dataclasses.replace(torture_scenarios.scenario("60 mails"), orders=2)
        bench = torture_steps.Bench(self.server, one_more, self.folder, torture_steps.FAULTY)
        with self.assertRaisesRegex(torture_steps.Violation, "only 1 orders move"):
            bench.undisturbed()

    def test_a_second_run_that_ends_early_is_not_taken_for_one_that_got_through(self):
        self.instead(FROM_THE_SECOND % "test $n -gt 60 && exit 75")
        self.fails(torture_steps.sweep_twice, stride=60, saying="it ended with 75")


if __name__ == "__main__":
    tap.main()
