#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""dovecot - a private IMAP server for tests and demonstrations.

    with Dovecot() as server:
        server.append("ann", "INBOX", b"Subject: hello\\r\\n\\r\\n")
        ... server.host, server.port (plain, STARTTLS), server.tls_port, server.ca_file,
        ... server.password (the same for every user name)

    tests/dovecot.py run --mail DIR     one by hand: prints how to reach it, serves until Ctrl-C

Everything lives below one temporary folder: configuration, mail, sockets, log, keys. It listens on
127.0.0.1 only, on ports that were free, never as a service of the system, and is gone with all its
processes after stop(). Started by root it runs as `nobody`; started by anybody else, as that user.

Which Dovecot: the unpacked packages below $MAILCHUTE_DOVECOT (what ./quickstart makes), else the
installed one. find() tells which, or why there is none. Needs Dovecot 2.3 or 2.4 and the openssl
command.
"""
import argparse
import base64
import contextlib
import ctypes
import functools
import glob
import grp
import imaplib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PASSWORD = "open;sesame=\"it's\\me\""   # hard on every quoting rule on its way
START_SECONDS = 60
STOP_SECONDS = 20
CERTIFICATES = ("good", "self-signed", "wrong-name", "expired")

BASE_CAPABILITY = "IMAP4rev1 SASL-IR LITERAL+ ENABLE IDLE NAMESPACE CHILDREN UNSELECT ESEARCH"
# What a server offers decides how a message is moved (see README, "The way of one mail").
KINDS = {
    "full": None,                                      # everything that Dovecot has
    "uidplus": BASE_CAPABILITY + " UIDPLUS",           # COPY, \Deleted, UID EXPUNGE
    "move": BASE_CAPABILITY + " MOVE",                 # UID MOVE without COPYUID to rely on
    "bare": BASE_CAPABILITY,                           # COPY and a flag
}

# What Dovecot 2.3 and 2.4 write alike, then what they write in their own ways.
CONFIG = """\
base_dir = {run}
state_dir = {run}
instance_name = mailchute-test
protocols = imap
listen = 127.0.0.1
log_path = {log}
default_process_limit = 2000
default_client_limit = 8000
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
auth_failure_delay = 0
auth_mechanisms = plain login
mail_max_userip_connections = {max_connections}
mailbox_idle_check_interval = 1s
ssl = {ssl}
{capability}{rawlog}{libexec}{environment}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
{special}}}
service imap-login {{
  chroot =
  process_min_avail = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""
CONFIG_2_3 = """\
disable_plaintext_auth = no
mail_location = {mail_format}:{mail}/%u/box
imap_logout_format = in=%i out=%o deleted=%{{deleted}} expunged=%{{expunged}} \
  bodies=%{{fetch_body_count}}
ssl_cert = <{keys}/{certificate}.crt
ssl_key = <{keys}/{certificate}.key
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=everybody {users}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={mail}/%u
}}
# A process serves many sessions, one after the other: a session costs a quarter of the time.
service imap {{
  service_count = 1000
}}
service imap-login {{
  service_count = 0
}}
"""
CONFIG_2_4 = """\
auth_allow_cleartext = yes
mail_driver = {mail_format}
mail_path = {mail}/%{{user}}/box
imap_logout_format = in=%{{input}} out=%{{output}} deleted=%{{deleted}} expunged=%{{expunged}} \
  bodies=%{{fetch_body_count}}
ssl_server_cert_file = {keys}/{certificate}.crt
ssl_server_key_file = {keys}/{certificate}.key
passdb passwd-file {{
  passwd_file_path = {users}
  auth_username_format = everybody
}}
userdb static {{
  fields {{
    uid = {user}
    gid = {group}
    home = {mail}/%{{user}}
  }}
}}
"""
# The first lines of a file of 2.4, whatever its last number.
CONFIG_2_4_HEAD = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n"


def server_account():
    """Who the server runs as; KeyError where that user has no name."""
    return pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())


class NoDovecot(Exception):
    """There is no Dovecot here that can be used; the text says why."""


class Program:
    """Where Dovecot's programs are, and what they need in their environment."""

    def __init__(self, root):
        self.root = root   # "" for the installed one

    def path(self, name):
        folder = {"dovecot": "/usr/sbin/", "doveadm": "/usr/bin/", "doveconf": "/usr/bin/"}[name]
        return self.root + folder + name

    def environment(self):
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        if self.root:
            ours = self.root + "/usr/lib/dovecot"
            libraries = [ours, ours + "/modules/old-stats"]
            libraries += glob.glob(self.root + "/usr/lib/*-linux-gnu*")
            libraries += glob.glob(self.root + "/lib/*-linux-gnu*")
            env.update(UNPACKED_ROOT=self.root, LD_PRELOAD=self.root + "/unpacked.so",
                       LD_LIBRARY_PATH=":".join(libraries))
        return env

    @functools.cached_property
    def version(self):
        out = subprocess.run([self.path("dovecot"), "--version"], env=self.environment(),
                             capture_output=True, text=True, check=False)
        return out.stdout.strip()


@functools.lru_cache(maxsize=None)
def find():
    """The Program to use; raises NoDovecot."""
    root = os.environ.get("MAILCHUTE_DOVECOT", "")
    program = Program(root)
    if not os.access(program.path("dovecot"), os.X_OK):
        raise NoDovecot("Dovecot is not there (%s): install dovecot-imapd, or let ./quickstart "
                        "unpack one" % program.path("dovecot"))
    if not program.version.startswith(("2.3.", "2.4.")):
        raise NoDovecot("Dovecot 2.3 or 2.4 is needed, this is '%s'" % program.version)
    try:
        server_account()
    except KeyError:
        raise NoDovecot("the user that runs this has no name, which Dovecot needs") from None
    if shutil.which("openssl") is None:
        raise NoDovecot("the openssl command is not there: install openssl")
    return program


def missing():
    """None, or why no server can be started: a reason for tests to skip."""
    try:
        find()
    except NoDovecot as why:
        return str(why)
    return None


def free_ports(count):
    """Loopback ports that were free a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]


def openssl(*args):
    done = subprocess.run(("openssl",) + args, check=False, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError("openssl %s: %s" % (" ".join(args), done.stderr))


def make_certificates(folder, name):
    """An own authority (ca.crt) and the server certificate that CERTIFICATES calls @name."""
    def path(file):
        return os.path.join(folder, file)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    host, more = "localhost", ",IP:127.0.0.1"
    if name == "wrong-name":
        host, more = "elsewhere.example", ""
    with open(path("names"), "w", encoding="ascii") as names:
        names.write("subjectAltName=DNS:%s%s\nsubjectKeyIdentifier=hash\n"
                    "authorityKeyIdentifier=keyid\n" % (host, more))
    openssl("req", "-x509", "-new", *new_key, "-subj", "/CN=mailchute test authority",
            "-days", "30", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout", path("ca.key"), "-out", path("ca.crt"))
    openssl("req", "-new", *new_key, "-subj", "/CN=" + host, "-keyout", path(name + ".key"),
            "-out", path("request"))
    signer = ("-signkey", path(name + ".key")) if name == "self-signed" else (
        "-CA", path("ca.crt"), "-CAkey", path("ca.key"), "-CAcreateserial")
    openssl("x509", "-req", "-in", path("request"), "-extfile", path("names"),
            "-days", "0" if name == "expired" else "30", "-out", path(name + ".crt"), *signer)
    if name == "expired":
        time.sleep(2)   # it was good for the second in which it was made


def reachable_by_others(path):
    """Whether another user gets to @path."""
    while path != "/":
        path = os.path.dirname(path)
        if not os.stat(path).st_mode & 0o001:
            return False
    return True


def quoted(text):
    """An IMAP string for imaplib, of bytes or text that is ASCII already."""
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def folder_name(name):
    """A folder's name on the wire: modified UTF-7 (RFC 3501 s.5.1.3)."""
    def run(match):
        raw = match.group().encode("utf-16-be")
        return "&%s-" % base64.b64encode(raw).rstrip(b"=").decode().replace("/", ",")
    return re.sub(r"[^\x20-\x7e]+", run, name.replace("&", "&-"))


def folder_text(wire):
    """The reverse of folder_name()."""
    def run(match):
        text = match.group(1).replace(",", "/")
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-16-be") if text else "&"
    return re.sub(r"&([^-]*)-", run, wire)


class Dovecot:
    """One server. Every user name exists as soon as it logs in; all share one password."""

    host = "localhost"

    def __init__(self, mail_format="sdbox", separator="/", prefix="", kind="full",
                 certificate="good", ssl="yes", max_connections=50, rawlog=False,
                 password=PASSWORD, folder=None, more="", special=None):
        self.program = find()
        self.password = password
        self.separator, self.prefix = separator, prefix
        self.special = special or {}   # {"Junk": "\\Junk"}: folders that each user has, and for what
        self.options = dict(mail_format=mail_format, kind=kind, certificate=certificate, ssl=ssl,
                            max_connections=max_connections, rawlog=rawlog)
        self.more = more   # configuration behind ours
        self.temporary = folder is None
        self.folder = folder
        self.process = None
        self.port = self.tls_port = None

    # ---- start and stop ----------------------------------------------------------------------

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    @property
    def ca_file(self):
        return self.path("keys", "ca.crt")

    @property
    def log_file(self):
        return self.path("dovecot.log")

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as log:
            return log.read()

    def start(self):
        """Start and wait until both ports greet. Another try where somebody took a port first."""
        self._prepare()
        try:
            for _ in range(3):
                self.port, self.tls_port = free_ports(2)
                self._write_config()
                self._spawn()
                if self._ready():
                    return self
                self._end_process()
            raise RuntimeError("Dovecot does not start:\n" + self.log())
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """End the server and all its processes; a temporary folder goes too."""
        self._end_process()
        if self.temporary and self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def halt(self):
        """End it as if it had crashed: mail, names and ports stay; go_on() starts it again."""
        self._end_process()

    def go_on(self):
        self._spawn()
        if not self._ready():
            raise RuntimeError("Dovecot does not start again:\n" + self.log())

    def set_password(self, password):
        """Let everybody in with this one alone, from the next login on."""
        self.password = password
        self._write_users()
        time.sleep(1.02 - time.time() % 1)   # it looks at the file once in a second of the clock

    def set_certificate(self, name):
        """Show another of CERTIFICATES, which ca_file does not vouch for, from go_on() on."""
        if name != self.options["certificate"] and not os.path.exists(self.path("keys", name + ".crt")):
            folder = self.path("keys", name)
            os.makedirs(folder, exist_ok=True)
            make_certificates(folder, name)
            for kind in (".crt", ".key"):
                shutil.copy(os.path.join(folder, name + kind), self.path("keys", name + kind))
            self._give(self.path("keys"))
        self.options["certificate"] = name
        self._write_config()

    def _prepare(self):
        self.account = server_account()
        if self.folder is None:
            where = tempfile.gettempdir()
            if os.getuid() == 0 and not reachable_by_others(where + "/x"):
                where = "/tmp"
            # Short, because the paths of sockets may have 107 bytes.
            self.folder = tempfile.mkdtemp(prefix="mcd", dir=where)
        for name in ("run", "mail", "keys", "raw"):
            os.makedirs(self.path(name), exist_ok=True)
        if not os.path.exists(self.path("keys", self.options["certificate"] + ".crt")):
            make_certificates(self.path("keys"), self.options["certificate"])
        self._write_users()
        if os.getuid() == 0:
            self._unpacked_for_others()
            self._give(self.folder)

    def _write_users(self):
        with open(self.path("users"), "w", encoding="utf-8") as users:
            users.write("everybody:{PLAIN}%s\n" % self.password)

    def _unpacked_for_others(self):
        root = self.program.root
        if root and not reachable_by_others(root + "/x"):
            shutil.copytree(root, self.path("dovecot"), symlinks=True, dirs_exist_ok=True)
            self.program = Program(self.path("dovecot"))

    def _give(self, path):
        """Hand a tree to the user that the server runs as."""
        if os.getuid() != 0:
            return
        uid, gid = self.account.pw_uid, self.account.pw_gid
        os.chown(path, uid, gid)
        for top, folders, files in os.walk(path):
            for name in folders + files:
                os.chown(os.path.join(top, name), uid, gid, follow_symlinks=False)

    def _write_config(self):
        o = self.options
        capability = KINDS[o["kind"]]
        environment = self.program.environment() if self.program.root else {}
        new = not self.program.version.startswith("2.3.")
        template = CONFIG_2_4_HEAD + CONFIG + CONFIG_2_4 if new else CONFIG + CONFIG_2_3
        text = template.format(
            run=self.path("run"), log=self.log_file, keys=self.path("keys"),
            mail=self.path("mail"), users=self.path("users"), user=self.account.pw_name,
            group=grp.getgrgid(self.account.pw_gid).gr_name, port=self.port,
            tls_port=self.tls_port, ssl=o["ssl"], certificate=o["certificate"],
            max_connections=o["max_connections"], separator=self.separator, prefix=self.prefix,
            mail_format=o["mail_format"],
            capability="imap_capability = %s\n" % capability if capability else "",
            special="".join('  mailbox "%s" {\n    special_use = %s\n    auto = create\n  }\n' % item
                            for item in self.special.items()),
            rawlog="rawlog_dir = %s/%s\n" % (self.path("raw"), "%{user}" if new else "%u")
            if o["rawlog"] else "",
            libexec="libexec_dir = {0}/usr/lib/dovecot\n"
                    "mail_plugin_dir = {0}/usr/lib/dovecot/modules\n".format(self.program.root)
            if self.program.root else "",
            environment=self._import(environment, new))
        with open(self.path("dovecot.conf"), "w", encoding="utf-8") as config:
            config.write(text + self.more)
        self._give(self.path("dovecot.conf"))

    @staticmethod
    def _import(environment, new):
        """What Dovecot is to leave in the environment of its processes."""
        if new:
            return "import_environment {\n%s}\n" % "".join(
                "  %s = %s\n" % item for item in environment.items())
        return "import_environment = TZ%s\n" % "".join(
            " %s=%s" % item for item in environment.items())

    def _become_user(self):
        """In the child: be the server's user, and die with the test that started it."""
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(self.account.pw_gid)
            os.setuid(self.account.pw_uid)
        os.umask(0o077)
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)   # PR_SET_PDEATHSIG

    def _spawn(self):
        with open(self.path("start.log"), "wb") as out:
            self.process = subprocess.Popen(
                [self.program.path("dovecot"), "-F", "-c", self.path("dovecot.conf")],
                cwd=self.folder, env=self.program.environment(), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True, preexec_fn=self._become_user)

    def _greets(self, port):
        """Whether somebody answers there. A TLS port says nothing first: connecting is enough."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
                return port == self.tls_port or sock.recv(4) == b"* OK"
        except OSError:
            return False

    def _ready(self):
        end = time.monotonic() + START_SECONDS
        ports = [self.port] + ([self.tls_port] if self.options["ssl"] != "no" else [])
        while time.monotonic() < end and self.process.poll() is None:
            if all(self._greets(port) for port in ports):
                return True
            time.sleep(0.05)
        with open(self.path("start.log"), encoding="utf-8", errors="replace") as said, \
                open(self.log_file, "a", encoding="utf-8") as log:
            log.write(said.read())
        return False

    def _end_process(self):
        if self.process is None:
            return
        group = self.process.pid
        for end in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, end)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
            if self._group_gone(group):
                break
        self.process = None

    @staticmethod
    def _group_gone(group):
        for _ in range(STOP_SECONDS * 20):
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return True
            except PermissionError:
                pass
            time.sleep(0.05)
        return False

    # ---- mail --------------------------------------------------------------------------------

    def add_rawlog(self, user):
        """The folder in which Dovecot logs, where it is there, what clients say."""
        if self.options["rawlog"] and not os.path.isdir(self.path("raw", user)):
            os.mkdir(self.path("raw", user))
            self._give(self.path("raw", user))

    @contextlib.contextmanager
    def client(self, user):
        """A logged-in imaplib connection."""
        self.add_rawlog(user)
        imap = imaplib.IMAP4("127.0.0.1", self.port)
        imap._maxline = 10_000_000   # answers about thousands of messages
        try:
            imap.login(user, self.password)
            yield imap
        finally:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                imap.logout()

    def wire(self, name):
        """A Unicode folder name with '/' as this server wants it on the wire."""
        if name.upper() == "INBOX":
            return "INBOX"
        return folder_name(self.prefix + name.replace("/", self.separator))

    def append(self, user, name, *messages, flags=None, date=None):
        """Append messages (bytes), in order; the folder is made where it is missing."""
        with self.client(user) as imap:
            imap.create(quoted(self.wire(name)))
            for message in messages:
                checked(imap.append(quoted(self.wire(name)), flags, date, message))

    def folders(self, user):
        """The Unicode names of all folders, sorted, with '/' between levels."""
        with self.client(user) as imap:
            return sorted(self._list(imap))

    def _list(self, imap):
        found = []
        for line in checked(imap.list('""', "*")):
            if line is None:
                continue
            head, literal = line if isinstance(line, tuple) else (line, None)
            match = re.match(rb'\(([^)]*)\) (?:"(?:\\.|[^"])+"|NIL) (.*)', head, re.S)
            name = literal if literal is not None else match.group(2)
            name = name.decode("ascii")
            if literal is None and name.startswith('"'):
                name = re.sub(r"\\(.)", r"\1", name[1:-1])
            if b"\\noselect" in match.group(1).lower():
                continue
            name = folder_text(name)
            if self.prefix and name.startswith(self.prefix):
                name = name[len(self.prefix):]
            found.append(name.replace(self.separator, "/"))
        return found

    def uids(self, user, name="INBOX"):
        """UIDs in a folder; [] where it does not exist."""
        with self.client(user) as imap:
            if imap.select(quoted(self.wire(name)), readonly=True)[0] != "OK":
                return []
            return [int(n) for n in checked(imap.uid("SEARCH", "ALL"))[0].split()]

    def count(self, user, name="INBOX"):
        return len(self.uids(user, name))

    def messages(self, user, name="INBOX"):
        """[(uid, flags, raw bytes)] of a folder, flags without \\Recent."""
        return [(uid, flags, raw)
                for uid, flags, raw in self._fetch(user, name, "(UID FLAGS BODY.PEEK[])")]

    def _fetch(self, user, name, what):
        with self.client(user) as imap:
            checked(imap.select(quoted(self.wire(name)), readonly=True))
            for part in checked(imap.uid("FETCH", "1:*", what)):
                if part is None or part == b")":
                    continue
                head, raw = part if isinstance(part, tuple) else (part, None)
                yield (int(re.search(rb"UID (\d+)", head).group(1)), self._flags(head), raw)

    @staticmethod
    def _flags(head):
        flags = re.search(rb"FLAGS \(([^)]*)\)", head).group(1).decode("ascii").split()
        return tuple(sorted(f for f in flags if f != "\\Recent"))

    def flags(self, user, name="INBOX"):
        """{uid: flags} of a folder."""
        return {uid: flags for uid, flags, _ in self._fetch(user, name, "(UID FLAGS)")}

    def store(self, user, name, uid, flags):
        """Add flags to a message, "(\\Deleted)"."""
        with self.client(user) as imap:
            checked(imap.select(quoted(self.wire(name))))
            checked(imap.uid("STORE", str(uid), "+FLAGS", flags))

    def expunge(self, user, name="INBOX"):
        with self.client(user) as imap:
            checked(imap.select(quoted(self.wire(name))))
            checked(imap.expunge())

    def snapshot(self, user):
        """All that a client can see of an account: {folder: (UIDVALIDITY, {uid: flags})}."""
        seen = {}
        for name in self.folders(user):
            with self.client(user) as imap:
                checked(imap.select(quoted(self.wire(name)), readonly=True))
                epoch = int(imap.response("UIDVALIDITY")[1][0])
            seen[name] = (epoch, self.flags(user, name))
        return seen

    def set_uidvalidity(self, user, value, name="INBOX"):
        """Give a folder a new epoch; UIDs stay."""
        self.doveadm("mailbox", "update", "--uid-validity", str(value), "-u", user,
                     name if name == "INBOX" else self.prefix + name.replace("/", self.separator))

    def doveadm(self, *args):
        """Dovecot's own tool, with this server's configuration."""
        return subprocess.run(
            [self.program.path("doveadm"), "-c", self.path("dovecot.conf"), *args], check=True,
            env=self.program.environment(), cwd=self.folder, preexec_fn=self._become_user,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout

    def sessions(self, user):
        """What ended sessions of @user counted, oldest first: {in, out, deleted, expunged,
        bodies}. A session is in the log soon after its connection closed."""
        rows = []
        for line in self.log().splitlines():
            if re.search(r"imap\(%s\)" % re.escape(user), line) and " out=" in line:
                rows.append({k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", line)})
        return rows

    def logins(self, user):
        """How often @user has logged in."""
        line = r"Info: (?:Login|Logged in): user=<%s>" % re.escape(user)
        return len(re.findall(line, self.log()))

    def traffic(self, user):
        """The sum of sessions(), once every session that logged in has ended."""
        for _ in range(STOP_SECONDS * 20):
            rows = self.sessions(user)
            if len(rows) == self.logins(user):
                return {key: sum(row[key] for row in rows) for key in rows[0]} if rows else {}
            time.sleep(0.05)
        raise RuntimeError("a session of %s does not end" % user)

    def raw_input(self, user):
        """With rawlog: every line that clients of @user sent after login, as bytes."""
        lines = []
        for path in sorted(glob.glob(self.path("raw", user, "*.in")), key=os.path.getmtime):
            with open(path, "rb") as raw:
                lines += [re.sub(rb"^\d+\.\d+ ", b"", line) for line in raw.read().splitlines()]
        return lines


def checked(answer):
    """The data of an imaplib answer that must be OK."""
    status, data = answer
    if status != "OK":
        raise RuntimeError("the test server said %s %r" % (status, data))
    return data


# ---- by hand ---------------------------------------------------------------------------------

def load(server, user, folder):
    """Put every *.eml of a folder into the user's INBOX, by name; files end lines as they like."""
    for path in sorted(glob.glob(os.path.join(folder, "*.eml"))):
        with open(path, "rb") as mail:
            server.append(user, "INBOX", re.sub(rb"\r?\n", b"\r\n", mail.read()))


