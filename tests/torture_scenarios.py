# SPDX-License-Identifier: Apache-2.0
"""torture_scenarios - mailboxes and connection strings that torture_steps and torture_power break."""
import dataclasses


def message(number, size=100, subject="message", message_id=None):
    text = ("From: sender@example.org\r\nTo: ann@example.org\r\nSubject: %s %d\r\n"
            "Message-ID: <%s@torture.example.org>\r\n"
            "Date: Sun, 01 Mar 2026 12:00:00 +0100\r\n\r\n"
            % (subject, number, message_id or number))
    return text.encode() + b"%d: " % number + b"x" * size + b"\r\n"


def messages(count, **options):
    return tuple(message(n, **options) for n in range(count))


def mail(header, body):
    return ("From: sender@example.org\r\nDate: Sun, 01 Mar 2026 12:00:00 +0100\r\n%s\r\n"
            % header).encode() + body


HTML = mail("Subject: html\r\nContent-Type: text/html; charset=utf-8\r\n",
            b"<p>a\x07b &amp; c</p>\r\n")
PACKED = mail("Subject: packed\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n",
              b"--b\r\n\r\ntext\r\n--b\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\n"
              b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 300 + b"\r\n--b--\r\n")
LONG_LINE = mail("Subject: long\r\n", b"y" * 5000 + b"\r\n")
NO_END = mail("Subject: no end\r\n", b"no end of line")
EIGHT_BIT = mail("Subject: caf\u00e9\r\n", b"caf\xe9 in latin 1\r\n")


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    inbox: tuple                 # raw bytes, or (raw bytes, flags)
    keys: str = ""               # more of the connection string
    others: tuple = ()           # (folder, raw bytes): what was there before
    arguments: tuple = ()        # more of the command line
    dying: tuple = ()            # the same, only of runs that die
    before: tuple = ()           # runs that came before, each of which died at the point of this name
    orders: int = 0              # so many orders at least move or copy, or it is not what its name says
    healthy: int = 1             # so many runs end a round
    renumbered: str = ""         # the server numbers the mailbox anew, "first": before the run that dies,
                                 # "between": behind it
    new_uids: bool = False       # ... and gives all messages other UIDs
    poison: bool = False         # one more death may be the third of a mail beside: it is set aside, too
    work: bool = False           # somebody takes entries and is done with them meanwhile
    twice: bool = False          # in the long run: die while going on, too
    check: tuple = ()            # kinds of server of make check


