# SPDX-License-Identifier: Apache-2.0
"""python-pickup PORT CA-FILE USER ARCHIVE: a contestant (bench_peers). The pick-up that is written
everywhere: imaplib, email, sqlite3, a hundred messages at a time. CA-FILE "": no TLS."""
import email
import email.policy
import hashlib
import imaplib
import json
import os
import sqlite3
import ssl
import sys

BATCH = 100
PORT, CA_FILE, USER, ARCHIVE = sys.argv[1:]


def text_of(message):
    part = message.get_body(("plain", "html"))
    return part.get_content() if part is not None else None


def store(db, uid, raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    digests = [hashlib.sha256(part.get_payload(decode=True)).hexdigest()
               for part in message.iter_attachments()]
    db.execute("INSERT INTO mail VALUES (?, ?, ?, ?, ?, ?)", (
        uid, message["From"], message["Subject"], text_of(message), json.dumps(digests), raw))


def main():
    imap = imaplib.IMAP4_SSL("localhost", int(PORT), ssl_context=ssl.create_default_context(
        cafile=CA_FILE)) if CA_FILE else imaplib.IMAP4("localhost", int(PORT))
    imap.login(USER, os.environ["BENCH_PASSWORD"])
    imap.select("INBOX")
    db = sqlite3.connect("queue.db")
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE mail "
                     "(uid INTEGER PRIMARY KEY, sender, subject, body, attachments, raw BLOB)")
    uids = imap.uid("SEARCH", "ALL")[1][0].split()
    for at in range(0, len(uids), BATCH):
        chosen = b",".join(uids[at:at + BATCH]).decode()
        for item in imap.uid("FETCH", chosen, "(UID BODY.PEEK[])")[1]:
            if isinstance(item, tuple):
                store(db, int(item[0].split()[2]), item[1])
        db.commit()
        if imap.uid("MOVE", chosen, ARCHIVE)[0] != "OK":
            sys.exit("the server does not move")
    db.close()
    imap.logout()


main()