def run(args):
    with Dovecot(mail_format=args.format, separator=args.separator, kind=args.kind,
                 certificate=args.certificate, password=args.password) as server:
        if args.mail:
            load(server, args.user, args.mail)
        print("host=%s\nport=%d\ntls_port=%d\nca_file=%s\nuser=%s\npassword=%s\nlog=%s\n"
              "messages=%d" % (server.host, server.port, server.tls_port, server.ca_file,
                               args.user, args.password, server.log_file,
                               server.count(args.user)), flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with contextlib.suppress(KeyboardInterrupt):
            if args.until_eof:
                sys.stdin.read()
            else:
                signal.pause()


def main():
    parser = argparse.ArgumentParser(description="a private Dovecot on loopback")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="serve until Ctrl-C")
    one.add_argument("--mail", metavar="DIR", help="put the *.eml of DIR into INBOX")
    one.add_argument("--user", default="demo")
    one.add_argument("--password", default="demo")
    one.add_argument("--format", default="sdbox", choices=("sdbox", "maildir"))
    one.add_argument("--separator", default="/", choices=("/", "."))
    one.add_argument("--kind", default="full", choices=tuple(KINDS))
    one.add_argument("--certificate", default="good", choices=CERTIFICATES)
    one.add_argument("--until-eof", action="store_true", help="serve until standard input ends")
    args = parser.parse_args()
    try:
        run(args)
    except NoDovecot as why:
        sys.exit("dovecot.py: %s" % why)


if __name__ == "__main__":
    main()
