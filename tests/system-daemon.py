#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What surrounds a running mailchute serve: signals while it waits for others, secrets that are nowhere,
the unit, the board and the rules that watch it."""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from serve_support import SETTINGS, Daemon, ServeCase
from system_support import CONFIG, MAIL, OK, SOURCE, USAGE
import tap

# One for each way that a secret takes.
STORED, COMMAND, HOOK, WRONG = ("canary-%s-5ecret" % way for way in ("stored", "command", "hook",
                                                                     "wrong"))


class DaemonCase(ServeCase):

    server_options = {"password": STORED}

    def source(self, verb, *args, code=OK):
        run = self.command("source", verb, *args, "--queue", self.queue)
        self.assertEqual(run.code, code, run)
        return run

    def add(self, name, *more):
        return self.source("add", name, self.connection(), "--user", self.user, *more)

    def is_dead(self, pid):
        try:
            with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True


class Signals(DaemonCase):

    def hanging(self):
        """A source whose password command hangs from now on; the command's pid when it runs."""
        hang, pid = os.path.join(self.folder, "hang"), os.path.join(self.folder, "pid")
        self.add("office", "--password-command",
                 "if test -e '%s'; then echo $$ > '%s'; sleep 1000; fi; cat '%s'" %
                 (hang, pid, self.password_file))
        self.write("hang", "")

        def running():
            with open(pid, encoding="ascii") as file:
                return int(file.read())
        return pid, running

    def test_it_leaves_while_a_command_for_a_password_runs_and_ends_that_too(self):
        path, running = self.hanging()
        daemon = Daemon(self)
        self.wait(lambda: os.path.exists(path) and os.path.getsize(path) > 0, "it runs", daemon)
        started = time.monotonic()
        self.assertEqual(daemon.end(), 0)
        self.assertLess(time.monotonic() - started, 25)  # the command's own limit is 30 s
        self.assertFalse(daemon.said("does not end"), daemon.log)
        self.wait(lambda: self.is_dead(running()), "the command is ended")

    def test_a_pause_ends_the_command_for_its_password(self):
        path, running = self.hanging()
        daemon = Daemon(self)
        self.wait(lambda: os.path.exists(path) and os.path.getsize(path) > 0, "it runs", daemon)
        self.source("pause", "office")
        self.wait(lambda: self.is_dead(running()), "the command is ended", daemon)
        os.unlink(os.path.join(self.folder, "hang"))
        self.source("resume", "office")
        self.wait(lambda: self.shown("office")["detail"] == "idle", "it goes on", daemon)

    def test_settings_are_read_again_and_wrong_ones_change_nothing(self):
        daemon = Daemon(self)
        config = os.path.join(self.folder, "mailchute.conf")
        with open(config, "a", encoding="utf-8") as file:
            file.write("workers = none\n")
        daemon.process.send_signal(signal.SIGHUP)
        self.wait(lambda: daemon.said("workers 'none' is not"), "the mistake is told", daemon)
        self.write("mailchute.conf", SETTINGS.replace("debug", "error"))
        daemon.process.send_signal(signal.SIGHUP)
        self.assertEqual(daemon.get("/livez")[0], 200)
        self.assertEqual(daemon.end(), 0)

    def test_an_open_address_is_refused_until_it_is_accepted_and_a_local_one_is_not(self):
        settings = SETTINGS.replace("127.0.0.1:0", "0.0.0.0:0")
        config = self.write("open.conf", settings)
        run = self.command("serve", "--queue", self.queue, "--config", config)
        self.assertEqual(run.code, CONFIG, run)
        for word in ("other machines reach", "web-certificate", "web-proxy", "web-plain"):
            self.assertIn(word, run.err)
        for more, word in (("web-plain = yes\n", "without TLS"), ("web-proxy = yes\n", None),
                           ("web = no\n", None)):
            daemon = Daemon(self, settings + more)
            self.assertTrue(daemon.said("other machines reach"), daemon.log)
            self.assertEqual(daemon.said("without TLS"), word is not None, daemon.log)
            daemon.end()
        self.assertFalse(Daemon(self).said("other machines reach"))

    def test_an_interval_that_nobody_waits_for_is_refused(self):
        for interval, word in (("9s", "burdens"), ("31d", "pause the source"),
                               ("300000h", "5min")):
            run = self.source("add", "office", self.connection(), "--user", self.user,
                              "--password-file", self.password_file, "--interval", interval,
                              code=USAGE)
            self.assertIn(word, run.err)


