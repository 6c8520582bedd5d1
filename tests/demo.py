#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""demo - what ./quickstart shows: sample mail picked up from a private IMAP server.

    tests/demo.py BUILD      BUILD is where mailchute was built
"""
import json
import os
import shlex
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import dovecot  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = os.path.join(os.path.dirname(HERE), "conf", "sample-mail")
USER = "demo"


def title(text):
    print("\n" + text, flush=True)


def mailchute(build, *args, **options):
    """Show a command as somebody would type it, then run it; must succeed."""
    program = os.path.join(build, "host", "mailchute")
    print("$ mailchute " + " ".join(shlex.quote(a) for a in args), flush=True)
    return subprocess.run([program, *args], check=True, **options)


def one_with_an_attachment(build, queue):
    """The id of the entry that shows most."""
    done = subprocess.run([os.path.join(build, "host", "mailchute"), "queue", "list", "--json",
                           *queue], check=True, capture_output=True, text=True)
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    return next((e for e in entries if "Invoice" in (e["subject"] or "")), entries[0])["id"]


def show_folders(server):
    for name in server.folders(USER):
        print("  %-10s %3d messages" % (name, server.count(USER, name)))


def demo(build, folder):
    password_file = os.path.join(folder, "password")
    queue = ["--queue", "sqlite:" + os.path.join(folder, "queue")]
    with dovecot.Dovecot(password="demo") as server:
        with open(password_file, "w", encoding="utf-8") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(server.password + "\n")
        dovecot.load(server, USER, SAMPLES)
        title("A private IMAP server listens on 127.0.0.1, port %d (plain, STARTTLS) and %d (TLS)."
              % (server.port, server.tls_port))
        show_folders(server)

        title("Pick it up over TLS, with the server's certificate verified:")
        mailchute(build, "pickup", "url=localhost;port=%d;ssl=True;caFile=%s" % (
            server.tls_port, server.ca_file), "--user", USER, "--password-file", password_file,
            *queue)
        title("The folders now:")
        show_folders(server)

        title("The work queue:")
        mailchute(build, "queue", "stats", *queue)
        title("One entry:")
        mailchute(build, "queue", "show", one_with_an_attachment(build, queue), *queue)
    title("The server is stopped. The queue stays in %s." % os.path.join(folder, "queue"))
    print("Now with a mailbox of your own (a dry run, nothing is changed):\n"
          "  ./quickstart 'url=HOST;ssl=True' --user NAME")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: demo.py BUILD")
    build = os.path.abspath(sys.argv[1])
    folder = os.path.join(os.path.dirname(build), "demo")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    try:
        demo(build, folder)
    except dovecot.NoDovecot as why:
        sys.exit("the demonstration needs a server of its own: %s" % why)
    except subprocess.CalledProcessError as error:
        sys.exit("the demonstration stopped: mailchute ended with code %d" % error.returncode)


if __name__ == "__main__":
    main()
