#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mailgen - any number of different messages, the same ones for the same seed.

    for mail in generate(1000): mail.raw, mail.subject, mail.attachments

Each Mail knows what a correct reader must find in it. Written without the email package, so that
the bytes do not depend on the version of Python. As a command: mailgen.py COUNT DIR writes *.eml.
"""
import base64
import hashlib
import os
import quopri
import random
import sys

WORDS = ("order invoice printer meeting request answer room floor report ticket backup number "
         "customer delivery change problem question reminder contract holiday").split()
FOREIGN = ("Grüße", "Ärger", "café", "naïve", "Łódź", "Žluťoučký", "Ωμέγα", "привет", "会議", "안녕",
           "🙂 fine", "ﬁne", "שלום")


class Mail:
    """One message and what it holds: subject as text (None: it has none), attachments as
    [(file name, sha256 of the decoded bytes)] in order."""

    def __init__(self, kind, raw, subject, attachments):
        self.kind, self.raw, self.subject, self.attachments = kind, raw, subject, attachments
        self.sha256 = hashlib.sha256(raw).hexdigest()


class Writer:
    """Makes one message of a kind out of random numbers."""

    def __init__(self, number, rng):
        self.number, self.rng = number, rng
        self.subject = "%s %s %05d" % (rng.choice(WORDS), rng.choice(WORDS), number)
        self.attachments = []

    # ---- pieces ------------------------------------------------------------------------------

    def text(self, lines=6):
        return "".join(" ".join(self.rng.choices(WORDS, k=8)) + "\r\n" for _ in range(lines))

    def head(self, *fields, subject=None):
        subject = self.subject if subject is None else subject
        return "".join(line + "\r\n" for line in (
            "Return-Path: <sender%d@example.org>" % self.number,
            "From: %s <sender%d@example.org>" % (self.rng.choice(WORDS).title(), self.number),
            "To: desk@example.com", "Subject: " + subject,
            "Date: %02d Mar 2026 %02d:%02d:00 +0100" % (
                1 + self.number % 28, self.number % 24, self.number % 60),
            "Message-ID: <%d.mailgen@example.org>" % self.number, "MIME-Version: 1.0") + fields)

    def encoded(self, text, charset="utf-8"):
        return "=?%s?B?%s?=" % (charset, base64.b64encode(text.encode(charset)).decode())

    def base64(self, data):
        return base64.encodebytes(data).decode().replace("\n", "\r\n")

    def attach(self, name, data, disposition="attachment", kind="application/octet-stream",
               more=""):
        """An attachment as a part, and what must come out of it."""
        self.attachments.append((name, hashlib.sha256(data).hexdigest()))
        return ("Content-Type: %s; name=\"%s\"\r\nContent-Transfer-Encoding: base64\r\n"
                "Content-Disposition: %s; filename=\"%s\"\r\n%s\r\n%s" % (
                    kind, name, disposition, name, more, self.base64(data)))

    def multipart(self, kind, *parts):
        """A multipart's header field and body."""
        mark = "=_%s_%d_%d" % (kind, self.number, self.rng.randrange(10 ** 9))
        body = "".join("--%s\r\n%s\r\n" % (mark, part) for part in parts)
        field = 'Content-Type: multipart/%s; boundary="%s"' % (kind, mark)
        return field, body + "--%s--\r\n" % mark

    def plain_part(self):
        return "Content-Type: text/plain; charset=utf-8\r\n\r\n" + self.text()

    def html_part(self):
        return ("Content-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>%s</p></body></html>"
                "\r\n" % self.text(3))

    def data(self, most):
        return self.rng.randbytes(self.rng.randrange(most))

    # ---- kinds -------------------------------------------------------------------------------

    def plain(self):
        return self.head("Content-Type: text/plain; charset=us-ascii") + "\r\n" + self.text()

    def html(self):
        head = self.head("Content-Type: text/html; charset=utf-8")
        return head + "\r\n<p>%s</p>\r\n" % self.text()

    def alternative(self):
        field, body = self.multipart("alternative", self.plain_part(), self.html_part())
        return self.head(field) + "\r\n" + body

    def one_attachment(self):
        field, body = self.multipart("mixed", self.plain_part(),
                                     self.attach("data-%d.bin" % self.number, self.data(20000)))
        return self.head(field) + "\r\n" + body

    def many_attachments(self):
        parts = [self.attach("file %d-%d.dat" % (self.number, i), self.data(3000))
                 for i in range(self.rng.randrange(2, 6))]
        field, body = self.multipart("mixed", self.plain_part(), *parts)
        return self.head(field) + "\r\n" + body

    def empty_attachment(self):
        field, body = self.multipart("mixed", self.plain_part(), self.attach("nothing.txt", b""))
        return self.head(field) + "\r\n" + body

    def inline_image(self):
        image = self.attach("dot.png", b"\x89PNG\r\n\x1a\n" + self.data(500), "inline", "image/png",
                            "Content-ID: <dot.%d@example.org>\r\n" % self.number)
        field, body = self.multipart("related", self.html_part(), image)
        return self.head(field) + "\r\n" + body

    def eight_bit(self):
        field = ("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit")
        return self.head(*field) + "\r\n" + " ".join(self.rng.choices(FOREIGN, k=6)) + "\r\n"

    def quoted_printable(self):
        text = " ".join(self.rng.choices(FOREIGN, k=20))
        body = quopri.encodestring(text.encode()).decode().replace("\n", "\r\n")
        return self.head("Content-Type: text/plain; charset=utf-8",
                         "Content-Transfer-Encoding: quoted-printable") + "\r\n" + body + "\r\n"

    def encoded_subject(self):
        self.subject = self.rng.choice(FOREIGN) + " %05d" % self.number
        return (self.head("Content-Type: text/plain", subject=self.encoded(self.subject)) +
                "\r\n" + self.text())

    def latin(self):
        self.subject = "réunion %05d" % self.number
        head = self.head("Content-Type: text/plain; charset=iso-8859-1",
                         "Content-Transfer-Encoding: 8bit",
                         subject=self.encoded(self.subject, "iso-8859-1"))
        return (head + "\r\nà bientôt\r\n").encode("iso-8859-1")

    def japanese(self):
        self.subject = "会議 %05d" % self.number
        head = self.head("Content-Type: text/plain; charset=iso-2022-jp",
                         subject=self.encoded(self.subject, "iso-2022-jp"))
        return (head + "\r\n会議は金曜日です。\r\n").encode("iso-2022-jp")

    def nested(self):
        inner = ("From: inner@example.org\r\nSubject: inner %d\r\n\r\n%s" % (
            self.number, self.text(2)))
        self.attachments.append(("inner.eml", hashlib.sha256(inner.encode()).hexdigest()))
        part = ('Content-Type: message/rfc822; name="inner.eml"\r\n'
                'Content-Disposition: attachment; filename="inner.eml"\r\n\r\n' + inner)
        field, body = self.multipart("mixed", self.plain_part(), part)
        return self.head(field) + "\r\n" + body

    def bare(self):
        self.subject = None
        return "X-Number: %d\r\n\r\n%s" % (self.number, self.text(1))

    def folded(self):
        self.subject = " ".join(self.rng.choices(WORDS, k=20)) + " %05d" % self.number
        words = self.subject.split(" ")
        lines = [" ".join(words[i:i + 5]) for i in range(0, len(words), 5)]
        return self.head(subject="\r\n ".join(lines)) + "\r\n" + self.text()

    def looks_like_imap(self):
        """Lines that a careless client would take for the server's own."""
        return self.head() + "\r\n" + "".join(
            "%s\r\n" % line for line in (
                "A%04d OK FETCH completed" % self.number, "* BYE go away", ")", "* 1 EXPUNGE",
                "{10}", "* %d FETCH (UID %d BODY[] {3}" % (self.number, self.number), "+ idling"))

    def dots_and_long_lines(self):
        return self.head() + "\r\n.\r\n..\r\n" + "x" * 9000 + "\r\n.\r\n"


