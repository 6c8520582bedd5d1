#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""differential - the same mail read by mailchute, by Python's email package and by GMime.

Mail is made at random together with what a reader must find in it (mailrandom.py): mailchute must
find exactly that. Where another reader finds something else, EXPLAINED must say why; a difference
that no line of it explains fails the test. GMime takes part where gmime-3.0 and a compiler are
installed.

    differential.py                     as a test: 250 mails
    differential.py run [--mails N] [--seed S] [--keep DIR]
                                        a table of differences by class; mails that differ without
                                        an explanation are kept (make differential N=10000)
    differential.py run FILE.eml...     files instead: no truth is known, each difference is told
"""
import argparse
import collections
import datetime
import email
import email.policy
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import mailrandom
import system_support
from system_support import PROGRAM, SOURCE
import tap

FIELDS = ("subject", "from", "to", "cc", "date", "message_id", "text", "html", "attachments")
BATCH = 100
TEST_MAILS = 250


# ---- the readers: each gives {field: value} in one form ------------------------------------------

def same_instant(date):
    return date[:-1] + "+00:00" if date and date.endswith("Z") else date


class Mailchute:
    name = "mailchute"

    def read(self, paths):
        run = subprocess.run([PROGRAM, "parse", "--json", *paths], stdin=subprocess.DEVNULL,
                             capture_output=True, check=True)
        return [self.fields(json.loads(line)) for line in run.stdout.decode("utf-8").splitlines()]

    @staticmethod
    def fields(entry):
        out = {"subject": entry["subject"], "date": same_instant(entry["date_sent"]),
               "message_id": entry["message_id"], "references": entry["references"],
               "text": entry["message_body"], "html": entry["html"], "problems": entry["problems"]}
        for name in ("from", "to", "cc"):
            out[name] = [(a["name"], a["address"]) for a in entry["addresses"][name]]
        out["attachments"] = [(a["filename"], a["content_type"], a["content_id"], a["size"],
                               a["sha256"]) for a in entry["attachments"]]
        return out


class Leaf:
    """A part that another reader found; who is body and who is attachment is decided here."""

    def __init__(self, kind, disposition, filename, content_id, data, text):
        self.kind, self.disposition, self.filename = kind, disposition, filename
        self.content_id, self.data, self.text = content_id, data, text

    def is_body(self):
        return (self.kind in ("text/plain", "text/html") and self.disposition != "attachment" and
                not self.filename)

    def attachment(self):
        return (self.filename, self.kind, self.content_id) + self.data


def with_leaves(out, leaves):
    """@text only where there is text/plain: HTML as text is nobody else's business."""
    def joined(kind):
        texts = [leaf.text.replace("\r\n", "\n") for leaf in leaves
                 if leaf.is_body() and leaf.kind == kind]
        return "\n".join(texts) if texts else None
    out["text"], out["html"] = joined("text/plain"), joined("text/html")
    out["attachments"] = [leaf.attachment() for leaf in leaves if not leaf.is_body()]
    return out


class Python:
    name = "python"

    def read(self, paths):
        return [self.fields(path) for path in paths]

    def fields(self, path):
        with open(path, "rb") as file:
            message = email.message_from_binary_file(file, policy=email.policy.default)
        out = {"subject": self.header(message, "Subject"),
               "message_id": self.bare_id(self.header(message, "Message-ID")),
               "date": self.date(message)}
        for name in ("from", "to", "cc"):
            out[name] = self.addresses(message, name)
        return with_leaves(out, list(self.leaves(message)))

    @staticmethod
    def header(message, name):
        try:
            value = message[name]
            return None if value is None else str(value)
        except Exception as error:      # it has bugs of its own
            return "raised %s" % type(error).__name__

    @staticmethod
    def bare_id(value):
        return value.strip().strip("<>") if value else value

    @staticmethod
    def date(message):
        try:
            when = message["Date"].datetime if message["Date"] is not None else None
        except Exception as error:
            return "raised %s" % type(error).__name__
        if when is not None and when.tzinfo is None:
            when = when.replace(tzinfo=datetime.timezone.utc)
        return when.isoformat() if when else None

    @staticmethod
    def addresses(message, name):
        try:
            return [(a.display_name or None, a.addr_spec or None)
                    for field in message.get_all(name, []) for a in field.addresses]
        except Exception as error:
            return ["raised %s" % type(error).__name__]

    def leaves(self, message):
        if message.get_content_type() != "message/rfc822" and message.is_multipart():
            for part in message.iter_parts():
                yield from self.leaves(part)
        else:
            yield self.leaf(message)

    def leaf(self, part):
        kind, data, text = part.get_content_type(), b"", ""
        try:
            data = part.get_payload(decode=True)
            if kind == "message/rfc822":
                data = None
            elif kind.startswith("text/"):
                text = part.get_content()
            name, disposition = part.get_filename(), part.get_content_disposition()
        except Exception as error:
            text, name, disposition = "raised %s" % type(error).__name__, None, None
        data = (None, None) if data is None else (len(data), hashlib.sha256(data).hexdigest())
        return Leaf(kind, disposition, name, self.bare_id(self.header(part, "Content-ID")), data,
                    text)


