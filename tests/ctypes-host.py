#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host in another language: loads a plug-in by Python's ctypes and picks up mail.

    ctypes-host.py PLUGIN CONNECTION-STRING [USER PASSWORD]    one line for each mail, then archives it
    ctypes-host.py                                             tests itself with folder.so (TAP)

The contract comes from loader_api.py, which mirrors the installed header.
"""
import ctypes
import os
import sys
import tempfile
import unittest

import loader_api
import tap

BUILD = os.environ.get("top_builddir", "..")
FOLDER = os.path.join(BUILD, "loader", ".libs", "folder.so")


def pick_up(plugin, connection, user="", password=""):
    """All items there are, as (subject or None, raw bytes, error or None); each is settled."""
    with loader_api.Loader(plugin).open(connection, user, password) as handle:
        for item in handle:
            mail = item.mail.contents if item.mail else None
            subject = mail.subject.decode() if mail and mail.subject is not None else None
            error = item.error.decode() if item.error is not None else None
            raw = loader_api.raw(item) if item.raw_bytes or item.raw_fd >= 0 else b""
            token = item.token
            yield subject, raw, error
            handle.settle([token], loader_api.BAD if error else loader_api.QUEUED)


class FolderFromPython(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def put(self, name, data, age):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as file:
            file.write(data)
        os.utime(path, (1700000000 - age,) * 2)

    def names(self, *below):
        return sorted(os.listdir(os.path.join(self.folder.name, *below)))

    def test_mail_is_picked_up_byte_for_byte_and_archived(self):
        small = b"Subject: small\r\n\r\n\x00text\r\n"
        large = b"Subject: large\r\n\r\n" + b"x" * 78 + b"\r\n" + b"y" * 300000
        self.put("b.eml", small, 10)
        self.put("a.eml", large, 5)
        self.assertEqual(list(pick_up(FOLDER, "path=" + self.folder.name)),
                         [("small", small, None), ("large", large, None)])
        self.assertEqual(self.names(), ["done"])
        self.assertEqual(self.names("done"), ["a.eml", "b.eml"])

    def test_a_large_text_lies_where_the_first_hosts_looked_for_it_and_in_a_file(self):
        text = "".join("line %d, caf\u00e9\n" % number for number in range(60000)).encode()
        head = b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
        if os.path.isdir("/dev/shm"):   # not every file system has the files that these are
            os.environ["TMPDIR"] = "/dev/shm"
        self.put("a.eml", head + text.replace(b"\n", b"\r\n"), 0)
        with loader_api.Loader(FOLDER).open("path=" + self.folder.name, "", "") as handle:
            for item in handle:
                mail = item.mail.contents
                self.assertEqual(mail.struct_size, ctypes.sizeof(loader_api.Mail))
                self.assertEqual(mail.message_body, text)
                self.assertEqual(mail.message_body_file.size, len(text))
                self.assertEqual(os.pread(mail.message_body_file.fd, len(text), 0), text)
                self.assertIsNone(mail.html)
                self.assertEqual(mail.html_file.size, 0)

    def test_bad_mail_is_told_and_set_aside(self):
        self.put("a.eml", b"Subject: too large\r\n\r\n", 0)
        (subject, raw, error), = pick_up(FOLDER, "path=%s;maxSize=5" % self.folder.name)
        self.assertEqual((subject, raw), (None, b""))
        self.assertIn("maxSize", error)
        self.assertEqual(self.names("bad"), ["a.eml"])

    def test_a_failure_arrives_with_its_class_and_text(self):
        with self.assertRaises(loader_api.LoaderFailed) as failed:
            list(pick_up(FOLDER, "path=/nonexistent"))
        self.assertEqual(failed.exception.error_class, 8)
        self.assertIn("'/nonexistent'", str(failed.exception))


def main():
    if len(sys.argv) < 3:
        loader_api.under_sanitizers(FOLDER)
        tap.main()
    loader_api.under_sanitizers(sys.argv[1])
    count = 0
    for subject, raw, error in pick_up(*sys.argv[1:5]):
        print("%d bytes, subject %r%s" % (len(raw), subject, ", error: " + error if error else ""))
        count += 1
    print("%d mails picked up" % count)


if __name__ == "__main__":
    main()