FILED = "dropbox=Done/2026/M\u00e4rz;badmail=Done/Bad mail"
TWIN = message(1)
SCENARIOS = (
    Scenario("no mail", ()),
    Scenario("one mail", messages(1), twice=True, check=("full", "uidplus", "move", "bare")),
    Scenario("three mails", messages(3)),
    Scenario("300 mails, three orders move", messages(300, size=10), orders=3),
    Scenario("60 mails", messages(60, size=10), orders=1),
    Scenario("twelve mails of 200 kB, more than one order moves", messages(12, size=200000), orders=2),
    Scenario("a mail that is too large", (message(1, size=3000),), "maxSize=2kB"),
    Scenario("good, too large, empty, without header",
             (message(0), message(1, size=3000), b"\r\n", b"\r\nbody only\r\n", message(2)),
             "maxSize=2kB", twice=True, check=("full",)),
    Scenario("a mail that is kept as a file", (message(1, size=300000),), check=("move",)),
    Scenario("after=Leave", messages(2), "after=Leave", check=("bare",)),
    Scenario("after=Leave with bad mail", (message(0), message(1, size=3000)),
             "after=Leave;maxSize=2kB"),
    Scenario("after=Delete", messages(2), "after=Delete", twice=True, check=("full",)),
    Scenario("after=Delete with bad mail", (message(0), message(1, size=3000)),
             "after=Delete;maxSize=2kB"),
    Scenario("after=Flag", messages(2), "after=Flag", check=("uidplus",)),
    Scenario("nested folders that are missing", messages(1), FILED, check=("uidplus",)),
    Scenario("nested folders, bad mail", (message(0), message(1, size=3000)),
             FILED + ";maxSize=2kB"),
    Scenario("batch=1", messages(3), "batch=1"),
    Scenario("an accept rule", (message(0), message(1, subject="other"), message(2)),
             "accept=Subject:/^message/", check=("move",)),
    Scenario("a search of the user", (message(0), (message(1), "(\\Seen)"), message(2)),
             "search=UNSEEN"),
    Scenario("flags are kept", ((message(0), "(\\Seen \\Flagged)"), (message(1), "(\\Answered)"))),
    Scenario("the archive holds the same Message-ID", (message(1), message(2, message_id="1")),
             others=(("DROPBOX", message(9, message_id="1")),)),
    Scenario("the archive holds the same mail", (TWIN, message(2)),
             others=(("DROPBOX", TWIN), ("DROPBOX", TWIN)), twice=True, check=("bare",)),
    Scenario("two mails that are alike", (TWIN, TWIN, message(2)), check=("bare",)),
    Scenario("other people's \\Deleted", (message(0), (message(1), "(\\Deleted)"), message(2)),
             check=("uidplus",)),
    # Sizes of batches and windows
    Scenario("batch=2, seven mails", messages(7), "batch=2"),
    Scenario("batch=5, twelve mails, some too large",
             tuple(message(n, size=3000 if n % 4 == 1 else 50) for n in range(12)),
             "batch=5;maxSize=2kB"),
    Scenario("batch=1, bad and good in turn",
             tuple(message(n, size=3000 if n % 2 else 50) for n in range(4)),
             "batch=1;maxSize=2kB"),
    Scenario("bad mail only", (message(1, size=3000), message(2, size=3000)), "maxSize=2kB"),
    Scenario("batch=1, after=Delete", messages(3), "batch=1;after=Delete"),
    # Large mail
    Scenario("two files and a small mail",
             (message(1, size=300000), message(2), message(3, size=400000))),
    Scenario("a file, and a mail that is too large",
             (message(1, size=300000), message(2, size=600000)), "maxSize=500kB"),
    Scenario("a file, after=Leave", (message(1, size=300000),), "after=Leave"),
    # What is in mails
    Scenario("mails of many kinds", (HTML, PACKED, LONG_LINE, NO_END, EIGHT_BIT)),
    Scenario("HTML as an attachment, controls dropped", (HTML, PACKED), "attachHtml=True;sanitize=True"),
    # Rules
    Scenario("a skip rule", (message(0), message(1, subject="other"), message(2)),
             "skip=Subject:/^other/"),
    Scenario("nothing is accepted", messages(2), "accept=X-Not-There:/./"),
    Scenario("a search that finds nothing", messages(2), "search=SUBJECT nothing"),
    # What becomes of the original
    Scenario("after=Flag with bad mail", (message(0), message(1, size=3000)),
             "after=Flag;maxSize=2kB"),
    Scenario("after=Leave, and the next run finds nothing", messages(3), "after=Leave", healthy=2),
    Scenario("keywords are kept", ((message(0), "($Work Later)"), (message(1), "(\\Draft)"))),
    # The command line
    Scenario("--limit 2 of five", messages(5), arguments=("--limit", "2"), healthy=3),
    Scenario("--limit 1, one of two is too large", (message(1, size=3000), message(2)), "maxSize=2kB",
             arguments=("--limit", "1"), healthy=2),
    Scenario("--watch that ends by --limit", messages(3), dying=("--watch", "--limit", "3")),
    Scenario("--json", messages(2), arguments=("--json",)),
    # All folders, left as they are
    Scenario("all folders, and the next run finds nothing", messages(2), "folders=*",
             others=(("Work", message(3)), ("Work/M&APw-ll", message(4)), ("Junk", message(5))),
             healthy=2, twice=True),
    Scenario("two folders, left as they are", messages(1), "folders=*", others=(("Work", message(3)),),
             check=("full",)),
    Scenario("all folders, one by one, one mail too large", messages(2), "folders=*;batch=1;maxSize=2kB",
             others=(("Work", message(3, size=3000)), ("Work", message(4)), ("Zoo", message(5)))),
    Scenario("all folders, a mail that three runs died of", messages(1), "folders=*",
             others=(("Work", message(3)), ("Zoo", message(5))), before=("body",) * 3),
    Scenario("chosen folders, a file among them", messages(1), "folders=INBOX,W*;skipFolders=*/no",
             others=(("Work", message(3, size=300000)), ("Work/no", message(4)))),
    # What earlier runs left, and others do
    Scenario("a mail that was there when a run died", messages(2), before=("body",)),
    Scenario("a mail that three runs died of", messages(2), before=("body",) * 3, poison=True),
    Scenario("a run that died before it moved", messages(3), before=("settle",)),
    Scenario("a run that died before it committed a file", (message(1, size=300000),),
             before=("queue_commit",)),
    Scenario("the mailbox is numbered anew between the runs", messages(3), renumbered="between"),
    Scenario("the mailbox is numbered anew between the runs, with other UIDs", messages(3),
             renumbered="between", new_uids=True),
    Scenario("the mailbox is numbered anew between the runs, after=Leave", messages(3), "after=Leave",
             renumbered="between", new_uids=True),
    Scenario("a run died before it moved, then the mailbox was numbered anew", messages(3),
             before=("settle",), renumbered="first", new_uids=True),
    Scenario("a run was to leave mail, then the mailbox was numbered anew", messages(2), "after=Leave",
             before=("close",), renumbered="first", new_uids=True, check=("full",)),
    Scenario("entries are taken and done meanwhile", messages(3), work=True, twice=True),
    Scenario("entries are taken meanwhile, after=Leave", messages(3), "after=Leave", work=True),
)


def scenario(name):
    return next(each for each in SCENARIOS if each.name == name)
