#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mailchute mailchain: the questions on a real terminal, config.json as the old connector kept it, the
password nowhere, and messages delivered round after round."""
import contextlib
import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import sqlite3
import stat
import subprocess
import time
import unittest

import mailchain_api
from mailchain_api import message, message_id
import system_support
from system_support import CONFIG, OK, PROGRAM, SECONDS, UNREACHABLE, USAGE
import tap
import torture_clock

ANN = "0x1f2e3d4c5b6a79880123456789abcdef01234567"
BEN = "0x2222222222222222222222222222222222222222"
CANARY = "canary-5ecret-of-the-connector"


class Terminal:
    """mailchute on a terminal of its own."""

    def __init__(self, *args, env, below_a_shell=False):
        program = [PROGRAM, *args]
        if below_a_shell:       # which tells how it ended, and what became of the terminal
            program = ["/bin/sh", "-c", "trap : INT; \"$0\" \"$@\"; echo \"ended=$?\"; stty -a; echo over",
                       *program]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)   # a job in the background is started without
            os.execve(program[0], program, env)
        self.seen = ""

    def expect(self, text):
        until = time.monotonic() + 60
        while text not in self.seen:
            assert time.monotonic() < until, "no %r in %r" % (text, self.seen)
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.fd, 4096).decode("utf-8")
                except OSError:
                    raise AssertionError("no %r in %r" % (text, self.seen)) from None
        before, self.seen = self.seen.split(text, 1)
        return before

    def answer(self, question, text=""):
        before = self.expect(question)
        os.write(self.fd, text.encode() + b"\n")
        return before

    def leave(self, question):
        """Ctrl-C, once."""
        self.expect(question)
        os.write(self.fd, b"\x03")

    def end(self):
        rest = self.seen
        try:
            while True:
                piece = os.read(self.fd, 4096)
                if not piece:
                    break
                rest += piece.decode("utf-8")
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), rest


class Connector(system_support.Case):

    server_options = {"password": CANARY}

    def setUp(self):
        super().setUp()
        self.api = mailchain_api.MailchainApi("paged").start()
        self.addCleanup(self.api.stop)
        self.home = os.path.join(self.folder, "home")
        self.dir = os.path.join(self.home, ".mailchain_connector", "imap")
        self.trust = ("--imap-options", "caFile=" + self.server.ca_file)
        self.env = dict(os.environ, HOME=self.home, TERM="dumb")

    def config(self):
        with open(os.path.join(self.dir, "config.json"), encoding="utf-8") as file:
            return json.load(file)

    def configured(self, **chain):
        """What the old connector left behind: numbers as texts, but here and there not."""
        os.makedirs(self.dir)
        settings = {"hostname": "127.0.0.1", "ssl": False, "port": str(self.api.port),
                    "folders": "by_network", "mainnet_to_inbox": True, "interval": "300"}
        settings.update(chain)
        with open(os.path.join(self.dir, "config.json"), "w", encoding="utf-8") as file:
            json.dump({"imap": {"server": "127.0.0.1", "username": self.user,
                                "port": self.server.port, "ssl": False, "password": CANARY},
                       "mailchain": settings, "mine": [1]}, file)

    def connector(self, *args, code=OK):
        run = system_support.Run(subprocess.run(
            [PROGRAM, "mailchain", *self.trust, *args], env=self.env, stdin=subprocess.DEVNULL, timeout=SECONDS,
            capture_output=True, check=False))
        self.assertEqual(run.code, code, run)
        self.assertNotIn(CANARY, run.out + run.err)
        return run

    def log(self):
        with open(os.path.join(self.dir, "mailchain_connector_imap.log"), encoding="utf-8") as file:
            return file.read()

    def no_secret(self):
        for root, _, names in os.walk(self.home):
            for name in names:
                with open(os.path.join(root, name), "rb") as file:
                    self.assertNotIn(CANARY.encode(), file.read(), name)

    # ---- setting up ----------------------------------------------------------------------------

    def test_the_questions_in_their_order_with_their_defaults(self):
        at = Terminal("mailchain", "--configure", *self.trust, env=self.env)
        at.answer("IMAP server (imap.example.com): ", "127.0.0.1")
        at.answer("User name: ", "u" * 256)
        at.answer("255 bytes at most: ", self.user)
        at.answer("Port [993]: ", "99999")
        at.expect("a number from 1 to 65535")
        at.answer("Port [993]: ", str(self.server.port))
        at.answer("Use SSL? (Yes/No) [Yes]: ", "n")
        at.answer("Save these settings? (Save/Cancel) [Save]: ")
        self.assertNotIn(CANARY, at.answer("Password of %s: " % self.user, CANARY))
        at.expect("It works.")
        at.answer("Host name [127.0.0.1]: ")
        at.answer("(https/http) [https]: ", "h")
        at.expect("Please type https or http")
        at.answer("(https/http) [https]: ", "http")
        at.answer("Connect to a custom port? (Yes/No) [Yes]: ", "Yes")
        at.answer("Port [8080]: ", str(self.api.port))
        at.answer("[by_network]: ", "by_")
        at.expect("Please type by_network or by_address")
        at.answer("[by_network]: ", "by_n")
        at.answer("to the inbox? (Yes/No) [Yes]: ", "No")
        at.answer("seconds [300]: ", "59")
        at.expect("from 60")
        at.answer("seconds [300]: ", "60")
        at.answer("[Save]: ")
        code, rest = at.end()
        self.assertEqual(code, OK, rest)
        self.assertIn("It works.", rest)
        self.assertNotIn(CANARY, rest)
        self.assertEqual(self.config(), {
            "imap": {"server": "127.0.0.1", "username": self.user, "port": str(self.server.port),
                     "ssl": False},
            "mailchain": {"hostname": "127.0.0.1", "ssl": False, "port": str(self.api.port),
                          "folders": "by_network", "mainnet_to_inbox": False, "interval": "60"}})
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.dir, "config.json")).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.dir).st_mode), 0o700)
        self.no_secret()

    def answers(self, *lines):
        return system_support.Run(subprocess.run(
            [PROGRAM, "mailchain", "-c", *self.trust, "--password-file", self.password_file], env=self.env,
            input="".join(line + "\n" for line in lines).encode(), timeout=SECONDS,
            capture_output=True, check=False))

    def test_without_a_port_of_its_own_http_is_80_and_https_is_443(self):
        for scheme, port in (("http", "80"), ("https", "443")):
            run = self.answers("127.0.0.1", self.user, str(self.server.port), "No", "Save", "",
                               scheme, "No", "", "", "", "Save")
            self.assertEqual(run.code, OK, run)
            self.assertEqual(self.config()["mailchain"]["port"], port)

    def test_what_is_cancelled_stays_as_it_was_and_what_is_there_is_the_default(self):
        self.configured(interval=120)
        before = self.config()
        run = self.answers("", "", "", "", "Cancel", "", "", "", "", "", "", "", "Save")
        self.assertEqual(run.code, OK, run)
        after = self.config()
        self.assertEqual(after["mine"], [1])
        self.assertEqual(after["mailchain"], dict(before["mailchain"], interval="120"))
        self.assertEqual({k: v for k, v in before["imap"].items() if k != "password"},
                         after["imap"])
        run = self.answers("", "")
        self.assertEqual((run.code, len(run.err.splitlines())), (USAGE, 1), run)
        self.assertEqual(self.config(), after)

    def test_a_config_that_cannot_be_read_is_kept_aside_and_asked_for_anew(self):
        os.makedirs(self.dir)
        path = os.path.join(self.dir, "config.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write("{\"imap\": ")
        self.assertIn("--configure", self.connector("--test-connection", code=CONFIG).err)
        self.assertFalse(os.path.exists(path + ".bad"))    # nobody but --configure moves it
        run = self.answers("127.0.0.1", self.user, str(self.server.port), "No", "Save", "",
                           "http", "Yes", str(self.api.port), "", "", "", "Save")
        self.assertEqual(run.code, OK, run)
        self.assertIn("config.json.bad", run.err)
        with open(path + ".bad", encoding="utf-8") as file:
            self.assertEqual(file.read(), "{\"imap\": ")
        self.assertEqual(self.config()["imap"]["server"], "127.0.0.1")
        self.assertEqual(self.config()["mailchain"]["port"], str(self.api.port))

    def test_print_config_shows_all_but_a_password(self):
        self.connector("--print-config", code=CONFIG)
        self.configured(password=CANARY, more=[{"Password": CANARY, "name": "x"}])
        shown = json.loads(self.connector("-p").out)    # which has it in no place
        self.assertNotIn("password", shown["imap"])
        self.assertNotIn("password", shown["mailchain"])
        self.assertEqual(shown["mailchain"]["more"], [{"name": "x"}])
        self.assertEqual(shown["mailchain"]["hostname"], "127.0.0.1")

    def test_numbers_are_read_however_they_were_written_and_what_is_no_use_is_named(self):
        self.configured()
        config = self.config()

        def with_it(half, **members):
            changed = dict(config, **{half: dict(config[half], **members)})
            with open(os.path.join(self.dir, "config.json"), "w", encoding="utf-8") as file:
                json.dump(changed, file)

        for interval in (0, "0", "300 ", 300.0, 1, 10 ** 6):
            with_it("mailchain", interval=interval, port=" %d" % self.api.port)
            self.connector("-t", "--password-file", self.password_file)
        for half, key, value in (("imap", "port", 0), ("imap", "port", "65536"), ("imap", "server", ""),
                                 ("imap", "ssl", "perhaps"), ("mailchain", "port", "80 80"),
                                 ("mailchain", "interval", "300s"), ("mailchain", "interval", -1),
                                 ("mailchain", "interval", 60.5), ("mailchain", "interval", None),
                                 ("mailchain", "interval", " "), ("mailchain", "folders", "x")):
            with_it(half, **{key: value})
            self.assertIn("key '%s' of '%s'" % (key, half), self.connector("--once", code=CONFIG).err)

    def test_a_config_and_a_log_that_are_links_stay_links(self):
        self.configured()
        log = "mailchain_connector_imap.log"
        os.mkdir(os.path.join(self.folder, "elsewhere"))
        for name in ("config.json", log):
            there = os.path.join(self.folder, "elsewhere", name)
            with open(there, "a", encoding="utf-8"):
                pass
            if name == "config.json":
                os.rename(os.path.join(self.dir, name), there)
            os.symlink(there, os.path.join(self.dir, name))
        run = self.answers("", "", "", "", "Save", "", "", "", "", "", "", "90", "Save")
        self.assertEqual(run.code, OK, run)
        self.assertEqual(self.config()["mailchain"]["interval"], "90")
        self.assertEqual(self.connector("--once", "--password-file", self.password_file).err, "")
        self.assertIn("Done", self.log())
        for name in ("config.json", log):
            self.assertTrue(os.path.islink(os.path.join(self.dir, name)))
        self.assertEqual(os.listdir(self.dir).count(".config.json.new"), 0)

    def test_a_client_with_a_certificate_authority_of_its_own_is_trusted_by_its_file(self):
        good = [self.server.path("keys", "good" + end) for end in (".crt", ".key")]
        api = mailchain_api.MailchainApi(certificate=good).start()
        self.addCleanup(api.stop)
        api.add("ethereum", "ropsten", ANN, message(1))
        self.configured(hostname="localhost", ssl=True, port=str(api.port))
        run = ("--once", "--password-file", self.password_file)
        self.assertIn("caFile", self.connector(*run, code=76).err)
        self.connector(*run, "--client-options", "caFile=" + self.server.ca_file)
        self.check_folders(**{"INBOX/ethereum/ropsten/" + ANN: 1})

    def test_where_both_halves_are_cancelled_it_says_that_nothing_was_saved(self):
        cancel = ("imap.example.org", "ann", "", "", "Cancel", "", "", "", "", "", "", "", "Cancel")
        self.assertIn("Nothing was saved.", self.answers(*cancel).out)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "config.json")))
        self.configured()
        before = self.config()
        self.assertIn("Nothing was saved.", self.answers(*cancel).out)
        self.assertEqual(self.config(), before)

    @unittest.skipIf(shutil.which("strace") is None, "strace is not there")
    def test_what_is_saved_is_flushed_with_its_name(self):
        trace = os.path.join(self.folder, "trace")
        done = subprocess.run(
            ["strace", "-f", "-y", "-o", trace, "-e", "trace=fsync,rename,mkdir", PROGRAM, "mailchain",
             "-c", *self.trust, "--password-file", self.password_file],
            env=dict(self.env, ASAN_OPTIONS="detect_leaks=0"), timeout=SECONDS, capture_output=True,
            input=b"127.0.0.1\nann\n1\nNo\nSave\n", check=False)
        with open(trace, encoding="utf-8") as file:
            calls = [line for line in file if self.folder in line]
        at = next((n for n, line in enumerate(calls) if "rename(" in line), None)
        self.assertIsNotNone(at, done.stderr)
        self.assertRegex(calls[at - 1], r"fsync\(\d+<.*/\.config\.json\.new>\) += 0")
        self.assertRegex(calls[at + 1], r"fsync\(\d+<%s>\) += 0" % re.escape(self.dir))
        made = [n for n, line in enumerate(calls) if "mkdir(" in line and "= 0" in line]
        self.assertEqual(len(made), 3)      # of a home that was not there
        for n in made:
            self.assertIn("fsync(", calls[n + 1])

    def test_one_ctrl_c_leaves_every_question_and_a_terminal_with_its_echo(self):
        self.configured()
        for args, question in (((), "Password of %s: " % self.user),
                               (("-t",), "Password of %s: " % self.user),
                               (("-c",), "IMAP server")):
            at = Terminal("mailchain", *args, *self.trust, env=self.env, below_a_shell=True)
            at.leave(question)
            at.expect("ended=130")
            self.assertRegex(at.expect("over"), r"\secho\s")
            at.end()

    def test_test_connection_tells_of_both_ends(self):
        self.configured()
        run = self.connector("-t", "--password-file", self.password_file)
        self.assertIn("Both connections work.", run.out)
        self.assertNotIn("DROPBOX", run.out)    # which is not made
        self.api.stop()
        run = self.connector("-t", "--password-file", self.password_file, code=UNREACHABLE)
        self.assertIn("/version", run.err)
        wrong = self.write("wrong", "no\n")
        run = self.connector("-t", "--password-file", wrong, code=system_support.CREDENTIALS)
        self.assertEqual(len(run.err.splitlines()), 3, run)

    def test_mistakes_are_told(self):
        self.connector("--run", code=CONFIG)
        self.connector("--run", "-p", code=USAGE)
        self.connector("x", code=USAGE)
        os.makedirs(self.dir)
        with open(os.path.join(self.dir, "config.json"), "w", encoding="utf-8") as file:
            file.write("{")
        self.assertIn("no JSON", self.connector(code=CONFIG).err)

    # ---- running -------------------------------------------------------------------------------

    def test_messages_are_delivered_and_the_log_tells_of_each_round(self):
        self.configured()
        self.api.add("ethereum", "mainnet", ANN, message(1))
        self.api.add("ethereum", "ropsten", ANN, message(2))
        run = ("--once", "--password-file", self.password_file)
        self.connector(*run)
        self.connector(*run)
        self.check_folders(**{"INBOX": 1, "INBOX/ethereum/ropsten/" + ANN: 1})
        self.assertEqual([line[26:] for line in self.log().splitlines()],
                         ["Checking messages", "Done"] * 2)
        self.assertTrue(all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} ", line)
                            for line in self.log().splitlines()))
        self.api.faults["/protocols"] = "500"
        self.api.add("ethereum", "ropsten", ANN, message(3))
        self.connector(*run, code=75)
        self.assertIn(" Error: ", self.log().splitlines()[-1])
        del self.api.faults["/protocols"]
        self.connector(*run, "--footer")
        last = self.server.messages(self.user, "INBOX/ethereum/ropsten/" + ANN)[-1][2]
        self.assertIn(b"Delivered by Mailchain IMAP Connector", last)
        config = self.config()
        del config["imap"]["password"]     # the old one's; ours never writes one
        with open(os.path.join(self.dir, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.no_secret()

    def pstore(self, *numbers):
        """What the old connector wrote down: a PStore, in Ruby's Marshal format."""
        out = b"\x04\x08{" + bytes([len(numbers) + 5])     # a hash of so many
        for at, number in enumerate(numbers):
            key = b"append_" + hashlib.md5(message_id(number).encode()).hexdigest().encode()
            out += b'I"' + bytes([len(key) + 5]) + key + b"\x06" + (
                b":\x06E" if at == 0 else b";\0") + b"TT"  # UTF-8; true
        os.makedirs(self.dir, exist_ok=True)
        with open(os.path.join(self.dir, "mailchain_connector_imap.pstore"), "wb") as file:
            file.write(out)

    def test_what_the_old_connector_delivered_and_its_owner_deleted_does_not_come_again(self):
        self.configured()
        self.pstore(1, 3)
        for number in range(1, 5):
            self.api.add("ethereum", "ropsten", ANN, message(number))
        run = ("--once", "--password-file", self.password_file)
        self.assertIn("2 messages were delivered", self.connector(*run, "-v").err)
        folder = "INBOX/ethereum/ropsten/" + ANN
        ids = [re.search(rb"(?im)^message-id: <(\w+)@", m).group(1).decode()
               for _, _, m in self.server.messages(self.user, folder)]
        self.assertEqual(ids, [message_id(2), message_id(4)])
        os.unlink(os.path.join(self.dir, "mailchain_connector_imap.pstore"))
        self.connector(*run)    # it is written down in the queue's ledger now
        self.assertEqual(self.server.count(self.user, folder), 2)
        os.mkdir(os.path.join(self.dir, "mailchain_connector_imap.pstore"))
        self.assertIn("cannot be read", self.connector(*run, code=CONFIG).err)

    def test_a_message_that_the_server_refused_too_often_is_told_each_time_and_keeps_no_other_back(self):
        self.configured()
        self.api.add("ethereum", "ropsten", ANN, message(1))
        self.connector("--once", "--password-file", self.password_file)
        with contextlib.closing(sqlite3.connect(os.path.join(self.dir, "queue", "queue.db"))) as db:
            with db:    # REFUSED, as often as is tried
                self.assertEqual(db.execute("UPDATE append SET step = 2, attempts = 3").rowcount, 1)
        for number in (2, 3):
            self.api.add("ethereum", "ropsten", ANN, message(number))
            run = self.connector("--once", "--password-file", self.password_file, code=65)
            self.assertIn("1 messages are refused", run.err)
            self.assertIn("Error: 1 messages are refused", self.log().splitlines()[-1])
            self.check_folders(**{"INBOX/ethereum/ropsten/" + ANN: number})
        self.assertEqual(self.log().count("Done"), 1)

    def test_a_signal_while_the_client_hangs_is_no_error_in_the_log(self):
        self.configured()
        self.api.add("ethereum", "ropsten", ANN, message(1))
        for number, place in enumerate(("/protocols", "ropsten", ANN)):
            self.api.faults = {place: "drip"}
            asked = len(self.api.asked)
            process = subprocess.Popen(
                [PROGRAM, "mailchain", *self.trust, "--password-file", self.password_file], env=self.env,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            try:
                self.comes(lambda: len(self.api.asked) - asked > number)
            finally:
                process.send_signal(signal.SIGINT)
                out = process.communicate(timeout=SECONDS)[0].decode()
            self.assertEqual(process.returncode, OK, out)
            self.assertNotIn("Error", self.log() + out)

    # ---- round after round: a minute takes some seconds ------------------------------------------

    @contextlib.contextmanager
    def running(self, rate, password_file=None):
        """The connector, whose clocks go so many times as fast."""
        env = dict(self.env, LD_PRELOAD=torture_clock.library(), FAKETIME="+0 x%d" % rate,
                   ASAN_OPTIONS="verify_asan_link_order=0")
        process = subprocess.Popen(
            [PROGRAM, "mailchain", *self.trust, "--password-file", password_file or self.password_file,
             "-q"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            out = process.communicate(timeout=SECONDS)[0].decode()
        self.assertEqual(process.returncode, OK, out)
        self.assertNotIn(CANARY, out)

    def comes(self, there):
        until = time.monotonic() + SECONDS
        while not (os.path.exists(os.path.join(self.dir, "mailchain_connector_imap.log")) and there()):
            if time.monotonic() > until:
                self.fail(self.log())
            time.sleep(0.05)

    @unittest.skipIf(torture_clock.missing(), torture_clock.missing())
    def test_it_goes_on_through_failures_until_a_signal_comes(self):
        self.configured(interval=60)
        self.api.faults["/protocols"] = "json"
        self.api.add("ethereum", "ropsten", ANN, message(1))
        with self.running(30):
            self.comes(lambda: "Error: " in self.log())
            del self.api.faults["/protocols"]
            self.comes(lambda: "Done" in self.log())
        self.check_folders(**{"INBOX/ethereum/ropsten/" + ANN: 1})
        self.assertNotIn("stopped", self.log())

    @unittest.skipIf(torture_clock.missing(), torture_clock.missing())
    def test_a_place_that_fails_is_told_and_asked_less_and_less_often(self):
        self.configured(interval=60)
        self.api.add("ethereum", "mainnet", BEN, message(1))
        self.api.add("ethereum", "ropsten", ANN, message(2))
        self.api.faults[BEN] = "500"
        with self.running(60):
            self.comes(lambda: len([a for a in self.api.asked if a[1] == "/api/protocols"]) >= 6)
        asked = [a for a in self.api.asked if a[2].get("address") == BEN]
        self.assertLessEqual(len(asked), 3)     # in rounds 1, 2, 4 and 8
        self.assertGreaterEqual(len(asked), 2)
        self.check_folders(**{"INBOX/ethereum/ropsten/" + ANN: 1})
        errors = [line for line in self.log().splitlines() if " Error: ethereum.mainnet " + BEN in line]
        self.assertIn(len(errors), (len(asked), len(asked) - 1), self.log())
        self.assertIn("1 of 2 networks and addresses", self.log())

    @unittest.skipIf(torture_clock.missing(), torture_clock.missing())
    def test_a_refused_password_is_tried_seldom_and_read_anew_from_its_file(self):
        self.configured(interval=60)
        self.api.add("ethereum", "ropsten", ANN, message(1))
        file = self.write("changing", "wrong\n")
        with self.running(10, file):
            self.comes(lambda: "tried again in 1 minutes only" in self.log())
            self.write("changing", CANARY + "\n")
            self.comes(lambda: "Done" in self.log())
        told = re.findall(r"was refused|again in \d+ minutes|Done", self.log())
        self.assertEqual(told, ["was refused", "again in 1 minutes", "Done"], self.log())
        self.check_folders(**{"INBOX/ethereum/ropsten/" + ANN: 1})


if __name__ == "__main__":
    tap.main()
