#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""External Source "Mailchain": messages of every generation of the client become mail, once, whatever
the client does; and as a source of the daemon."""
import email
import email.policy
import os
import subprocess
import tempfile
import shutil
import time
import unittest

import dovecot
import mailchain_api
from mailchain_api import message, message_id
import system_support
from system_support import BUILD, OK, PROGRAM, PROTOCOL, SECONDS, UNREACHABLE, USAGE
import tap

ANN = "0x1f2e3d4c5b6a79880123456789abcdef01234567"
BEN = "0x2222222222222222222222222222222222222222"


class Mailchain(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mailchute-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.queue = "sqlite:" + os.path.join(self.folder, "queue")

    def client(self, generation="paged"):
        api = mailchain_api.MailchainApi(generation).start()
        self.addCleanup(api.stop)
        return api

    def command(self, *args):
        return system_support.Run(subprocess.run(
            [PROGRAM, *args], stdin=subprocess.DEVNULL, timeout=SECONDS, capture_output=True,
            check=False))

    def pickup(self, api, *more, code=OK, settings=""):
        run = self.command("pickup", "port=%d;%s" % (api.port, settings), "--loader", "Mailchain",
                           "--queue", self.queue, "--json", *more)
        self.assertEqual(run.code, code, run)
        return run

    def raw(self, entry):
        target = os.path.join(self.folder, "saved-" + entry["id"])
        run = self.command("queue", "save", entry["id"], target, "--queue", self.queue)
        self.assertEqual(run.code, OK, run)
        with open(os.path.join(target, "message.eml"), "rb") as file:
            return file.read()

    def subjects(self, run):
        return [entry["subject"] for entry in run.entries]

    # ---- what a message becomes ----------------------------------------------------------------

    def test_a_message_becomes_a_mail_with_all_that_mailchain_says_of_it(self):
        api = self.client()
        api.add("ethereum", "mainnet", ANN, message(1, headers={
            "rekey-to": "0xabc", "reply-to": "<0x77@ropsten.ethereum>"}))
        entry, = self.pickup(api).entries
        self.assertEqual((entry["class"], entry["subject"], entry["message_body"].split(),
                          entry["date_sent"], entry["problems"]),
                         ("Mail", "Hello 1", ["Message", "1", "of", "some", "lines."],
                          "2020-09-01T07:06:00Z", []))
        self.assertEqual(entry["message_id"], message_id(1) + "@mailchain")
        self.assertEqual(entry["recipient"], "Ann <%s@mainnet.ethereum>" % ANN)
        self.assertEqual((entry["origin"]["loader"], entry["origin"]["account"],
                          entry["origin"]["mailbox"], entry["origin"]["uid"]),
                         ("Mailchain", ANN, "ethereum.mainnet", 0))
        raw = self.raw(entry)
        self.assertNotIn(b"\n", raw.replace(b"\r\n", b""))
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual(mail.defects, [])
        self.assertEqual(mail["Message-ID"], "<%s@mailchain>" % message_id(1))
        self.assertEqual(mail["Date"], "Tue, 01 Sep 2020 07:06:00 +0000")
        self.assertEqual(mail["Reply-To"], "0x77@ropsten.ethereum")
        for name, value in (("Message-Id", message_id(1)), ("Block-Id", "0xc801"),
                            ("Block-Id-Encoding", "hex/0x-prefix"), ("Rekey-To", "0xabc"),
                            ("Transaction-Hash", "0x5e%062x" % 1), ("Protocol", "ethereum"),
                            ("Network", "mainnet"), ("Address", ANN)):
            self.assertEqual(mail["X-Mailchain-" + name], value, name)
        self.assertEqual(mail.get_content_type(), "text/plain")

    def test_html_and_every_script_come_through_unchanged(self):
        bodies = {"html": "<p>Gr\u00fc\u00dfe &amp; <b>mehr</b></p>", "cjk": "\u4f60\u597d\uff0c\u4e16\u754c " * 200,
                  "long": "x" * 3000, "trailing": "a  \nb\t\n\n.\nFrom me\n", "equals": "a=3D=\n=20"}
        api = self.client()
        for n, (name, body) in enumerate(bodies.items()):
            kind = "html" if name == "html" else "plain"
            api.add("ethereum", "mainnet", ANN, message(
                n, body=body, subject="\u00dc %s \u4f60 " % name * 9,
                headers={"content-type": "text/%s; charset=\"UTF-8\"" % kind,
                         "to": "\"\u00c4nn, \\\"the\\\" M\" <%s@mainnet.ethereum>" % ANN}))
        for entry in self.pickup(api).entries:
            raw = self.raw(entry)
            mail = email.message_from_bytes(raw, policy=email.policy.default)
            name = mail["Subject"].split()[1]
            self.assertEqual(mail["Subject"].strip(), ("\u00dc %s \u4f60 " % name * 9).strip())
            self.assertEqual(mail["To"].addresses[0].display_name, "\u00c4nn, \"the\" M")
            self.assertEqual(mail.get_content_type(),
                             "text/html" if name == "html" else "text/plain")
            self.assertEqual(mail.get_content().replace("\r\n", "\n").rstrip("\n"),
                             bodies[name].rstrip("\n"), name)
            for line in raw.split(b"\r\n"):
                self.assertLessEqual(len(line), 998)

    def test_nobody_writes_header_fields_through_a_message(self):
        evil = "x\r\nBcc: evil@example.org\r\n\r\nbody"
        api = self.client()
        api.add("ethereum", "mainnet", ANN, message(
            1, subject=evil, **{"block-id": evil, "x\r\nevil": "1", "transaction-hash": "\0"},
            headers={"from": evil, "to": evil, "date": evil, "message-id": evil,
                     "content-type": evil, "rekey-to": evil}))
        entry, = self.pickup(api).entries
        mail = email.message_from_bytes(self.raw(entry), policy=email.policy.default)
        self.assertIsNone(mail["Bcc"])
        self.assertIn("Message 1", mail.get_content())
        self.assertRegex(mail["Message-ID"], "^<sha256-[0-9a-f]{64}@mailchain>$")

    # ---- generations ---------------------------------------------------------------------------

    def test_every_generation_gives_every_message_once(self):
        for generation in mailchain_api.GENERATIONS:
            with self.subTest(generation), mailchain_api.MailchainApi(generation) as api:
                self.queue = "sqlite:" + os.path.join(self.folder, generation)
                numbers = iter(range(1000))
                for network in ("mainnet", "ropsten"):
                    for address, count in ((ANN, 7), (BEN, 23)):
                        api.add("ethereum", network, address,
                                *[message(next(numbers)) for _ in range(count)])
                api.network("ethereum", "kovan")
                api.add("substrate", "edgeware-mainnet", "5GrwvaEF", message(900))
                entries = self.pickup(api, settings="page=5").entries
                self.assertEqual(sorted(int(e["subject"].split()[1]) for e in entries),
                                 list(range(60)) + [900])
                self.assertEqual({e["origin"]["account"] for e in entries}, {ANN, BEN, "5GrwvaEF"})
                self.assertEqual(self.pickup(api, settings="page=5").entries, [])
                api.add("ethereum", "mainnet", BEN, message(901))
                self.assertEqual(self.subjects(self.pickup(api, settings="page=5")), ["Hello 901"])

    def test_a_page_that_is_just_full_ends_with_clients_that_know_no_pages(self):
        api = self.client("objects")
        api.add("ethereum", "mainnet", ANN, *[message(n) for n in range(10)])
        self.assertEqual(len(self.pickup(api, settings="page=10").entries), 10)
        self.assertLessEqual(len([a for a in api.asked if a[1] == "/api/messages"]), 2)

    def test_the_client_is_told_to_fetch_once_per_address_and_nothing_is_changed_there(self):
        api = self.client()
        api.add("ethereum", "mainnet", ANN, *[message(n) for n in range(10)])
        self.pickup(api, settings="page=4")
        asked = [query for _, path, query in api.asked if path == "/api/messages"]
        self.assertEqual([(q.get("fetch"), q["skip"], q["limit"]) for q in asked],
                         [("true", "0", "4"), (None, "4", "4"), (None, "8", "4")])
        self.assertEqual({method for method, _, _ in api.asked}, {"GET"})

    def test_what_is_not_ready_is_left_and_comes_when_it_is(self):
        api = self.client()
        bad = {"status": "could not read message: no key", "status-code": "", "read": False}
        api.add("ethereum", "mainnet", ANN, dict(bad), message(1))
        self.assertEqual(self.subjects(self.pickup(api)), ["Hello 1"])
        api.chain[("ethereum", "mainnet")][ANN][0] = message(2)
        self.assertEqual(self.subjects(self.pickup(api)), ["Hello 2"])

    def test_a_page_of_nothing_but_what_is_not_ready_hides_nothing_behind_it(self):
        for generation in ("paged", "objects"):    # objects: the same answer to every page
            for told in ({}, {"block-id": "0xc8"}):
                with self.subTest(generation, told=told), \
                        mailchain_api.MailchainApi(generation) as api:
                    self.queue += "x"
                    bad = dict(told, status="could not read message: no key", read=False)
                    good = [message(1)] if generation == "paged" else []
                    api.add("ethereum", "mainnet", ANN, *good, *[dict(bad) for _ in range(5)])
                    entries = self.pickup(api, settings="page=5").entries
                    self.assertEqual([e["subject"] for e in entries], ["Hello 1"] * len(good))
                    asked = [a for a in api.asked if a[1] == "/api/messages"]
                    self.assertEqual(len(asked), 2)

    def test_what_is_not_ready_does_not_stand_for_the_same_message_that_is(self):
        api = self.client()
        api.add("ethereum", "mainnet", ANN, message(1), message(1, status="not yet"))
        self.assertEqual(self.subjects(self.pickup(api, settings="page=1")), ["Hello 1"])

    # ---- faults --------------------------------------------------------------------------------

    def test_an_address_that_fails_in_any_way_keeps_no_other_back(self):
        later = {"json": 76, "shape": 76, "endless": 76, "empty": 76, "422": 76, "302": 76}
        for fault in ("406", "422", "500", "json", "shape", "half", "close", "endless", "drip",
                      "empty", "302", "429", "429+3600", "503+3600"):
            with self.subTest(fault), mailchain_api.MailchainApi("paged") as api:
                self.queue = "sqlite:" + os.path.join(self.folder, fault)
                api.add("ethereum", "mainnet", BEN, message(1))
                api.add("ethereum", "mainnet", ANN, message(2))
                api.faults[BEN] = fault
                run = self.pickup(api, settings="timeout=1s;maxAnswer=1MB",
                                  code=later.get(fault, 75))    # a part of it is missing
                self.assertEqual(self.subjects(run), ["Hello 2"], run)
                self.assertIn(BEN, run.err)
                del api.faults[BEN]
                self.assertEqual(self.subjects(self.pickup(api)), ["Hello 1"])

    def test_a_network_that_fails_keeps_no_other_back(self):
        api = self.client()
        api.add("ethereum", "goerli", ANN, message(1))
        api.add("ethereum", "mainnet", ANN, message(2))
        for fault in ("500", "429+3600"):
            api.faults["goerli"] = fault
            api.add("ethereum", "mainnet", ANN, message(3))
            run = self.pickup(api, code=75)
            self.assertIn("Hello %d" % (2 if fault == "500" else 4), self.subjects(run))
            self.assertIn("ethereum.goerli", run.err)
            api.add("ethereum", "mainnet", ANN, message(4))

    def test_where_all_ask_for_a_pause_the_client_is_left_alone_and_then_asked_for_all(self):
        api = self.client()
        for number, address in enumerate((ANN, BEN)):
            api.add("ethereum", "mainnet", address, message(number))
            api.faults[address] = "429+2"
        self.assertIn("come back later", self.pickup(api, code=75).err)
        run = subprocess.Popen([PROGRAM, "pickup", "port=%d" % api.port, "--loader", "Mailchain",
                                "--queue", self.queue, "--json", "--watch"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            while len([a for a in api.asked if a[1] == "/api/messages"]) < 4:
                time.sleep(0.05)
            api.faults.clear()
            self.assertIn("Hello", run.stdout.readline() + run.stdout.readline())
        finally:
            run.terminate()
            run.communicate(timeout=SECONDS)

    # ---- answers that are too large --------------------------------------------------------------

    def test_pages_are_as_small_as_their_answers_must_be_and_all_messages_come(self):
        api = self.client()
        api.add("ethereum", "mainnet", ANN,
                *[message(n, body="x" * 200000 if n < 12 else "short") for n in range(40)])
        run = self.pickup(api, settings="page=20;maxAnswer=1MB")
        self.assertEqual(sorted(self.subjects(run)), sorted("Hello %d" % n for n in range(40)))
        asked = [q for _, path, q in api.asked if path == "/api/messages"]
        self.assertEqual([q["skip"] for q in asked if "fetch" in q], ["0"])
        self.assertGreater(len({q["limit"] for q in asked}), 2)

    def test_a_message_that_is_too_large_alone_is_left_and_told_and_keeps_no_other_back(self):
        api = self.client()
        api.add("ethereum", "mainnet", ANN,
                *[message(n, body="x" * 1100000 if n in (0, 3, 4) else None) for n in range(9)])
        run = self.pickup(api, settings="page=4;maxAnswer=1MB", code=78)
        self.assertEqual(sorted(self.subjects(run)),
                         ["Hello %d" % n for n in range(9) if n not in (0, 3, 4)])
        self.assertIn("maxAnswer", run.err)
        self.assertEqual(sorted(self.subjects(self.pickup(api, settings="page=4;maxAnswer=8MB"))),
                         ["Hello 0", "Hello 3", "Hello 4"])

    def test_a_client_that_knows_no_pages_is_not_asked_again_and_again_for_what_is_too_large(self):
        api = self.client("objects")
        api.add("ethereum", "mainnet", ANN, *[message(n, body="x" * 100000) for n in range(20)])
        run = self.pickup(api, settings="page=16;maxAnswer=1MB", code=76)
        self.assertIn("more than 1048576 bytes", run.err)
        self.assertLessEqual(len([a for a in api.asked if a[1] == "/api/messages"]), 10)

    def test_a_message_that_no_json_may_hold_is_left_and_told_and_keeps_no_other_back(self):
        api = self.client()
        odd = set(range(3, 9)) | {0, 20, 39}
        api.add("ethereum", "mainnet", ANN, *[message(n, body="BREAK" if n in odd else None)
                                              for n in range(40)])
        api.faults[ANN] = "break"
        run = self.pickup(api, settings="page=20", code=76)
        self.assertEqual(sorted(self.subjects(run)),
                         sorted("Hello %d" % n for n in range(40) if n not in odd))
        self.assertIn("6 messages cannot be read", run.err)
        self.assertLessEqual(len([a for a in api.asked if a[1] == "/api/messages"]), 60)
        del api.faults[ANN]
        self.assertEqual(sorted(self.subjects(self.pickup(api))), sorted("Hello %d" % n for n in odd))
        api = self.client("objects")        # which knows no pages: it is given up soon
        api.add("ethereum", "mainnet", ANN, message(1, body="BREAK"), message(2))
        api.faults[ANN] = "break"
        self.pickup(api, settings="page=16", code=76)
        self.assertLessEqual(len([a for a in api.asked if a[1] == "/api/messages"]), 10)

    def test_an_answer_of_very_many_values_is_not_read_into_memory(self):
        api = self.client()
        api.add("ethereum", "mainnet", ANN, message(1, **{"x": [[]] * 300000}))
        api.add("ethereum", "mainnet", BEN, message(2))
        run = self.pickup(api, code=78)
        self.assertEqual(self.subjects(run), ["Hello 2"])

    def test_a_client_that_is_no_use_is_told_in_one_line(self):
        api = self.client()
        api.add("ethereum", "mainnet", ANN, message(1))
        for fault, code in (("500", 75), ("json", 76), ("404", 76), ("close", 75)):
            api.faults["/protocols"] = fault
            run = self.pickup(api, code=code)
            self.assertIn("/protocols", run.err)
        api.faults = {ANN: "406"}
        self.assertIn("as was wished", self.pickup(api, code=75).err)
        api.stop()
        self.assertIn("no connection", self.pickup(api, code=UNREACHABLE).err)

    def test_settings_that_cannot_be_are_told_by_their_key(self):
        for settings, word in (("url=http://h/;ssl=True", "'ssl'"), ("url=a b", "'url'"),
                               ("poll=5s", "poll"), ("prt=1", "port"), ("password=x", "password"),
                               ("url=http://h:1;port=2", "'port'")):
            run = self.command("pickup", settings, "--loader", "Mailchain", "--queue", self.queue)
            self.assertEqual(run.code, USAGE, run)
            self.assertIn(word, run.err)

    def test_check_tells_what_is_there(self):
        api = self.client()
        api.add("ethereum", "mainnet", ANN, message(1))
        api.network("ethereum", "kovan")
        api.faults["kovan"] = "500"
        run = self.command("check", "port=%d" % api.port, "--loader", "Mailchain")
        self.assertEqual(run.code, OK, run)
        for word in ("v0.0.78", "ethereum.kovan", "1 addresses in 2 networks, 0 left out"):
            self.assertIn(word, run.out)

    def test_what_is_left_out_for_its_name_is_told(self):
        api = self.client()
        api.add("ethereum", "mainnet", ANN, message(1))
        api.add("ethereum", "mainnet", "a/b", message(2))
        api.add("ethereum", "a b", ANN, message(3))
        run = self.pickup(api)
        self.assertEqual(self.subjects(run), ["Hello 1"])
        self.assertIn("networks: 1 are left out", run.err)
        self.assertIn("ethereum.mainnet: 1 are left out", run.err)
        run = self.command("check", "port=%d" % api.port, "--loader", "Mailchain")
        self.assertIn("1 addresses in 1 networks, 2 left out", run.out)

    # ---- https -----------------------------------------------------------------------------------

    def secure_client(self, certificate):
        """A client that speaks https with one of dovecot.CERTIFICATES, and who signed that one."""
        folder = tempfile.mkdtemp(dir=self.folder)
        dovecot.make_certificates(folder, certificate)
        api = mailchain_api.MailchainApi(certificate=[
            os.path.join(folder, certificate + end) for end in (".crt", ".key")]).start()
        self.addCleanup(api.stop)
        api.add("ethereum", "mainnet", ANN, message(1))
        return api, "caFile=%s;" % os.path.join(folder, "ca.crt")

    @unittest.skipIf(shutil.which("openssl") is None, "the openssl command is not there")
    def test_over_https_a_client_is_asked_whose_certificate_is_right(self):
        api, trust = self.secure_client("good")
        self.assertEqual(self.subjects(self.pickup(api, settings="ssl=True;" + trust)), ["Hello 1"])
        api.add("ethereum", "mainnet", ANN, message(2))
        run = self.command("pickup", "url=https://localhost:%d;minTls=1.3;%s" % (api.port, trust),
                           "--loader", "Mailchain", "--queue", self.queue, "--json")
        self.assertEqual(self.subjects(run), ["Hello 2"], run)

    @unittest.skipIf(shutil.which("openssl") is None, "the openssl command is not there")
    def test_over_https_a_wrong_certificate_is_told_before_anything_is_asked(self):
        for certificate in dovecot.CERTIFICATES[1:] + ("nobody's",):
            api, trust = self.secure_client(certificate.replace("nobody's", "good"))
            with self.subTest(certificate):
                run = self.pickup(api, code=PROTOCOL, settings="ssl=True;" + (
                    "" if certificate == "nobody's" else trust))
                self.assertIn("certificate is not trusted", run.err)
                self.assertEqual(api.asked, [])
                run = self.pickup(api, settings="ssl=True;allowInsecureCert=True")
                self.assertEqual(self.subjects(run), ["Hello 1"])
                self.queue += "x"

    def test_http_where_https_is_spoken_and_the_other_way_round_is_told(self):
        api = self.client()
        self.assertIn("http or https", self.pickup(api, code=PROTOCOL, settings="ssl=True").err)
        self.assertEqual(api.asked, [])

    # ---- as a source ---------------------------------------------------------------------------

    def shows(self, detail, message):
        """The source is asked again until it tells this."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            self.command("source", "sync", "chain", "--queue", self.queue)
            run = self.command("source", "show", "chain", "--queue", self.queue, "--json")
            shown = run.entries[0]
            if shown["detail"] == detail and message in shown["status_message"]:
                return
            time.sleep(0.2)
        self.fail(run)

    def test_a_source_of_the_daemon_picks_up_by_itself(self):
        api = self.client()
        api.add("ethereum", "mainnet", ANN, message(1), message(2))
        run = self.command("source", "add", "chain", "port=%d" % api.port, "--loader", "Mailchain",
                           "--queue", self.queue)
        self.assertEqual(run.code, OK, run)
        daemon = subprocess.Popen([PROGRAM, "serve", "--queue", self.queue, "--listen", "127.0.0.1:0"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + SECONDS
            entries = []
            while len(entries) < 2 and time.monotonic() < until:
                time.sleep(0.1)
                entries = self.command("queue", "list", "--json", "--queue", self.queue).entries
            self.assertEqual(sorted(e["subject"] for e in entries), ["Hello 1", "Hello 2"])
            api.add("ethereum", "mainnet", BEN, message(3))
            api.faults[BEN] = "406"
            self.shows("degraded", "1 of 2 networks and addresses are not picked up from")
        finally:
            daemon.terminate()
            out = daemon.communicate(timeout=SECONDS)[0]
        self.assertEqual(daemon.returncode, 0, out)


if __name__ == "__main__":
    tap.main()
