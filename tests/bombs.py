#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bombs - mail made to cost far more than its size: nesting, floods, expansion, squares.

    bombs.py            each through mailchute parse, a table: bytes, CPU seconds, peak memory; exit
                        code 1 if one is above its bound (make bombs, in a build without sanitizers)
    bombs.py write DIR  only writes the messages

As a module: BOMBS, each with a name, what writes it, and what the entry must tell; system-bombs.py
holds them to that at any size. The peak memory of a child is never told below that of its parent,
which is some 15 MB here.
"""
import base64
import json
import os
import struct
import subprocess
import sys
import tempfile

BUILD = os.environ.get("top_builddir", "")
PROGRAM = os.path.join(BUILD, "host", "mailchute")
CPU_SECONDS = 2.0
MEMORY_MB = 32

BOMBS = []


def apart(work):
    """In a process of its own, so that this one stays small."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(child, 0)[1] != 0:
        raise OSError("%s failed" % work)


class Bomb:
    """@write(n) yields its bytes, of a size in proportion to n; @n is the full size. @tells: pieces
    of problems, each of which one must hold, from @least on. @attachments: the most there may be.
    """

    def __init__(self, write, n, least, tells, attachments):
        self.name = write.__name__.strip("_").replace("_", " ")
        self.write, self.n, self.least = write, n, least
        self.tells, self.attachments = tells, attachments

    def to_file(self, path, n):
        def write():
            with open(path, "wb") as out:
                for piece in self.write(n):
                    out.write(piece)
        apart(write)
        return os.path.getsize(path)


def bomb(n, least=0, tells=(), attachments=1):
    """@n: its full size in pieces; @least: how many it takes to reach the limit that @tells of."""
    def keep(write):
        BOMBS.append(Bomb(write, n, least, tells, attachments))
        return write
    return keep


