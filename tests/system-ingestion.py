#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client written for OpenArchiver's interface of ingestion sources, at mailchute serve: what such a
client sends, reads and shows, field by field, from what is known of that interface and not from our
own docs/openapi.json. What differs on purpose stands in docs/web.md, with a reason."""
import datetime
import http.client
import json
import re
import unittest

from fault_proxy import FaultProxy
from rest_client import mismatch
import serve_support
from serve_support import Daemon
import system_support
from system_support import OK, mail
import tap

PASSWORD = "the password of the mailbox"
SETTINGS = serve_support.SETTINGS.replace("debug", "info") + "private-hosts = yes\n"
STATUSES = ("active", "paused", "error", "pending_auth", "syncing", "importing", "auth_success",
            "imported", "partially_active")
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_time(value):
    return isinstance(value, str) and datetime.datetime.fromisoformat(value).tzinfo is not None


def is_count(value):
    return type(value) is int and value >= 0


def or_null(test):
    return lambda value: value is None or test(value)


def is_text(value):
    return isinstance(value, str) and value != ""


# The fields of a source, and what a client takes them for.
SOURCE = {"id": UUID.fullmatch, "userId": UUID.fullmatch, "name": is_text,
          "provider": lambda value: value == "generic_imap",
          "status": lambda value: value in STATUSES,
          "lastSyncStartedAt": or_null(is_time), "lastSyncFinishedAt": or_null(is_time),
          "lastSyncStatusMessage": or_null(is_text),
          "syncState": lambda value: isinstance(value, dict),
          "preserveOriginalFile": lambda value: isinstance(value, bool),
          "mergedIntoId": or_null(UUID.fullmatch), "createdAt": is_time, "updatedAt": is_time}
MAILBOX = {"userEmail": is_text, "emailCount": is_count, "bytes": is_count}
DAY = {"date": re.compile(r"\d{4}-\d\d-\d\d").fullmatch, "count": is_count}
STATS = {"sourceId": UUID.fullmatch, "name": is_text,
         "provider": lambda value: value == "generic_imap",
         "status": lambda value: value in STATUSES, "totalEmails": is_count,
         "mailboxCount": is_count, "threadCount": is_count, "emailBytes": is_count,
         "attachmentBytes": is_count, "totalBytes": is_count, "attachmentCount": is_count,
         "emailsWithAttachments": is_count, "indexedCount": is_count, "journaledCount": is_count,
         "legalHoldCount": is_count, "firstEmailAt": or_null(is_time),
         "lastEmailAt": or_null(is_time), "lastSyncStartedAt": or_null(is_time),
         "lastSyncFinishedAt": or_null(is_time), "lastSyncStatusMessage": or_null(is_text),
         "mailboxes": lambda value: isinstance(value, list),
         "children": lambda value: value == [],
         "recentActivity": lambda value: isinstance(value, list) and len(value) <= 30}

WITH_ATTACHMENTS = (
    b"From: Ann <ann@example.org>\r\nSubject: Re: with files\r\nMessage-ID: <b@example.org>\r\n"
    b"References: <m0@example.org> <other@example.org>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\nSee these.\r\n'
    b'--x\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\nabc\r\n'
    b'--x\r\nContent-Disposition: attachment; filename="b.txt"\r\n\r\ndefgh\r\n--x--\r\n')


class Client:
    """As that interface is asked: JSON, a key in X-API-KEY or as a bearer."""

    def __init__(self, case, port, key, header="X-API-KEY"):
        self.case = case
        self.port = port
        self.headers = {header: ("Bearer " if header == "Authorization" else "") + key}

    def ask(self, method, path, body=None, want=200):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = dict(self.headers)
            if body is not None:
                headers["Content-Type"] = "application/json"
            link.request(method, "/api/v1/ingestion-sources" + path,
                         None if body is None else json.dumps(body), headers)
            got = link.getresponse()
            whole = got.read()
        finally:
            link.close()
        self.case.assertEqual(got.status, want, whole)
        if got.status == 204:
            self.case.assertEqual(whole, b"")
            return None
        answer = json.loads(whole)
        if got.status == 202 or got.status >= 400:
            self.case.assertTrue(is_text(answer["message"]), answer)
        return answer


class Ingestion(serve_support.ServeCase):

    server_options = {"password": PASSWORD}

    def client(self, header="X-API-KEY"):
        self.daemon = Daemon(self, SETTINGS)
        line = next(line for line in self.daemon.log if "listening" in line)
        password = self.write("password", "correct horse battery")
        for args in (("add", "admin", "--role", "admin", "--password-file", password),
                     ("key", "admin", "test", "--role", "admin")):
            made = self.command("user", *args, "--queue", self.queue)
            self.assertEqual(made.code, OK, made)
        self.one = Client(self, int(line.split("port ")[1].strip('"')), made.out.strip(), header)
        return self.one

    def body(self, name="Work", **config):
        standard = {"type": "generic_imap", "host": self.server.host,
                    "port": self.server.tls_port, "secure": True, "allowInsecureCert": True,
                    "username": self.user, "password": PASSWORD}
        return {"name": name, "provider": "generic_imap",
                "providerConfig": dict(standard, **config)}

    def has_fields(self, fields, value):
        for name, test in fields.items():
            self.assertIn(name, value)
            self.assertTrue(test(value[name]), "%s is %r" % (name, value[name]))

    def comes(self, path, true, what):
        self.wait(lambda: true(self.one.ask("GET", path)), what, self.daemon)
        return self.one.ask("GET", path)

    def test_a_source_has_every_field_from_its_making_to_its_end(self):
        for number in range(3):
            self.server.append(self.user, "INBOX", mail("m%d" % number))
        client = self.client()
        made = client.ask("POST", "", dict(self.body(), preserveOriginalFile=True,
                                           mergedIntoId=None), 201)
        self.has_fields(SOURCE, made)
        self.assertEqual(made["name"], "Work")
        path = "/" + made["id"]
        shown = self.comes(path, lambda one: one["status"] == "active", "it is active")
        self.has_fields(SOURCE, shown)
        self.assertEqual((shown["syncState"], shown["createdAt"], shown["id"], shown["userId"]),
                         ({"imap": {"INBOX": {"maxUid": 3}}}, made["createdAt"], made["id"],
                          made["userId"]))
        self.assertGreaterEqual(shown["updatedAt"], shown["lastSyncFinishedAt"])
        self.assertNotIn(PASSWORD, json.dumps(shown))
        client.ask("DELETE", path, want=204)
        client.ask("GET", path, want=404)
        self.assertEqual(client.ask("GET", ""), [])

    def test_sources_are_an_array_by_name(self):
        client = self.client("Authorization")
        for name in ("b", "c", "a"):
            client.ask("POST", "", self.body(name), 201)
        listed = client.ask("GET", "")
        self.assertEqual([one["name"] for one in listed], ["a", "b", "c"])
        for one in listed:
            self.has_fields(SOURCE, one)

    def test_the_statistics_have_every_field(self):
        self.server.append(self.user, "INBOX", b"Message-ID: <m0@example.org>\r\n" + mail("with files"),
                           WITH_ATTACHMENTS, mail("alone"))
        client = self.client()
        path = "/" + client.ask("POST", "", self.body(), 201)["id"] + "/stats"
        stats = self.comes(path, lambda one: one["totalEmails"] == 3, "all came")
        self.has_fields(STATS, stats)
        self.assertEqual([stats[name] for name in (
            "threadCount", "attachmentCount", "attachmentBytes", "emailsWithAttachments",
            "indexedCount", "mailboxCount", "countedEmails")], [2, 2, 8, 1, 3, 1, 3])
        self.assertEqual(stats["emailBytes"], stats["totalBytes"])
        self.has_fields(MAILBOX, stats["mailboxes"][0])
        self.assertEqual((len(stats["mailboxes"]), stats["mailboxes"][0]["userEmail"]),
                         (1, self.user))
        self.has_fields(DAY, stats["recentActivity"][-1])
        client.ask("GET", "/00000000-0000-4000-8000-000000000000/stats", want=404)

    def test_attachments_are_counted_as_far_as_may_be_read_and_the_rest_without_them(self):
        large = mail("large", b"0123456789 0123456789 0123456789 0123456789 012345678\r\n" * 20000)
        self.server.append(self.user, "INBOX", WITH_ATTACHMENTS, *[large] * 6)
        client = self.client()
        path = "/" + client.ask("POST", "", self.body(), 201)["id"] + "/stats"
        stats = self.comes(path, lambda one: one["totalEmails"] == 7, "all came")
        self.has_fields(STATS, stats)
        self.assertEqual(stats["recentEntries"]["entries"], 7)
        self.assertIn(stats["countedEmails"], (3, 4))   # of a megabyte each; the newest come first
        self.assertEqual((stats["threadCount"], stats["attachmentCount"]),
                         (stats["countedEmails"], 0))

    def test_what_is_wrong_is_a_400_with_a_message_and_a_stranger_a_404(self):
        client = self.client()
        client.ask("POST", "", self.body(), 201)
        wrong = [{}, dict(self.body("x"), name=None), dict(self.body("x"), provider="pst_import"),
                 self.body("x", password="wrong"), self.body("x", port=1), self.body("x", host=""),
                 self.body("x", type="google_workspace"), self.body("x", allowInsecureCert=False),
                 dict(self.body("x"), preserveOriginalFile="yes"),
                 dict(self.body("x"), mergedIntoId="00000000-0000-4000-8000-000000000000"),
                 self.body()]   # the name is taken
        for body in wrong:
            client.ask("POST", "", body, 400)
        self.assertEqual([one["name"] for one in client.ask("GET", "")], ["Work"])
        nobody = "/00000000-0000-4000-8000-000000000000"
        for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/import"),
                             ("POST", "/pause"), ("POST", "/sync")):
            client.ask(method, nobody + path, {} if method in ("PUT", "POST") else None, 404)

    def test_the_form_is_sent_back_whole_and_blank_keeps_the_password(self):
        client = self.client()
        made = client.ask("POST", "", self.body(), 201)
        path = "/" + made["id"]
        changed = client.ask("PUT", path, dict(self.body(password=""), preserveOriginalFile=False,
                                               mergedIntoId=None))
        self.has_fields(SOURCE, changed)
        self.assertEqual((changed["id"], changed["name"]), (made["id"], made["name"]))
        self.server.append(self.user, "INBOX", mail("with the old password"))
        self.comes(path, lambda one: one["syncState"] != {}, "it still signs in")
        client.ask("PUT", path, self.body("Another name", password=""), 400)
        client.ask("PUT", path, self.body(password="wrong"), 400)

    def test_it_is_paused_resumed_synced_and_imported_as_the_table_of_sources_does(self):
        client = self.client()
        path = "/" + client.ask("POST", "", self.body(), 201)["id"]
        paused = client.ask("POST", path + "/pause")
        self.has_fields(SOURCE, paused)
        self.assertEqual(paused["status"], "paused")
        self.assertNotEqual(client.ask("PUT", path, {"status": "active"})["status"], "paused")
        client.ask("POST", path + "/pause")
        client.ask("POST", path + "/sync", want=202)    # ends the pause
        self.assertNotEqual(client.ask("GET", path)["status"], "paused")
        client.ask("POST", path + "/pause")
        client.ask("POST", path + "/import", want=202)
        self.comes(path, lambda one: one["status"] == "active", "it is active")

    def test_an_import_that_is_asked_for_twice_goes_on(self):
        self.server.append(self.user, "INBOX",
                           *[mail("m%d" % number, b"x" * 2000) for number in range(40)])
        client = self.client()
        with FaultProxy(self.server.tls_port) as proxy:
            path = "/" + client.ask("POST", "", self.body(port=proxy.port), 201)["id"]
            proxy.pause = 0.05
            self.wait(lambda: client.ask("GET", path)["status"] == "importing", "it imports",
                      self.daemon)
            version = client.ask("GET", path)["version"]
            client.ask("POST", path + "/import", want=202)
            proxy.pause = 0
            shown = self.comes(path, lambda one: one["status"] == "active", "it is imported")
        self.assertEqual(shown["version"], version)     # nothing was ordered anew
        self.assertEqual(shown["syncState"], {"imap": {"INBOX": {"maxUid": 40}}})


class Document(unittest.TestCase):
    """The tests of the interface hold answers against its document: that would notice."""

    def test_an_answer_with_a_field_that_is_not_in_the_document_does_not_fit(self):
        schema = {"type": "object", "properties": {"a": {"type": "string", "minLength": 1}},
                  "required": ["a"]}
        self.assertIsNone(mismatch(schema, {"a": "x"}))
        for wrong in ({"a": "x", "b": 1}, {"a": ""}, {"a": 1}, {}, []):
            self.assertIsNotNone(mismatch(schema, wrong), wrong)
        nested = {"type": "array", "items": schema}
        self.assertIsNotNone(mismatch(nested, [{"a": "x"}, {"a": "x", "b": None}]))
        problem = {"$ref": "#/components/schemas/Problem"}
        told = {"type": "about:blank", "title": "t", "status": 400, "detail": "d", "message": "m"}
        self.assertIsNotNone(mismatch(problem, told))
        self.assertIsNone(mismatch(problem, dict(told, to_do="this")))


if __name__ == "__main__":
    tap.main()