class GMime:
    """A child process a batch; what ends it is told for the file at which it ended."""
    name = "gmime"

    def __init__(self, folder):
        self.program = os.path.join(folder, "gmime-oracle")

    def build(self):
        """None, or why it cannot take part."""
        if not shutil.which("pkg-config") or subprocess.call(
                ["pkg-config", "--exists", "gmime-3.0", "jansson"]) != 0:
            return "gmime-3.0 is not installed (Debian: libgmime-3.0-dev)"
        flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", "gmime-3.0",
                                         "jansson"], text=True).split()
        source = os.path.join(SOURCE, "tests", "gmime-oracle.c")
        cc = (os.environ.get("CC") or "cc").split()
        done = subprocess.run(cc + ["-o", self.program, source] + flags, capture_output=True,
                              check=False, text=True)
        return None if done.returncode == 0 else "gmime-oracle.c does not build: " + done.stderr

    def read(self, paths):
        out = []
        while len(out) < len(paths):
            run = subprocess.run(["sh", "-c", 'ulimit -t 60; exec "$@"', "sh", self.program] +
                                 paths[len(out):], stdin=subprocess.DEVNULL, capture_output=True,
                                 check=False)
            lines = [line for line in run.stdout.split(b"\n") if line]
            out += [self.fields(json.loads(line)) for line in lines]
            if len(out) < len(paths):
                out.append(dict.fromkeys(FIELDS, "ended it: %d" % run.returncode))
        return out

    @staticmethod
    def fields(found):
        out = {"subject": found.get("subject"), "message_id": found.get("message_id"),
               "date": found.get("date")}
        for name in ("from", "to", "cc"):
            out[name] = [(a or None, b or None) for a, b in found.get(name, [])]
        leaves = [Leaf(leaf["type"].lower(), leaf["disposition"], leaf.get("filename"),
                       leaf["content_id"], (leaf.get("size"), leaf.get("sha256")),
                       leaf.get("text") or "") for leaf in found.get("leaves", [])]
        return with_leaves(out, leaves)


# ---- differences ---------------------------------------------------------------------------------

def without_spaces(text):
    return "".join(text.split())


def name(change):
    """For one of several addresses: the same address, and their name is ours but for @change."""
    return lambda ours, theirs: ours[1] == theirs[1] and change(ours[0], theirs[0])


def size(change):
    """For one of several attachments: all but size and digest are the same."""
    return lambda ours, theirs: ours[:3] == theirs[:3] and change(ours[3], theirs[3])


def is_surrogates(ours, theirs):
    return (theirs or "").encode("utf-8", "surrogateescape").decode("utf-8", "replace") == ours


def lost(ours, theirs):
    """Characters are missing, none is another."""
    rest = iter(ours)
    return len(theirs) < len(ours) and all(char in rest for char in theirs)


def lacks_windows(ours, theirs):
    """A text, or the text of an address or attachment, of which all but characters of Windows' code
    pages is there; bytes, question marks or nothing in their place."""
    if isinstance(ours, str):
        pieces = [re.escape(piece) for piece in re.split("[€…–“”]", without_spaces(ours))]
        return len(pieces) > 1 and re.fullmatch("[^a-z]{0,2}".join(pieces),
                                                without_spaces(theirs)) is not None
    # (name, address), or (file name, type, ...)
    return ours[1:] == theirs[1:] and (theirs[0] is None or lacks_windows(ours[0], theirs[0]))


