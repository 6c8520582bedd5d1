#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""imap.so without mailchute: any program that can dlopen can pick up mail. Here it is Python."""
import os
import select
import time

import loader_api
import mailgen
import system_support
from system_support import IMAP, MAIL, mail
import tap


class AnotherHost(system_support.Case):

    def open(self, **options):
        return loader_api.Loader(IMAP).open(self.connection(), self.user, self.server.password,
                                            **options)

    def test_the_plug_in_says_what_it_is(self):
        table = loader_api.Loader(IMAP).table
        self.assertEqual((table.name, table.api_version), (b"IMAP", 1))
        self.assertGreater(table.option_count, 5)

    def test_mail_is_picked_up_and_settled_without_any_function_of_the_host(self):
        mails = list(mailgen.generate(60))
        self.server.append(self.user, "INBOX", *[m.raw for m in mails])
        with self.open() as handle:
            tokens, seen = [], []
            for item in handle:
                self.assertEqual(item.item_class, b"Mail")
                seen.append((loader_api.raw(item), item.mail.contents.subject))
                tokens.append(item.token)
                if len(tokens) == 7:
                    handle.settle(tokens)
                    tokens = []
            if tokens:
                handle.settle(tokens)
            self.assertEqual(list(handle), [])
        self.assertEqual(seen, [(m.raw, None if m.subject is None else m.subject.encode())
                                for m in mails])
        self.check_folders(INBOX=0, DROPBOX=60)

    def test_what_is_not_settled_stays_as_it_is(self):
        self.server.append(self.user, "INBOX", MAIL, MAIL)
        before = self.server.snapshot(self.user)
        with self.open() as handle:
            next(iter(handle))
        after = self.server.snapshot(self.user)
        self.assertEqual(after["INBOX"], before["INBOX"])

    def test_what_is_released_stays_and_what_is_bad_goes_to_badmail(self):
        self.server.append(self.user, "INBOX", mail("a"), mail("b"), mail("c"))
        with self.open() as handle:
            first, second, third = [item.token for item in handle]
            handle.settle([first], loader_api.RELEASE)
            handle.settle([second], loader_api.BAD)
            handle.settle([third])
            list(handle)
        self.check_folders(INBOX=1, BADMAIL=1, DROPBOX=1)

    def test_read_only_changes_nothing_whatever_is_settled(self):
        self.server.append(self.user, "INBOX", MAIL, MAIL)
        before = self.server.snapshot(self.user)
        with self.open(flags=loader_api.READ_ONLY) as handle:
            tokens = [item.token for item in handle]
            handle.settle(tokens)
            list(handle)
        self.assertEqual(len(tokens), 2)
        self.assertEqual(self.server.snapshot(self.user), before)

    def test_a_drained_loader_hands_out_a_descriptor_that_tells_of_new_mail(self):
        with self.open() as handle:
            self.assertEqual(list(handle), [])
            wait = handle.wait()
            self.assertGreaterEqual(wait.fd, 0)
            self.server.append(self.user, "INBOX", MAIL)
            end = time.monotonic() + 60
            tokens = []
            while not tokens and time.monotonic() < end:
                poll = select.poll()
                poll.register(wait.fd, wait.events)
                poll.poll(min(wait.timeout_ms, 10_000))
                tokens = [item.token for item in handle]
                wait = handle.wait() if not tokens else wait
            self.assertEqual(len(tokens), 1)

    def test_a_host_that_wants_to_stop_is_obeyed(self):
        self.server.append(self.user, "INBOX", *[MAIL] * 20)
        stop = []
        cancelled = loader_api.Cancelled(lambda _: len(stop))
        with self.open(host=loader_api.plain_host(cancelled=cancelled)) as handle:
            items = iter(handle)
            next(items)
            stop.append(1)
            with self.assertRaises(loader_api.LoaderFailed) as failed:
                list(items)
            self.assertEqual(failed.exception.error_class, loader_api.CANCELLED)
        self.check_folders(INBOX=20)

    def test_two_accounts_are_worked_on_side_by_side_in_one_process(self):
        other = self.user + "b"
        self.server.append(self.user, "INBOX", mail("mine"))
        self.server.append(other, "INBOX", mail("other"))
        loader = loader_api.Loader(IMAP)
        with loader.open(self.connection(), self.user, self.server.password) as one, \
                loader.open(self.connection(), other, self.server.password) as two:
            mine, others = next(iter(one)), next(iter(two))
            self.assertEqual((mine.mail.contents.subject, others.mail.contents.subject),
                             (b"mine", b"other"))
            one.settle([mine.token])
            two.settle([others.token])
            self.assertEqual((list(one), list(two)), ([], []))
        self.check_folders(INBOX=0, DROPBOX=1)
        self.assertEqual(self.server.count(other, "DROPBOX"), 1)

    def test_a_wrong_key_is_told_by_class_and_text(self):
        with self.assertRaises(loader_api.LoaderFailed) as failed:
            loader_api.Loader(IMAP).open("url=localhost;mailbx=A", "ann", "x")
        self.assertEqual(failed.exception.error_class, 9)
        self.assertIn("mailbx", str(failed.exception))


if __name__ == "__main__":
    if os.path.exists(IMAP):
        loader_api.under_sanitizers(IMAP)
    tap.main()
