#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mistakes: each gives one clear line and its exit code, and nothing on the server changes."""
import socket

import dovecot
import system_support
from system_support import (CONFIG, CREDENTIALS, MAIL, OK, PROTOCOL, UNREACHABLE, USAGE)
import tap


class Mistakes(system_support.Case):

    def setUp(self):
        super().setUp()
        self.server.append(self.user, "INBOX", MAIL)
        self.server.append(self.user, "Kept/box", MAIL, flags="(\\Seen)")

    def fails(self, code, *words, server=None, **run):
        """The pick-up ends with @code and one line that has all @words; nothing has changed."""
        server = server or self.server
        before = server.snapshot(self.user)
        done = self.pickup(**run)
        self.assertEqual(done.code, code, done)
        self.assertEqual(done.out, "")
        self.assertEqual(len(done.err.splitlines()), 1, done)
        for word in words:
            self.assertIn(word, done.err)
        self.assertNotIn(self.server.password, done.err)
        self.assertEqual(server.snapshot(self.user), before)
        self.assertEqual(self.queued(), [])
        return done

    # ---- the connection string ---------------------------------------------------------------

    def test_an_unknown_key_is_named_with_its_position_and_the_nearest_key(self):
        self.fails(USAGE, "mailbx", "mailbox", mailbx="INBOX")

    def test_a_port_out_of_range_is_named(self):
        self.fails(USAGE, "port", "99999", "65535", port=99999)

    def test_a_missing_url_is_named(self):
        self.fails(USAGE, "url", url=None)

    def test_a_duplicate_key_is_named(self):
        self.fails(USAGE, "mailbox", connection=self.connection(mailbox="A") + ";Mailbox=B")

    def test_a_bad_boolean_is_named(self):
        self.fails(USAGE, "ssl", "perhaps", ssl="perhaps")

    def test_an_archive_that_is_the_mailbox_is_refused(self):
        self.fails(USAGE, "dropbox", dropbox="INBOX")

    def test_an_archive_that_is_badmail_is_refused(self):
        self.fails(USAGE, "badmail", dropbox="X", badmail="X")

    def test_a_password_in_the_string_is_refused_and_not_repeated(self):
        run = self.fails(USAGE, "password", password="very-secret-1")
        self.assertNotIn("very-secret-1", run.err)

    def test_a_regular_expression_that_does_not_compile_is_refused(self):
        self.fails(USAGE, "accept", accept="Subject:/(/")

    # ---- the way to the server ---------------------------------------------------------------

    def test_a_host_that_does_not_exist_is_named(self):
        self.fails(UNREACHABLE, "no-such-host.invalid", url="no-such-host.invalid")

    def test_a_closed_port_is_named(self):
        with socket.socket() as closed:   # bound, not listening: refuses, and nobody else gets it
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            self.fails(UNREACHABLE, "localhost", str(port), port=port)

    def test_a_self_signed_certificate_is_not_trusted(self):
        with dovecot.Dovecot(certificate="self-signed") as server:
            server.append(self.user, "INBOX", MAIL)
            self.fails(PROTOCOL, "localhost", "certificate", server=server,
                       port=server.tls_port, caFile=server.ca_file)

    def test_a_certificate_for_another_name_is_not_trusted(self):
        with dovecot.Dovecot(certificate="wrong-name") as server:
            server.append(self.user, "INBOX", MAIL)
            self.fails(PROTOCOL, "localhost", "certificate", server=server,
                       port=server.tls_port, caFile=server.ca_file)

    def test_an_expired_certificate_is_not_trusted_over_starttls_either(self):
        with dovecot.Dovecot(certificate="expired") as server:
            server.append(self.user, "INBOX", MAIL)
            self.fails(PROTOCOL, "localhost", "certificate", server=server,
                       port=server.port, ssl="False", caFile=server.ca_file)

    def test_a_server_without_starttls_is_refused_where_it_is_required(self):
        with dovecot.Dovecot(ssl="no") as server:
            server.append(self.user, "INBOX", MAIL)
            run = self.pickup(port=server.port, ssl="False", starttls="Required", caFile=None)
            self.assertIn(run.code, (PROTOCOL, UNREACHABLE), run)
            self.assertIn("STARTTLS", run.err)
            self.assertEqual(server.count(self.user), 1)

    def test_a_certificate_file_that_is_not_there_is_named(self):
        self.fails(CONFIG, "/nowhere/ca.crt", caFile="/nowhere/ca.crt")

    # ---- the account -------------------------------------------------------------------------

    def test_a_wrong_password_is_refused_and_not_repeated(self):
        wrong = self.write("wrong", "not-the-password\n")
        run = self.fails(CREDENTIALS, self.user, password_file=wrong)
        self.assertNotIn("not-the-password", run.err)

    def test_a_mailbox_that_is_not_there_is_named(self):
        self.fails(CONFIG, "Nowhere/at all", mailbox="Nowhere/at all")

    def test_a_password_file_that_is_not_there_is_named(self):
        run = self.pickup(password_file="/nowhere/password")
        self.assertNotEqual(run.code, OK)
        self.assertEqual(len(run.err.splitlines()), 1, run)
        self.assertIn("/nowhere/password", run.err)

    def test_a_missing_user_name_is_asked_for(self):
        run = self.command("pickup", self.connection(), "--queue", self.queue)
        self.assertEqual(run.code, USAGE, run)
        self.assertIn("--user", run.err)

    def test_a_user_name_with_a_line_end_sends_nothing_to_the_server(self):
        before = self.server.log().count(": user=<user")
        run = self.command("pickup", self.connection(), "--user", "x\r\nA1 DELETE Kept",
                           "--password-file", self.password_file, "--queue", self.queue)
        self.assertIn(run.code, (USAGE, CREDENTIALS), run)
        self.assertEqual(self.server.log().count(": user=<user"), before)

    def test_check_finds_the_same_mistakes(self):
        for code, keys in ((USAGE, {"mailbx": "INBOX"}), (CONFIG, {"mailbox": "Nowhere"}),
                           (UNREACHABLE, {"url": "no-such-host.invalid"})):
            with self.subTest(**keys):
                run = self.command("check", self.connection(**keys), "--user", self.user,
                                   "--password-file", self.password_file)
                self.assertEqual(run.code, code, run)


class CommandLine(system_support.Case):

    def test_an_unknown_command_is_a_usage_error(self):
        run = self.command("pikcup")
        self.assertEqual(run.code, USAGE, run)
        self.assertIn("pickup", run.err)

    def test_an_unknown_option_is_a_usage_error(self):
        run = self.command("pickup", "--wathc")
        self.assertEqual(run.code, USAGE, run)

    def test_the_loaders_that_were_built_are_listed(self):
        run = self.command("loaders", "--json")
        self.assertEqual(run.code, OK, run)
        self.assertLessEqual({"IMAP", "Folder"}, {e["name"] for e in run.entries})


if __name__ == "__main__":
    tap.main()
