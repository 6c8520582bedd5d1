#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mailchute source: mailboxes are added only when they work, changed, shown, and their passwords are
nowhere to be read."""
import glob
import os
import sqlite3

import system_support
from system_support import (CONFIG, CREDENTIALS, MAIL, OK, PROTOCOL, UNREACHABLE, USAGE)
import tap

CANARY = "canary-5ecret-of-a-source"


class Sources(system_support.Case):

    server_options = {"password": CANARY}

    def source(self, verb, *args, code=OK):
        run = self.command("source", verb, *args, "--queue", self.queue)
        self.assertEqual(run.code, code, run)
        self.assertNotIn(CANARY, run.out + run.err)
        if code != OK:
            self.assertEqual(len(run.err.splitlines()), 1, run)
        return run

    def add(self, name="office", *more, code=OK, password_file=None, **keys):
        return self.source("add", name, self.connection(**keys), "--user", self.user,
                           "--password-file", password_file or self.password_file, *more, code=code)

    def shown(self, name="office"):
        return self.source("show", name, "--json").entries[0]

    def names(self):
        return [entry["name"] for entry in self.source("list", "--json").entries]

    # ---- adding ------------------------------------------------------------------------------

    def test_a_source_that_works_is_added_and_shown_without_its_password(self):
        self.server.append(self.user, "INBOX", MAIL)
        before = self.server.snapshot(self.user)
        run = self.add()
        self.assertIn("mailbox", run.out)
        self.assertEqual(self.server.snapshot(self.user), before)
        shown = self.shown()
        self.assertEqual({k: shown[k] for k in (
            "name", "loader", "connection", "user", "password", "queue", "interval", "status",
            "detail", "last_contact", "counts")}, {
                "name": "office", "loader": "IMAP", "connection": self.connection(),
                "user": self.user, "password": "stored", "queue": "default", "interval": 300,
                "status": "pending", "detail": None, "last_contact": None,
                "counts": {"found": 0, "queued": 0, "bad": 0, "left": 0}})
        self.assertEqual(list(shown)[:2], ["id", "name"])
        for word in ("office", "pending", "IMAP", self.user):
            self.assertIn(word, self.source("show", "office").out)
        self.assertIn("pending", self.source("list").out)

    def test_single_fields_stand_for_a_connection_string(self):
        self.source("add", "fields", "--host", self.server.host, "--port", str(self.server.tls_port),
                    "--allow-insecure-cert", "--user", self.user, "--mailbox", "INBOX",
                    "--dropbox", "a;b", "--interval", "2min", "--queue-name", "invoices",
                    "--password-file", self.password_file)
        shown = self.shown("fields")
        self.assertEqual(shown["connection"], "url=%s;port=%d;ssl=True;mailbox=INBOX;dropbox=\"a;b\";"
                         "allowInsecureCert=True" % (self.server.host, self.server.tls_port))
        self.assertEqual((shown["interval"], shown["queue"]), (120, "invoices"))

    def test_folders_to_be_archived_are_single_fields_too(self):
        self.server.append(self.user, "Work/a", b"Subject: x\r\n\r\nx\r\n")
        self.source("add", "archive", "--host", self.server.host, "--port", str(self.server.tls_port),
                    "--allow-insecure-cert", "--user", self.user, "--password-file",
                    self.password_file, "--folders", "INBOX,Work/*", "--skip-folders", "*/old",
                    "--skip-special", "None")
        self.assertTrue(self.shown("archive")["connection"].endswith(
            ";folders=INBOX,Work/*;skipFolders=*/old;skipSpecial=None;allowInsecureCert=True"))
        run = self.source("edit", "archive", "--folders", "Wrok", code=CONFIG)
        self.assertIn("none of", run.err + run.out)

    def fails(self, code, *words, **add):
        run = self.add(code=code, **add)
        for word in words + ("nothing was changed",):
            self.assertIn(word, run.err)
        self.assertEqual(self.names(), [])

    def test_a_refused_connection_adds_nothing_and_says_what_to_look_at(self):
        self.fails(UNREACHABLE, "cannot be reached", "connect", "993", port=1)

    def test_a_host_that_is_not_found_adds_nothing(self):
        self.fails(UNREACHABLE, "no-such-host.invalid", "host and port",
                   url="no-such-host.invalid")

    def test_a_certificate_that_is_not_trusted_adds_nothing(self):
        self.fails(PROTOCOL, "certificate is not trusted", "caFile=", caFile=None)

    def test_refused_credentials_add_nothing_and_tell_of_app_passwords(self):
        wrong = self.write("wrong", "wrong-password\n")
        self.fails(CREDENTIALS, "refused", "app password", password_file=wrong)

    def test_a_mailbox_that_is_not_there_adds_nothing(self):
        self.fails(CONFIG, "is not there", "Nowhere", mailbox="Nowhere")

    def test_a_mistake_in_the_string_adds_nothing_whatever_is_forced(self):
        self.add("office", "--force", code=USAGE, mailbx="INBOX")
        self.assertEqual(self.names(), [])

    def test_what_fails_is_added_when_forced(self):
        run = self.add("office", "--force", port=1)
        self.assertIn("cannot be reached", run.err)
        self.assertEqual(self.names(), ["office"])

    def test_a_name_is_taken_once(self):
        self.add()
        run = self.add(code=USAGE)
        self.assertIn("office", run.err)

    # ---- changing ----------------------------------------------------------------------------

    def test_an_edit_keeps_what_it_does_not_name_and_the_password_too(self):
        self.add()
        self.server.append(self.user, "Work", MAIL)
        self.source("edit", "office", "--mailbox", "Work", "--interval", "1h")
        shown = self.shown()
        self.assertEqual(shown["connection"], self.connection() + ";mailbox=Work")
        self.assertEqual((shown["interval"], shown["user"], shown["password"], shown["version"]),
                         (3600, self.user, "stored", 2))
        self.source("test", "office")

    def test_an_edit_with_an_empty_password_keeps_the_stored_one(self):
        self.add()
        self.source("edit", "office", "--interval", "1h", "--password-file", self.write("empty", ""))
        self.assertEqual(self.shown()["interval"], 3600)
        self.source("test", "office")

    def test_an_edit_that_does_not_work_changes_nothing(self):
        self.add()
        self.source("edit", "office", "--mailbox", "Nowhere", code=CONFIG)
        self.assertEqual(self.shown()["version"], 1)
        wrong = self.write("wrong", "wrong-password\n")
        self.source("edit", "office", "--password-file", wrong, code=CREDENTIALS)
        self.source("test", "office")

    def test_pause_resume_and_sync_are_written_down(self):
        self.add()
        self.source("pause", "office")
        self.assertEqual(self.shown()["status"], "paused")
        self.source("resume", "office")
        self.assertEqual(self.shown()["status"], "pending")
        self.source("sync", "office")
        self.assertEqual(self.shown()["version"], 4)

    def test_a_source_is_removed_only_when_confirmed(self):
        self.add()
        run = self.source("remove", "office", code=USAGE)
        self.assertIn("--yes", run.err)
        self.assertEqual(self.names(), ["office"])
        self.source("remove", "office", "--yes")
        self.assertEqual(self.names(), [])
        self.source("show", "office", code=USAGE)

    def test_a_folder_source_needs_neither_user_nor_password(self):
        folder = os.path.join(self.folder, "mails")
        os.mkdir(folder)
        self.source("add", "files", "path=" + folder, "--loader", "Folder")
        self.assertEqual(self.shown("files")["password"], "none")

    # ---- passwords ---------------------------------------------------------------------------

    def test_a_password_can_be_fetched_each_time_instead_of_stored(self):
        ways = {"command": ("--password-command", "cat '%s'" % self.password_file),
                "file": ("--password-from", self.password_file),
                "environment": ("--password-env", "MAILCHUTE_TEST_PASSWORD"),
                "credential": ("--password-credential", "password")}
        env = dict(os.environ, MAILCHUTE_TEST_PASSWORD=CANARY, CREDENTIALS_DIRECTORY=self.folder)
        for kind, way in ways.items():
            with self.subTest(kind):
                run = self.command("source", "add", kind, self.connection(), "--user", self.user,
                                   *way, "--queue", self.queue, env=env)
                self.assertEqual(run.code, OK, run)
                self.assertEqual(self.shown(kind)["password"], kind)
                run = self.command("source", "test", kind, "--queue", self.queue, env=env)
                self.assertEqual(run.code, OK, run)

    def test_two_ways_to_a_password_are_one_too_many(self):
        self.add("office", "--password-env", "HOME", code=USAGE)

    def test_the_password_is_nowhere_in_the_queues_folder_nor_in_a_dump(self):
        self.add()
        folder = self.queue[len("sqlite:"):]
        files = [p for p in glob.glob(os.path.join(folder, "**"), recursive=True)
                 if os.path.isfile(p)]
        self.assertIn(os.path.join(folder, "secret.key"), files)
        for path in files:
            with open(path, "rb") as file:
                self.assertNotIn(CANARY.encode(), file.read(), path)
        with sqlite3.connect(os.path.join(folder, "queue.db")) as database:
            dump = "\n".join(database.iterdump())
        self.assertIn("office", dump)
        self.assertNotIn(CANARY, dump)
        self.assertNotIn(CANARY.encode().hex(), dump.lower())

    def test_the_password_is_in_no_log_of_any_level(self):
        run = self.add("office", "-vv")
        self.assertNotIn(CANARY, run.out + run.err)
        wrong = self.write("wrong", CANARY + "x\n")
        self.add("other", "-vv", "--force", password_file=wrong)


if __name__ == "__main__":
    tap.main()