# Who differs, in which fields, how (ours, theirs; of lists each pair), and why that is no fault of
# ours: mailchute reads all of these as they were made.
ADDRESSES = ("from", "to", "cc")
EXPLAINED = [
    ("python", ("subject",), lambda a, b: a == b.replace("\t", " "),
     "the tab of a fold stays a tab; people see a space"),
    ("gmime", ("subject",), lambda a, b: a == b.replace("\t", " "),
     "the tab of a fold stays a tab; people see a space"),
    ("python", ADDRESSES, name(lambda a, b: b is None and a.startswith("Ann ")),
     "a name in a comment behind the address is not read"),
    ("python", ADDRESSES, name(lambda a, b: without_spaces(a) == without_spaces(b)),
     "adjacent encoded words of a phrase: a space comes between them"),
    ("python", ADDRESSES, name(is_surrogates), "raw UTF-8 (RFC 6532) comes as surrogates"),
    ("python", ("attachments",), size(lambda a, b: 0 < a - b <= 4),
     "quoted-printable: CR LF becomes LF, in files as well"),
    ("gmime", ("attachments",), size(lambda a, b: b - a == 1),
     "quoted-printable: the CR of the line end before a boundary stays"),
    ("gmime", ("text", "html"), lambda a, b: a == b.replace("\r", ""),
     "quoted-printable: the CR of the line end before a boundary stays"),
    ("gmime", ("subject",), lambda a, b: lost(a, b.replace("\t", " ")),
     "base64 in several encoded words: what follows padding inside is lost"),
    ("gmime", ADDRESSES, name(lost),
     "base64 in several encoded words: what follows padding inside is lost"),
    ("gmime", ("attachments",), lambda a, b: a[1:] == b[1:] and lost(a[0], b[0]),
     "base64 in several encoded words: what follows padding inside is lost"),
    ("gmime", ("attachments",), lambda a, b: a[1:] == b[1:] and b[0] == "utf-8''" + a[0],
     "pieces of a name (RFC 2231) out of order: charset and language stay in it"),
    ("python", ADDRESSES + ("subject", "attachments"), lacks_windows,
     "characters of Windows' code pages under the names of older charsets"),
    ("gmime", ADDRESSES + ("subject", "attachments"), lacks_windows,
     "characters of Windows' code pages under the names of older charsets"),
]


def comparable(ours, theirs, field):
    """Both in the form in which they can agree."""
    a, b = ours[field], theirs[field]
    if field == "text" and theirs["text"] is None:
        return None, None               # HTML as text
    if field == "text" and ours["html"] is not None and theirs["html"] is not None:
        return (a or "").split(), None  # may hold HTML as text as well: compared as a whole below
    if field == "attachments" and isinstance(b, list):
        # Other readers do not tell an attached message as it stands.
        a = [x[:3] + ((None, None) if x[1] == "message/rfc822" else x[3:]) for x in a]
        b = [x[:3] + ((None, None) if x[1] == "message/rfc822" else x[3:]) for x in b]
    return a, b


def differences(ours, theirs):
    for field in FIELDS:
        a, b = comparable(ours, theirs, field)
        if field == "text" and b is None and a is not None:
            # Each of their words, in order, stands in ours.
            words = iter(a)
            if all(word in words for word in theirs["text"].split()):
                continue
            b = theirs["text"].split()
        if a != b:
            yield field, a, b


def explain_one(reader, field, ours, theirs):
    for who, where, check, why in EXPLAINED:
        try:
            if who == reader and field in where and check(ours, theirs):
                return why
        except (AttributeError, TypeError, ValueError):     # of another kind than it looks for
            continue
    return None


def halves(field, ours, theirs):
    """The name of an attachment and the rest of it may each differ, for reasons of their own."""
    if field != "attachments":
        return [(ours, theirs)]
    return [(ours, theirs[:1] + ours[1:]), (ours, ours[:1] + theirs[1:])]


def explanations(reader, field, ours, theirs):
    """Why they differ; empty where that is not known of each difference."""
    if field not in ADDRESSES + ("attachments",):
        ours, theirs = [ours], [theirs]
    if len(ours) != len(theirs):
        return set()
    pairs = [pair for a, b in zip(ours, theirs) for pair in halves(field, a, b)]
    whys = {explain_one(reader, field, a, b) for a, b in pairs if a != b}
    return set() if None in whys else whys


def expected(truth):
    out = dict(truth)
    out["date"] = same_instant(truth["date"])
    return out


def wrong(ours, mail):
    """The fields in which mailchute does not find what was put in."""
    want = expected(mail.truth)
    return [(field, ours[field], want[field]) for field in want if ours[field] != want[field]]


