#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The REST interface of mailchute serve: each operation of docs/openapi.json by each role, sources
against a real server, entries, sessions, and what strangers send."""
import contextlib
import email
import json
import os
import random
import re
import socket
import sqlite3
import subprocess
import threading

from fault_proxy import FaultProxy
from rest_client import API, NOTHING, ROLES, Client, mismatch, operations, raw_answer
import serve_support
from serve_support import PATIENCE, Daemon, Namespace
import system_support
from system_support import OK, PROGRAM, mail, sha256
import tap

CANARY = "canary-5ecret-of-the-mailbox"
PASSWORD = "correct horse battery"
SETTINGS = serve_support.SETTINGS.replace("debug", "info")

WITH_PARTS = (b"From: Ann <ann@example.org>\r\nSubject: Parts\r\nMIME-Version: 1.0\r\n"
              b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n'
              b"--x\r\nContent-Type: text/html\r\n\r\n<p>Hi<script>alert(1)</script></p>\r\n"
              b"--x\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
              b'Content-Disposition: attachment; filename="b\xc3\xbcro <1>.pdf"\r\n\r\n'
              b"JVBERi0xLjQgbm90IHJlYWxseQ==\r\n--x--\r\n")


class RestCase(system_support.Case):

    server_options = {"password": CANARY}

    def wait(self, true, what, daemon=None):
        import time
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if true():
                return
            if daemon is not None and daemon.process.poll() is not None:
                break
            time.sleep(0.05)
        self.fail("it never came to be that %s\n%s" % (
            what, "\n".join(daemon.log[-30:]) if daemon is not None else ""))

    def mailchute(self, *args):
        run = self.command(*args, "--queue", self.queue)
        self.assertEqual(run.code, OK, run)
        return run.out

    def key_of(self, role):
        """A key of a user of this role, made on the command line."""
        password = self.write("password-" + role, PASSWORD)
        self.mailchute("user", "add", role, "--role", role, "--password-file", password)
        return self.mailchute("user", "key", role, "test", "--role", role).strip()

    def serve(self, more="private-hosts = yes\n", **env):
        self.daemon = Daemon(self, SETTINGS + more, **env)
        line = next(line for line in self.daemon.log if "listening" in line)
        self.port = int(line.split("port ")[1].strip('"'))
        return self.daemon

    def client(self, role=None):
        return Client(self, self.port, role and self.key_of(role))

    def source(self, name="office", **more):
        config = {"type": "generic_imap", "host": self.server.host, "port": self.server.tls_port,
                  "secure": True, "allowInsecureCert": True, "username": self.user,
                  "password": CANARY}
        config.update(more)
        return {"name": name, "provider": "generic_imap", "providerConfig": config}


class Rights(RestCase):

    def test_each_role_may_what_the_document_says_and_nothing_else(self):
        self.serve()
        clients = [Client(self, self.port)] + [self.client(role) for role in ROLES[1:]]
        for method, path, operation in operations():
            wanted = ROLES.index(operation["x-role"])
            path = re.sub(r"\{ordinal\}", "1", re.sub(r"\{id\}", NOTHING, path))
            if path == "/events":
                continue    # it does not end; below
            for rank, client in enumerate(clients):
                answer = client.ask(method, path, {} if "requestBody" in operation else None)
                what = "%s %s as %s: %r" % (method, path, ROLES[rank], answer)
                if rank >= wanted:
                    self.assertNotIn(answer.code, (401, 403, 405), what)
                    self.assertLess(answer.code, 500, what)
                else:
                    self.assertEqual(answer.code, 401 if rank == 0 else 403, what)

    def test_the_document_is_told_and_not_sent_twice(self):
        self.serve()
        client = Client(self, self.port)
        whole = client.raw("GET", API + "/openapi.json")
        with open(os.path.join(system_support.SOURCE, "docs", "openapi.json"), "rb") as file:
            self.assertEqual(whole.body, file.read())
        again = client.raw("GET", API + "/openapi.json", None,
                           {"If-None-Match": whole.headers["ETag"]})
        self.assertEqual((again.code, again.body), (304, b""))
        self.assertEqual(client.raw("POST", API + "/openapi.json", b"{}").code, 404)

    def test_the_page_is_told_with_a_strict_policy_and_not_sent_twice(self):
        self.serve()
        client = Client(self, self.port)
        whole = client.raw("GET", "/")
        self.assertEqual((whole.code, whole.headers["Content-Type"]),
                         (200, "text/html; charset=utf-8"))
        found = set(re.findall(rb'(?:href|src)="([^"]+)"', whole.body))
        self.assertGreater(len(found), 3)
        for path in ["/"] + sorted("/" + name.decode() for name in found):
            got = client.raw("GET", path)
            policy = got.headers["Content-Security-Policy"]
            self.assertEqual((got.code, got.headers["X-Content-Type-Options"]), (200, "nosniff"))
            self.assertIn("default-src 'none'; script-src 'self'; style-src 'self'", policy)
            self.assertIn("require-trusted-types-for 'script'", policy)
            self.assertNotIn("unsafe", policy)
            again = client.raw("GET", path, None, {"If-None-Match": got.headers["ETag"]})
            self.assertEqual((again.code, again.body), (304, b""))
        self.assertNotRegex(whole.body, rb"(?i)<script>|<style|\son\w+=|style=")
        self.assertEqual(client.raw("POST", "/", b"x").code, 404)
        self.assertEqual(client.raw("GET", "/page/main.js/").code, 404)

    def test_whatever_is_refused_says_what_to_do(self):
        daemon = self.serve()
        client = self.client("viewer")
        key = {"X-API-KEY": client.key}
        asked = [(code, method, path, body, dict(key, **more)) for code, method, path, body, more in (
            (404, "GET", API + "/nothing", None, {}), (404, "GET", "/nothing", None, {}),
            (405, "PUT", API + "/queues", b"{}", {}), (405, "DELETE", "/metrics", None, {}),
            (403, "GET", "/", None, {"Host": "evil.example"}),
            (403, "POST", "/", b"{}", {"Origin": "http://evil.example"}),
            (413, "POST", API + "/test", b"", {"Content-Length": str((1 << 20) + 1)}),
            (415, "POST", API + "/auth/login", b"{}", {"Content-Type": "text/plain"}),
            (400, "POST", API + "/auth/login", b"{", {"Content-Type": "application/json"}),
            (400, "POST", API + "/auth/login", b"{}", {"Content-Type": "application/json"}),
            (403, "POST", API + "/users", b"{}", {"Content-Type": "application/json"}),
            (404, "GET", API + "/entries/" + NOTHING, None, {}),
            (400, "GET", API + "/entries?limit=0", None, {}))]
        asked.append((401, "GET", API + "/queues", None, {}))
        for code, method, path, body, headers in asked:
            answer = client.raw(method, path, body, headers)
            self.assertEqual((answer.code, answer.headers["Content-Type"]),
                             (code, "application/problem+json"), (path, answer))
            told = answer.json
            self.assertIsNone(mismatch({"$ref": "#/components/schemas/Problem"}, told), told)
            self.assertEqual(told["status"], code)
            self.assertEqual(told["message"], told["detail"] + "; " + told["to_do"])
        self.assertEqual(daemon.get("/livez")[0], 200)

    def test_nobody_listens_to_events_without_signing_in(self):
        self.serve()
        Client(self, self.port).get("/events", want=401)
        Client(self, self.port, "x" * 43).get("/events", want=401)

    def test_no_token_goes_into_the_journal(self):
        reading, writing = os.pipe()
        stream = os.fstat(writing)
        config = self.write("mailchute.conf", SETTINGS)
        daemon = subprocess.Popen(
            [PROGRAM, "serve", "--queue", self.queue, "--config", config], stdin=subprocess.DEVNULL,
            stderr=writing, env=dict(os.environ, JOURNAL_STREAM="%d:%d" % (
                stream.st_dev, stream.st_ino)))
        os.close(writing)
        said = ""
        with open(reading, encoding="utf-8") as log:
            for line in log:
                said += line
                if "user setup-token" in line:
                    daemon.terminate()
        self.assertEqual(daemon.wait(PATIENCE), OK, said)
        self.assertIn("user setup-token", said)
        self.assertNotIn("#/setup/", said)
        self.assertNotIn("this token: ", said)

    def test_a_terminal_whose_journal_is_elsewhere_gets_the_link(self):
        daemon = self.serve(JOURNAL_STREAM="8:1")
        self.wait(lambda: daemon.said("this token: "), "the link is printed", daemon)

    def test_the_set_up_token_makes_one_admin_once(self):
        daemon = self.serve()
        self.wait(lambda: daemon.said("this token: "), "the token is printed", daemon)
        token = next(line for line in daemon.log if "this token: " in line).split("this token: ")[1]
        self.assertIn("    http://127.0.0.1:%d/#/setup/%s" % (self.port, token), daemon.log)
        client = Client(self, self.port)
        first = {"token": token, "name": "ann", "password": PASSWORD}
        client.post("/auth/setup", dict(first, password="short"), want=400)
        client.post("/auth/setup", dict(first, name="x" * 65), want=400)
        client.signed_in(client.post("/auth/setup", first, want=200))
        self.assertEqual(client.get("/auth/me").json["role"], "admin")
        client.post("/auth/setup", dict(first, name="ben"), want=410)
        self.assertEqual([u["name"] for u in client.get("/users").json], ["ann"])
        daemon.end()
        self.assertFalse(self.serve().said("this token"))
        other = self.mailchute("user", "setup-token").strip()
        client = Client(self, self.port)
        client.post("/auth/setup", dict(first, token=other, name="ben"), want=200)

    def test_a_key_never_may_more_than_its_user_and_is_shown_once(self):
        self.serve()
        viewer, admin = self.client("viewer"), self.client("admin")
        viewer.post("/api-keys", {"name": "k", "role": "admin"}, want=403)
        made = viewer.post("/api-keys", {"name": "k", "role": "viewer", "days": 1}, want=201).json
        self.assertNotIn(made["key"], admin.get("/api-keys").body.decode())
        Client(self, self.port, made["key"]).get("/queues")
        heir = Client(self, self.port, made["key"]).post(
            "/api-keys", {"name": "heir", "role": "viewer", "days": 730}, want=201).json
        self.assertEqual(heir["expiresAt"], made["expiresAt"])
        viewer.ask("DELETE", "/api-keys/" + heir["id"], want=204)
        bearer = Client(self, self.port)
        bearer.get("/queues", Authorization="Bearer " + made["key"])
        self.assertEqual(len(viewer.get("/api-keys").json), 2)
        self.assertEqual(len(admin.get("/api-keys").json), 3)
        own = admin.get("/api-keys").json
        theirs = next(key["id"] for key in own if key["role"] == "admin")
        viewer.ask("DELETE", "/api-keys/" + theirs, want=404)
        viewer.ask("DELETE", "/api-keys/" + made["id"], want=204)
        Client(self, self.port, made["key"]).get("/queues", want=401)
        for days in (0, 731, -1, "x"):
            viewer.post("/api-keys", {"name": "k", "role": "viewer", "days": days}, want=400)

    def test_who_is_removed_is_out_at_once(self):
        self.serve()
        admin, viewer = self.client("admin"), self.client("viewer")
        ids = {user["name"]: user["id"] for user in admin.get("/users").json}
        admin.ask("DELETE", "/users/" + ids["admin"], want=409)
        viewer.get("/queues")
        admin.ask("DELETE", "/users/" + ids["viewer"], want=204)
        viewer.get("/queues", want=401)
        lines = admin.get("/audit").json
        self.assertEqual([(line["who"], line["what"], line["object"], line["result"])
                          for line in lines],
                         [("", "GET queues", "", 401),
                          ("admin (key test)", "user.delete", "viewer", 204),
                          ("admin (key test)", "user.delete", ids["admin"], 409)])


class Sessions(RestCase):

    def signed_in(self, role="admin"):
        self.key_of(role)
        client = Client(self, self.port)
        return client.signed_in(client.post("/auth/login", {"name": role, "password": PASSWORD},
                                            want=200))

    def test_a_session_is_a_cookie_that_no_script_and_no_other_site_gets(self):
        self.serve()
        self.key_of("viewer")
        answer = Client(self, self.port).post(
            "/auth/login", {"name": "VIEWER", "password": PASSWORD}, want=200)
        cookie = answer.headers["Set-Cookie"]
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(word, cookie)
        self.assertNotIn("Secure", cookie)
        self.daemon.end()
        self.serve("web-proxy = yes\n")
        answer = Client(self, self.port).post(
            "/auth/login", {"name": "viewer", "password": PASSWORD}, want=200)
        self.assertTrue(answer.headers["Set-Cookie"].startswith("__Host-mailchute="))
        self.assertIn("; Secure", answer.headers["Set-Cookie"])

    def test_nothing_changes_without_the_token_of_the_session(self):
        self.serve()
        client = self.signed_in()
        client.post("/entries/take", {}, want=204)
        for wrong in ("", "x" * 43, client.csrf[:-1]):
            client.post("/entries/take", {}, want=403, **{"X-CSRF-Token": wrong})
        client.post("/entries/take", {}, want=403, Origin="http://evil.example")
        client.post("/entries/take", {}, want=403, **{"Sec-Fetch-Site": "cross-site"})
        client.get("/queues", want=403, Host="evil.example")
        client.post("/entries/take", {}, want=415, **{"Content-Type": "text/plain"})
        client.post("/entries/take", {}, want=415,
                    **{"Content-Type": "application/x-www-form-urlencoded"})

    def test_a_session_ends_with_log_out_and_with_its_password(self):
        self.serve()
        first = self.signed_in()
        second = Client(self, self.port)
        second.signed_in(second.post("/auth/login", {"name": "admin", "password": PASSWORD}))
        self.assertNotEqual(first.cookie, second.cookie)
        first.post("/auth/password", {"old": "wrong wrong wrong", "new": PASSWORD}, want=401)
        changed = first.post("/auth/password", {"old": PASSWORD, "new": PASSWORD + "!"}, want=200)
        second.get("/auth/me", want=401)
        first.get("/auth/me", want=401)
        third = Client(self, self.port).signed_in(changed)
        third.post("/auth/logout", want=204)
        third.get("/auth/me", want=401)

    def test_who_guesses_has_to_wait_and_learns_nothing(self):
        self.serve()
        self.key_of("viewer")
        client = Client(self, self.port)
        known = client.post("/auth/login", {"name": "viewer", "password": "guess guess"}, want=401)
        other = client.post("/auth/login", {"name": "nobody", "password": "guess guess"}, want=401)
        self.assertEqual(known.body, other.body)
        codes = [client.post("/auth/login", {"name": "viewer", "password": "x"}).code
                 for _ in range(8)]
        self.assertEqual(codes[-1], 429, codes)
        late = client.post("/auth/login", {"name": "viewer", "password": PASSWORD}, want=429)
        self.assertGreaterEqual(int(late.headers["Retry-After"]), 1)

    def test_what_is_kept_lets_nobody_in(self):
        self.serve()
        client = self.signed_in()
        session = client.cookie.split("=", 1)[1]
        self.daemon.end()
        kept = b""
        folder = self.queue[len("sqlite:"):]
        for name in os.listdir(folder):
            if name.startswith("queue.db"):
                with open(os.path.join(folder, name), "rb") as file:
                    kept += file.read()
        self.assertNotIn(session.encode(), kept)
        self.assertNotIn(PASSWORD.encode(), kept)
        self.assertIn(b"$argon2id$", kept)


class Sources(RestCase):

    def test_a_source_is_made_imported_paused_changed_synced_and_removed(self):
        for number in range(3):
            self.server.append(self.user, "INBOX", mail("old %d" % number))
        daemon = self.serve()
        client = self.client("admin")
        made = client.post("/ingestion-sources", self.source(), want=201).json
        path = "/ingestion-sources/" + made["id"]
        self.wait(lambda: client.get(path).json["counts"]["queued"] == 3 and
                  client.get(path).json["status"] == "active", "it is imported", daemon)
        self.assertEqual(client.post(path + "/pause", want=200).json["status"], "paused")
        self.server.append(self.user, "INBOX", mail("while paused"))
        self.assertEqual(client.ask("PUT", path, {"status": "active"}, want=200).json["paused"],
                         False)
        self.wait(lambda: client.get(path).json["counts"]["queued"] == 4, "it goes on", daemon)
        client.post(path + "/pause", {}, want=200)
        client.post(path + "/resume", {}, want=200)
        client.post(path + "/pause", {}, want=200)
        client.post(path + "/sync", want=202)
        self.assertFalse(client.get(path).json["paused"])
        client.post(path + "/import", want=202)
        stats = client.get(path + "/stats").json
        self.assertEqual((stats["totalEmails"], stats["recentActivity"][-1]["count"]), (4, 4))
        self.assertEqual((stats["recentEntries"]["entries"], [
            (one["name"], one["count"]) for one in stats["recentEntries"]["folders"]]),
            (4, [("INBOX", 4)]))
        changed = self.source(password="")
        changed["interval"] = 60
        self.assertEqual(client.ask("PUT", path, changed, want=200).json["interval"], 60)
        self.assertEqual([s["name"] for s in client.get("/ingestion-sources").json], ["office"])
        client.ask("DELETE", path, want=204)
        client.get(path, want=404)
        self.assertEqual(len(client.get("/entries").json["items"]), 4)
        everything = "".join(client.get(p).body.decode() for p in (
            "/ingestion-sources", "/entries", "/audit", "/queues")) + "\n".join(daemon.log)
        self.assertNotIn(CANARY, everything)

    def test_what_does_not_work_is_not_kept_and_says_what_to_do(self):
        self.serve()
        client = self.client("admin")
        wrong = client.post("/ingestion-sources", self.source(password="wrong"), want=400).json
        self.assertIn("refused", wrong["message"])
        tested = client.post("/test", self.source(password="wrong"), want=200).json
        self.assertEqual((tested["ok"], tested["class"]), (False, "credentials"))
        self.assertEqual(tested["steps"][0]["state"], "ok")
        strict = client.post("/test", self.source(allowInsecureCert=False), want=200).json
        self.assertEqual((strict["ok"], strict["class"]), (False, "certificate"))
        good = client.post("/test", self.source(), want=200).json
        self.assertTrue(good["ok"], good)
        for bad in ({}, {"name": "x"}, {"name": "x", "provider": "google_workspace"},
                    dict(self.source(), name=""), dict(self.source(), name="-x"),
                    dict(self.source(), name=7), self.source(port=0x10000), self.source(host=""),
                    self.source(username=""), self.source(password=""), self.source(host=["a"]),
                    dict(self.source(), interval=1), self.source(username="a\x00b")):
            client.post("/ingestion-sources", bad, want=400)
        self.assertEqual(client.get("/ingestion-sources").json, [])
        client.post("/ingestion-sources", dict(self.source(), test=False), want=201)
        client.post("/ingestion-sources", self.source(), want=400)

    def test_a_source_is_tested_by_its_stored_password_and_the_steps_are_told_as_they_pass(self):
        self.serve()
        client = self.client("admin")
        with FaultProxy(self.server.tls_port) as proxy:
            made = client.post("/ingestion-sources", self.source(port=proxy.port), want=201).json
            changed = dict(self.source(port=proxy.port, password=""), id=made["id"], run="mine")
            del changed["name"]
            client.get("/test/mine", want=404)
            proxy.swallow = True    # it hangs after the first step
            result = []
            running = threading.Thread(target=lambda: result.append(
                client.post("/test", changed).json))
            running.start()
            self.wait(lambda: client.get("/test/mine", want=None).code == 200 and
                      client.get("/test/mine", want=None).json["steps"], "a step is told")
            proxy.drop()
            proxy.swallow = False
            running.join()
            client.get("/test/mine", want=404)
            self.assertFalse(result[0]["ok"])
            self.assertTrue(client.post("/test", changed, want=200).json["ok"])
        other = dict(changed, providerConfig=dict(changed["providerConfig"], port=1))
        self.assertIn("password", client.post("/test", other, want=400).json["message"])
        client.post("/test", dict(changed, id=NOTHING), want=404)
        client.post("/test", dict(changed, id=7), want=400)

    def test_a_stored_password_goes_to_no_other_server(self):
        self.serve()
        client = self.client("admin")
        made = client.post("/ingestion-sources", dict(self.source(), test=False), want=201).json
        path = "/ingestion-sources/" + made["id"]
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        for change in ({"host": "127.0.0.2", "password": ""}, {"secure": False, "password": ""},
                       {"port": listener.getsockname()[1], "password": ""},
                       {"username": "other", "password": ""}):
            answer = client.ask("PUT", path, self.source(**change), want=400)
            self.assertIn("password", answer.json["message"])
        client.ask("PUT", path, {"connection": "url=127.0.0.1;port=%d" % listener.getsockname()[1]},
                   want=400)
        listener.setblocking(False)
        self.assertRaises(BlockingIOError, listener.accept)

    def test_web_users_name_nothing_of_this_machine(self):
        self.serve("web-ports = 993 %d\n" % self.server.tls_port)
        client = self.client("admin")
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "169.254.169.254",
                     "10.0.0.1", "0.0.0.0"):
            answer = client.post("/ingestion-sources", self.source(host=host), want=400)
            self.assertIn("public address", answer.json["message"])
            tested = client.post("/test", self.source(host=host), want=200).json
            self.assertIn("public address", tested["message"])
        for change in ({"port": 22}, {"host": "imaps://a.example:22"}, {"host": "a.example:22"},
                       {"host": "[::1]"}, {"host": "::ffff:127.0.0.1"}):
            client.post("/test", self.source(**change), want=400)
        for connection in ("url=a.example;caFile=/etc/passwd", "url=a.example;proxy=http://b:80",
                           "url=a.example;port=22", "port=993", "url="):
            client.post("/test", {"name": "x", "connection": connection, "user": "a",
                                  "password": "b"}, want=400)
        for loader in ("Folder", "/tmp/evil.so", "../imap.so"):
            client.post("/test", dict(self.source(), loader=loader), want=400)
        client.post("/ingestion-sources", dict(self.source(), test=False), want=201)
        path = "/ingestion-sources/office"
        self.wait(lambda: client.get(path).json["state"] in ("pending", "error", "active") and
                  "public address" in (client.get(path).json["status_message"] or ""),
                  "the daemon does not connect either", self.daemon)
        self.assertEqual(self.server.logins(self.user), 0)

    def test_many_sources_are_told_in_pages(self):
        self.serve()
        client = self.client("admin")
        names = ["b %d" % number for number in range(5)] + ["\xe4"]
        for name in names:
            made = dict(self.source(name), test=False)
            client.post("/ingestion-sources/" + client.post("/ingestion-sources", made,
                                                            want=201).json["id"] + "/pause")
        path, seen = "/ingestion-sources?limit=2", []
        while path:
            answer = client.get(path)
            seen += [source["name"] for source in answer.json]
            link = answer.headers["Link"]
            path = link and re.match("<%s(.*)>; rel=\"next\"" % API, link).group(1)
        self.assertEqual(seen, names)
        client.get("/ingestion-sources?limit=201", want=400)
        client.get("/ingestion-sources?limit=x", want=400)


class Entries(RestCase):

    def picked(self, *mails):
        for one in mails:
            self.server.append(self.user, "INBOX", one)
        self.picked_up()
        self.serve()

    def test_entries_are_told_in_pages_filtered_and_searched(self):
        self.picked(*[mail("subject %d" % number) for number in range(7)])
        client = self.client("viewer")
        page = client.get("/entries?limit=3").json
        self.assertEqual([e["subject"] for e in page["items"]],
                         ["subject 6", "subject 5", "subject 4"])
        page = client.get("/entries?limit=3&after=" + page["next"]).json
        page = client.get("/entries?limit=3&after=" + page["next"]).json
        self.assertEqual(([e["subject"] for e in page["items"]], page["next"]),
                         (["subject 0"], None))
        found = client.get("/entries?q=SUBJECT%203").json
        self.assertEqual([e["subject"] for e in found["items"]], ["subject 3"])
        self.assertEqual(client.get("/entries?q=nothing").json, {"items": [], "next": None})
        self.assertEqual(len(client.get("/entries?state=new&source=imap").json["items"]), 7)
        self.assertEqual(client.get("/entries?state=bad").json["items"], [])
        self.assertEqual(client.get("/entries?source=other").json["items"], [])
        self.assertEqual(client.get("/entries?order=oldest&limit=1").json["items"][0]["subject"],
                         "subject 0")
        client.get("/entries?state=odd", want=400)
        client.get("/entries?after=" + NOTHING, want=400)
        client.get("/entries/" + NOTHING, want=404)
        client.get("/entries/abc", want=404)

    def test_what_came_in_a_message_runs_nowhere(self):
        self.picked(WITH_PARTS)
        client = self.client("viewer")
        entry = client.get("/entries").json["items"][0]
        path = "/entries/" + entry["id"]
        whole = client.get(path).json
        raw = client.get(path + "/raw")
        self.assertEqual(sha256(raw.body), whole["raw"]["sha256"])
        email.message_from_bytes(raw.body)
        part = client.get(path + "/attachments/1")
        self.assertEqual(sha256(part.body), whole["attachments"][0]["sha256"])
        for answer in (raw, part):
            self.assertTrue(answer.headers["Content-Disposition"].startswith("attachment; "))
            self.assertIn("sandbox", answer.headers["Content-Security-Policy"])
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertIn("filename*=UTF-8''b%C3%BC", part.headers["Content-Disposition"].replace(
            "%62", "b"))
        some = client.ask("GET", path + "/raw", Range="bytes=0-3")
        self.assertEqual((some.code, some.body), (206, b"From"))
        some = client.ask("GET", path + "/attachments/1", Range="bytes=1-3")
        self.assertEqual((some.code, some.body), (206, b"PDF"))
        html = client.get(path + "/html")
        self.assertIn(b"<script>", html.body)   # as it came: the sandbox stops it
        self.assertEqual(html.headers["Content-Security-Policy"],
                         "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                         "frame-ancestors 'self'")
        for nothing in ("0", "2", "x", "-1", "99999999999999999999"):
            client.get(path + "/attachments/" + nothing, want=404)

    def test_an_attachment_is_had_whole_whatever_size_was_written_down(self):
        self.picked(WITH_PARTS)
        client = self.client("viewer")
        path = "/entries/" + client.get("/entries").json["items"][0]["id"]
        whole = client.get(path + "/attachments/1").body
        told = '"size":%d,' % len(whole)
        with contextlib.closing(sqlite3.connect(self.queue[len("sqlite:"):] + "/queue.db")) as database:
            for size in (1, 0, 1 << 20):
                with database:
                    changed = database.execute("UPDATE body SET content = replace(content, ?, ?)",
                                               (told, '"size":%d,' % size)).rowcount
                told = '"size":%d,' % size
                self.assertEqual(changed, 1)
                self.assertEqual(client.get(path).json["attachments"][0]["size"], size)
                self.assertEqual(client.get(path + "/attachments/1").body, whole)

    def test_nothing_is_unpacked_onto_the_disk_that_is_kept_for_mail(self):
        folder = self.queue[len("sqlite:"):]
        os.mkdir(folder)
        disk = Namespace(self, 'mount -t tmpfs -o size=2g,mode=700 tmpfs "$1"', folder)
        self.prefix = disk.prefix
        self.picked(WITH_PARTS)
        client = self.client("viewer")
        path = "/entries/" + client.get("/entries").json["items"][0]["id"]
        whole = client.get(path + "/attachments/1").body
        disk.run("mount", "-o", "remount,size=300m", folder)
        refused = client.get(path + "/attachments/1", want=503).json
        self.assertIn("kept for mail", refused["detail"])
        self.assertIn("free some space", refused["to_do"])
        client.get(path + "/raw")
        disk.run("mount", "-o", "remount,size=2g", folder)
        self.assertEqual(client.get(path + "/attachments/1").body, whole)
        disk.run("sh", "-c", 'cd "$1" && test -z "$(ls -A)"', "sh", folder + "/spool")

    def test_entries_are_worked_off(self):
        self.picked(mail("a"), mail("b"))
        client = self.client("operator")
        first = client.post("/entries/take", {"lease": 60}, want=200).json
        self.assertEqual((first["subject"], first["state"]), ("a", "taken"))
        path = "/entries/" + first["id"]
        client.post(path + "/done", {"fence": first["fence"] + 1}, want=409)
        self.assertEqual(client.post(path + "/done", {"fence": first["fence"]}, want=200).json[
            "state"], "done")
        client.post(path + "/done", {}, want=409)
        second = client.post("/entries/take", {}, want=200).json
        path = "/entries/" + second["id"]
        client.post(path + "/fail", {}, want=400)
        self.assertEqual(client.post(path + "/fail", {"why": "no number"}, want=200).json["error"],
                         "no number")
        self.assertEqual(client.post(path + "/retry", {}, want=200).json["state"], "new")
        client.post(path + "/retry", {}, want=409)
        queues = client.get("/queues").json
        self.assertEqual([(q["name"], q["new"], q["done"]) for q in queues], [("default", 1, 1)])


class Events(RestCase):

    def listen(self, client):
        link = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        self.addCleanup(link.close)
        link.sendall(("GET %s/events HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: %s\r\n\r\n" % (
            API, client.key)).encode())
        heard = []

        def read():
            while True:
                try:
                    got = link.recv(65536)
                except OSError:
                    return
                if not got:
                    return
                heard.append(got)
        threading.Thread(target=read, daemon=True).start()
        return lambda: b"".join(heard).decode(errors="replace")

    def test_new_mail_and_statuses_are_told_as_they_come(self):
        daemon = self.serve()
        client = self.client("admin")
        heard = self.listen(client)
        self.wait(lambda: "event: reset" in heard(), "it listens", daemon)
        client.post("/ingestion-sources", self.source(), want=201)
        self.wait(lambda: "event: source" in heard() and '"status":"active"' in heard(),
                  "the source is told", daemon)
        self.server.append(self.user, "INBOX", mail("live"))
        self.wait(lambda: "event: entry" in heard() and '"subject":"live"' in heard(),
                  "the entry is told", daemon)
        self.wait(lambda: "event: counts" in heard(), "counts are told", daemon)
        client.ask("DELETE", "/ingestion-sources/office", want=204)
        self.wait(lambda: "event: removed" in heard(), "that it is gone is told", daemon)
        self.assertNotIn(CANARY, heard())
        self.assertEqual(daemon.end(), 0)


class Strangers(RestCase):

    def test_odd_json_is_refused_and_harms_nothing(self):
        daemon = self.serve()
        client = self.client("admin")
        headers = dict(client.headers(), **{"Content-Type": "application/json"})
        rng = random.Random(7)
        good = json.dumps(self.source(host="localhost", port=1)).encode()
        bodies = [b"", b"{", b"[]", b"null", b"7", b'"x"', b"{}" * 2, b"[" * 40 + b"]" * 40,
                  b'{"a":' * 33 + b"1" + b"}" * 33, b'{"a":1,"a":2}', b"\xff\xfe", b"{\"a\":\"\\u0000\"}",
                  b'{"name":"\xed\xa0\x80"}', b'{"days":1e999}', b'{"name":' + b"9" * 5000 + b"}"]
        for _ in range(150):
            body = bytearray(good)
            for _ in range(rng.randrange(1, 6)):
                at = rng.randrange(len(body))
                body[at:at + rng.randrange(3)] = bytes(
                    rng.choice(b'{}[]":,\\\x00\xff0nt') for _ in range(rng.randrange(3)))
            bodies.append(bytes(body))
        for body in bodies:
            for path in ("/test", "/users", "/entries/take"):
                answer = client.raw("POST", API + path, body, headers)
                self.assertLess(answer.code, 500, (path, body, answer))
        self.assertIsNone(daemon.process.poll())
        self.assertEqual(daemon.get("/readyz")[0], 200)

    def test_odd_http_is_refused_and_harms_nothing(self):
        daemon = self.serve()
        rng = random.Random(8)
        good = b"GET /api/v1/queues?limit=3 HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: %s\r\n" \
               b"Cookie: mailchute=a; b=c\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc" % (
                   b"k" * 43)
        paths = ["/api/v1", "/api/v1/", "//api/v1/users", "/api/v1/users/", "/api/v1/users//",
                 "/api/v1/entries/..%2f..", "/api/v1/%00", "/api/v1/entries/" + "a" * 4000,
                 "/api/v1/users/../users", "/api/v1/users?%zz", "/api/v1/entries/%2e%2e/raw"]
        requests = [("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path).encode()
                    for path in paths]
        for _ in range(200):
            body = bytearray(good)
            for _ in range(rng.randrange(1, 5)):
                at = rng.randrange(len(body))
                body[at:at + rng.randrange(4)] = bytes(
                    rng.choice(b"\r\n\x00 :/?%\xff;=A1") for _ in range(rng.randrange(4)))
            requests.append(bytes(body))
        for request in requests:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as link:
                first = raw_answer(link, request).split(b"\r\n")[0]
            self.assertNotRegex(first, rb" (200|201|5\d\d) ", request)
        self.assertEqual(daemon.get("/readyz")[0], 200)

    def test_who_sends_slowly_is_cut_off(self):
        daemon = self.serve()
        slow = [b"GET /api/v1/queues HTTP/1.1\r\nHost: local",
                b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"]
        links = []
        for start in slow:
            link = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
            link.sendall(start)
            links.append(link)
        for link in links:
            try:
                self.assertNotIn(b" 200 ", link.recv(65536))
            except ConnectionResetError:
                pass
            link.close()
        self.assertEqual(daemon.get("/readyz")[0], 200)

    def test_without_the_interface_there_are_metrics_and_health_alone(self):
        daemon = self.serve("web = no\n")
        self.assertEqual(daemon.get("/api/v1/queues")[0], 404)
        self.assertEqual(daemon.get("/livez")[0], 200)
        self.assertFalse(daemon.said("this token"))


if __name__ == "__main__":
    tap.main()
