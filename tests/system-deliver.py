#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mailchute deliver: entries go into folders of a mail account, each once, whatever is killed, whoever
put them there before, and never again once their owner deleted them. Many more deaths: make
torture-deliver."""
import contextlib
import os
import random
import re
import select
import shutil
import socket
import sqlite3
import subprocess
import threading
import time

import mailchain_api
from mailchain_api import message, message_id
import system_support
from system_support import BAD_MAIL, CONFIG, CREDENTIALS, MAIL, OK, PROGRAM, USAGE
import tap

ANN = "0x1f2e3d4c5b6a79880123456789abcdef01234567"
BEN = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
LATER = 75
ROUNDS = int(os.environ.get("ROUNDS") or 12)


def by_gem(number, address=ANN):
    """What the old connector made of message @number: a bare Message-ID, a multipart of one."""
    m = message(number)
    return ("Date: Tue, 01 Sep 2020 07:05:00 +0000\r\nFrom: %s\r\nTo: Ann <%s@mainnet.ethereum>\r\n"
            "Message-ID: %s\r\nSubject: %s\r\nMime-Version: 1.0\r\n"
            "Content-Type: multipart/mixed;\r\n boundary=\"--==_x\";\r\n charset=UTF-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n\r\n\r\n----==_x\r\nContent-Type: text/plain;\r\n"
            " charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n%s \r\nDelivered by Mailchain "
            "IMAP Connector\r\n----==_x--\r\n" % (
                m["headers"]["from"].strip("<>"), address, m["headers"]["message-id"],
                m["subject"], m["body"].replace("\n", "\r\n"))).encode()


class Breaker:
    """Passes everything on to a server, but for its OK to an APPEND: there it breaks off; and no
    EXAMINE of @closed."""

    def __init__(self, case, port):
        self.port_behind, self.breaks, self.closed = port, 0, "(none)"
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
        tags = set()
        with contextlib.suppress(OSError), client, \
                socket.create_connection(("127.0.0.1", self.port_behind)) as server:
            while True:
                for one in select.select([client, server], [], [])[0]:
                    data = one.recv(65536)
                    if not data:
                        return
                    if one is client:
                        tags.update(re.findall(rb"(?m)^(\S+) APPEND ", data))
                        data = data.replace(b'EXAMINE "%s"' % self.closed.encode(),
                                            b'EXAMINE "no such folder"')
                    elif self.breaks > 0 and any(tag in tags for tag in
                                                 re.findall(rb"(?m)^(\S+) OK", data)):
                        self.breaks -= 1
                        return
                    (server if one is client else client).sendall(data)


class Delivering(system_support.Case):

    def setUp(self):
        super().setUp()
        self.api = mailchain_api.MailchainApi("paged").start()
        self.addCleanup(self.api.stop)

    def from_chain(self, *codes):
        run = self.command("pickup", "port=%d" % self.api.port, "--loader", "Mailchain", "--queue",
                           self.queue, "--quiet")
        self.assertIn(run.code, codes or [OK], run)

    def deliver_args(self, *more, **keys):
        return ["deliver", self.connection(**keys), "--user", self.user, "--password-file",
                self.password_file, "--queue", self.queue, *more]

    def deliver(self, *more, code=OK, **keys):
        run = self.command(*self.deliver_args(*more, **keys))
        self.assertEqual(run.code, code, run)
        return run

    def delivered(self, *more, **keys):
        """How many were appended, and how many found."""
        run = self.deliver(*more, **keys)
        return tuple(int(n.replace(",", "")) for n in
                     re.search(r"([\d,]+) (?:would be )?delivered, ([\d,]+) were there",
                               run.err).groups())

    def ids(self, folder):
        return sorted(re.search(rb"(?im)^message-id: <?([0-9a-f]{88})", m).group(1).decode()
                      for _, _, m in self.server.messages(self.user, folder))


class Chain(Delivering):

    def test_each_message_lies_unread_in_the_folder_of_its_address_with_its_own_date(self):
        self.api.add("ethereum", "mainnet", ANN, message(1), message(2))
        self.api.add("ethereum", "ropsten", ANN, message(3))
        self.api.add("substrate", "edgeware-mainnet", BEN, message(4))
        self.from_chain()
        self.assertEqual(self.delivered(), (4, 0))
        folders = {"INBOX/ethereum/mainnet/" + ANN: [1, 2], "INBOX/ethereum/ropsten/" + ANN: [3],
                   "INBOX/substrate/edgeware-mainnet/" + BEN: [4]}
        for folder, numbers in folders.items():
            self.assertEqual(self.ids(folder), sorted(map(message_id, numbers)), folder)
            self.assertEqual(set(self.server.flags(self.user, folder).values()), {()})
        with self.server.client(self.user) as imap:
            _, subscribed = imap.lsub('""', "*")
            names = b"\n".join(subscribed).decode()
            for level in ("INBOX/ethereum", "INBOX/ethereum/ropsten",
                          "INBOX/ethereum/ropsten/" + ANN):
                self.assertIn(level, names)
            imap.select('"INBOX/ethereum/ropsten/%s"' % ANN, readonly=True)
            _, data = imap.fetch("1", "(INTERNALDATE)")
            self.assertIn(b"01-Sep-2020 07:08:00 +0000", data[0])

    def test_the_other_layout_and_main_networks_in_the_inbox(self):
        self.api.add("ethereum", "mainnet", ANN, message(1))
        self.api.add("ethereum", "ropsten", ANN, message(2))
        self.api.add("substrate", "edgeware-mainnet", BEN, message(3))
        self.from_chain()
        self.deliver("--folder", "Address>Protocol>Network", "--mainnet-to-inbox")
        self.assertEqual(self.ids("INBOX"), sorted(map(message_id, (1, 3))))
        self.assertEqual(self.ids("INBOX/%s/ethereum/ropsten" % ANN), [message_id(2)])

    def test_nothing_comes_twice_not_in_another_layout_and_not_once_it_was_deleted(self):
        self.api.add("ethereum", "ropsten", ANN, message(1), message(2))
        self.from_chain()
        self.assertEqual(self.delivered(), (2, 0))
        self.assertEqual(self.delivered(), (0, 0))
        folder = "INBOX/ethereum/ropsten/" + ANN
        self.server.store(self.user, folder, 1, "(\\Deleted)")
        self.server.expunge(self.user, folder)
        self.api.add("ethereum", "ropsten", ANN, message(3))
        self.from_chain()
        self.assertEqual(self.delivered("--folder", "Address>Protocol>Network"), (1, 0))
        self.assertEqual(self.server.count(self.user, folder), 1)
        self.assertEqual(self.ids("INBOX/%s/ethereum/ropsten" % ANN), [message_id(3)])

    def filled_by_gem(self, folder, numbers, address=ANN):
        """The gem made each level, and put what it uploaded into the last one."""
        with self.server.client(self.user) as imap:
            for end in [i for i, c in enumerate(folder + "/") if c == "/"][1:]:
                imap.create('"%s"' % folder[:end])
        self.server.append(self.user, folder, *[by_gem(n, address) for n in numbers])

    def test_a_mailbox_that_the_old_gem_filled_gets_no_second_copy(self):
        """It wrote 0x before the address, which has one: the folder that is delivered to is another."""
        self.api.add("ethereum", "ropsten", ANN, *[message(n) for n in range(70)])
        self.filled_by_gem("INBOX/ethereum/ropsten/0x" + ANN, range(0, 70, 2))
        self.from_chain()
        self.assertEqual(self.delivered(), (35, 35))
        self.assertEqual(self.ids("INBOX/ethereum/ropsten/" + ANN),
                         sorted(map(message_id, range(1, 70, 2))))
        self.assertEqual(self.delivered(), (0, 0))

    def test_each_layout_of_the_old_gem_is_known_whatever_ours_is(self):
        places = {"INBOX/ethereum/mainnet/0x" + ANN: 0, "INBOX/ethereum/mainnet/" + ANN: 1,
                  "INBOX/0x%s/ethereum/mainnet" % ANN: 2, "INBOX/%s/ethereum/mainnet" % ANN: 3,
                  "INBOX": 4}
        self.api.add("ethereum", "mainnet", ANN, *[message(n) for n in range(6)])
        to_ben = {"to": "\"Ben\" <%s@edgeware-mainnet.substrate>" % BEN}
        self.api.add("substrate", "edgeware-mainnet", BEN, message(6, headers=to_ben), message(7))
        for folder, number in places.items():
            self.filled_by_gem(folder, [number])
        self.filled_by_gem("INBOX/substrate/edgeware-mainnet/" + BEN, [6], BEN)
        self.from_chain()
        queue = self.queue[len("sqlite:"):]
        shutil.copytree(queue, queue + "-new")
        for at, layout in enumerate((["--mainnet-to-inbox"], ["--folder", "Address>Protocol>Network"],
                                     ["--root", "Elsewhere"], [])):
            shutil.rmtree(queue)
            shutil.copytree(queue + "-new", queue)    # one that has delivered nothing so far
            self.assertEqual(self.delivered(*layout), (2, 6) if at == 0 else (0, 8), layout)

    def test_a_folder_of_the_old_gem_that_cannot_be_opened_leaves_what_is_in_no_other(self):
        self.api.add("ethereum", "ropsten", ANN, message(1), message(2))
        self.filled_by_gem("INBOX/ethereum/ropsten/0x" + ANN, [2])
        self.filled_by_gem("INBOX/0x%s/ethereum/ropsten" % ANN, [1])
        self.from_chain()
        breaker = Breaker(self, self.server.port)
        breaker.closed = "INBOX/ethereum/ropsten/0x" + ANN
        through = {"url": "127.0.0.1", "port": breaker.port, "ssl": "False", "starttls": "Never",
                   "caFile": None}
        run = self.deliver(code=CONFIG, **through)
        self.assertIn("1 messages are not delivered: ", run.err)
        self.deliver(code=CONFIG, **through)
        breaker.closed = "(none)"
        self.assertEqual(self.delivered(**through), (0, 1))

    def test_an_id_that_stands_within_another_mails_id_is_delivered_all_the_same(self):
        self.server.append(self.user, "INBOX",
                           b"Message-ID: <com.example@x>\r\nSubject: ordinary\r\n\r\nx\r\n",
                           b"Message-ID: <%sff@x>\r\nSubject: longer\r\n\r\nx\r\n" %
                           message_id(2).encode())
        self.api.add("ethereum", "mainnet", ANN, message(1, headers={"message-id": "com"}),
                     message(2))
        self.from_chain()
        self.assertEqual(self.delivered("--mainnet-to-inbox"), (2, 0))
        self.assertEqual(self.server.count(self.user, "INBOX"), 4)
        self.api.add("ethereum", "mainnet", ANN,
                     message(3, headers={"message-id": message_id(2)[:80]}))
        self.from_chain()
        self.assertEqual(self.delivered("--mainnet-to-inbox"), (1, 0))

    def test_two_ids_that_look_alike_are_two_messages(self):
        ids = ("0a1b", "0a1b@mailchain", "0a1b@MAILCHAIN", "0a1b@x", "0a1b.x", "0a1b@x@y", "0a1b-x-y")
        for number, one in enumerate(ids):
            self.api.add("ethereum", "mainnet", ANN, message(number, headers={"message-id": one}))
            self.from_chain()
            self.assertEqual(self.delivered("--mainnet-to-inbox"), (1, 0), one)
        subjects = [re.search(rb"(?m)^Subject: (.*?)\r$", m).group(1)
                    for _, _, m in self.server.messages(self.user, "INBOX")]
        self.assertEqual(subjects, [b"Hello %d" % n for n in range(len(ids))])

    def deleted(self, folder):
        for uid in self.server.uids(self.user, folder):
            self.server.store(self.user, folder, uid, "(\\Deleted)")
        self.server.expunge(self.user, folder)

    def test_what_was_deleted_does_not_come_again_through_another_port_or_name(self):
        plain = {"port": self.server.port, "ssl": "False", "starttls": "Never", "caFile": None}
        self.api.add("ethereum", "ropsten", ANN, message(1), message(2))
        self.from_chain()
        folder = "INBOX/ethereum/ropsten/" + ANN
        self.assertEqual(self.delivered(url="127.0.0.1", **plain), (2, 0))
        self.deleted(folder)
        for keys in (dict(plain, url="LocalHost"), dict(plain, url="localhost."), {}):
            self.assertEqual(self.delivered(**keys), (0, 0), keys)
        self.assertEqual(self.delivered("--user", self.user.upper()), (0, 0))
        self.assertEqual(self.delivered("--account", "the other one"), (2, 0))
        self.deleted(folder)
        self.assertEqual(self.delivered("--account", "the other one"), (0, 0))
        self.deliver("--account", "a\nb", code=USAGE)

    def test_a_ledger_of_an_older_version_counts(self):
        keys = {"url": "127.0.0.1", "port": self.server.port, "ssl": "False", "starttls": "Never",
                "caFile": None}
        self.api.add("ethereum", "ropsten", ANN, message(1), message(2))
        self.from_chain()
        self.assertEqual(self.delivered(**keys), (2, 0))
        self.deleted("INBOX/ethereum/ropsten/" + ANN)
        with contextlib.closing(sqlite3.connect(os.path.join(self.folder, "queue", "queue.db"))) as db:
            with db:
                changed = db.execute("UPDATE word SET text = ? WHERE text = ?", (
                    "%s@127.0.0.1:%d" % (self.user, self.server.port), self.user + "@localhost"))
                self.assertEqual(changed.rowcount, 1)
        self.api.add("ethereum", "ropsten", ANN, message(3))
        self.from_chain()
        self.assertEqual(self.delivered(**keys), (1, 0))
        self.assertEqual(self.delivered(), (0, 0))

    def test_a_dry_run_tells_and_changes_nothing(self):
        self.api.add("ethereum", "ropsten", ANN, message(1))
        self.from_chain()
        before = self.server.snapshot(self.user)
        run = self.deliver("--dry-run")
        self.assertIn("ethereum/ropsten/" + ANN, run.out)
        self.assertIn("1 would be delivered", run.err)
        self.assertEqual(self.server.snapshot(self.user), before)
        self.assertEqual(self.delivered(), (1, 0))

    def test_a_folder_that_the_server_does_not_make_costs_its_own_messages(self):
        self.api.add("ethereum", "ropsten", ANN, message(1), message(2))
        self.api.add("ethereum", "n" * 120, "a" * 128, message(3))
        self.from_chain()
        template = ">".join(["'x'"] + ["Address"] * 8)     # 1,030 bytes for the long one
        run = self.deliver("--folder", template, code=CONFIG)
        self.assertIn("1 messages are not delivered", run.err)
        self.assertIn("choose a shorter template", run.err)
        self.assertIn("(2 delivered before that)", run.err)
        self.assertEqual(self.ids("INBOX/x" + ("/" + ANN) * 8), sorted(map(message_id, (1, 2))))
        self.assertEqual(self.delivered(), (1, 0))     # with another template it goes

    def test_a_message_whose_file_is_gone_keeps_no_other_back_and_goes_once_it_is_there(self):
        self.api.add("ethereum", "ropsten", ANN, message(1), message(2, body="x\n" * 200000),
                     message(3))
        self.from_chain()
        file, = (os.path.join(at, name) for at, _, names in
                 os.walk(os.path.join(self.folder, "queue", "raw")) for name in names)
        os.rename(file, file + ".away")
        for _ in range(2):
            run = self.deliver(code=CONFIG)
            self.assertIn("1 messages are not delivered: cannot open a message", run.err)
            self.assertEqual(self.ids("INBOX/ethereum/ropsten/" + ANN),
                             sorted(map(message_id, (1, 3))))
        os.rename(file + ".away", file)
        self.assertEqual(self.delivered(), (1, 0))

    def test_mistakes_are_told_and_change_nothing(self):
        self.api.add("ethereum", "ropsten", ANN, message(1))
        self.from_chain()
        before = self.server.snapshot(self.user)
        for args in (("--folder", "Protocl>Network"), ("--folder", ""), ("--folder", "Year>"),
                     ("--folder", "'x"), ("--root", "/x"), ("--root", "x" * 501),
                     ("--folder", ">".join(["Year"] * 17))):
            self.assertEqual(len(self.deliver(*args, code=USAGE).err.splitlines()), 1)
        self.deliver("--loader", "Folder", code=USAGE)
        wrong = self.write("wrong", "not the password\n")
        self.deliver("--password-file", wrong, code=CREDENTIALS)
        self.assertEqual(self.server.snapshot(self.user), before)
        self.assertEqual(self.delivered(), (1, 0))

    def test_killed_at_any_moment_nothing_is_lost_and_nothing_comes_twice(self):
        chance = random.Random(1)
        self.api.add("ethereum", "ropsten", ANN, *[message(n) for n in range(40)])
        self.api.add("ethereum", "mainnet", ANN, *[message(n) for n in range(40, 80)])
        killed = 0
        for _ in range(ROUNDS):
            for args in (["pickup", "port=%d;page=10" % self.api.port, "--loader", "Mailchain",
                          "--queue", self.queue, "--quiet"], self.deliver_args("--quiet")):
                process = subprocess.Popen([PROGRAM, *args], stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(chance.random() * 0.6)
                killed += process.poll() is None
                process.kill()
                process.wait()
            number = 80 + len(self.api.chain[("ethereum", "ropsten")][ANN])
            self.api.add("ethereum", "ropsten", ANN, message(number))
        self.from_chain(OK, BAD_MAIL)
        # Three that died of the same message are taken to be its fault.
        aside = [e["origin"]["key"] for e in self.queued() if e["state"] == "bad"]
        self.assertLessEqual(3 * len(aside), killed)
        until = time.monotonic() + 60
        while (run := self.command(*self.deliver_args())).code not in (OK, BAD_MAIL):
            self.assertLess(time.monotonic(), until, run)
            time.sleep(0.2)     # the server still holds what the last one left behind
        for network in ("ropsten", "mainnet"):
            wanted = sorted(m["headers"]["message-id"]
                            for m in self.api.chain[("ethereum", network)][ANN]
                            if not any(m["headers"]["message-id"] in key for key in aside))
            self.assertEqual(self.ids("INBOX/ethereum/%s/%s" % (network, ANN)), wanted, run)
        self.assertGreater(killed, 0)


class Anywhere(Delivering):
    """A server with another separator and a prefix, and mail of another loader."""

    server_options = {"separator": ".", "prefix": "INBOX.", "mail_format": "maildir"}

    def test_mail_of_other_loaders_goes_where_the_template_says_byte_for_byte(self):
        mails = [MAIL, MAIL, b"Subject: no id\r\n\r\n\xff x\r\n",
                 b"Message-ID: <1@example.org>\r\nSubject: one\r\n\r\nbody\r\n",
                 b"Message-ID: <1@example.org>\r\nSubject: other\r\n\r\nbody, not the same\r\n"]
        self.server.append(self.user, "INBOX", *mails)
        self.picked_up("--source", "desk")
        self.assertEqual(self.delivered("--folder", "Source>Year>'in box'", "--root", "Archive"),
                         (5, 0))
        folders = [f for f in self.server.folders(self.user) if f.endswith("in box")]
        found = [m for f in folders for _, _, m in self.server.messages(self.user, f)]
        self.assertEqual(sorted(found), sorted(mails))
        for folder in folders:
            self.assertRegex(folder, "Archive/desk/(2026|none|20[0-9][0-9])/in box$")

    def test_chain_folders_have_the_servers_separator(self):
        self.api.add("ethereum", "ropsten", ANN, message(1))
        self.from_chain()
        self.assertEqual(self.delivered(), (1, 0))
        with self.server.client(self.user) as imap:
            _, rows = imap.list()
        self.assertIn("INBOX.ethereum.ropsten." + ANN, b"\n".join(rows).decode())


def report(number, field=b""):
    """One of many of the same size."""
    return b"From: robot@example.org\r\nSubject: report\r\n%s\r\ndisk %d is full\r\n" % (
        field, number)


class Twins(Delivering):

    def test_one_that_arrived_does_not_come_again_for_a_twin_that_is_left(self):
        sources = ("desk", "x" * 120)
        for source in sources:
            self.server.append(self.user, "INBOX", MAIL)
            self.picked_up("--source", source)
        template = ("--folder", ">".join(["Source"] * 9), "--root", "Top")     # 1,092 bytes for one
        folder = "/".join(["Top"] + ["desk"] * 9)
        run = self.deliver(*template, code=CONFIG)
        self.assertIn("1 messages are not delivered", run.err)
        self.assertEqual(self.server.count(self.user, folder), 1)
        self.server.store(self.user, folder, 1, "(\\Deleted)")
        self.server.expunge(self.user, folder)
        run = self.deliver(*template, code=CONFIG)
        self.assertEqual(self.server.count(self.user, folder), 0)


class Breaking(Delivering):
    """A server without MULTIAPPEND, and links that break behind its answer."""

    server_options = {"kind": "move"}
    IDS = (b"<a1@example.org>", b"a2@example.org", b"47eca0f471deadbeef", b"<%s@x>" % (b"x" * 300),
           b"", b"<>", b"<a b@example.org>", b"< a7@example.org >", b"\r\n <a8@example.org>",
           b"(c) <a9@example.org> (d)", b"<\xc3\xa4@example.org>", b"<\"a b\"@example.org>",
           b"=?utf-8?q?=3Ca14=40example.org=3E?=", b"<a15@example.org", b"<a16\r\n @example.org>")

    def all_arrive(self, mails):
        self.server.append(self.user, "INBOX", *mails)
        self.picked_up()
        breaker, codes = Breaker(self, self.server.port), []
        for _ in range(len(mails) + 2):
            breaker.breaks = 1
            codes.append(self.command(*self.deliver_args(
                "--folder", "'all'", url="127.0.0.1", port=breaker.port, ssl="False",
                starttls="Never", caFile=None)).code)
        self.assertEqual(codes, [LATER] * len(mails) + [OK, OK])
        self.assertEqual(sorted(m for _, _, m in self.server.messages(self.user, "INBOX/all")),
                         sorted(mails))

    def test_behind_every_broken_link_each_mail_is_there_once_whatever_its_message_id(self):
        self.all_arrive([report(1, b"Message-ID: %s\r\n" % i) for i in self.IDS])

    def test_behind_every_broken_link_mails_that_look_alike_and_twins_are_all_there(self):
        self.server.append(self.user, "INBOX/all", report(9))
        same = b"Message-ID: <same@example.org>\r\n"
        mails = [report(1), report(2), report(2), report(1, same), report(2, same), report(2, same)]
        self.server.append(self.user, "INBOX", *mails)
        self.picked_up()
        breaker = Breaker(self, self.server.port)
        for _ in range(len(mails) + 1):
            breaker.breaks = 1
            self.command(*self.deliver_args(
                "--folder", "'all'", url="127.0.0.1", port=breaker.port, ssl="False",
                starttls="Never", caFile=None))
        self.assertEqual(sorted(m for _, _, m in self.server.messages(self.user, "INBOX/all")),
                         sorted(mails + [report(9)]))

    def test_a_queue_that_was_lost_brings_no_second_copy_whatever_the_ids_are(self):
        folder = "INBOX/ethereum/ropsten/" + ANN
        for number, name in enumerate((None, "", "a b/c", "a@b@c", "f" * 340, "<abc@mailchain>",
                                       "\u00e41", "a..b", "abc.", "@x", "sha256:abc")):
            self.api.add("ethereum", "ropsten", ANN, message(number, headers={"message-id": name}))
        for counts in ((11, 0), (0, 11)):
            self.from_chain()
            self.assertEqual(self.delivered(), counts)
            shutil.rmtree(os.path.join(self.folder, "queue"))
        self.assertEqual(self.server.count(self.user, folder), 11)

    def test_one_id_at_two_addresses_and_one_that_was_planted_hide_no_message(self):
        self.server.append(self.user, "INBOX",
                           b"Message-ID: <%s@mailchain>\r\nSubject: spam\r\n\r\nx\r\n" %
                           message_id(1).encode(),
                           b"Message-ID: %s\r\nSubject: spam\r\n\r\nx\r\n" % message_id(1).encode())
        for address, text in ((ANN, "to Ann"), (BEN, "to Ben")):
            self.api.add("ethereum", "mainnet", address, message(1, body=text))
            self.from_chain()
            self.assertEqual(self.delivered("--mainnet-to-inbox"), (1, 0))
        self.assertEqual(self.server.count(self.user, "INBOX"), 4)


class Narrow(Delivering):
    """Folders are files of an mbox, and there is little room."""

    server_options = {"mail_format": "mbox", "more": """