KINDS = tuple(name for name in vars(Writer) if name in (
    "plain", "html", "alternative", "one_attachment", "many_attachments", "empty_attachment",
    "inline_image", "eight_bit", "quoted_printable", "encoded_subject", "latin", "japanese",
    "nested", "bare", "folded", "looks_like_imap", "dots_and_long_lines"))


def generate(count, seed=1):
    """@count messages, every kind in turn."""
    rng = random.Random(seed)
    for number in range(1, count + 1):
        kind = KINDS[number % len(KINDS)]
        writer = Writer(number, rng)
        raw = getattr(writer, kind)()
        raw = raw if isinstance(raw, bytes) else raw.encode("utf-8")
        yield Mail(kind, raw, writer.subject, writer.attachments)


def large(size, number=1):
    """One message of exactly @size bytes (from 1,000 on), in lines."""
    head = ("From: big@example.org\r\nTo: desk@example.com\r\nSubject: large %d\r\n"
            "Message-ID: <large%d@example.org>\r\n\r\n" % (number, number)).encode()
    line = b"0123456789abcdef" * 4 + b"\r\n"
    body = (line * (size // len(line) + 1))[:size - len(head) - 2]
    return head + body + b"\r\n"


def main():
    count, folder = int(sys.argv[1]), sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    for number, mail in enumerate(generate(count), 1):
        with open(os.path.join(folder, "%06d.eml" % number), "wb") as out:
            out.write(mail.raw)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: mailgen.py COUNT DIR")
    main()