class Outcome:
    def __init__(self):
        self.wrong, self.unexplained = [], []
        self.explained = collections.Counter()
        self.mails = 0


def compare(mails, readers, folder, outcome):
    paths = []
    for mail in mails:
        paths.append(os.path.join(folder, "%06d.eml" % mail.number))
        with open(paths[-1], "wb") as file:
            file.write(mail.raw)
    results = [reader.read(paths) for reader in readers]
    for n, mail in enumerate(mails):
        outcome.mails += 1
        ours = results[0][n]
        if mail.truth is not None:
            outcome.wrong += [(mail, "truth") + each for each in wrong(ours, mail)]
        for reader, found in zip(readers[1:], results[1:]):
            for field, a, b in differences(ours, found[n]):
                whys = explanations(reader.name, field, a, b)
                for why in whys:
                    outcome.explained[(reader.name, field, why)] += 1
                if not whys:
                    outcome.unexplained.append((mail, reader.name, field, a, b))
    for path in paths:
        os.unlink(path)


def run(mails, folder, gmime=True):
    """Compare all of @mails; returns the Outcome and why GMime took no part, or None."""
    readers, outcome = [Mailchute(), Python()], Outcome()
    other = GMime(folder)
    why = other.build() if gmime else "not asked for"
    if why is None:
        readers.append(other)
    batch = []
    for mail in mails:
        batch.append(mail)
        if len(batch) == BATCH:
            compare(batch, readers, folder, outcome)
            batch = []
    if batch:
        compare(batch, readers, folder, outcome)
    return outcome, why


def tell(mail, reader, field, ours, theirs):
    return "mail %d, %s, %s\n  tags   %s\n  ours   %.600r\n  theirs %.600r" % (
        mail.number, reader, field, " ".join(sorted(mail.tags)), ours, theirs)


# ---- as a test -----------------------------------------------------------------------------------

class Differential(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        if not os.access(PROGRAM, os.X_OK):
            raise unittest.SkipTest("mailchute is not built in '%s'" % system_support.BUILD)
        cls.folder = tempfile.mkdtemp(prefix="mailchute-differential-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.outcome, cls.no_gmime = run(mailrandom.generate(TEST_MAILS), cls.folder)

    def test_what_was_put_into_a_mail_is_found_in_it(self):
        self.assertEqual(self.outcome.mails, TEST_MAILS)
        self.assertEqual([], ["\n" + tell(*each) for each in self.outcome.wrong[:5]])

    def differing(self, reader):
        return ["\n" + tell(*each) for each in self.outcome.unexplained if each[1] == reader][:5]

    def test_pythons_email_package_reads_the_same_or_the_difference_is_explained(self):
        self.assertEqual([], self.differing("python"))

    def test_gmime_reads_the_same_or_the_difference_is_explained(self):
        if self.no_gmime:
            self.skipTest(self.no_gmime)
        self.assertEqual([], self.differing("gmime"))


# ---- as a command --------------------------------------------------------------------------------

def command(args):
    parser = argparse.ArgumentParser(prog="differential.py run")
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="folder for mails that differ without an explanation")
    parser.add_argument("--show", type=int, default=10)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args(args)
    mails = mailrandom.generate(options.mails, options.seed)
    if options.files:
        mails = (mailrandom.Mail(n, open(path, "rb").read(), None, {os.path.basename(path)})
                 for n, path in enumerate(options.files))
    with tempfile.TemporaryDirectory(prefix="mailchute-differential-") as folder:
        outcome, no_gmime = run(mails, folder)
    if no_gmime:
        print("without GMime: " + no_gmime)
    bad = outcome.wrong + outcome.unexplained
    for each in bad[:options.show]:
        print(tell(*each))
    counts = collections.Counter((each[1], each[2]) for each in bad)
    for key, count in sorted(outcome.explained.items()):
        print("%6d  %-7s %-12s %s" % ((count,) + key))
    for key, count in sorted(counts.items()):
        print("%6d  %-7s %-12s not explained" % ((count,) + key))
    print("%d mails, %d fields wrong, %d differences explained, %d not" % (
        outcome.mails, len(outcome.wrong), sum(outcome.explained.values()),
        len(outcome.unexplained)))
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
        for mail in {each[0].number: each[0] for each in bad}.values():
            with open(os.path.join(options.keep, "%06d.eml" % mail.number), "wb") as file:
                file.write(mail.raw)
    return 1 if bad else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        sys.exit(command(sys.argv[2:]))
    tap.main()
