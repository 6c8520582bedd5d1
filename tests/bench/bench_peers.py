# SPDX-License-Identifier: Apache-2.0
"""bench_peers - what people run today, each told to pick up and archive as well as it can. See
bench_contestants for what a contestant is.

fdm and fetchmail cannot move, they delete; mbsync moves by its trash folder, in a second run.
imapflow and Python are programs of thirty lines, as they are written everywhere, that keep each raw
message, read it, and store what was in it durably, a hundred at a time."""
import collections
import email
import functools
import glob
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys

from bench_contestants import ARCHIVE, Contestant, check, check_all, check_server
from bench_server import PASSWORD

HERE = os.path.dirname(os.path.abspath(__file__))
NPM_PACKAGES = ("imapflow@2.10.2", "mailparser@3.14.2")


def port(round_):
    return round_.server.tls_port if round_.tls else round_.server.port


def write(round_, name, text):
    """A configuration file with a password in it."""
    path = os.path.join(round_.folder, name)
    with open(path, "w", encoding="utf-8") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(text)
    return path


def make_maildir(round_):
    """An empty one that nobody else may read: fdm asks for that."""
    mail = os.path.join(round_.folder, "mail")
    for path in (mail, mail + "/new", mail + "/cur", mail + "/tmp"):
        os.mkdir(path, 0o700)
    return mail


def not_as_root(round_):
    """What stands before the command of a peer that does not deliver as root."""
    if os.getuid() != 0:
        return []
    round_.server.hand_over(round_.folder)
    user = round_.server.account
    return ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]


def body_digest(path):
    """SHA-256 of what stands behind the header, lines ended by LF."""
    with open(path, "rb") as file:
        raw = file.read()
    if raw.find(b"\r\n") >= 0:
        raw = raw.replace(b"\r\n", b"\n")
    return hashlib.sha256(memoryview(raw)[raw.index(b"\n\n") + 2:]).hexdigest()


def attachment_digests(path):
    with open(path, "rb") as file:
        message = email.message_from_binary_file(file)
    return tuple(hashlib.sha256(part.get_payload(decode=True)).hexdigest()
                 for part in message.walk() if part.get_filename())


def check_files(paths, expected):
    """Each file has the body of a message; one that was written anew has its attachments."""
    wanted = collections.Counter(e.body for e in expected)
    rewritten = []
    for path in paths:
        digest = body_digest(path)
        if wanted[digest] > 0:
            wanted[digest] -= 1
        else:
            rewritten.append(path)
    missing = [tuple(e.attachments) for e in expected if wanted[e.body] > 0]
    check_all("messages", [attachment_digests(path) for path in rewritten], missing)


class Program(Contestant):
    """A command with a configuration file, that leaves a message a file below mail/."""

    files = ("mail/new/*", "mail/cur/*")

    def __init__(self, _work):
        pass

    def missing(self):
        return None if shutil.which(self.program) else "%s is not installed" % self.program

    def verify(self, round_):
        found = [path for pattern in self.files
                 for path in glob.glob(os.path.join(round_.folder, pattern))]
        check_files(found, round_.box.expected)
        check_server(round_, archived=self.archive == "move")


class Fdm(Program):
    name = program = "fdm"
    archive = "delete"

    def command(self, round_):
        config = write(round_, "fdm.conf", """\
set maximum-size 1G
set lock-file "%s/lock"
account "a" %s server "localhost" port %d user "%s" pass "%s" %s
action "keep" maildir "%s"
match all action "keep"
""" % (round_.folder, "imaps" if round_.tls else "imap", port(round_), round_.user, PASSWORD,
       "" if round_.tls else "no-cram-md5 insecure", make_maildir(round_)))
        return not_as_root(round_) + ["fdm", "-f", config, "fetch"]


class Mbsync(Program):
    name = program = "mbsync"

    def command(self, round_):
        mail = make_maildir(round_)
        link = "SSLType IMAPS\nCertificateFile %s" % round_.server.ca_file if round_.tls else \
            "SSLType None\nAuthMechs LOGIN"
        config = write(round_, "mbsyncrc", """\
IMAPAccount a
Host localhost
Port %d
User %s
Pass %s
%s

IMAPStore far
Account a
Trash %s

MaildirStore near
Path %s/
Inbox %s

Channel pull
Far :far:
Near :near:
Sync Pull
SyncState *

Channel archive
Far :far:
Near :near:
Sync PushFlags
Expunge Far
SyncState *
""" % (port(round_), round_.user, PASSWORD, link, ARCHIVE, round_.folder, mail))
        mark = os.path.join(HERE, "mark-trashed.py")
        return ["/bin/sh", "-c", 'mbsync -c "$0" pull && "$1" "$2" "$3" && mbsync -c "$0" archive',
                config, sys.executable, mark, mail]


