#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From a Mailchain client into folders of a mailbox, and the program dies at step n, for every n: after
a run that nothing disturbs each message is there once. In make check every STRIDE-th point; all of them,
with each kind of server, and with runs that die twice: make torture-deliver.
"""
import os
import re
import shutil
import subprocess
import tempfile
import time

import mailchain_api
from mailchain_api import message, message_id
import system_support
from system_support import BUILD, OK, SECONDS
import tap

ANN = "0x1f2e3d4c5b6a79880123456789abcdef01234567"
BEN = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
FOLDERS = {"INBOX/ethereum/ropsten/" + ANN: (1, 2, 3), "INBOX/ethereum/mainnet/" + ANN: (4,),
           "INBOX/substrate/edgeware-mainnet/" + BEN: (5, 6)}
FAULTY = os.path.join(BUILD, "tests", "mailchute-faulty")
FAULTY_IMAP = os.path.join(BUILD, "tests", ".libs", "faulty-imap.so")
MAILCHAIN = os.path.join(BUILD, "loader", ".libs", "mailchain.so")
DIED = 137
LARGE = "x" * 300000 + "\n"     # kept as a file beside the database
STRIDE = int(os.environ.get("STRIDE") or 24)
TWICE = bool(os.environ.get("TWICE"))


class Steps(system_support.Case):

    server_options = {"kind": os.environ.get("KIND") or "full"}

    def setUp(self):
        super().setUp()
        self.trace = os.path.join(self.folder, "trace")
        self.api = mailchain_api.MailchainApi("paged").start()
        self.addCleanup(self.api.stop)
        self.api.add("ethereum", "ropsten", ANN, message(1), message(2), message(3))
        self.api.add("ethereum", "mainnet", ANN, message(4, body=LARGE))
        self.api.add("substrate", "edgeware-mainnet", BEN, message(5), message(6))

    def begin(self, template=None):
        """Another user with another queue: a copy of @template, or none."""
        system_support.Case.users += 1
        self.user = "user%d" % system_support.Case.users
        self.place = tempfile.mkdtemp(dir=self.folder)
        self.sessions, self.offset = 0, os.path.getsize(self.server.log_file)
        if template is not None:
            shutil.copytree(template, os.path.join(self.place, "queue"))

    @property
    def queue(self):
        return "sqlite:" + os.path.join(self.place, "queue")

    def run_to(self, at, *args):
        """(exit code, names of the points that it passed). @at None: to the end."""
        open(self.trace, "wb").close()
        env = dict(os.environ, MAILCHUTE_FAULT_TRACE=self.trace)
        if at is not None:
            env["MAILCHUTE_FAULT_AT"] = str(at)
        done = subprocess.run([FAULTY, *args, "--queue", self.queue], timeout=SECONDS, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertIn(done.returncode, (OK, DIED), done.stderr.decode())
        with open(self.trace, "rb") as trace:
            names = [line.decode().strip() for line in trace.read().splitlines()]
        if "logged in" in names:
            self.sessions += 1
            self.session_ends()
        return done.returncode, names

    def session_ends(self):
        """Until the server has done what it was told by those who died."""
        ended = re.compile(rb"imap\(%s\).* out=" % self.user.encode())
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            with open(self.server.log_file, "rb") as log:
                log.seek(self.offset)
                if len(ended.findall(log.read())) >= self.sessions:
                    return
            time.sleep(0.002)
        self.fail("a session of %s does not end" % self.user)

    def pick_up(self, at=None):
        return self.run_to(at, "pickup", "port=%d;page=2" % self.api.port, "--loader", MAILCHAIN,
                           "--quiet")

    def deliver(self, at=None):
        string = "url=127.0.0.1;port=%d;starttls=Never" % self.server.port
        return self.run_to(at, "deliver", string, "--loader", FAULTY_IMAP, "--user", self.user,
                           "--password-file", self.password_file, "--quiet")

    def each_is_there_once(self, what):
        self.assertEqual(self.deliver()[0], OK, what)
        found = {name: sorted(re.search(rb"(?im)^message-id: <(\w+)@", m).group(1).decode()
                              for _, _, m in self.server.messages(self.user, name))
                 for name in self.server.folders(self.user) if name.count("/") == 3}
        self.assertEqual(found, {name: sorted(map(message_id, numbers))
                                 for name, numbers in FOLDERS.items()}, what)

    def sweep(self, step, template, heal):
        """Die at each point of @step; twice where that is wanted. The last one is reached by none."""
        at, code, points = 1, DIED, 0
        while code == DIED:
            self.begin(template)
            code, names = step(at)
            if code == DIED and TWICE:
                step(at)
            heal()
            self.each_is_there_once("died at point %d, '%s'" % (at, names[-1]))
            points, at = points + (code == DIED), at + STRIDE
        self.assertGreater(points, 20 // STRIDE)
        print("# %d deaths, each mended by the next run" % points, flush=True)

    def test_a_pick_up_that_dies_at_any_point_loses_nothing_and_doubles_nothing(self):
        def heal():
            self.assertEqual(self.pick_up()[0], OK)
        self.sweep(self.pick_up, None, heal)

    def test_a_delivery_that_dies_at_any_point_loses_nothing_and_doubles_nothing(self):
        self.begin()
        self.assertEqual(self.pick_up()[0], OK)
        self.sweep(self.deliver, os.path.join(self.place, "queue"), lambda: None)


if __name__ == "__main__":
    if not os.access(FAULTY, os.X_OK):
        raise SystemExit("1..0 # SKIP mailchute-faulty is not built")
    tap.main()
