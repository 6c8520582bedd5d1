#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What messages become, without a server: the sample mail, and mail of many kinds."""
import glob
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import mailgen
import system_support
from system_support import BAD_MAIL, PROGRAM, Run, sha256
import tap

SAMPLES = os.path.join(system_support.SOURCE, "conf", "sample-mail")

# subject, a piece of the body, file names, flags that are set
EXPECTED = {
    "01-plain": ("Printer on floor 3 is out of toner", "next to room 312", [], []),
    "02-html-only": ("Weekly report", "All systems green. Two tickets left & none", [], []),
    "03-text-and-html": ("Room booking", "It is café day.", [], []),
    "04-pdf-attachment": ("Invoice 2026-0042", "our invoice", ["invoice-2026-0042.pdf"], []),
    "05-inline-image": ("Screenshot of the error", "[error.png]", ["error.png"], []),
    "06-eight-bit-utf8": ("Grüße aus Köln", "Viele Grüße aus Köln – hier kostet", [], []),
    "07-latin-1": ("Réunion à midi", "À bientôt, André", [], []),
    "08-japanese": ("会議のお知らせ", "会議は金曜日の十時に始まります。", [], []),
    "09-encoded-file-names": (
        "Files with long and foreign names", "Three files", [
            "Übersicht 2026.csv", "Überweisung.dat",
            "a name that is so long that it was cut into two pieces.txt"], []),
    "10-forwarded-message": ("Fwd: Original request", "See below.", ["Original request.eml"], []),
    "11-no-subject-from-to": (None, "neither a subject nor a sender", [], []),
    "12-empty": (None, "", [], []),
    "13-bounce": ("Undelivered Mail Returned to Sender", "could not be delivered",
                  ["noname1.txt", "noname2.txt"], ["auto", "bounce"]),
    "14-mailing-list": ("[users] Release candidate", "The release candidate is out.", [], ["list"]),
    "15-auto-reply": ("Automatic reply: Room booking", "out of the office", [], ["auto"]),
    "16-calendar-invite": ("Invitation: review", "Friday 10:00", ["invite.ics"], []),
    "17-signed": ("Signed order", "order ten boxes", ["signature.asc"], ["signed"]),
    "18-many-recipients": ("Who is on call?", "A group, a quoted comma", [], []),
    "19-broken-mime": ("Cut off on the way", "The charset does not exist", ["cut.bin"], []),
    "20-html-and-attachment": ("Your order № 7", "€ 3.50", ["terms.txt"], []),
}


class Parse(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        if not os.access(PROGRAM, os.X_OK):
            raise unittest.SkipTest("mailchute is not built in '%s'" % system_support.BUILD)
        cls.folder = tempfile.mkdtemp(prefix="mailchute-parse-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)

    def parse(self, *args):
        return Run(subprocess.run([PROGRAM, "parse", "--json", *args], stdin=subprocess.DEVNULL,
                                  capture_output=True, check=False))

    def test_each_sample_mail_becomes_what_a_person_sees_in_it(self):
        paths = sorted(glob.glob(SAMPLES + "/*.eml"))
        run = self.parse(*paths)
        self.assertEqual(run.code, 0, run)
        self.assertEqual([e["file"] for e in run.entries], paths)
        for entry in run.entries:
            name = os.path.basename(entry["file"])[:-len(".eml")]
            with self.subTest(name=name):
                subject, body, files, flags = EXPECTED.pop(name)
                self.assertEqual(entry["subject"], subject)
                self.assertIn(body, entry["message_body"] or "")
                self.assertEqual([a["filename"] for a in entry["attachments"]], files)
                self.assertEqual([k for k, v in entry["flags"].items() if v], flags)
                self.assertEqual(bool(entry["problems"]), name in ("13-bounce", "19-broken-mime"))
        self.assertEqual(EXPECTED, {})

    def test_mail_of_many_kinds_is_read_right(self):
        folder = os.path.join(self.folder, "many")
        os.mkdir(folder)
        mails = list(mailgen.generate(340, seed=7))
        paths = [os.path.join(folder, "%04d.eml" % n) for n in range(len(mails))]
        for path, mail in zip(paths, mails):
            with open(path, "wb") as out:
                out.write(mail.raw)
        for entry, mail in zip(self.parse(*paths).entries, mails):
            self.assertEqual(
                (entry["subject"], [(a["filename"], a["sha256"]) for a in entry["attachments"]],
                 entry["raw"]), (mail.subject, mail.attachments,
                                 {"size": len(mail.raw), "sha256": mail.sha256}), mail.kind)

    def test_attachments_are_saved_with_their_bytes(self):
        made = next(m for m in mailgen.generate(40) if m.kind == "many_attachments")
        path, folder = os.path.join(self.folder, "one.eml"), os.path.join(self.folder, "saved")
        with open(path, "wb") as out:
            out.write(made.raw)
        entry, = self.parse("--save", folder, path).entries
        saved = sorted(glob.glob(glob.escape(folder) + "/*/*"))
        self.assertEqual([os.path.basename(p) for p in saved],
                         ["%d-%s" % (a["ordinal"], a["filename"]) for a in entry["attachments"]])
        for path, (_, digest) in zip(saved, made.attachments):
            with open(path, "rb") as file:
                self.assertEqual(sha256(file.read()), digest)

    def test_a_file_that_cannot_be_read_is_told_and_stops_nothing(self):
        run = self.parse("/nowhere.eml", os.path.join(SAMPLES, "01-plain.eml"))
        bad, good = run.out.splitlines()
        self.assertEqual(list(json.loads(bad)), ["file", "error"])
        self.assertEqual(json.loads(good)["subject"], "Printer on floor 3 is out of toner")
        self.assertEqual(run.code, BAD_MAIL)


if __name__ == "__main__":
    tap.main()