class Fetchmail(Program):
    name = program = "fetchmail"
    archive = "delete"
    files = ("mail/new/*",)

    def command(self, round_):
        link = "ssl sslcertck sslcertfile %s" % round_.server.ca_file if round_.tls else \
            'sslproto ""'
        config = write(round_, "fetchmailrc", """\
set invisible
poll localhost service %d protocol imap auth password user "%s" password "%s" %s
  fetchall no keep fetchlimit 0 limit 0 mda "exec cat > %s/new/$$"
""" % (port(round_), round_.user, PASSWORD, link, make_maildir(round_)))
        return ["fetchmail", "-f", config, "--nodetach", "--nosyslog", "--silent", "--pidfile",
                os.path.join(round_.folder, "pid"), "--idfile", os.path.join(round_.folder, "ids")]


class Getmail(Program):
    name, program = "getmail6", "getmail"

    def command(self, round_):
        link = "type = SimpleIMAPSSLRetriever\nca_certs = %s" % round_.server.ca_file \
            if round_.tls else "type = SimpleIMAPRetriever"
        write(round_, "getmailrc", """\
[retriever]
%s
server = localhost
port = %d
username = %s
password = %s
mailboxes = ("INBOX",)
move_on_delete = %s
[destination]
type = Maildir
path = %s/
[options]
verbose = 0
delete = true
read_all = true
delivered_to = false
received = false
""" % (link, port(round_), round_.user, PASSWORD, ARCHIVE, make_maildir(round_)))
        return not_as_root(round_) + ["getmail", "--getmaildir", round_.folder, "--rcfile",
                                      "getmailrc"]


@functools.lru_cache(maxsize=None)
def npm_install(folder):
    """None, or why the packages cannot be had."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return "%s is not installed" % program
    if all(os.path.exists(os.path.join(folder, "node_modules", name.split("@")[0]))
           for name in NPM_PACKAGES):
        return None
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", folder,
                           *NPM_PACKAGES], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else "npm cannot install: " + " ".join(
        done.stderr.split())[:200]


class Imapflow(Contestant):
    name = "imapflow + mailparser"

    def __init__(self, work):
        self.npm = os.path.join(os.path.abspath(work), "npm")

    def missing(self):
        return npm_install(self.npm)

    def environment(self, round_):
        return dict(super().environment(round_), BENCH_NPM=self.npm, BENCH_PASSWORD=PASSWORD,
                    NODE_EXTRA_CA_CERTS=round_.server.ca_file)

    def command(self, round_):
        return ["node", os.path.join(HERE, "imapflow-pickup.mjs"), str(port(round_)),
                "tls" if round_.tls else "plain", round_.user, ARCHIVE]

    def verify(self, round_):
        with open(os.path.join(round_.folder, "entries"), encoding="utf-8") as lines:
            entries = [json.loads(line) for line in lines]
        check_all("attachments", [tuple(e["attachments"]) for e in entries],
                  [tuple(e.attachments) for e in round_.box.expected])
        check_server(round_)


class Python(Contestant):
    name = "Python imaplib + email + sqlite3"

    def __init__(self, _work):
        pass

    def environment(self, round_):
        return dict(super().environment(round_), BENCH_PASSWORD=PASSWORD)

    def command(self, round_):
        return [sys.executable, os.path.join(HERE, "python-pickup.py"), str(port(round_)),
                round_.server.ca_file if round_.tls else "", round_.user, ARCHIVE]

    def verify(self, round_):
        db = sqlite3.connect(os.path.join(round_.folder, "queue.db"))
        rows = db.execute("SELECT length(raw), attachments FROM mail").fetchall()
        db.close()
        check(all(size for size, _ in rows), "there are empty messages")
        check_all("attachments", [(size, tuple(json.loads(a))) for size, a in rows],
                  [(e.size, tuple(e.attachments)) for e in round_.box.expected])
        check_server(round_)


PEERS = {"fdm": Fdm, "mbsync": Mbsync, "fetchmail": Fetchmail, "getmail": Getmail,
         "imapflow": Imapflow, "python": Python}


def chosen(text, work):
    """The contestants that "all", "none" or names with commas mean."""
    names = {"all": list(PEERS), "none": []}.get(text, text.split(","))
    for name in names:
        if name not in PEERS:
            sys.exit("bench: there is no peer '%s'; there are %s" % (name, ", ".join(PEERS)))
    return [PEERS[name](work) for name in names]