def times(piece, n, at_once=1000):
    """@piece n times, in pieces that are not too small."""
    for _ in range(n // at_once):
        yield piece * at_once
    yield piece * (n % at_once)


def base64_of(pieces):
    """A base64 body; the pieces' lengths need not be multiples of three."""
    rest = b""
    for piece in pieces:
        rest += piece
        cut = len(rest) - len(rest) % 57
        for at in range(0, cut, 57 * 400):
            yield base64.encodebytes(rest[at:min(cut, at + 57 * 400)])
        rest = rest[cut:]
    yield base64.encodebytes(rest)


# ---- text --------------------------------------------------------------------------------------

TEXT_CUT = "text longer than 10 MB: cut"


@bomb(13000000, least=11 << 20, tells=[TEXT_CUT])
def text_before_html(n):
    """The text is copied behind what the HTML becomes: both are held at once."""
    yield (b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x\n"
           b"--b\nContent-Type: text/plain\n\n")
    yield from times(b"a line of text\n", n // 15)


@bomb(13000000, least=11 << 20, tells=[TEXT_CUT])
def text_beside_html(n):
    for kind in b"plain", b"html":
        yield b"Content-Type: multipart/alternative; boundary=b\n\n" if kind == b"plain" else b""
        yield b"--b\nContent-Type: text/" + kind + b"\n\n"
        yield from times(b"a line \x01 of text\n", n // 17)


@bomb(13000000, least=11 << 20, tells=[TEXT_CUT])
def controls_that_json_escapes(n):
    yield b"Content-Type: text/html\n\n"
    yield from times(b"\x01\x7f", n // 2)


# ---- structure ---------------------------------------------------------------------------------

@bomb(100000, least=60, tells=["parts nested deeper than 50"])
def multiparts_in_multiparts(n):
    for i in range(n):
        yield b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i)
    yield b"\ntext\n"


@bomb(200000, least=60, tells=["parts nested deeper than 50"])
def messages_in_messages(n):
    yield from times(b"Content-Type: message/rfc822\n\n", n)


@bomb(200000, least=60, tells=["parts nested deeper than 50"], attachments=2)
def digests_in_digests(n):
    yield b"Content-Type: multipart/digest; boundary=b\n\n"
    yield from times(b"--b\n\nContent-Type: multipart/digest; boundary=b\n\n", n)


@bomb(1000000, least=1500, tells=["more than 1000 parts"])
def empty_parts(n):
    yield b"Content-Type: multipart/mixed; boundary=b\n\n"
    yield from times(b"--b\n\n\n", n)


@bomb(1000000, least=1500, tells=["more than 1000 parts"], attachments=1001)
def empty_attachments(n):
    yield b"Content-Type: multipart/mixed; boundary=b\n\n"
    yield from times(b"--b\nContent-Type: a/b\n\n", n)


@bomb(1000000, least=1500, tells=["more than 1000 parts"], attachments=1001)
def empty_messages(n):
    yield b"Content-Type: multipart/digest; boundary=b\n\n"
    yield from times(b"--b\n\n\n", n)


@bomb(200000, least=400)
def lines_that_are_nearly_one_of_1000_boundaries(n):
    mark = b"x" * 900
    for i in range(1000):
        yield b"Content-Type: multipart/mixed; boundary=%s%d\n\n--%s%d\n" % (mark, i, mark, i)
    yield b"\n"
    yield from times(b"--" + mark[:48] + b"\n", n)


@bomb(10000000)
def dashes(n):
    yield b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n"
    yield from times(b"--\n", n // 3)


@bomb(1000000)
def one_letter_lines(n):
    yield b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: a/b\n\n"
    yield from times(b"-\n", n * 5)


# ---- headers -----------------------------------------------------------------------------------

@bomb(1000000, least=2500, tells=["more than 2000 header fields"])
def a_million_headers(n):
    yield from times(b"A: b\n", n)
    yield b"\nbody\n"


@bomb(1000000, least=300000, tells=["header block longer than 256 kB"])
def a_million_folds(n):
    yield b"Subject: x\n"
    yield from times(b" y\n", n)
    yield b"\nbody\n"


@bomb(10000000, least=300000, tells=["header block longer than 256 kB"])
def a_header_line_of_10_mb(n):
    yield b"Subject: "
    yield from times(b"x", n, 100000)
    yield b"\n\nbody\n"


@bomb(10000000, least=300000, tells=["header block longer than 256 kB"])
def a_header_without_end(n):
    yield b"From: "
    yield from times(b"<", n, 100000)


@bomb(1000000, least=10000)
def lines_that_may_be_header(n):
    yield b"Subject: x\nnot a field\n"
    yield from times(b"nor is this\n", n)


@bomb(4000000, least=10, tells=["header block longer than 256 kB"])
def lines_with_equals_behind_a_full_header_block(n):
    """Each may be a parameter whose fold is lost: what counts is the end of what stands there."""
    yield b"Subject: x;\n"
    yield from times(b" \n", 132000)
    yield from times(b"=\n", n)
    yield b"\nbody\n"


def header_flood(piece, n, field=b"To", tail=b""):
    yield b"From: a@example.org\n" + field + b": "
    yield from times(piece, n)
    yield tail + b"\n\nbody\n"


@bomb(120000)
def groups_in_groups(n):
    yield from header_flood(b"a:", n)


@bomb(80000)
def angle_brackets(n):
    yield from header_flood(b"<a@", n)


@bomb(240000)
def comments_in_comments(n):
    yield from header_flood(b"(", n)


@bomb(80000)
def comments_that_are_closed(n):
    yield from header_flood(b"(", n, tail=b")" * n)


@bomb(60000, least=1500, tells=["more than 1000 addresses"])
def a_million_addresses(n):
    yield from header_flood(b"a@b,", n)


@bomb(120000)
def quotes_without_end(n):
    yield from header_flood(b"\"a", n)


@bomb(60000)
def words_without_address(n):
    yield from header_flood(b"a b ", n)


@bomb(15000)
def encoded_words(n):
    yield from header_flood(b"=?utf-8?q?=C3?= ", n, b"Subject")


@bomb(15000)
def encoded_words_in_addresses(n):
    yield from header_flood(b"=?utf-8?q?=C3?= ", n)


@bomb(17000)
def encoded_words_of_rare_charsets(n):
    yield from header_flood(b"=?big5?q?=88=62?= =?iso-2022-kr?q?a?= ", n // 2, b"Subject")


@bomb(120000)
def encoded_words_without_end(n):
    yield from header_flood(b"=?", n, b"Subject")


@bomb(40000, least=200, tells=["more than 128 parameters"])
def parameters(n):
    yield from header_flood(b"; a=b", n, b"Content-Type", b"; x/y")


@bomb(20000, least=200, tells=["more than 128 parameters"])
def parameters_in_pieces(n):
    yield b"Content-Type: a/b"
    for i in range(n):
        yield b"; n*%d*=%%41" % i
    yield b"\n\nbody\n"


@bomb(20000, least=200, tells=["more than 128 parameters"])
def parameters_in_pieces_backwards(n):
    yield b"Content-Disposition: attachment"
    for i in range(n, 0, -1):
        yield b"; filename*%d=a" % i
    yield b"\n\nbody\n"


@bomb(25000)
def references(n):
    yield from header_flood(b"<a@b> ", n, b"References")


@bomb(240000)
def a_date_of_digits(n):
    yield from header_flood(b"1", n, b"Date")


@bomb(900, attachments=300)
def parts_with_large_headers(n):
    yield b"Content-Type: multipart/mixed; boundary=b\n\n"
    for i in range(n // 3):
        yield b"--b\nContent-Type: a/b; name=\"" + b"=?utf-8?q?=C3?= " * 1000 + b"\"\n\n"


# ---- bodies ------------------------------------------------------------------------------------

@bomb(10000000)
def base64_without_end(n):
    yield b"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n"
    yield from times(b"A", n, 100000)


@bomb(10000000)
def base64_that_is_none(n):
    yield b"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n"
    yield from times(b"=", n, 100000)


@bomb(10000000)
def quoted_printable_without_end(n):
    yield b"Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n"
    yield from times(b"= ", n // 2, 100000)


@bomb(10000000)
def spaces_in_quoted_printable(n):
    yield b"Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nx"
    yield from times(b" ", n, 100000)


@bomb(10000000)
def a_charset_that_expands(n):
    yield b"Content-Type: text/plain; charset=windows-1252\n\n"
    yield from times(b"\x80", n, 100000)


@bomb(10000000)
def bytes_that_no_charset_has(n):
    yield b"Content-Type: text/plain; charset=euc-jp\n\n"
    yield from times(b"\xff", n, 100000)


@bomb(3000000)
def escape_sequences(n):
    yield b"Content-Type: text/plain; charset=iso-2022-jp\n\n"
    yield from times(b"\x1b$B\x1b(B", n // 2)


@bomb(3000000)
def utf7_shifts(n):
    yield b"Content-Type: text/plain; charset=utf-7\n\n"
    yield from times(b"+-+", n)


@bomb(300000, least=2000, tells=["more than 1000 files"], attachments=1000)
def uuencoded_files(n):
    yield b"Content-Type: text/plain\n\n"
    yield from times(b"begin 644 f\n`\nend\n", n)



@bomb(600000, attachments=1000)
def uuencode_beginnings(n):
    yield b"Content-Type: text/plain\n\n"
    yield from times(b"begin 644 f\n", n)



@bomb(300000, least=4000, tells=["more than 1000 files"], attachments=1000)
def yenc_files(n):
    yield b"Content-Type: text/plain\n\n"
    yield from times(b"=ybegin line=128 size=1 name=f\n*\n=yend size=1\n", n // 2)



# ---- HTML --------------------------------------------------------------------------------------

def html(piece, n, tail=b""):
    yield b"Content-Type: text/html; charset=utf-8\n\n<html><body>"
    yield from times(piece, n)
    yield from times(tail, n)


@bomb(1000000)
def html_nested_tags(n):
    yield from html(b"<b>", n, b"</b>")


@bomb(500000)
def html_nested_lists(n):
    yield from html(b"<ul><li>", n)


@bomb(300000)
def html_nested_quotes(n):
    yield from html(b"<blockquote>x<br>", n)


@bomb(200000)
def html_a_line_in_many_quotes(n):
    yield b"Content-Type: text/html\n\n" + b"<blockquote>" * 1000
    yield from times(b"x<br>", n)


@bomb(1000000)
def html_references(n):
    yield from html(b"&amp;&#8364;", n)


@bomb(3000000)
def html_references_without_end(n):
    yield from html(b"&#x", n)


@bomb(1000000)
def html_attributes(n):
    yield b"Content-Type: text/html\n\n<a "
    yield from times(b"a='b' ", n)
    yield b">x</a>"


@bomb(1500000)
def html_quotes_without_end(n):
    yield from html(b"<a b='<", n)


@bomb(2000000)
def html_comments_without_end(n):
    yield from html(b"<!--<", n)


@bomb(800000)
def html_table(n):
    yield from html(b"<tr><td>a<td>b", n)


@bomb(600000)
def html_links(n):
    yield from html(b"<a href='http://x'>y</a>", n // 2)


@bomb(1000)
def html_images_with_large_names(n):
    yield from html(b"<img alt='" + b"a" * 5000 + b"'>", n)


@bomb(3000000)
def html_tags_without_end(n):
    yield from html(b"<a", n)


@bomb(200)
def html_parts(n):
    yield b"Content-Type: multipart/alternative; boundary=b\n\n"
    for _ in range(n):
        yield b"--b\nContent-Type: text/html\n\n" + b"<p>x" * 10000 + b"\n"


# ---- containers --------------------------------------------------------------------------------

U16 = struct.Struct("<H").pack
U32 = struct.Struct("<I").pack
TNEF_START = U32(0x223E9F78) + U16(1)
LZFU = U32(0x7FFFFFFF) + U32(0x7FFFFFFF) + b"LZFu" + U32(0)


def tnef_attribute(level, number, data, length=None):
    return (bytes([level]) + U16(number) + U16(6) + U32(len(data) if length is None else length) +
            data + U16(0))


def winmail(pieces):
    yield (b"Content-Type: application/ms-tnef; name=winmail.dat\n"
           b"Content-Transfer-Encoding: base64\n\n")
    yield from base64_of(pieces)


def tnef_file(data):
    return tnef_attribute(2, 0x9002, b"\1" + b"\0" * 13) + tnef_attribute(2, 0x800F, data)


@bomb(100000, least=1500, tells=["more than 1000 files"], attachments=1001)
def tnef_files(n):
    def pieces():
        yield TNEF_START
        yield from times(tnef_file(b"x"), n)
    yield from winmail(pieces())


@bomb(500000, least=30000, tells=["behind attribute 20000"])
def tnef_attributes(n):
    def pieces():
        yield TNEF_START
        yield from times(tnef_attribute(1, 0x8004, b"x"), n)
    yield from winmail(pieces())


@bomb(10000, tells=["winmail.dat is cut off"])
def tnef_lengths_that_lie(n):
    def pieces():
        yield TNEF_START
        yield from times(tnef_attribute(1, 0x9003, U32(0xFFFFFFFF), 0xFFFFFFFF), n)
    yield from winmail(pieces())


@bomb(200000)
def tnef_properties(n):
    data = U32(n) + (U16(3) + U16(1) + U32(0)) * n
    yield from winmail([TNEF_START, tnef_attribute(1, 0x9003, data)])


@bomb(2000, attachments=2)
def tnef_in_tnef(n):
    head = b"\x07\x03\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F"
    opening, size = [], 2 ** 30
    for _ in range(n):
        data = U32(1) + U16(0x0D) + U16(0x3701) + U32(1) + U32(size) + head + TNEF_START
        opening.append(tnef_attribute(2, 0x9002, b"\1" + b"\0" * 13) +
                       bytes([2]) + U16(0x9005) + U16(6) + U32(size + 100) + data)
    yield from winmail([TNEF_START] + opening)


def rtf_attribute(packed):
    data = U32(1) + U16(0x102) + U16(0x1009) + U32(1) + U32(len(packed)) + packed
    return tnef_attribute(1, 0x9003, data + b"\0" * (-len(packed) % 4))


@bomb(100000)
def packed_rtf_that_expands(n):
    yield from winmail([TNEF_START, rtf_attribute(LZFU + (b"\xff" + b"\0\x0e" * 8) * n)])


@bomb(300, attachments=400)
def many_packed_rtfs_that_expand(n):
    one = LZFU + (b"\xff" + b"\0\x0e" * 8) * 500
    embedded = (b"\x07\x03\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F" + TNEF_START + rtf_attribute(one))
    prop = U32(1) + U16(0x0D) + U16(0x3701) + U32(1) + U32(len(embedded)) + embedded
    prop += b"\0" * (-len(embedded) % 4)

    def pieces():
        yield TNEF_START
        for _ in range(n):
            yield tnef_attribute(2, 0x9002, b"\1" + b"\0" * 13) + tnef_attribute(2, 0x9005, prop)
    yield from winmail(pieces())



def stored_rtf(body):
    return U32(len(body) + 12) + U32(len(body)) + b"MELA" + U32(0) + body


@bomb(1000000)
def rtf_groups(n):
    yield from winmail([TNEF_START, rtf_attribute(stored_rtf(b"{\\rtf1" + b"{" * n))])


@bomb(150000)
def rtf_fonts_and_pages(n):
    body = b"".join(b"{\\f%d\\fcharset128 A;}" % (i % 32768) for i in range(n // 10))
    body = b"{\\rtf1{\\fonttbl" + body + b"}" + b"\\f1\\'81\\f2 a" * n
    yield from winmail([TNEF_START, rtf_attribute(stored_rtf(body))])


def der(tag, body):
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    return bytes([tag, 0x84]) + struct.pack(">I", size) + body


SIGNED = bytes.fromhex("06092a864886f70d010702")
DATA = bytes.fromhex("06092a864886f70d010701")


def signed(inner):
    """An opaque signature around @inner, without a signer."""
    content = der(0x30, DATA + der(0xA0, der(4, inner)))
    return der(0x30, SIGNED + der(0xA0, der(0x30, b"\2\1\1\x31\0" + content + b"\x31\0")))


def smime(data):
    return (b"Content-Type: application/pkcs7-mime; smime-type=signed-data\n"
            b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(data))


@bomb(30, least=12, attachments=40)
def signatures_in_signatures(n):
    mail = b"Content-Type: text/plain\n\nx\n"
    for _ in range(min(n, 30)):
        mail = smime(signed(mail))
    yield mail


@bomb(2000000)
def cms_nesting(n):
    yield (b"Content-Type: application/pkcs7-mime; smime-type=signed-data\n"
           b"Content-Transfer-Encoding: base64\n\n")
    yield from base64_of([b"\x30\x80" + SIGNED + b"\xa0\x80"] + list(times(b"\x30\x80", n, 100000)))


@bomb(1000000)
def cms_octets_in_pieces(n):
    yield (b"Content-Type: application/pkcs7-mime; smime-type=signed-data\n"
           b"Content-Transfer-Encoding: base64\n\n")
    head = (b"\x30\x80" + SIGNED + b"\xa0\x80\x30\x80\2\1\1\x31\0\x30\x80" + DATA +
            b"\xa0\x80\x24\x80")
    yield from base64_of([head] + list(times(b"\4\1\n", n, 100000)))


@bomb(50, attachments=1200)
def signatures_of_multiparts(n):
    parts = b"Content-Type: multipart/mixed; boundary=c\n\n" + b"--c\n\n\n" * 2000
    yield b"Content-Type: multipart/mixed; boundary=b\n\n"
    for _ in range(n):
        yield b"--b\n" + smime(signed(parts)) + b"\n"



# ---- delivery reports --------------------------------------------------------------------------

@bomb(200000, tells=["delivery to 'a@b' failed"])
def delivery_reports(n):
    yield (b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
           b"Content-Type: message/delivery-status\n\n")
    yield from times(b"Final-Recipient: rfc822; a@b\nAction: failed\n\n", n)


# ---- running them ------------------------------------------------------------------------------

class Cost:
    """What reading one message took."""

    def __init__(self, path, options=("--json",)):
        with open(path + ".json", "wb") as out:
            child = subprocess.Popen([PROGRAM, "parse", *options, path], stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=subprocess.PIPE)
            self.err = child.stderr.read().decode("utf-8", "replace")
            child.stderr.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = self.code = os.waitstatus_to_exitcode(status)
        self.seconds = usage.ru_utime + usage.ru_stime
        self.memory = usage.ru_maxrss / 1024
        self.entry_bytes = os.path.getsize(path + ".json")
        if options != ("--json",):
            return
        apart(lambda: self.sum_up(path))
        with open(path + ".sum", encoding="utf-8") as file:
            self.entry = json.load(file)

    @staticmethod
    def sum_up(path):
        """None, or what table and tests want to know of an entry that stands in one line."""
        with open(path + ".json", encoding="utf-8") as file:
            lines = file.read().split("\n")
        out = None
        if lines[0] and lines[1:] == [""]:
            entry = json.loads(lines[0])
            out = {"problems": entry["problems"], "attachments": len(entry["attachments"])}
        with open(path + ".sum", "w", encoding="utf-8") as file:
            json.dump(out, file)


def table(folder):
    failed = 0
    print("%-46s %12s %9s %7s %12s" % ("bomb", "bytes", "CPU s", "MB", "entry bytes"))
    for each in BOMBS:
        path = os.path.join(folder, "bomb.eml")
        size = each.to_file(path, each.n)
        cost = Cost(path)
        bad = cost.code != 0 or cost.seconds > CPU_SECONDS or cost.memory > MEMORY_MB
        failed += bad
        mark = "  <-- above, exit code %d %s" % (cost.code, cost.err[:200]) if bad else ""
        print("%-46s %12d %9.2f %7.1f %12d%s" % (
            each.name, size, cost.seconds, cost.memory, cost.entry_bytes, mark), flush=True)
    print("%d bombs, %d above %.0f s or %d MB" % (len(BOMBS), failed, CPU_SECONDS, MEMORY_MB))
    return failed


def main():
    if sys.argv[1:2] == ["write"]:
        os.makedirs(sys.argv[2], exist_ok=True)
        for each in BOMBS:
            each.to_file(os.path.join(sys.argv[2], each.name.replace(" ", "-") + ".eml"), each.n)
        return 0
    with tempfile.TemporaryDirectory(prefix="mailchute-bombs-") as folder:
        return 1 if table(folder) else 0


if __name__ == "__main__":
    sys.exit(main())
