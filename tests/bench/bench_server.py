# SPDX-License-Identifier: Apache-2.0
"""bench_server - generated mailboxes, and a private Dovecot that serves them again and again.

    box = mailbox("office", folder, tools)          # generated once, kept below folder
    with Server() as server:
        server.give(box, "ann")                     # hard links: takes no time
        ... server.cpu()                            # seconds that its processes have used so far
        server.take("ann")

Every contestant finds the same: a Maildir that was opened once, so that its index is there, in a
server that does not flush (its disk is not what is measured)."""
import glob
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import dovecot

PASSWORD = "bench"   # plain, because every peer quotes in its own way


class Expected:
    """One message as it was generated: digests of the whole (CRLF), of the body (LF) and of each
    attachment as decoded, and its size in octets."""

    def __init__(self, line):
        number, self.raw, self.body, size, *self.attachments = line.rstrip("\n").split("\t")
        self.number, self.size = int(number), int(size)


class Mailbox:
    """A generated Maildir with what is in it."""

    def __init__(self, profile, folder):
        self.profile, self.box = profile, os.path.join(folder, "box")
        with open(os.path.join(folder, "expected"), encoding="ascii") as lines:
            self.expected = [Expected(line) for line in lines]
        self.count = len(self.expected)
        self.bytes = sum(e.size for e in self.expected)


def mailbox(profile, folder, tools, count=None):
    """The Mailbox of a profile, generated below @folder where it is not there yet."""
    where = os.path.join(folder, profile if count is None else "%s-%d" % (profile, count))
    if not os.path.exists(os.path.join(where, "complete")):
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        subprocess.run([os.path.join(tools, "bench-mailbox"), profile, where] +
                       ([] if count is None else [str(count)]), check=True)
        with open(os.path.join(where, "complete"), "wb"):
            pass
    return Mailbox(profile, where)


def link_tree(source, target):
    """Copy folders, link files; copy them where the file systems differ."""
    def link(one, other):
        try:
            os.link(one, other)
        except OSError:
            shutil.copy2(one, other)
    shutil.copytree(source, target, copy_function=link)


class Server(dovecot.Dovecot):
    """The server of all contestants."""

    def __init__(self, **options):
        super().__init__(mail_format="maildir", password=PASSWORD, separator=".", **options)

    def give(self, box, user, archive):
        """@user's INBOX becomes @box; read once, so that its index is there. @archive is made."""
        os.makedirs(self.path("mail", user))
        link_tree(box.box, self.path("mail", user, "box"))
        self._give(self.path("mail", user))
        with self.client(user) as imap:
            found = int(dovecot.checked(imap.select("INBOX", readonly=True))[0])
            dovecot.checked(imap.uid("FETCH", "1:*", "(UID RFC822.SIZE)"))
            dovecot.checked(imap.create(archive))
        if found != box.count:
            raise RuntimeError("the server sees %d messages of %d" % (found, box.count))

    def hand_over(self, folder):
        """Make it that of the user that the server runs as."""
        self._give(folder)

    def take(self, user):
        """Forget the account."""
        shutil.rmtree(self.path("mail", user), ignore_errors=True)

    def cpu(self):
        """Processor seconds of the server's processes, those that have ended included."""
        ticks = 0
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="ascii", errors="replace") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == self.process.pid:   # its session
                ticks += sum(int(n) for n in fields[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")
