#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mailrandom - structured random mail, each with what a reader must find in it.

    for mail in generate(1000, seed=1): mail.raw, mail.truth, mail.tags

Nested multiparts, every transfer encoding, charsets, encoded words, address forms, dates, file
names in all forms that the RFCs allow and some that only real mailers write. The truth is made
along with the bytes, never read back from them: {subject, from, to, cc: [(name, address)], date,
message_id, references, text, html, attachments: [(name, type, content id, size, sha256)]}. Tags
name what was used, to be shown where a reader differs. The same seed gives the same mail. As a command:
mailrandom.py SEED NUMBER prints one.
"""
import base64
import datetime
import hashlib
import random
import sys

ASCII = ("order invoice printer meeting request room floor report ticket backup customer delivery "
         "change problem question holiday Re: Fwd: 100% a=b (draft) [list] what? C++ e-mail "
         "O'Brien R&D x_y 1,5 #7 *star* <tag> semi;colon").split()
SCRIPTS = {
    "western": "Grüße café naïve Ærø señor Übergröße façade Zürich".split(),
    "central": "Łódź Žluťoučký kůň Győr Świąteczny őszi".split(),
    "cyrillic": "привет Москва сообщение ёж".split(),
    "greek": "Ωμέγα καλημέρα Αθήνα".split(),
    "hebrew": "שלום עולם".split(),
    "arabic": "مرحبا سلام".split(),
    "japanese": "会議 日本語 カタカナ ひらがな 東京".split(),
    "chinese": "中文 你好 北京 文件".split(),
    "taiwanese": "中文 你好 臺灣 電腦".split(),
    "korean": "한국어 안녕 회의".split(),
    "thai": "สวัสดี ภาษาไทย".split(),
    "any": "🙂 𝔘𝔫𝔦 ﬁne – “quoted” … € привет 会議 안녕 Grüße שלום".split(),
}
# label, Python's codec, what it can write
CHARSETS = [
    ("utf-8", "utf-8", "any"), ("UTF-8", "utf-8", "any"), ("us-ascii", "ascii", None),
    ("iso-8859-1", "iso-8859-1", "western"), ("ISO-8859-15", "iso-8859-15", "western"),
    ("windows-1252", "cp1252", "western"), ("iso-8859-2", "iso-8859-2", "central"),
    ("windows-1250", "cp1250", "central"), ("iso-8859-5", "iso-8859-5", "cyrillic"),
    ("windows-1251", "cp1251", "cyrillic"), ("koi8-r", "koi8-r", "cyrillic"),
    ("iso-8859-7", "iso-8859-7", "greek"), ("windows-1253", "cp1253", "greek"),
    ("iso-8859-8", "iso-8859-8", "hebrew"), ("windows-1255", "cp1255", "hebrew"),
    ("windows-1256", "cp1256", "arabic"), ("iso-2022-jp", "iso2022_jp", "japanese"),
    ("euc-jp", "euc_jp", "japanese"), ("shift_jis", "cp932", "japanese"),
    ("gb2312", "gb2312", "chinese"), ("gbk", "gbk", "chinese"), ("gb18030", "gb18030", "any"),
    ("big5", "cp950", "taiwanese"), ("euc-kr", "euc_kr", "korean"), ("tis-620", "cp874", "thai"),
]
ZONES = [("+0000", 0), ("-0000", 0), ("GMT", 0), ("UT", 0), ("+0100", 60), ("-0500", -300),
         ("EST", -300), ("PDT", -420), ("+0530", 330), ("+1345", 825), ("-0330", -210)]
TYPES = [("application/pdf", "pdf"), ("image/png", "png"), ("application/zip", "zip"),
         ("application/octet-stream", "bin"), ("application/vnd.ms-excel", "xls"),
         ("text/csv", "csv"), ("text/plain", "txt"), ("text/html", "html")]
DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class Mail:
    """@raw, @truth and @tags; @number within its seed."""

    def __init__(self, number, raw, truth, tags):
        self.number, self.raw, self.truth, self.tags = number, raw, truth, tags


class Leaf:
    """A part: its header fields and encoded body (both with LF line ends), and what it gives."""

    def __init__(self, fields, body, text=None, html=None, files=()):
        self.fields, self.body = fields, body
        self.text, self.html, self.files = text, html, list(files)


class Maker:
    """Makes one message."""

    def __init__(self, rng, number):
        self.rng, self.number = rng, number
        self.tags = set()
        self.boundaries = 0
        self.eol = "\r\n" if rng.random() < 0.7 else "\n"

    def tag(self, name):
        self.tags.add(name)
        return True

    def chance(self, p, name=None):
        if self.rng.random() >= p:
            return False
        return self.tag(name) if name else True

    # ---- texts ---------------------------------------------------------------------------------

    def charset(self):
        label, codec, script = self.rng.choice(CHARSETS)
        return label, codec, SCRIPTS.get(script, [])

    def words(self, script, least, most):
        count = self.rng.randint(least, most)
        return [self.rng.choice(script if script and self.rng.random() < 0.5 else ASCII)
                for _ in range(count)]

    # ---- encoded words (RFC 2047) --------------------------------------------------------------

    def q_word(self, data, label, phrase):
        safe = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        if not phrase and self.chance(0.5):
            safe += b"!*+-/"
        text = "".join("_" if b == 32 else chr(b) if b in safe else "=%02X" % b for b in data)
        return "=?%s?%s?%s?=" % (label, self.rng.choice("Qq"), text)

    def encoded(self, text, phrase=False):
        """@text as encoded words, each of whole characters and at most 75 bytes."""
        usable = [c for c in CHARSETS if self.can(text, c[1])]
        label, codec, _ = self.rng.choice(usable)
        self.tag("word:" + label.lower())
        words, piece, base = [], "", self.rng.random() < 0.5
        self.tag("word:b" if base else "word:q")
        for char in text + "\0":
            longer = piece + char
            if char == "\0" or len(longer.encode(codec)) > (36 if base else 15):
                data = piece.encode(codec)
                if piece and base:
                    words.append("=?%s?%s?%s?=" % (label, self.rng.choice("Bb"),
                                                   base64.b64encode(data).decode()))
                elif piece:
                    words.append(self.q_word(data, label, phrase))
                longer = char
            piece = longer
        if len(words) > 1:
            self.tag("words")
        return self.fold_space().join(words)

    @staticmethod
    def can(text, codec):
        # Where Big5 has kana and Cyrillic is told in three ways; people do not write them in it.
        if codec == "cp950" and any(0x370 <= ord(c) < 0x530 or 0x3040 <= ord(c) < 0x3100
                                    for c in text):
            return False
        try:
            return text.encode(codec).decode(codec) == text
        except UnicodeError:
            return False

    def fold_space(self):
        return self.rng.choice([" ", " ", "\n ", "\n\t"]) if self.rng.random() < 0.5 else " "

    def subject(self):
        """Runs of words, each as it stands or encoded."""
        wire, text, last = [], [], None
        for _ in range(self.rng.randint(1, 4)):
            foreign = self.rng.random() < 0.6
            script = self.rng.choice(list(SCRIPTS.values()))
            run = " ".join(self.words(script if foreign else [], 1, 4))
            plain = run.isascii() and "=?" not in run
            encode = not plain or self.rng.random() < 0.2
            if encode and last == "encoded":    # the space between them belongs to one of them
                run = " " + run
            wire.append(self.encoded(run) if encode else run)
            text.append(run)
            last = "encoded" if encode else "plain"
        out = text[0]
        for before, run in zip(wire, text[1:]):
            out += run if run.startswith(" ") else " " + run
        return self.fold_words(wire), out

    def fold_words(self, wire):
        return "".join(("" if i == 0 else self.fold_space()) + run for i, run in enumerate(wire))

    def raw_subject(self):
        self.tag("raw utf-8 header")
        text = " ".join(self.words(SCRIPTS["any"], 1, 6))
        return text, text

    # ---- addresses -----------------------------------------------------------------------------

    def spec(self):
        local = self.rng.choice(["ann", "bob.smith", "x+tag", "o'neil", "a-b_c", "42", "info"])
        domain = self.rng.choice(["example.org", "mail.example.com", "example.co.uk", "x.example"])
        return "%s@%s" % (local, domain)

    def address(self):
        """One mailbox: how it is written, (name, address)."""
        spec, form = self.spec(), self.rng.randrange(8)
        if form == 0:
            return spec, (None, spec)
        if form == 1:
            return "<%s>" % spec, (None, spec)
        if form == 2:
            name = " ".join(self.rng.choices(["Ann", "Lee", "Bob", "Smith", "Desk"], k=2))
            return "%s <%s>" % (name, spec), (name, spec)
        if form == 3:
            name = " ".join(self.words([], 1, 3))
            quoted = name.replace("\\", "\\\\").replace('"', '\\"')
            return '"%s"%s<%s>' % (quoted, self.fold_space(), spec), (name, spec)
        if form == 4:
            self.tag("comment name")
            name = "Ann %s" % self.rng.choice(["Lee", "Desk"])
            return "%s (%s)" % (spec, name), (name, spec)
        if form == 5:
            name = "Smith, %s \\ \"Q\"" % self.rng.choice(["Ann", "Bob"])
            self.tag("escaped name")
            quoted = name.replace("\\", "\\\\").replace('"', '\\"')
            return '"%s" <%s>' % (quoted, spec), (name, spec)
        if form == 6 and self.chance(0.3, "raw utf-8 header"):
            name = " ".join(self.words(["Grüße", "Москва", "会議"], 2, 2))
            return '"%s" <%s>' % (name, spec), (name, spec)
        name = " ".join(self.rng.choice(SCRIPTS[self.rng.choice(list(SCRIPTS))]) for _ in range(2))
        return "%s <%s>" % (self.encoded(name, phrase=True), spec), (name, spec)

    def addresses(self, most):
        written, truth = [], []
        for _ in range(self.rng.randint(1, most)):
            if self.chance(0.08, "group"):
                inner = [self.address() for _ in range(self.rng.randint(0, 2))]
                written.append("Group: %s;" % ", ".join(a for a, _ in inner))
                truth += [t for _, t in inner]
            else:
                a, t = self.address()
                written.append(a)
                truth.append(t)
        return ("," + self.fold_space()).join(written), truth

    # ---- other fields --------------------------------------------------------------------------

    def date(self):
        zone, minutes = self.rng.choice(ZONES)
        when = datetime.datetime(self.rng.randint(1995, 2035), 1, 1) + datetime.timedelta(
            seconds=self.rng.randrange(365 * 86400))
        day = "" if self.chance(0.2, "date without day") else DAYS[when.weekday()] + ", "
        number = "%d" % when.day if self.chance(0.5) else "%02d" % when.day
        if self.chance(0.1, "date without seconds"):
            when = when.replace(second=0)
            clock = when.strftime("%H:%M")
        else:
            clock = when.strftime("%H:%M:%S")
        comment = " (zone)" if self.chance(0.2, "date comment") else ""
        self.tag("zone:" + zone)
        text = "%s%s %s %d %s %s%s" % (day, number, MONTHS[when.month - 1], when.year, clock, zone,
                                       comment)
        zone = datetime.timezone(datetime.timedelta(minutes=minutes))
        truth = when.replace(tzinfo=zone).isoformat()
        return text, truth.replace("+00:00", "Z")

    # ---- file names ----------------------------------------------------------------------------

    def percent(self, data):
        safe = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
        return "".join(chr(b) if b in safe else "%%%02X" % b for b in data)

    def filename(self, extension):
        script = self.rng.choice([[], SCRIPTS[self.rng.choice(list(SCRIPTS))]])
        stem = " ".join(self.words(script, 1, 4))
        for char in "<>*?:/\\|":
            stem = stem.replace(char, "")
        return "%s %d.%s" % (stem.strip() or "file", self.rng.randrange(1000), extension)

    def quoted(self, name):
        return '"%s"' % name.replace("\\", "\\\\").replace('"', '\\"')

    def name_pieces(self, key, name):
        """Continuations (RFC 2231 s.3, s.4.1)."""
        self.tag("2231 pieces")
        data = self.percent(name.encode())
        pieces, at = [], 0
        while at < len(data) or not pieces:
            end = at + self.rng.randint(10, 40)
            end += 1 if data[end - 1:end] == "%" else 0         # never inside an escape
            end += 1 if data[end - 2:end - 1] == "%" else 0
            pieces.append(data[at:end])
            at = end
        out = ['%s*%d*=%s%s' % (key, i, "utf-8''" if i == 0 else "", piece)
               for i, piece in enumerate(pieces)]
        if self.chance(0.2, "2231 out of order"):
            self.rng.shuffle(out)
        return out

    def name_parameters(self, key, name):
        """The parameters that say @key is @name."""
        form = self.rng.randrange(5)
        if name.isascii() and form < 2:
            if all(c.isalnum() or c in ".-_" for c in name):
                return ["%s=%s" % (key, name)]
            return ["%s=%s" % (key, self.quoted(name))]
        if form == 2:
            self.tag("2047 name")
            return ['%s="%s"' % (key, self.encoded(name))]
        if form == 3:
            return self.name_pieces(key, name)
        if form == 4 and self.chance(0.4, "raw utf-8 name"):
            return ["%s=%s" % (key, self.quoted(name))]
        usable = [c for c in CHARSETS if self.can(name, c[1]) and c[1] != "iso2022_jp"]
        label, codec, _ = self.rng.choice(usable)
        self.tag("2231 name")
        self.tag("2231:" + label.lower())
        return ["%s*=%s'%s'%s" % (key, label, self.rng.choice(["", "en", "de"]),
                                  self.percent(name.encode(codec)))]

    # ---- bodies --------------------------------------------------------------------------------

    def qp(self, data):
        """Quoted-printable; LF is a line end."""
        lines = []
        for line in data.split(b"\n"):
            out = ""
            for i, b in enumerate(line):
                last = i == len(line) - 1
                plain = (33 <= b <= 126 and b != 61) or (b in (9, 32) and not last)
                piece = chr(b) if plain else "=%02X" % b
                if len(out) - (out.rfind("\n") + 1) + len(piece) > 75:
                    out += "=\n"
                out += piece
            lines.append(out)
        return "\n".join(lines)

    def encode_text(self, text, codec):
        """A transfer encoding that can carry it, and the body as latin-1 text with LF."""
        data = text.encode(codec)
        choices = ["quoted-printable", "base64"]
        if all(b < 128 for b in data):
            choices += ["7bit", None]
        choices.append("8bit")
        encoding = self.rng.choice(choices)
        if encoding == "base64":
            whole = text.replace("\n", "\r\n").encode(codec)
            return encoding, base64.encodebytes(whole).decode().rstrip("\n")
        if encoding == "quoted-printable":
            return encoding, self.qp(data)
        return encoding, data.decode("latin-1")

    def text_lines(self, script):
        lines = []
        for _ in range(self.rng.randint(1, 6)):
            line = " ".join(self.words(script, 1, 9))
            if self.chance(0.05):
                line = self.rng.choice(["From the start", ".", "--", "-- ", "> " + line, "\tx",
                                        "--b", "=", "=20", ""])
            lines.append(line)
        if not lines[-1].strip():
            lines[-1] = "end"
        return "\n".join(lines)

    def text_fields(self, kind, label, encoding, more=()):
        quote = '"' if self.rng.random() < 0.3 else ""
        parameter = "" if label == "us-ascii" and self.chance(0.5) else "; charset=%s%s%s" % (
            quote, label, quote)
        fields = ["Content-Type: %s%s" % (self.rng.choice([kind, kind, kind.upper()]), parameter)]
        if encoding:
            fields.append("Content-Transfer-Encoding: " + self.rng.choice([
                encoding, encoding.upper(), encoding.capitalize()]))
        return fields + list(more)

    def text(self):
        label, codec, script = self.charset()
        self.tag("text:" + label.lower())
        text = self.text_lines(script)
        encoding, body = self.encode_text(text, codec)
        inline = ["Content-Disposition: inline"] if self.chance(0.1) else []
        return Leaf(self.text_fields("text/plain", label, encoding, inline), body, text=text)

    def html(self):
        label, codec, script = self.charset()
        self.tag("html:" + label.lower())
        line = " ".join(w for w in self.words(script, 1, 9) if "<" not in w and "&" not in w)
        line = line or "empty"
        html = "<html><body><p>%s</p></body></html>" % line
        encoding, body = self.encode_text(html, codec)
        return Leaf(self.text_fields("text/html", label, encoding), body, text=line, html=html)

    def file_body(self, kind):
        """A transfer encoding, the body as latin-1 with LF, and the bytes it stands for."""
        size = self.rng.choice([0, 1, 2, 3, 57, 58, self.rng.randrange(4000)])
        data = bytes(self.rng.getrandbits(8) for _ in range(size))
        if kind.startswith("text/") or self.chance(0.2):
            data = "\n".join(" ".join(self.words([], 1, 5))
                             for _ in range(self.rng.randint(1, 4))).encode()
            if self.chance(0.5):
                wire = self.qp(data)
                encoding = "quoted-printable"
            else:
                wire, encoding = data.decode(), "7bit"
            return encoding, wire, data.replace(b"\n", self.eol.encode())
        width = self.rng.choice([76, 76, 60, 4])
        wire = base64.b64encode(data).decode()
        return "base64", "\n".join(wire[i:i + width] for i in range(0, len(wire), width)), data

    def file(self):
        kind, extension = self.rng.choice(TYPES)
        encoding, body, data = self.file_body(kind)
        name, where = self.filename(extension), self.rng.randrange(4)
        on_type = self.name_parameters("name", name) if where in (0, 1) else []
        on_disposition = self.name_parameters("filename", name) if where in (0, 2, 3) else []
        disposition = "attachment" if where != 1 or kind.startswith("text/") else None
        if disposition and kind.startswith("image/") and self.chance(0.5):
            disposition = "inline"
        content_id = "part%d.%d@example.org" % (self.number, self.rng.randrange(10 ** 6))
        content_id = content_id if self.chance(0.3) else None
        fields = ["Content-Type: " + self.parameters(kind, on_type),
                  "Content-Transfer-Encoding: " + encoding]
        if disposition:
            fields.append("Content-Disposition: " + self.parameters(disposition, on_disposition))
        if content_id:
            fields.append("Content-ID: <%s>" % content_id)
        self.rng.shuffle(fields)
        digest = hashlib.sha256(data).hexdigest()
        return Leaf(fields, body, files=[(name, kind, content_id, len(data), digest)])

    def parameters(self, value, parameters):
        return "".join([value] + [";" + self.fold_space() + p for p in parameters])

    def message(self):
        """An attached message; what is inside belongs to it."""
        inner = Maker(self.rng, self.number)
        inner.eol = self.eol
        inner.boundaries = self.boundaries + 100
        head, body, _ = inner.parts(self.rng.randint(0, 1))
        self.tags |= inner.tags
        self.tag("message")
        data = (head + "\n" + body).replace("\n", self.eol).encode("latin-1")
        name = self.filename("eml")
        fields = ["Content-Type: message/rfc822",
                  "Content-Disposition: " + self.parameters(
                      "attachment", self.name_parameters("filename", name))]
        digest = hashlib.sha256(data).hexdigest()
        return Leaf(fields, head + "\n" + body,
                    files=[(name, "message/rfc822", None, len(data), digest)])

    # ---- structure -----------------------------------------------------------------------------

    def boundary(self):
        self.boundaries += 1
        form = self.rng.choice(["b%d", "=_%d", "----=_Part_%d", "(%d)", "%d's", "a b %d", "--%d"])
        return form % self.boundaries + "x" * self.rng.choice([0, 0, 40])

    def multipart(self, kind, leaves):
        mark = self.boundary()
        if all(c.isalnum() for c in mark) and self.chance(0.5):
            parameter = "boundary=" + mark
        else:
            parameter = 'boundary="%s"' % mark
        fields = ["Content-Type: " + self.parameters("multipart/" + kind, [parameter])]
        body = "This is a multi-part message.\n" if self.chance(0.3) else ""
        for leaf in leaves:
            space = self.rng.choice([" ", "\t"]) if self.chance(0.05, "boundary space") else ""
            body += "--%s%s\n%s\n%s\n" % (
                mark, space, "".join(self.field(f) for f in leaf.fields), leaf.body)
        body += "--%s--\n" % mark
        if self.chance(0.2):
            body += "epilogue\n"
        texts = [leaf.text for leaf in leaves if leaf.text is not None]
        htmls = [leaf.html for leaf in leaves if leaf.html is not None]
        if kind == "alternative":
            texts = texts[:1]
        return Leaf(fields, body.rstrip("\n"), "\n".join(texts) if texts else None,
                    "\n".join(htmls) if htmls else None,
                    [f for leaf in leaves for f in leaf.files])

    def field(self, line):
        """A field as it goes out: its text may be UTF-8, bodies are latin-1 already."""
        return line.encode("utf-8").decode("latin-1") + "\n"

    def document(self, depth):
        """What stands for the text of a message."""
        form = self.rng.randrange(5)
        if form == 0:
            return self.html()
        if form == 1:
            return self.multipart("alternative", [self.text(), self.html()])
        if form == 2 and depth > 0:
            related = self.multipart("related", [self.html()] + [
                self.related_file() for _ in range(self.rng.randint(1, 2))])
            return self.multipart("alternative", [self.text(), related])
        return self.text()

    def related_file(self):
        leaf = self.file()
        while not leaf.files[0][2]:
            leaf = self.file()
        return leaf

    def tree(self, depth):
        if depth == 0 or self.chance(0.3):
            return self.document(depth)
        leaves = [self.tree(depth - 1)]
        for _ in range(self.rng.randint(0, 3)):
            form = self.rng.random()
            if form < 0.6:
                leaves.append(self.file())
            elif form < 0.75:
                leaves.append(self.message())
            elif form < 0.9:
                leaves.append(self.document(0))
            else:
                leaves.append(self.tree(depth - 1))
        kind = self.rng.choice(["mixed", "mixed", "mixed", "x-unknown"])
        return self.multipart(kind, leaves)

    def parts(self, depth):
        """The message: header and body with LF, and the truth."""
        root = self.tree(depth)
        truth = dict.fromkeys(("subject", "date", "message_id"))
        truth.update({"from": [], "to": [], "cc": [], "references": []})
        fields = ["MIME-Version: 1.0"] + root.fields
        if self.chance(0.95):
            raw = self.raw_subject() if self.chance(0.1) else self.subject()
            fields.append("Subject: " + raw[0])
            truth["subject"] = raw[1]
        for name, most in (("from", 1), ("to", 5), ("cc", 3)):
            if self.chance(0.9 if name != "cc" else 0.3):
                written, truth[name] = self.addresses(most)
                fields.append("%s: %s" % (name.capitalize(), written))
        written, truth["date"] = self.date()
        fields.append("Date: " + written)
        truth["message_id"] = "%d.%d@example.org" % (self.number, self.rng.randrange(10 ** 6))
        fields.append("Message-ID: <%s>" % truth["message_id"])
        if self.chance(0.3):
            truth["references"] = ["r%d@example.org" % i for i in range(self.rng.randint(1, 9))]
            fields.append("References: " + self.fold_space().join(
                "<%s>" % r for r in truth["references"]))
        self.rng.shuffle(fields)
        truth.update({"text": root.text, "html": root.html, "attachments": root.files})
        return "".join(self.field(f) for f in fields), root.body, truth


def make(seed, number):
    maker = Maker(random.Random("%d/%d" % (seed, number)), number)
    head, body, truth = maker.parts(maker.rng.randint(0, 3))
    raw = (head + "\n" + body).replace("\n", maker.eol).encode("latin-1")
    return Mail(number, raw, truth, maker.tags)


def generate(count, seed=1):
    for number in range(count):
        yield make(seed, number)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: mailrandom.py SEED NUMBER")
    sys.stdout.buffer.write(make(int(sys.argv[1]), int(sys.argv[2])).raw)