class SecretCase(DaemonCase):

    def bytes_on_disk(self):
        for root, _, names in os.walk(self.queue[len("sqlite:"):]):
            for name in names:
                with open(os.path.join(root, name), "rb") as file:
                    yield name, file.read()

    def check(self, where, content):
        text = content if isinstance(content, bytes) else content.encode()
        for secret in (STORED, COMMAND, HOOK, WRONG):
            self.assertNotIn(secret.encode(), text, "in " + where)


class Secrets(SecretCase):

    def test_a_secret_stands_nowhere_but_where_it_was_put(self):
        wrong = self.write("wrong", WRONG + "\n")
        self.server.append(self.user, "INBOX", MAIL)
        self.add("stored", "--password-file", self.password_file)
        self.add("command", "--password-command", "cat '%s'" % self.password_file, "--mailbox",
                 "Work", "--force")
        self.add("refused", "--force", "--password-file", wrong, "--mailbox", "Other")
        run = self.command("queue", "configure", "default", "webhook=http://127.0.0.1:1/",
                           "webhook-secret-file=" + self.write("hook-secret", HOOK + "\n"),
                           "hook=/bin/sh -c 'env > %s/environment'" % self.folder, "--queue", self.queue)
        self.assertEqual(run.code, OK, run)
        daemon = Daemon(self, args=("-vv",))
        for name, status in (("stored", "active"), ("refused", "error")):
            self.wait(lambda name=name, status=status: self.shown(name)["status"] == status,
                      "%s is %s" % (name, status), daemon)
        self.wait(lambda: os.path.exists(os.path.join(self.folder, "environment")),
                  "the hook is told", daemon)
        self.wait(lambda: daemon.said("is not reached"), "the webhook is tried", daemon)
        names = set()
        for name, content in self.bytes_on_disk():  # while it runs: the write-ahead log too
            names.add(name)
            self.check(name, content)
        self.assertIn("queue.db-wal", names)
        pid = daemon.process.pid
        for name in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (pid, name), "rb") as file:
                self.check(name, file.read())
        for name in ("stored", "command", "refused"):
            self.check("source show", self.source("show", name, "--json").out +
                       self.source("show", name).out)
        self.check("queue queues", self.command("queue", "queues", "--json", "--queue",
                                                self.queue).out)
        self.check("/metrics", daemon.get("/metrics")[1])
        self.check("/healthz", daemon.get("/healthz?source=refused")[1])
        with open(os.path.join(self.folder, "environment"), "rb") as file:
            self.check("the hook's environment", file.read())
        self.assertEqual(daemon.end(), 0)
        self.check("the log", "\n".join(daemon.log))

    def test_no_core_holds_the_key(self):
        self.add("office", "--password-file", self.password_file)
        self.source("pause", "office")  # what passwords are hidden by has a page like the key's
        daemon = Daemon(self)
        with open("/proc/%d/limits" % daemon.process.pid, encoding="ascii") as file:
            core = next(line for line in file if line.startswith("Max core file size"))
        self.assertEqual(core.split()[4:6], ["0", "0"])
        if os.geteuid() != 0:  # what is not dumpable belongs to root
            self.assertEqual(os.stat("/proc/%d/limits" % daemon.process.pid).st_uid, 0)
            return
        with open("/proc/%d/smaps" % daemon.process.pid, encoding="ascii") as file:
            flags = [line.split()[1:] for line in file if line.startswith("VmFlags")]
        # The key's page may be read, not written, and is not dumped. No other page is like that.
        self.assertTrue(any({"rd", "dd"} <= set(f) and "wr" not in f for f in flags), flags)

    def test_a_daemon_with_a_credential_and_a_command_without_do_not_go_apart(self):
        self.add("office", "--password-file", self.password_file)
        keys = os.path.join(self.folder, "credentials")
        os.mkdir(keys)
        with open(os.path.join(keys, "mailchute.key"), "wb") as file:
            file.write(os.urandom(32))
        daemon = Daemon(self, CREDENTIALS_DIRECTORY=keys)
        self.wait(lambda: self.shown("office")["detail"] == "idle", "it opens the old one", daemon)
        run = self.command("source", "add", "second", self.connection(), "--user", self.user,
                           "--password-file", self.password_file, "--queue", self.queue)
        self.assertEqual(run.code, CONFIG, run)
        self.assertIn("systemd-run", run.err)
        run = self.command("source", "edit", "office", "--password-file", self.password_file,
                           "--queue", self.queue, env=dict(os.environ, CREDENTIALS_DIRECTORY=keys))
        self.assertEqual(run.code, OK, run)
        os.unlink(os.path.join(self.queue[len("sqlite:"):], "secret.key"))
        self.assertEqual(daemon.end(), 0)
        daemon = Daemon(self, CREDENTIALS_DIRECTORY=keys)
        self.wait(lambda: self.shown("office")["detail"] == "idle", "it opens the new one", daemon)


