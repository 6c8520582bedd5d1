#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mailchute command with the Folder loader: outputs, exit codes, and what it never does."""
import fcntl
import hashlib
import json
import os
import pty
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import tap

BUILD = os.environ["top_builddir"]
PROGRAM = os.path.join(BUILD, "host", "mailchute")
OK, USAGE, BAD, CREATE, CONFIG, STOPPED = 0, 64, 65, 73, 78, 75
KEYS = ("id class queue source state error attempts created origin sender recipient cc bcc "
        "addresses subject date_sent date_received message_id in_reply_to references message_body html "
        "attachments raw flags problems").split()


def mail(subject, text="A message.", attachment=None):
    head = "From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: %s\r\n" % subject
    head += "Date: Mon, 02 Mar 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\n"
    if attachment is None:
        return (head + "\r\n%s\r\n" % text).encode()
    name, content = attachment
    return (head + 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\n%s\r\n--b\r\n'
            'Content-Type: application/octet-stream\r\nContent-Disposition: attachment; '
            'filename="%s"\r\n\r\n%s\r\n--b--\r\n' % (text, name, content)).encode()


class Case(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mailchute-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.inbox = os.path.join(self.folder, "in")
        os.mkdir(self.inbox)
        self.queue = "sqlite:" + os.path.join(self.folder, "queue")
        self.env = dict(os.environ, XDG_STATE_HOME=os.path.join(self.folder, "state"))

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as out:
            out.write(content)
        return path

    def put(self, *mails):
        for number, content in enumerate(mails):
            path = self.write("in/%02d.eml" % number, content)
            os.utime(path, (1e9 + number, 1e9 + number))

    def run_it(self, *args, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        if "input" in options:
            del options["stdin"]
        options.setdefault("env", self.env)
        return subprocess.run([PROGRAM, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=120, check=False, **options)

    def good(self, *args, **options):
        done = self.run_it(*args, **options)
        self.assertEqual(done.returncode, OK, done.stderr)
        return done

    def fails(self, code, *args, words=(), **options):
        """Ends with @code and one line that holds all @words."""
        done = self.run_it(*args, **options)
        err = done.stderr.decode()
        self.assertEqual(done.returncode, code, err)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertTrue(err.startswith("mailchute: "), err)
        for word in words:
            self.assertIn(word, err)
        return done

    def lines(self, done):
        return [json.loads(line) for line in done.stdout.decode().splitlines()]

    def pickup_args(self, *more, connection=None):
        return ["pickup", connection or "path=" + self.inbox, "--loader", "Folder", "--queue",
                self.queue, *more]

    def pickup(self, *more, **options):
        return self.good(*self.pickup_args(*more), **options)

    def listed(self, *more):
        return self.lines(self.good("queue", "list", "--json", "--queue", self.queue, *more))


class Pickup(Case):

    def test_what_lies_in_the_folder_becomes_entries_and_a_second_run_finds_nothing(self):
        self.put(mail("one"), mail("two"))
        first, second = self.pickup("--json"), self.pickup("--json")
        self.assertEqual([e["subject"] for e in self.lines(first)], ["one", "two"])
        self.assertEqual(second.stdout, b"")
        self.assertTrue(first.stderr.startswith(b"2 picked up ("), first.stderr)
        self.assertIn(b"), 0 bad, 0 left; ", first.stderr)
        self.assertTrue(second.stderr.startswith(b"0 picked up (0 B), 0 bad, 0 left; "))
        self.assertEqual(sorted(os.listdir(os.path.join(self.inbox, "done"))),
                         ["00.eml", "01.eml"])

    def test_an_entry_has_the_agreed_keys_and_is_the_one_in_the_queue(self):
        self.put(mail("one"))
        told, = self.lines(self.pickup("--json"))
        self.assertEqual(list(told), KEYS)
        self.assertEqual(self.listed(), [told])
        self.assertEqual((told["queue"], told["source"], told["state"]),
                         ("default", "folder", "new"))

    def test_source_and_queue_are_named_as_told(self):
        self.put(mail("one"))
        told, = self.lines(self.pickup("--json", "--source", "post", "--queue-name", "tickets"))
        self.assertEqual((told["queue"], told["source"]), ("tickets", "post"))
        self.assertEqual(self.listed("--source", "other"), [])
        self.assertEqual(len(self.listed("--queue-name", "tickets")), 1)

    def test_for_people_there_is_one_printable_line_an_entry(self):
        self.put(mail("=?utf-8?q?evil=1B[2J?=", attachment=("a.bin", "x")))
        out = self.pickup().stdout
        self.assertEqual(out.count(b"\n"), 1)
        self.assertNotIn(b"\x1b", out)
        self.assertEqual(out.split(b"\t")[1:3], [b"Ann <ann@example.org>", b"1"])

    def test_the_lines_of_a_batch_are_written_at_once(self):
        self.put(*[mail("m%d" % n) for n in range(40)])
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)   # each write is a piece
        with ours, theirs:
            done = subprocess.run([PROGRAM, *self.pickup_args()], env=self.env, stdout=theirs,
                                  stderr=subprocess.PIPE, check=False)
            written = ours.recv(65536)
            ours.setblocking(False)
            self.assertRaises(BlockingIOError, ours.recv, 1)
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertEqual(written.count(b"\n"), 40)

    def test_many_long_lines_are_all_written(self):
        self.put(*[mail("m%d %s" % (n, "long " * 150)) for n in range(60)])
        told = self.pickup().stdout.splitlines()
        self.assertEqual([line.split(b"\t")[3].split()[0] for line in told],
                         [b"m%d" % n for n in range(60)])

    def test_a_dry_run_shows_all_and_changes_nothing(self):
        self.put(mail("one"), mail("two"))
        done = self.pickup("--dry-run", "--json")
        self.assertEqual([e["subject"] for e in self.lines(done)], ["one", "two"])
        self.assertEqual([list(e) for e in self.lines(done)], [KEYS, KEYS])
        self.assertIn(b"2 would be picked up", done.stderr)
        self.assertEqual(sorted(os.listdir(self.inbox)), ["00.eml", "01.eml"])
        self.assertFalse(os.path.exists(self.queue[len("sqlite:"):]))

    def test_a_dry_run_knows_what_the_queue_has(self):
        self.put(mail("one"))
        self.pickup()
        os.rename(self.inbox + "/done/00.eml", self.inbox + "/00.eml")
        done = self.pickup("--dry-run", "--json")
        self.assertEqual(done.stdout, b"")

    def test_a_dry_run_tells_the_id_that_the_entry_will_have(self):
        self.put(mail("one"))
        before, = self.lines(self.pickup("--dry-run", "--json"))
        after, = self.lines(self.pickup("--json"))
        self.assertEqual(before["id"], after["id"])
        self.assertEqual(before["origin"], after["origin"])

    def test_the_limit_leaves_the_rest(self):
        self.put(mail("one"), mail("two"), mail("three"))
        done = self.pickup("--json", "--limit", "1")
        self.assertEqual([e["subject"] for e in self.lines(done)], ["one"])
        self.assertIn(b" 2 left; ", done.stderr)
        self.assertEqual(len(self.lines(self.pickup("--json"))), 2)

    def test_mail_that_is_too_large_is_bad_and_told_by_the_exit_code(self):
        self.put(mail("small"), mail("large", "x" * 5000))
        connection = "maxSize=2000;path=" + self.inbox
        done = self.run_it(*self.pickup_args("--json", connection=connection))
        self.assertEqual(done.returncode, BAD)
        self.assertEqual([e["state"] for e in self.lines(done)], ["new", "bad"])
        self.assertIn(b"1 picked up", done.stderr)
        self.assertIn(b"1 bad", done.stderr)
        self.assertEqual(os.listdir(os.path.join(self.inbox, "bad")), ["01.eml"])
        bad, = self.listed("--state", "bad")
        self.assertIn("maxSize", bad["error"])

    def test_a_reader_who_leaves_ends_it_quietly_and_loses_nothing(self):
        self.put(*[mail("m%d" % n, "x" * 20000) for n in range(60)])
        process = subprocess.Popen([PROGRAM, *self.pickup_args("--json")], env=self.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.stderr.close()
        self.assertEqual((process.wait(), err), (OK, b""))
        self.pickup()
        self.assertEqual(len(self.listed()), 60)

    def test_a_full_output_is_an_error(self):
        for number, how in enumerate((["--json"], [])):
            self.put(mail("m%d" % number))
            with open("/dev/full", "wb") as full:
                done = subprocess.run([PROGRAM, *self.pickup_args(*how)], env=self.env, stdout=full,
                                      stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 74, done.stderr)
            self.assertEqual(len(self.listed()), number + 1)

    def test_a_signal_finishes_what_is_in_hand_and_says_that_there_may_be_more(self):
        self.put(*[mail("m%d" % n, "x" * 20000) for n in range(500)])
        process = subprocess.Popen([PROGRAM, *self.pickup_args("--json")], env=self.env, bufsize=0,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = process.stdout.readline()   # the rest of the batch does not fit into the pipe
        process.send_signal(signal.SIGTERM)
        rest, err = process.communicate(timeout=60)
        told = [json.loads(line)["id"] for line in (first + rest).splitlines()]
        self.assertEqual(process.returncode, STOPPED, err)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertIn(b"(%d picked up before that)" % len(told), err)
        self.assertEqual(told, [e["id"] for e in self.listed()])
        self.assertEqual(len(os.listdir(os.path.join(self.inbox, "done"))), len(told))
        self.pickup()
        self.assertEqual(len(self.listed()), 500)

    def test_watching_ends_well_when_told_to_stop(self):
        self.put(mail("one"))
        process = subprocess.Popen([PROGRAM, *self.pickup_args("--json", "--watch")], env=self.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertIn(b'"one"', process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, OK, err)
        self.assertIn(b"1 picked up", err)

    def test_a_mailbox_is_picked_up_by_one_at_a_time(self):
        self.put(mail("one"))
        self.pickup()
        self.put(mail("two"))
        folder = os.path.join(self.folder, "queue", "claims")
        claim, = os.listdir(folder)
        with open(os.path.join(folder, claim), "rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)  # as another pick-up would
            done = self.fails(STOPPED, *self.pickup_args(), words=["another pick-up", self.inbox])
            self.assertEqual((done.stdout, sorted(os.listdir(self.inbox))), (b"", ["00.eml", "done"]))
            self.assertIn(b"two", self.good(*self.pickup_args("--dry-run")).stdout)
        self.assertIn(b"two", self.pickup().stdout)

    def test_quiet_says_nothing(self):
        self.assertEqual(self.pickup("-q").stderr, b"")


class Filed(Case):
    """A loader whose texts lie in files (filed-plugin.c), and as it is without."""

    PLUGIN = os.path.join(BUILD, "tests", ".libs", "filed-plugin.so")
    TEXT = "".join("line %d\r\n\t\u20ac\U0001f600 \x1b[2J\u2028 %s\r\n" % (n, "\u00e9" * (n % 97))
                   for n in range(8000)).encode()

    def both(self, *args):
        """Standard output with its texts in files, which is that with its texts in memory."""
        outputs = []
        for where in ("file", "memory"):
            self.env["FILED_PLUGIN"] = where
            outputs.append(self.good(*args).stdout)
        self.assertEqual(*outputs)
        return outputs[0]

    def test_text_in_a_file_is_shown_as_text_in_memory_is(self):
        for size in (1, 65535, 65536, 65537, 131073, len(self.TEXT)):
            for shift in range(4):
                path = self.write("text", (b"x" * shift + self.TEXT)[:size])
                seen = self.both("parse", "--loader", self.PLUGIN, path)
                self.assertNotIn(b"\x1b", seen)
        self.assertIn("line 7999\n".encode(), seen)

    def test_text_in_a_file_is_the_same_line_of_json(self):
        path = self.write("text", self.TEXT)
        entry, = map(json.loads, self.both("parse", "--json", "--loader", self.PLUGIN, path).splitlines())
        self.assertEqual(entry["message_body"], self.TEXT.decode())
        self.assertEqual(entry["html"], self.TEXT.decode())

    def test_a_line_that_never_ends_is_shown_whole(self):
        path = self.write("text", "\u20ac".encode() * 300000 + b"end")
        seen = self.both("parse", "--loader", self.PLUGIN, path)
        self.assertIn("\u20ac".encode() * 300000 + b"end\n", seen)

    def test_what_is_picked_up_from_a_file_is_the_entry_of_it(self):
        path = self.write("text", self.TEXT)
        for where in ("file", "memory"):
            self.env["FILED_PLUGIN"] = where
            queue = "sqlite:" + os.path.join(self.folder, where)
            done = self.good("pickup", path, "--loader", self.PLUGIN, "--json", "--queue", queue)
            entry, = self.lines(done)
            self.assertEqual(entry["message_body"], self.TEXT.decode())
            dry = self.good("pickup", path, "--loader", self.PLUGIN, "--json", "--dry-run", "--queue",
                            "sqlite:" + os.path.join(self.folder, "none"))
            self.assertEqual(self.lines(dry)[0]["html"], self.TEXT.decode())
            shown, = self.lines(self.good("queue", "show", entry["id"], "--json", "--queue", queue))
            self.assertEqual(shown["html"], self.TEXT.decode())
            self.assertEqual(self.good("pickup", path, "--loader", self.PLUGIN, "--json", "--queue",
                                       queue).stdout, b"")


class Mistakes(Case):

    def test_each_is_one_line_and_its_exit_code(self):
        nowhere = ("--queue", "sqlite:/nowhere/queue")
        for code, args, words in (
                (USAGE, [], ("--help",)),
                (USAGE, ["pikcup"], ("'pikcup'", "'pickup'")),
                (USAGE, ["sevre"], ("'sevre'", "serve")),
                (USAGE, ["pickup"], ("connection string",)),
                (USAGE, ["pickup", "a=b", "c=d"], ("quotes",)),
                (USAGE, ["pickup", "--wathc"], ("--watch",)),
                (USAGE, ["pickup", "x", "--loader", "Foldr"], ("'Folder'",)),
                (USAGE, ["pickup", "x", "--limit", "none"], ("--limit",)),
                (USAGE, self.pickup_args(connection="pth=/x"), ("pth", "path")),
                (CONFIG, self.pickup_args(connection="path=/nowhere/at/all"), ("/nowhere/at/all",)),
                (CONFIG, ["pickup", "x", "--loader", "/nowhere/x.so"], ("/nowhere/x.so",)),
                (USAGE, ["parse"], ("FILE",)),
                (USAGE, ["queue"], ("--help",)),
                (USAGE, ["queue", "lst"], ("'list'",)),
                (USAGE, ["queue", "show"], ("queue show ID",)),
                (CONFIG, ["queue", "list", *nowhere], ("/nowhere/queue",)),
                (USAGE, ["queue", "list", "--state", "nwe"], ("'new'",)),
                (USAGE, ["queue", "fail", "12345678"], ("--why",)),
                (USAGE, ["queue", "show", "12345678"], ("12345678",)),
                (USAGE, ["loaders", "x"], ("--help",)),
                (USAGE, ["check"], ("connection string",))):
            with self.subTest(args=args):
                self.fails(code, *args, words=words)

    def test_what_is_wrong_is_told_before_a_password_is_asked_for(self):
        self.fails(USAGE, *self.pickup_args("--user", "ann", connection="pth=/x"), words=("pth",),
                   start_new_session=True)

    def test_without_a_terminal_the_ways_to_give_a_password_are_told(self):
        self.fails(USAGE, *self.pickup_args("--user", "ann"), words=("--password-file",),
                   start_new_session=True)

    def test_no_password_shows_up_anywhere(self):
        secret = "canary-4711"
        for args, given in ((["--password=" + secret], None), (["--passwrd", secret], None),
                            (["--password-file", "-", "-vv"], secret)):
            done = self.run_it(*self.pickup_args("--user", "ann", *args),
                               input=(given or "").encode())
            self.assertNotIn(secret.encode(), done.stdout + done.stderr)

    def test_a_queue_that_cannot_be_made_is_an_error(self):
        self.queue = "sqlite:" + self.write("file", b"")
        done = self.run_it(*self.pickup_args())
        self.assertIn(done.returncode, (CREATE, 74, CONFIG), done.stderr)


class Terminal(Case):

    def setUp(self):
        super().setUp()
        try:
            for fd in os.openpty():
                os.close(fd)
        except OSError as why:
            self.skipTest("there are no terminals here: %s" % why)

    def on_terminal(self, *args):
        """Run on a terminal of its own; (exit code, what it showed)."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(PROGRAM, [PROGRAM, *args], dict(self.env, TERM="xterm", LC_ALL="C.UTF-8"))
        seen = b""
        while not seen.endswith(b": ") or b"Password" not in seen:
            try:
                piece = os.read(fd, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        else:
            os.write(fd, b"canary-4711\n")
            try:
                while True:
                    piece = os.read(fd, 65536)
                    if not piece:
                        break
                    seen += piece
            except OSError:
                pass
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen

    def test_a_password_is_asked_for_without_echo(self):
        self.put(mail("one"))
        code, seen = self.on_terminal(*self.pickup_args("--user", "ann"))
        self.assertEqual(code, OK, seen)
        self.assertIn(b"Password of ann: ", seen)
        self.assertNotIn(b"canary", seen)
        self.assertIn(b"1 picked up", seen)

    def test_a_progress_bar_is_shown_and_taken_away(self):
        self.put(mail("one"))
        code, seen = self.on_terminal(*self.pickup_args("--json"))
        self.assertEqual(code, OK, seen)
        self.assertIn(b"[", seen)
        self.assertIn(b"\r\x1b[K", seen)

    def test_a_list_fits_the_terminal(self):
        self.put(mail("subject " * 40))
        self.pickup()
        _, seen = self.on_terminal("queue", "list", "--queue", self.queue)
        rows = seen.decode().splitlines()
        self.assertEqual(len(rows), 2, seen)
        self.assertTrue(rows[0].startswith("ID"))
        self.assertLessEqual(max(map(len, rows)), 80)


class Parse(Case):

    def parse(self, *args, **options):
        return self.lines(self.good("parse", "--json", *args, **options))

    def test_one_line_a_file_in_the_order_given(self):
        files = [self.write(name, mail(name)) for name in ("b.eml", "a.eml")]
        entries = self.parse(*files)
        self.assertEqual([e["file"] for e in entries], files)
        self.assertEqual([e["subject"] for e in entries], ["b.eml", "a.eml"])
        for entry in entries:
            self.assertEqual(list(entry), ["file", *KEYS])

    def test_a_file_that_cannot_be_read_stands_at_its_place_and_stops_nobody(self):
        one = self.write("one.eml", mail("one"))
        done = self.run_it("parse", "--json", "/nowhere.eml", one, self.folder)
        self.assertEqual((done.returncode, done.stderr), (BAD, b""))
        first, second, third = self.lines(done)
        self.assertEqual((list(first), first["file"]), (["file", "error"], "/nowhere.eml"))
        self.assertEqual(second["subject"], "one")
        self.assertEqual(list(third), ["file", "error"])

    def test_a_temporary_file_that_takes_only_a_piece_is_told_with_its_reason(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
        done = self.run_it("parse", "--json", "-", input=mail("long", ("x" * 70 + "\r\n") * 4000),
                           preexec_fn=limit)
        self.assertNotEqual(done.returncode, OK)
        self.assertIn(b"a temporary file cannot be written: File too large",
                      done.stdout + done.stderr)

    def test_standard_input_that_is_closed_is_an_error(self):
        done = subprocess.run(["sh", "-c", 'exec "$0" parse --json - <&-', PROGRAM],
                              stdout=subprocess.PIPE, timeout=120, check=False, env=self.env)
        self.assertEqual(done.returncode, BAD)
        self.assertIn("cannot be read", json.loads(done.stdout)["error"])

    def test_no_file_can_take_the_place_of_a_closed_standard_error(self):
        done = subprocess.run(["sh", "-c", 'exec "$0" parse --json /proc/self/fd/2 2>&-', PROGRAM],
                              stdout=subprocess.PIPE, timeout=120, check=False, env=self.env)
        self.assertNotIn("error", list(json.loads(done.stdout))[:2], "nothing stands there")

    def test_a_pipe_is_read_as_a_file_is(self):
        raw = mail("from a pipe", "x" * 100000)
        entry, = self.parse("-", input=raw)
        self.assertEqual((entry["file"], entry["subject"]), ("-", "from a pipe"))
        digest = hashlib.sha256(raw).hexdigest()
        self.assertEqual(entry["raw"], {"size": len(raw), "sha256": digest})

    def test_attachments_are_saved_inside_the_folder_whatever_they_are_called(self):
        name = self.write("x.eml", mail("s", attachment=("../../evil.txt", "content")))
        out = os.path.join(self.folder, "out")
        entry, = self.parse("--save", out, name)
        attachment, = entry["attachments"]
        found = [os.path.join(top, f) for top, _, files in os.walk(out) for f in files]
        self.assertEqual(found, [os.path.join(out, "x.eml", "1-" + attachment["filename"])])
        with open(found[0], "rb") as saved:
            self.assertEqual(hashlib.sha256(saved.read()).hexdigest(), attachment["sha256"])

    def test_two_files_of_one_name_do_not_mix(self):
        os.mkdir(os.path.join(self.folder, "other"))
        names = [self.write(n, mail("s", attachment=("a", n))) for n in ("x.eml", "other/x.eml")]
        out = os.path.join(self.folder, "out")
        self.parse("--save", out, *names)
        self.assertEqual(sorted(os.listdir(out)), ["x.eml", "x.eml.2"])

    def test_saving_twice_overwrites_nothing(self):
        name = self.write("x.eml", mail("s", attachment=("a", "content")))
        out = os.path.join(self.folder, "out")
        self.parse("--save", out, name)
        self.fails(CREATE, "parse", "--json", "--save", out, name, words=("1-a",))

    def test_the_html_version_can_be_asked_for(self):
        raw = mail("s").replace(b"MIME-Version: 1.0", b"Content-Type: text/html")
        entry, = self.parse("--attach-html", self.write("x.eml", raw))
        self.assertEqual([a["filename"] for a in entry["attachments"]], ["original.html"])

    def test_people_see_text_and_no_escape_sequence(self):
        done = self.good("parse", self.write("x.eml", mail("s", "body \x1b[2J")))
        self.assertIn(b"Subject:     s\n", done.stdout)
        self.assertIn(b"body \\x1B[2J", done.stdout)


class Queue(Case):

    def setUp(self):
        super().setUp()
        self.put(mail("one", attachment=("a b.txt", "content")), mail("two"))
        self.entries = self.lines(self.pickup("--json"))
        self.first = self.entries[0]["id"]

    def queue_run(self, *args):
        return self.good("queue", *args, "--queue", self.queue)

    def state(self):
        return [e["state"] for e in self.listed()]

    def test_the_list_can_be_narrowed(self):
        self.assertEqual(len(self.listed()), 2)
        self.assertEqual(len(self.listed("--limit", "1")), 1)
        self.assertEqual(self.listed("--newest"), self.entries[::-1])
        self.assertEqual(self.listed("--state", "done"), [])
        self.assertEqual(self.queue_run("list").stdout.count(b"\n"), 2)

    def test_an_entry_is_shown_by_the_start_of_its_id(self):
        shown, = self.lines(self.queue_run("show", self.first[:8], "--json"))
        self.assertEqual(shown, self.entries[0])
        self.assertIn(b"Subject:     one\n", self.queue_run("show", self.first).stdout)

    def test_an_entry_is_saved_with_its_attachments_byte_for_byte(self):
        out = os.path.join(self.folder, "out")
        self.queue_run("save", self.first, out)
        digests = {}
        for name in os.listdir(out):
            with open(os.path.join(out, name), "rb") as saved:
                digests[name] = hashlib.sha256(saved.read()).hexdigest()
        self.assertEqual(digests, {"message.eml": self.entries[0]["raw"]["sha256"],
                                   "1-a b.txt": self.entries[0]["attachments"][0]["sha256"]})

    def test_the_html_version_that_was_asked_for_is_saved_too(self):
        raw = mail("html").replace(b"MIME-Version: 1.0", b"Content-Type: text/html")
        self.write("in/html.eml", raw)
        done = self.good(*self.pickup_args(
            "--json", connection="attachHtml=True;path=" + self.inbox))
        entry, = self.lines(done)
        out = os.path.join(self.folder, "out")
        self.queue_run("save", entry["id"], out)
        self.assertEqual(sorted(os.listdir(out)), ["1-original.html", "message.eml"])

    def test_work_is_taken_oldest_first_and_done(self):
        taken, = self.lines(self.queue_run("take", "--json"))
        self.assertEqual((taken["id"], taken["state"], taken["attempts"]), (self.first, "taken", 1))
        self.assertEqual(self.queue_run("done", self.first).stdout, b"")
        self.assertEqual(self.state(), ["done", "new"])

    def test_work_fails_for_a_reason_and_can_be_tried_again(self):
        self.queue_run("take")
        done = self.queue_run("fail", self.first, "--why", "no such customer", "--json")
        failed, = self.lines(done)
        self.assertEqual((failed["state"], failed["error"]), ("failed", "no such customer"))
        self.queue_run("retry", self.first[:8])
        self.assertEqual(self.state(), ["new", "new"])

    def test_no_work_is_no_error(self):
        self.queue_run("take")
        self.queue_run("take")
        self.assertEqual(self.queue_run("take", "--json").stdout, b"")

    def test_work_that_was_not_taken_cannot_be_done(self):
        self.fails(USAGE, "queue", "done", self.first, "--queue", self.queue,
                   words=(self.first[:8],))

    def test_numbers_are_told(self):
        stats, = self.lines(self.queue_run("stats", "--json"))
        self.assertEqual((stats["new"], stats["bad"], stats["unsettled"]), (2, 0, 0))
        self.assertEqual(stats["raw_bytes"], sum(e["raw"]["size"] for e in self.entries))

    def test_a_work_queue_keeps_what_it_was_configured_to(self):
        self.queue_run("configure", "tickets", "retry=exponential", "retries=5", "interval=90s",
                       "base=1.5", "error-queue=errors", "throttle-items=10")
        self.queue_run("configure", "tickets", "throttle-interval=2min")
        told = {q["name"]: q for q in self.lines(self.queue_run("queues", "--json"))}
        self.assertEqual(sorted(told), ["default", "errors", "tickets"])
        self.assertEqual(told["tickets"], {
            "name": "tickets", "retry": "exponential", "retries": 5, "interval": 90, "base": 1.5,
            "error_queue": "errors", "throttle_items": 10, "throttle_interval": 120,
            "is_error_queue": False, "condition": None, "skipped": 0, "hook": None,
            "webhook": None, "new": 0, "taken": 0, "done": 0, "failed": 0, "bad": 0})
        self.assertTrue(told["errors"]["is_error_queue"])
        self.assertEqual((told["default"]["new"], told["default"]["retry"]), (2, "none"))
        self.assertIn(b"exponential, 5 times, 90s, base 1.5", self.queue_run("queues").stdout)

    def test_a_queue_can_be_configured_before_it_is_there(self):
        told, = self.lines(self.good("queue", "configure", "post", "retry=linear", "--json",
                                     "--queue", self.queue + "-new"))
        self.assertEqual((told["retries"], told["interval"], told["base"]), (3, 60, None))

    def test_failed_work_is_tried_again_and_then_set_aside(self):
        self.queue_run("configure", "default", "retry=linear", "retries=1", "interval=1d",
                       "error-queue=errors")
        self.queue_run("take")
        waiting, = self.lines(self.queue_run("fail", self.first, "--why", "busy", "--json"))
        self.assertEqual((waiting["state"], waiting["queue"], waiting["error"], waiting["attempts"]),
                         ("new", "default", "busy", 1))
        self.queue_run("configure", "default", "retry=none")
        other, = self.lines(self.queue_run("take", "--json"))
        self.assertEqual(other["id"], self.entries[1]["id"])  # the first one is not due
        aside, = self.lines(self.queue_run("fail", other["id"], "--why", "no customer", "--json"))
        self.assertEqual((aside["state"], aside["queue"], aside["error"], aside["attempts"]),
                         ("new", "errors", "no customer", 0))
        self.assertEqual(self.queue_run("take").stdout, b"")
        taken, = self.lines(self.queue_run("take", "--queue-name", "errors", "--json"))
        self.assertEqual(taken["id"], other["id"])

    def test_a_throttled_queue_gives_no_more_than_it_may(self):
        self.queue_run("configure", "default", "throttle-items=1", "throttle-interval=1d")
        self.assertEqual(len(self.lines(self.queue_run("take", "--json"))), 1)
        self.assertEqual(self.queue_run("take", "--json").stdout, b"")
        self.queue_run("configure", "default", "throttle-items=0")
        self.assertEqual(len(self.lines(self.queue_run("take", "--json"))), 1)

    def test_a_setting_that_cannot_be_is_refused_and_nothing_is_changed(self):
        for setting, words in (
                ("retyr=linear", ("did you mean 'retry'",)), ("retry=often", ("none, linear",)),
                ("retries=-1", ("'retries=-1'",)), ("interval=soon", ("5min",)),
                ("interval=31d", ("30d",)), ("base=2.0001", ("1.001",)), ("base=0.5", ("1001",)),
                ("base=.", ("1.001",)), ("base=1.", ("1.001",)), ("base=9999", ("1.001",)),
                ("throttle-items=many", ("1000000",)), ("throttle-interval=0", ("1min",)),
                ("error-queue=default", ("its own error queue",)), ("retry", ("key=value",)),
                ("error-queue=" + "x" * 321, ("name of a work queue",))):
            with self.subTest(setting):
                self.fails(USAGE, "queue", "configure", "default", "retry=exponential", setting,
                           "--queue", self.queue, words=words)
        told, = self.lines(self.queue_run("queues", "--json"))
        self.assertEqual(told["retry"], "none")
        self.fails(USAGE, "queue", "configure", "default", "--queue", self.queue,
                   words=("KEY=VALUE",))

    def test_a_default_queue_that_is_not_there_yet_is_empty(self):
        self.assertEqual(self.good("queue", "list").stdout, b"")
        self.assertEqual(os.listdir(self.folder).count("state"), 0)


class Loaders(Case):

    def test_every_loader_tells_its_options(self):
        found = {e["name"]: e for e in self.lines(self.good("loaders", "--json"))}
        folder = found["Folder"]
        self.assertEqual(list(folder), ["name", "version", "summary", "path", "options"])
        self.assertEqual(list(folder["options"][0]),
                         ["key", "type", "default", "choices", "required", "help"])
        self.assertIn(b"maxSize", self.good("loaders").stdout)

    def test_a_loader_is_taken_by_path_or_by_name_in_any_case(self):
        path, = [e["path"] for e in self.lines(self.good("loaders", "--json"))
                 if e["name"] == "Folder"]
        for name in ("folder", "FOLDER", path):
            self.good("parse", "--json", "--loader", name, "-", input=mail("x"))

    def test_help_and_version_are_no_errors(self):
        for args in (["--help"], ["--version"], ["pickup", "--help"], ["queue", "-h"]):
            done = self.good(*args)
            self.assertEqual(done.stderr, b"")
            self.assertIn(b"mailchute", done.stdout)


if __name__ == "__main__":
    tap.main()
