#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_memory - what a pick-up takes of memory at most, by what the mails are made of.

    make bench-memory [SHAPES=text,addresses,...] [LINKS=plain,tls]

Each shape is a mailbox of a private Dovecot, picked up three times by `mailchute pickup` with
after=Leave, each time into a queue of its own; the largest resident memory of the process counts, in
millions of bytes. Many mails of one kind show what is asked for and received ahead, few large ones
what is held of one. A dry run, over the last link, is measured once. Exits with 1 where a shape takes
more than the limit, or not all of its messages came.
"""
import argparse
import base64
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import dovecot

BUILD = os.environ.get("top_builddir", "")
LIMIT = 24     # millions of bytes
TURNS = 3
LINE = b"The printer on the second floor prints nothing but question marks today.\r\n"
PARAGRAPH = b"<p>The printer on the <b>second floor</b> prints nothing &amp; more today.</p>\r\n"
THAI = b"<p>" + bytes(range(0xa1, 0xdb)) + b"</p>\r\n"
EURO = b"<p>" + b"\x80" * 70 + b"</p>\r\n"
CYRILLIC = b"<p>\xcf\xf0\xe8\xe2\xe5\xf2</p>\r\n"


def lines(line, size):
    return line * max(1, size // len(line))


def simple(kind, body, more=b""):
    return b"%sContent-Type: %s\r\n\r\n%s" % (more, kind, body)


def multipart(parts, more=b""):
    return (b"%sContent-Type: multipart/mixed; boundary=q\r\n\r\n" % more +
            b"".join(b"--q\r\n%s\r\n" % part for part in parts) + b"--q--\r\n")


def text(size):
    return simple(b"text/plain", lines(LINE, size))


def html(size):
    return simple(b"text/html", lines(PARAGRAPH, size))


def both(size):
    return multipart([text(size // 2), html(size // 2)])


def attached(size):
    body = base64.encodebytes(bytes(range(256)) * (size // 350)).replace(b"\n", b"\r\n")
    return (b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body)


def attachment(size):
    return multipart([text(1000), attached(size)])


def addresses(count):
    some = b"a@b," * (count // 2)
    return simple(b"text/plain", LINE, b"Cc: %s\r\n %sx@y\r\n" % (some, some))


def long_addresses(count):
    return simple(b"text/plain", LINE, b"Cc: %sx@y\r\n" % (
        b'"%s" <a@b>,\r\n ' % (b"\xc3\xa4" * 100) * count))


def references(count):
    return simple(b"text/plain", LINE, b"References:%s\r\n" % (b" <a@b>\r\n" * count)[:-2])


def attachments(count):
    return multipart([b"Content-Type:a/b\r\n\r\n"] * count)


def long_attachments(count, more=b""):
    return multipart([b'Content-Type: a/b; name="%s%d.pdf"\r\nContent-ID: <%s>\r\n\r\nx' % (
        b"n" * 200, number, b"i" * 900) for number in range(count)], more)


def worst(count):
    names = b'"%s" <a@b>,\r\n ' % (b"\xc3\xa4" * 100) * count
    return long_attachments(count, b"Cc: %sx@y\r\n" % names)


# name: (what the reader of the table sees, how many, one of them)
SHAPES = {
    "text": ("text of 4 kB", 2500, lambda: text(4000)),
    "html": ("HTML of 4 kB", 2500, lambda: html(4000)),
    "both": ("text and HTML, 8 kB together", 2500, lambda: both(8000)),
    "text30": ("text of 30 kB", 500, lambda: text(30000)),
    "cyrillic30": ("HTML of 30 kB, twice as much in UTF-8", 300, lambda: simple(
        b"text/html; charset=windows-1251", lines(CYRILLIC, 30000))),
    "thai": ("HTML of 8 kB, three times as much in UTF-8", 1500, lambda: simple(
        b"text/html; charset=tis-620", lines(THAI, 8000))),
    "euro13": ("HTML of 13 kB, three times as much in UTF-8", 1000, lambda: simple(
        b"text/html; charset=windows-1252", lines(EURO, 13000))),
    "html120": ("HTML of 120 kB", 150, lambda: html(120000)),
    "html140": ("HTML of 140 kB", 150, lambda: html(140000)),
    "both500": ("text and HTML, 500 kB together", 60, lambda: both(500000)),
    "text10000": ("text of 10 MB", 3, lambda: text(10000000)),
    "html10000": ("HTML of 10 MB", 3, lambda: html(10000000)),
    "attachment": ("an attachment of 300 kB", 150, lambda: attachment(300000)),
    "attachment50000": ("an attachment of 50 MB", 3, lambda: attachment(50000000)),
    "addresses": ("999 addresses in 4 kB", 300, lambda: addresses(998)),
    "names": ("1,000 addresses with long names", 80, lambda: long_addresses(999)),
    "filed": ("text of 120 kB and an attachment of 150 kB", 150, lambda: multipart(
        [text(120000), attached(150000)])),
    "references": ("990 references", 150, lambda: references(990)),
    "attachments": ("990 attachments in 27 kB", 150, lambda: attachments(990)),
    "worst": ("990 attachments and addresses, with long names", 30, lambda: worst(990)),
}


def append(server, name):
    _, count, make = SHAPES[name]
    message = make()
    server.append(name, "INBOX", *[b"Message-ID: <%d@example.org>\r\n" % number + message
                                   for number in range(count)])
    return count, len(message)


def connection(server, link):
    where = "url=127.0.0.1;port=%d;starttls=Never" % server.port
    if link == "tls":
        where = "url=localhost;port=%d;ssl=True;caFile=%s" % (server.tls_port, server.ca_file)
    return where + ";after=Leave;maxSize=1GB"


def pickup(server, name, link, *more):
    """Resident memory at most, in bytes. All messages are to come."""
    with tempfile.TemporaryDirectory(prefix="mailchute-bench-") as folder:
        secret, result = os.path.join(folder, "password"), os.path.join(folder, "result")
        with open(secret, "w", encoding="utf-8") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(server.password + "\n")
        done = subprocess.run(
            [BUILD + "/tests/bench-run", result, BUILD + "/host/mailchute", "pickup",
             connection(server, link), "--user", name, "--password-file", secret,
             "--queue", "sqlite:" + os.path.join(folder, "queue"), *more],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
        came = re.search(r"([\d,]+) (?:would be )?picked up .*, 0 bad, 0 left", done.stderr)
        if came is None or int(came[1].replace(",", "")) != SHAPES[name][1]:
            sys.exit("bench_memory: %s: not all of %d came: %s" % (
                name, SHAPES[name][1], done.stderr.strip()))
        with open(result, encoding="ascii") as got:
            return json.load(got)["rss"]


def measure(server, name, links, turns):
    """{column: bytes}"""
    row = {link: max(pickup(server, name, link) for _ in range(turns)) for link in links}
    row["dry run"] = pickup(server, name, links[-1], "--dry-run")
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--links", default="plain,tls")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--limit", type=int, default=LIMIT, help="in millions of bytes")
    parser.add_argument("--json", help="also as JSON, into this file")
    options = parser.parse_args()
    links, rows = options.links.split(","), {}
    columns = links + ["dry run"]
    print("| mails | each, kB | %s |" % " | ".join(columns))
    print("|---|--:|%s" % ("--:|" * len(columns)))
    with dovecot.Dovecot() as server:
        for name in options.shapes.split(","):
            count, size = append(server, name)
            rows[name] = measure(server, name, links, options.turns)
            print("| %s x %s | %s | %s |" % (
                format(count, ","), SHAPES[name][0], format(round(size / 1000), ","),
                " | ".join("%.1f" % (rows[name][column] / 1e6) for column in columns)), flush=True)
    if options.json:
        with open(options.json, "w", encoding="ascii") as out:
            json.dump(rows, out, indent=2)
    over = [name for name, row in rows.items() if max(row.values()) > options.limit * 1e6]
    if over:
        sys.exit("bench_memory: more than %d MB: %s" % (options.limit, ", ".join(over)))


if __name__ == "__main__":
    main()