class Teller:
    """Before a server, in plain text: passes all on, but for commands that match one of @answers, {regular
    expression: answer}. Those it answers itself; an answer without {tag} is the end of the connection."""

    def __init__(self, case, port_behind, answers):
        self.port_behind = port_behind
        self.answers = answers
        self.socket = socket.create_server(("127.0.0.1", 0))
        case.addCleanup(self.socket.close)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.socket.accept()[0]
                server = socket.create_connection(("127.0.0.1", self.port_behind))
                pending = {}
                for talk in self._up, self._down:
                    threading.Thread(target=talk, daemon=True, args=(client, server, pending)).start()

    def _up(self, client, server, pending):
        """Behind the server's answers to what came before: so it is asked something, too."""
        with contextlib.suppress(OSError), client.makefile("rb") as lines:
            for line in lines:
                tag, _, command = line.partition(b" ")
                for pattern, answer in self.answers.items():
                    if re.match(pattern, command.decode("latin-1")):
                        pending[tag] = answer
                        line = tag + b" NOOP\r\n"
                server.sendall(line)
            server.shutdown(socket.SHUT_RDWR)

    def _down(self, client, server, pending):
        with contextlib.suppress(OSError), client, server, server.makefile("rb") as lines:
            for line in lines:
                tag = line.split(b" ", 1)[0]
                answer = pending.pop(tag, None)
                client.sendall(line if answer is None else
                               answer.replace("{tag}", tag.decode()).encode() + b"\r\n")
                if answer is not None and "{tag}" not in answer:
                    client.shutdown(socket.SHUT_RDWR)
                    return


BODY = r"UID FETCH .*BODY\.PEEK\[\]"
FETCH_ENDS = {BODY: "* OK [ALERT] it is %s, you said\r\n* BYE we know that %s is old" % (STORED, STORED)}


