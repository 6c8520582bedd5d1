#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of mailchute serve in a real browser, against a real IMAP server."""
import json
import os
import unittest

import page_support
from page_support import PASSWORD, PageCase
import system_support
import tap

PAGE = os.path.join(system_support.SOURCE, "host", "web", "page")


class Texts(unittest.TestCase):

    def texts(self, language):
        with open(os.path.join(PAGE, "texts", language + ".json"), encoding="utf-8") as file:
            return json.load(file)

    def test_every_language_has_the_same_texts_with_the_same_places(self):
        import re
        english = self.texts("en")
        for language in ("de", "cs"):
            other = self.texts(language)
            self.assertEqual(sorted(other), sorted(english))
            for key, text in english.items():
                self.assertTrue(other[key].strip(), key)
                self.assertEqual(sorted(re.findall(r"\{\w+\}", other[key])),
                                 sorted(re.findall(r"\{\w+\}", text)), key)


class Entering(PageCase):

    def test_the_first_user_is_made_with_the_token_and_is_signed_in(self):
        daemon = self.serve()
        self.wait(lambda: daemon.said("this token: "), "the token is printed", daemon)
        token = next(line for line in daemon.log if "this token: " in line).split("this token: ")[1]
        page = self.page
        page.fresh()
        page.goto(self.url)
        page.click("link", "Set up the first user")
        page.fill("Set-up token", token)
        page.fill("User name", "ann")
        page.fill("Password", PASSWORD)
        page.click("button", "Create and sign in")
        page.sees("No sources yet")
        page.click("button", "Sign out")
        page.sees("Mailboxes into work queues")
        page.fill("User name", "ann")
        page.fill("Password", "not her password")
        page.click("button", "Sign in")
        page.sees("user name or password is wrong")
        page.fill("Password", PASSWORD)
        page.click("button", "Sign in")
        page.sees("No sources yet")
        refused = [fault for fault in page.faults() if "401" not in fault]
        self.assertEqual(refused, [])


if __name__ == "__main__":
    tap.main()
