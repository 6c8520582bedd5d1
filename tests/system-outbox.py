#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sources of the daemon that deliver: what others pick up into their work queue lies in folders of
their account at once, each message once, whatever is killed."""
import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import threading

import mailchain_api
from mailchain_api import message, message_id
from rest_client import Client
import serve_support
from serve_support import Daemon
from system_support import MAIL, OK, USAGE
import tap

ANN = "0x1f2e3d4c5b6a79880123456789abcdef01234567"
CHAIN = "INBOX/ethereum/ropsten/" + ANN
ROUNDS = int(os.environ.get("ROUNDS") or 6)
SETTINGS = serve_support.SETTINGS + "private-hosts = yes\n"


class Refuser:
    """An IMAP server that refuses each password, once it is told to."""

    def __init__(self, case):
        self.tries, self.told = 0, threading.Semaphore(0)
        self.socket = socket.create_server(("127.0.0.1", 0))
        case.addCleanup(self.socket.close)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.socket.accept()[0]
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client):
        with contextlib.suppress(OSError), client, client.makefile("rwb") as talk:
            talk.write(b"* OK ready\r\n")
            talk.flush()
            for line in talk:
                tag, verb = line.split()[:2]
                if verb.upper() == b"LOGIN":
                    self.tries += 1
                    self.told.acquire()
                    talk.write(tag + b" NO [AUTHENTICATIONFAILED] wrong\r\n")
                elif verb.upper() == b"CAPABILITY":
                    talk.write(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK\r\n")
                else:
                    talk.write(tag + b" OK\r\n")
                talk.flush()


class Outbox(serve_support.ServeCase):

    def setUp(self):
        super().setUp()
        self.api = mailchain_api.MailchainApi("paged").start()
        self.addCleanup(self.api.stop)

    def chain(self, *numbers):
        self.api.add("ethereum", "ropsten", ANN, *map(message, numbers))

    def pick_up(self, *more):
        """Source "chain"; the client is asked again after a minute, or when somebody says so."""
        self.source("add", "chain", "port=%d;page=10" % self.api.port, "--loader", "Mailchain",
                    *more)

    def outbox(self, *more, **keys):
        self.add("outbox", *more, **dict({"deliver": ""}, **keys))

    def ids(self, folder=CHAIN):
        if folder not in self.server.folders(self.user):
            return []
        return sorted(re.search(rb"(?im)^message-id: <?([0-9a-f]{88})", m).group(1).decode()
                      for _, _, m in self.server.messages(self.user, folder))

    def arrive(self, daemon, numbers, folder=CHAIN):
        wanted = sorted(map(message_id, numbers))
        self.wait(lambda: len(self.ids(folder)) >= len(wanted), "%d arrive" % len(wanted), daemon)
        self.assertEqual(self.ids(folder), wanted)

    def test_what_another_source_picks_up_is_delivered_at_once(self):
        self.chain(1, 2)
        self.pick_up()
        self.outbox()
        daemon = Daemon(self, SETTINGS)
        self.arrive(daemon, (1, 2))
        self.comes_to(daemon, "active", "idle", "outbox")
        self.assertRegex(self.shown("outbox")["last_message"], r"^OK; [012] items\.$")
        self.chain(3)
        self.source("sync", "chain")    # the interval of outbox is five minutes: not waited for
        self.arrive(daemon, (1, 2, 3))
        self.wait(lambda: sum(int(n) for line in list(daemon.log) if "outbox" in line
                              for n in re.findall(r"OK; (\d+) items", line)) == 3,
                  "the log tells of three", daemon)

    def test_a_password_that_is_refused_is_not_tried_again_because_mail_arrives(self):
        refuser = Refuser(self)
        self.pick_up()
        refuser.told.release()   # the test of source add
        self.outbox("--force", url="127.0.0.1", port=refuser.port, ssl="False", starttls="Never",
                    caFile=None)
        daemon = Daemon(self, SETTINGS.replace("200ms", "24h"))
        self.wait(lambda: refuser.tries == 2, "it logs in", daemon)
        self.comes_to(daemon, "active", "idle", "chain")
        for number in (1, 2):
            self.chain(number)
            self.source("sync", "chain")
            self.wait(lambda: self.shown("chain")["counts"]["queued"] == number and
                      self.shown("chain")["last_message"] == "OK; 1 items.", "mail arrived", daemon)
            refuser.told.release()
            self.wait(lambda: "refused" in (self.shown("outbox")["status_message"] or ""),
                      "it is told", daemon)
        self.assertEqual(refuser.tries, 2)

    def test_its_status_is_told_over_the_rest_interface_and_it_can_be_paused(self):
        self.pick_up()
        self.outbox()
        password = self.write("password-of-boss", "correct horse battery")
        for args in (["user", "add", "boss", "--role", "admin", "--password-file", password],
                     ["user", "key", "boss", "test", "--role", "admin"]):
            run = self.command(*args, "--queue", self.queue)
            self.assertEqual(run.code, OK, run)
        daemon = Daemon(self, SETTINGS)
        line = next(line for line in daemon.log if "listening" in line)
        client = Client(self, int(line.split("port ")[1].strip('"')), run.out.strip())

        def state():
            return next(one for one in client.get("/ingestion-sources", want=200).json
                        if one["name"] == "outbox")
        self.wait(lambda: state()["state"] == "active", "REST tells that it is active", daemon)
        outbox = state()
        self.assertIsNotNone(outbox["last_contact"])
        client.post("/ingestion-sources/%s/pause" % outbox["id"], want=200)
        self.comes_to(daemon, "paused", None, "outbox")
        self.chain(1)
        self.source("sync", "chain")
        self.has_queued(daemon, 1, "chain")
        self.assertEqual(self.ids(), [])
        self.source("resume", "outbox")
        self.arrive(daemon, (1,))
        # Where entries go is for who has the machine to say.
        answer = client.ask("PUT", "/ingestion-sources/" + outbox["id"],
                            {"connection": self.connection(deliver="Year", caFile=None)}, want=400)
        self.assertIn("administrator", answer.body.decode())

    def test_only_entries_of_its_work_queue_are_delivered_and_moved_ones_by_and_by(self):
        self.chain(1)
        self.pick_up("--queue-name", "chain")
        self.server.append(self.user, "INBOX", MAIL)
        self.add("office")
        self.outbox("--queue-name", "chain", deliver="Source>'of network'>Network",
                    deliverRoot="Kept", mainnetToInbox="no")
        daemon = Daemon(self, SETTINGS)
        self.arrive(daemon, (1,), "Kept/chain/of network/ropsten")
        self.has_queued(daemon, 1)
        entry = next(e["id"] for e in self.queued() if e["queue"] == "default")
        self.assertNotIn("Kept/office", "".join(self.server.folders(self.user)))
        run = self.command("queue", "move", entry, "chain", "--queue", self.queue)
        self.assertEqual(run.code, OK, run)
        self.source("sync", "outbox")
        folder = "Kept/office/of network/INBOX"
        self.wait(lambda: folder in self.server.folders(self.user) and
                  self.server.count(self.user, folder) == 1, "it is delivered", daemon)

    def test_the_ledger_is_that_of_the_account_that_is_named(self):
        self.chain(1)
        self.pick_up()
        self.outbox(deliverAccount="ann at home")
        daemon = Daemon(self, SETTINGS)
        self.arrive(daemon, (1,))
        self.comes_to(daemon, "active", "idle", "outbox")
        self.assertEqual(daemon.end(), 0)
        self.server.store(self.user, CHAIN, 1, "(\\Deleted)")
        self.server.expunge(self.user, CHAIN)
        for more, count in ((["--account", "ann at home"], 0), ([], 1)):
            run = self.command("deliver", self.connection(), "--user", self.user, "--password-file",
                               self.password_file, "--queue", self.queue, *more)
            self.assertIn("%d delivered" % count, run.err)

    def test_what_is_wrong_is_told_before_and_while_it_serves(self):
        for keys, word in (({"deliver": "Protocl"}, "Protocl"),
                           ({"deliverRoot": "/x"}, "deliverRoot"),
                           ({"mainnetToInbox": "perhaps"}, "mainnetToInbox"),
                           ({"deliverAccount": "x" * 600}, "name of 600 bytes")):
            keys = dict({"deliver": ""}, **keys)
            run = self.command("source", "add", "outbox", self.connection(**keys),
                               "--user", self.user, "--password-file", self.password_file,
                               "--queue", self.queue)
            self.assertEqual(run.code, USAGE, run)
            self.assertIn(word, run.err)
        run = self.command("source", "add", "outbox", "port=%d;deliver=Year" % self.api.port,
                           "--loader", "Mailchain", "--queue", self.queue)
        self.assertEqual(run.code, USAGE, run)
        self.assertIn("cannot deliver", run.err)
        self.outbox()
        self.source("edit", "outbox", "--password-file", self.write("wrong", "no\n"), "--force")
        daemon = Daemon(self, SETTINGS)
        self.wait(lambda: "refused" in (self.shown("outbox")["status_message"] or ""),
                  "it is told without any entry", daemon)
        self.chain(1)
        self.pick_up()
        self.has_queued(daemon, 1, "chain")
        self.source("edit", "outbox", "--password-file", self.password_file)
        self.arrive(daemon, (1,))

    def test_a_wrong_password_is_told_also_where_no_message_can_be_read(self):
        self.api.add("ethereum", "ropsten", ANN, message(1, body="x\n" * 200000))
        run = self.command("pickup", "port=%d" % self.api.port, "--loader", "Mailchain", "--queue",
                           self.queue, "--quiet")
        self.assertEqual(run.code, OK, run)
        file, = (os.path.join(at, name) for at, _, names in
                 os.walk(os.path.join(self.folder, "queue", "raw")) for name in names)
        os.rename(file, file + ".away")
        self.outbox()
        self.source("edit", "outbox", "--password-file", self.write("wrong", "no\n"), "--force")
        daemon = Daemon(self, SETTINGS)
        self.wait(lambda: "refused" in (self.shown("outbox")["status_message"] or ""),
                  "it is told", daemon)

    def test_killed_at_any_moment_nothing_is_lost_and_nothing_comes_twice(self):
        chance = random.Random(2)
        self.chain(*range(100))
        self.pick_up()
        self.outbox()
        count = 100
        for _ in range(ROUNDS):
            daemon = Daemon(self, SETTINGS)
            self.chain(*range(count, count + 20))
            count += 20
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.process.wait(chance.random())
            daemon.end(signal.SIGKILL)
            self.source("sync", "chain")
        daemon = Daemon(self, SETTINGS)
        self.arrive(daemon, range(count))
        self.comes_to(daemon, "active", "idle", "outbox")
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(self.ids(), sorted(map(message_id, range(count))))


if __name__ == "__main__":
    tap.main()