class Echoes(SecretCase):
    """A server says the password back once it has let us in."""

    def serve(self, answers, **keys):
        teller = Teller(self, self.server.port, answers)
        string = "url=127.0.0.1;port=%d;starttls=Never" % teller.port
        string += "".join(";%s=%s" % pair for pair in keys.items())
        self.source("add", "office", string, "--user", self.user, "--password-file",
                    self.password_file, "--force")
        return Daemon(self, args=("-vv",))

    def message(self, word):
        """Does status_message, or last_message, come to hold this?"""
        shown = self.shown("office")
        return any(word in (shown[key] or "") for key in ("status_message", "last_message"))

    def is_nowhere(self, daemon):
        for name, content in self.bytes_on_disk():
            self.check(name, content)
        for more in (), ("--json",):
            self.check("source show", self.source("show", "office", *more).out)
        self.check("source list", self.all_shown())
        self.check("/healthz", daemon.get("/healthz?source=office")[1])
        self.assertEqual(daemon.end(), 0)
        self.check("the log", "\n".join(daemon.log))

    def test_a_password_that_the_server_says_once_it_let_us_in_is_nowhere_either(self):
        self.server.append(self.user, "INBOX", MAIL)
        daemon = self.serve(FETCH_ENDS)
        self.wait(lambda: self.message("that *** is old"), "the end is told", daemon)
        self.wait(lambda: daemon.said("it is ***, you said"), "the alert is told", daemon)
        self.is_nowhere(daemon)

    def test_nor_one_that_is_said_when_new_mail_comes_to_a_source_that_was_idle(self):
        daemon = self.serve(FETCH_ENDS)
        self.wait(lambda: self.shown("office")["detail"] == "idle", "it is idle", daemon)
        self.server.append(self.user, "INBOX", MAIL)
        self.wait(lambda: self.message("that *** is old"), "the end is told", daemon)
        self.wait(lambda: daemon.said("it is ***, you said"), "the alert is told", daemon)
        self.is_nowhere(daemon)

    def test_nor_one_that_is_said_of_a_part_of_the_source(self):
        self.server.append(self.user, "INBOX", MAIL)
        daemon = self.serve({BODY: "{tag} NO not for %s" % STORED})
        self.wait(lambda: self.message("not for ***"), "the refusal is told", daemon)
        self.assertTrue(daemon.said("not for ***"), daemon.log)
        self.is_nowhere(daemon)

    def test_nor_one_that_is_said_where_mail_is_delivered_to(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.add("inbox", "--password-file", self.password_file)
        daemon = self.serve({r"CREATE": "{tag} NO not for %s" % STORED}, deliver="Year")
        self.wait(lambda: self.message("not for ***"), "the refusal is told", daemon)
        self.assertTrue(daemon.said("not for ***"), daemon.log)
        self.is_nowhere(daemon)


class Watching(DaemonCase):

    def test_every_metric_of_the_board_and_the_rules_is_told(self):
        self.add("office", "--password-file", self.password_file)
        self.command("queue", "configure", "default", "hook=/bin/true", "--queue", self.queue)
        daemon = Daemon(self)
        self.wait(lambda: 'kind="command"' in daemon.get("/metrics")[1], "hooks are known", daemon)
        text = daemon.get("/metrics")[1]
        told = set(re.findall(r"(?m)^(mailchute_\w+)", text))
        labels = set(re.findall(r"(\w+)=\"", text))
        board = os.path.join(SOURCE, "conf", "mailchute-board.json")
        with open(board, encoding="utf-8") as file:
            panels = json.load(file)["panels"]
        queries = [target["expr"] for panel in panels for target in panel["targets"]]
        with open(os.path.join(SOURCE, "conf", "mailchute-alerts.yml"), encoding="utf-8") as file:
            rules = file.read()
        shown = set(re.findall(r"\bmailchute_\w+", " ".join(queries)))
        alarmed = set(re.findall(r"\bmailchute_\w+", rules))
        self.assertEqual(shown - told, set())
        self.assertEqual(alarmed - told, set())
        self.assertEqual(told - shown, set(), "nobody looks at these")
        for text in queries + [rules]:
            used = set(re.findall(r"(?:by|on) \((\w+)\)|\{(\w+)=~|\$labels\.(\w+)", text))
            self.assertLessEqual({name for names in used for name in names if name}, labels)
        self.assertGreater(len(alarmed), 5)
        # A server that was never reached, or goes away in the midst of the import, is silent too.
        silent = re.search(r"MailchuteSourceSilent\n(.*?)- alert", rules, re.DOTALL)[1]
        for status in ("pending", "importing", "active"):
            self.assertIn(status, silent)
        self.assertIn("mailchute_source_interval_seconds{source=\"office\"} 300\n", daemon.get("/metrics")[1])

    def test_the_documents_name_no_metric_that_is_not_told(self):
        daemon = Daemon(self)
        told = set(re.findall(r"mailchute_\w+", daemon.get("/metrics")[1]))
        for path in filter(os.path.isfile, glob.glob(os.path.join(SOURCE, "docs", "*"))):
            with open(path, encoding="utf-8") as file:
                named = set(re.findall(r"\bmailchute_(?:source|queue|hook|build)_\w+", file.read()))
            self.assertEqual(named - told, set(), path)


class Unit(unittest.TestCase):

    unit = os.path.join(SOURCE, "conf", "mailchute.service")

    def analyze(self, *args):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        return subprocess.run(["systemd-analyze", *args, self.unit], capture_output=True, text=True,
                              check=False, timeout=120)

    def test_the_unit_is_one_that_systemd_reads(self):
        done = self.analyze("verify")
        if "System has not been booted" in done.stderr or "Failed to" in done.stderr:
            self.skipTest("systemd-analyze does not run here: " + done.stderr.strip()[:100])
        # That it is not installed here is no mistake of its.
        mistakes = [line for line in done.stderr.splitlines() if "mailchute.service" in line and
                    "is not executable" not in line and "man mailchute-serve" not in line]
        self.assertEqual(mistakes, [])

    def test_the_unit_is_hardened(self):
        done = self.analyze("security", "--offline=true", "--no-pager")
        level = re.search(r"Overall exposure level for mailchute\.service: ([0-9.]+)", done.stdout)
        if level is None:
            self.skipTest("systemd-analyze cannot look offline: " + done.stderr.strip()[:100])
        self.assertLessEqual(float(level[1]), 2.0, done.stdout)


if __name__ == "__main__":
    tap.main()