mail_plugins = quota
protocol imap {
  mail_plugins = quota imap_quota
}
plugin {
  quota = count:User quota
  quota_rule = *:storage=20K
  quota_max_mail_size = 15K
  quota_vsizes = yes
}
"""}

    def test_levels_are_made_where_folders_hold_either_mail_or_folders(self):
        self.api.add("ethereum", "ropsten", ANN, message(1))
        self.from_chain()
        self.assertEqual(self.delivered(), (1, 0))
        self.assertEqual(self.ids("INBOX/ethereum/ropsten/" + ANN), [message_id(1)])

    def test_what_fits_is_delivered_and_the_rest_once_there_is_room(self):
        folder = "INBOX/ethereum/ropsten/" + ANN
        self.api.add("ethereum", "ropsten", ANN, message(0, body="x\n" * 10000),
                     *[message(n, body="x\n" * 500) for n in range(1, 20)])
        self.from_chain()
        run = self.deliver(code=CONFIG)
        self.assertIn("make room", run.err)
        count = self.server.count(self.user, folder)
        self.assertGreater(count, 3)
        self.deliver(code=CONFIG)
        self.assertEqual(self.server.count(self.user, folder), count)
        arrived = set()
        for _ in range(4):
            arrived.update(self.ids(folder))
            for uid in self.server.uids(self.user, folder):
                self.server.store(self.user, folder, uid, "(\\Deleted)")
            self.server.expunge(self.user, folder)
            self.command(*self.deliver_args())
        arrived.update(self.ids(folder))
        self.assertEqual(arrived, set(map(message_id, range(1, 20))))


class Slash(Delivering):
    """A server whose folders are directories that have no dots in their names."""

    server_options = {"separator": "/", "mail_format": "maildir"}

    def test_names_that_no_server_takes_keep_nobody_back(self):
        for network in ("..", ".", "a.b", "dbox-Mails", "fine"):
            self.api.add("ethereum", network, ANN, message(len(network)))
        self.api.add("ethereum", "fine", "..", message(9))
        self.from_chain()
        self.deliver()
        found = sorted(f for f in self.server.folders(self.user) if self.server.count(self.user, f))
        self.assertEqual(found, ["INBOX/ethereum/%s/%s" % (n, a) for n, a in (
            ("_", ANN), ("__", ANN), ("a_b", ANN), ("dbox-Mails", ANN), ("fine", ANN),
            ("fine", "__"))])


if __name__ == "__main__":
    tap.main()
