#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who gets in over the web, by which way, and what is written down of it: the daemon as those see it who
should not be there."""
import contextlib
import socket
import sqlite3
import threading
import time

from fault_proxy import FaultProxy
from rest_client import API, PASSWORD, SETTINGS, Client, WebCase
from serve_support import PATIENCE
from system_support import CONFIG, MAIL, OK
import tap

PARTS = (b"From: Ann <ann@example.org>\r\nSubject: Parts\r\nMIME-Version: 1.0\r\n"
         b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n'
         b"--x\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n"
         b"--x\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--x--\r\n")
RUNNING, WAITING = 4, 4     # HTTP_REMOTE_THREADS, HTTP_REMOTE_WAITING


class Passwords(WebCase):

    def add_by(self, name, way):
        self.source("add", name, way, "--force", "--user", self.user, "--password-file",
                    self.password_file)

    def test_a_kept_password_goes_by_no_other_way_either(self):
        """One that its owner has by a proxy, to certificates that he trusts."""
        way = "url=127.0.0.1;port=%d;ssl=True" % self.server.tls_port
        self.add_by("plain", way)
        self.serve()
        client = self.client("admin")
        for name, more in (("proxy", "proxy=http://127.0.0.1:1"), ("trust", "caFile=/nothing.pem"),
                           ("pin", "pinnedKey=sha256//" + "A" * 43 + "="), ("tls", "minTls=1.3")):
            self.add_by(name, way + ";" + more)
            answer = client.ask("PUT", "/ingestion-sources/" + name, {
                "connection": way, "test": False}, want=400)
            self.assertIn("password", answer.json["message"])
        for more in ("allowInsecureCert=True", "ssl=False", "starttls=Never", "auth=PLAIN"):
            answer = client.ask("PUT", "/ingestion-sources/plain", {
                "connection": way.replace("ssl=True;", "") + ";" + more, "test": False}, want=400)
            self.assertIn("password", answer.json["message"])
        client.ask("PUT", "/ingestion-sources/plain", {
            "connection": way + ";mailbox=Other;poll=1min", "test": False}, want=200)


class Guessing(WebCase):

    def knock(self, sender):
        """Tries to set up by tokens that are none, which costs nothing, until he is to wait; each says
        another address where @sender is a pattern."""
        codes = []
        while codes.count(429) == 0 and len(codes) < 200:
            codes.append(Client(self, self.port).post("/auth/setup", {
                "token": "x" * 43, "name": "user%d" % len(codes), "password": PASSWORD},
                **{"X-Forwarded-For": sender.replace("N", str(len(codes)))}).code)
        return codes

    def is_heard_twenty_times(self, sender):
        codes = self.knock(sender)
        self.assertGreaterEqual(codes.count(410), 20)
        self.assertEqual(codes[-1], 429)

    def guess(self, name, sender=None, want=None):
        headers = {"X-Forwarded-For": sender} if sender else {}
        return Client(self, self.port).post("/auth/login", {"name": name, "password": "guess guess"},
                                            want=want, **headers)

    def sign_in_from(self, name, sender, want=200):
        return Client(self, self.port).post("/auth/login", {"name": name, "password": PASSWORD},
                                            want=want, **{"X-Forwarded-For": sender})

    def test_behind_a_proxy_a_guesser_locks_nobody_else_out(self):
        self.serve("web-proxy = yes\n")
        self.add_user("ann", "admin")
        self.is_heard_twenty_times("203.0.113.9")
        answer = self.sign_in_from("ann", "203.0.113.9, 198.51.100.7")
        client = Client(self, self.port).signed_in(answer)
        lines = client.get("/audit").json
        self.assertEqual([(lines[0]["who"], lines[0]["from"], lines[0]["object"])],
                         [("ann", "198.51.100.7", "ann")])
        guesses = [line for line in lines if line["result"] == 410]
        self.assertEqual({(line["who"], line["from"]) for line in guesses}, {("", "203.0.113.9")})
        self.assertIn("user7", {line["object"] for line in guesses})

    def test_without_a_proxy_nobody_is_believed_who_says_for_whom_he_asks(self):
        self.serve()
        self.is_heard_twenty_times("203.0.113.N")

    def test_only_the_proxy_that_was_named_is_believed(self):
        self.serve("web-proxy = yes\nweb-proxy-address = 192.0.2.1\n")
        self.is_heard_twenty_times("203.0.113.N")
        self.daemon.end()
        config = self.write("bad.conf", "listen = 127.0.0.1:0\nweb-proxy = yes\n"
                            "web-proxy-address = localhost\n")
        run = self.command("serve", "--queue", self.queue, "--config", config)
        self.assertEqual(run.code, CONFIG, run)
        self.assertIn("web-proxy-address 'localhost'", run.err)

    def test_who_signs_in_often_is_no_guesser_and_is_let_in_while_others_guess(self):
        self.serve("web-proxy = yes\n")
        self.add_user("ann", "viewer")
        for _ in range(25):
            self.sign_in_from("ann", "198.51.100.7")
        codes = []
        while codes.count(429) == 0 and len(codes) < 100:
            codes.append(self.guess("ann", "203.0.113.%d" % len(codes)).code)
        self.assertEqual((codes[-1], codes[:5]), (429, [401] * 5))
        self.sign_in_from("ann", "198.51.100.7")
        self.sign_in_from("ann", "198.51.100.8", want=429)   # she was never there

    def test_the_set_up_is_written_down_with_the_name_it_made(self):
        daemon = self.serve()
        self.wait(lambda: daemon.said("this token: "), "the token is printed", daemon)
        token = next(line for line in daemon.log if "this token: " in line).split("this token: ")[1]
        first = {"token": token, "name": "ann", "password": PASSWORD}
        client = Client(self, self.port)
        client.post("/auth/setup", dict(first, token="x" * 43), want=410)
        client.signed_in(client.post("/auth/setup", first, want=200))
        self.assertEqual([(line["who"], line["what"], line["object"], line["result"])
                          for line in client.get("/audit").json],
                         [("ann", "user.setup", "ann", 200), ("", "user.setup", "ann", 410)])


class Trail(WebCase):

    def test_what_was_typed_for_a_name_and_is_none_is_not_written_down(self):
        self.serve()
        admin = self.client("admin")
        for name in (PASSWORD, "admin"):
            Client(self, self.port).post("/auth/login", {"name": name, "password": "guess guess"},
                                         want=401)
        self.assertEqual([line["object"] for line in admin.get("/audit").json
                          if line["result"] == 401], ["admin", "(unknown)"])

    def lines(self, client, *names):
        return [tuple(line[name] for name in names) for line in client.get("/audit").json]

    def test_who_looked_at_which_message_is_written_down_once(self):
        self.server.append(self.user, "INBOX", PARTS)
        self.picked_up()
        self.serve()
        admin, viewer = self.client("admin"), self.client("viewer")
        entry = viewer.get("/entries").json["items"][0]["id"]
        path = "/entries/" + entry
        for _ in range(2):
            viewer.get(path)
            viewer.get(path + "/raw")
            viewer.get(path + "/html")
            viewer.ask("GET", path + "/attachments/1", want=206, Range="bytes=1-2")
            viewer.ask("GET", path + "/attachments/1", want=206, Range="bytes=0-2")
        viewer.get(path + "/attachments/9", want=404)
        self.assertEqual(self.lines(admin, "who", "what", "object", "result"), [
            ("viewer (key test)", "entry.attachment", entry + "/1", 200),
            ("viewer (key test)", "entry.html", entry, 200),
            ("viewer (key test)", "entry.raw", entry, 200),
            ("viewer (key test)", "entry.read", entry, 200)])

    def test_what_is_refused_is_written_down_with_who_and_from_where(self):
        self.serve("web-proxy = yes\n")
        admin, viewer = self.client("admin"), self.client("viewer")
        hence = {"X-Forwarded-For": "198.51.100.7"}
        viewer.get("/users", want=403, **hence)
        viewer.post("/test", {}, want=403, **hence)
        Client(self, self.port, "x" * 43).get("/queues", want=401, **hence)
        Client(self, self.port).post("/entries/take", {}, want=401, **hence)
        Client(self, self.port).get("/auth/me", want=401, **hence)  # as each page asks at first
        viewer.get("/queues", **hence)
        self.add_user("ann", "viewer")
        ann = self.sign_in("ann")
        ann.post("/auth/logout", want=403, **{"X-CSRF-Token": "", **hence})
        self.assertEqual(self.lines(admin, "who", "from", "what", "result"), [
            ("ann", "198.51.100.7", "user.logout", 403),
            ("ann", "127.0.0.1", "user.login", 200),
            ("", "198.51.100.7", "entry.take", 401),
            ("", "198.51.100.7", "GET queues", 401),
            ("viewer (key test)", "198.51.100.7", "source.test", 403),
            ("viewer (key test)", "198.51.100.7", "GET users", 403)])

    def test_what_browsers_are_made_to_send_is_told_in_the_log_once(self):
        daemon = self.serve()
        client = self.client("viewer")
        for number in range(5):
            client.get("/queues", want=403, Host="evil%d.example" % number)
            client.post("/entries/take", {}, want=403, Origin="http://evil.example")
        told = [line for line in daemon.log if "refused a request" in line]
        self.assertEqual(len(told), 1, daemon.log)
        for word in ("127.0.0.1", "another host", "evil0.example"):
            self.assertIn(word, told[0])

    def test_a_flood_of_refusals_drives_out_nothing_and_is_counted(self):
        self.serve()
        admin = self.client("admin")
        for _ in range(30):
            Client(self, self.port).post("/auth/login", {"name": "x"}, want=400)
        admin.post("/entries/take", {}, want=204)
        self.assertEqual(self.lines(admin, "what", "object", "result")[:3], [
            ("entry.take", "", 204), ("refused", "10 more requests", 0), ("user.login", "", 400)])


class Metrics(WebCase):

    def ask(self, path, sender="198.51.100.7", key=None):
        headers = {"X-Forwarded-For": sender}
        if key:
            headers["Authorization"] = "Bearer " + key
        return Client(self, self.port).raw("GET", path, None, headers)

    def test_metrics_are_told_on_this_machine_and_to_who_shows_a_key(self):
        self.add()
        self.serve("web-proxy = yes\n")
        key = self.key_of("viewer")
        for path, word in (("/metrics", b"office"), ("/healthz?source=office", b"status")):
            for sender in ("198.51.100.7", "2001:db8::1", "127.0.0.1, 198.51.100.7", "10.0.0.1"):
                answer = self.ask(path, sender)
                self.assertEqual(answer.code, 401, answer)
                self.assertNotIn(b"office", answer.body)
            self.assertEqual(self.ask(path, key="x" * 43).code, 401)
            self.assertIn(word, self.ask(path, key=key).body)
            for sender in ("127.0.0.1", "::1", "::ffff:127.0.0.2"):
                self.assertIn(word, self.ask(path, sender).body)
        for path in ("/livez", "/readyz", "/healthz"):
            self.assertEqual(self.ask(path).code, 200)

    def test_without_the_interface_metrics_are_told_here_or_to_everybody(self):
        self.serve("web-proxy = yes\nweb = no\n")
        self.assertEqual((self.ask("/metrics").code, self.ask("/metrics", "::1").code), (403, 200))
        self.daemon.end()
        self.serve("web-proxy = yes\nweb = no\nmetrics = open\n")
        self.assertEqual(self.ask("/metrics").code, 200)


class Crowds(WebCase):

    def test_connection_tests_that_hang_keep_nobody_from_signing_in_or_reading_mail(self):
        self.server.append(self.user, "INBOX", MAIL)
        self.picked_up()
        self.serve()
        self.add_user("ann", "viewer")
        admin = self.client("admin")
        with FaultProxy(self.server.tls_port) as proxy:
            proxy.swallow = True
            form = {"name": "x", "providerConfig": {
                "host": "127.0.0.1", "port": proxy.port, "secure": True, "username": "a",
                "password": "b"}}
            answers = []
            running = [threading.Thread(target=lambda: answers.append(admin.post("/test", form)))
                       for _ in range(RUNNING + WAITING + 3)]
            for one in running:
                one.start()
            self.wait(lambda: len(answers) >= 3, "those who find no place are told", self.daemon)
            self.assertEqual({(one.code, one.headers["Retry-After"]) for one in answers},
                             {(503, "30")})
            ann = self.sign_in("ann")
            entry = ann.get("/entries").json["items"][0]["id"]
            ann.get("/entries/%s/attachments/1" % entry, want=404)
            proxy.swallow = False
            while any(one.is_alive() for one in running):
                proxy.drop()
                time.sleep(0.05)
            self.assertEqual(sorted({one.code for one in answers}), [200, 503])


# Ways to write addresses of this machine, of private networks and of services in clouds.
SPELLINGS = """
    127.0.0.1 127.1 127.0.1 127.000.000.001 127.0.0.1. 127.9.9.9 127.255.255.254
    2130706433 017700000001 0x7f000001 0x7F.1 0x7f.0.0.1 0177.0.0.1 0177.1 0177.0.0.0x1
    0x7f.0x0.0x0.0x1 00000177.0.0.1 127.0.0.0x1 0x07f000001 127.65535.1 4286644225 0x17f000001
    localhost LOCALHOST localhost. LocalHost
    0 00 0x0 0.0 0.0.0.0 00.0.0.0 0.0.0.0. 0000000000
    %31%32%37.0.0.1 127%2e0%2e0%2e1 127.0.0.1%00 127.0.0.1%0a.example.com
    \uff11\uff12\uff17.0.0.1 \u2460\u2461\u2466.0.0.1 127\u30020\u30020\u30021 127\uff0e0\uff0e0\uff0e1
    ::1 [::1] 0:0:0:0:0:0:0:1 :: [::] ::1%lo [::1%25lo] ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1
    [::ffff:127.0.0.1] 0:0:0:0:0:ffff:7f00:0001 2002:7f00:1:: 64:ff9b::127.0.0.1 64:ff9b::7f00:1
    64:ff9b:1::7f00:1 2001:0:7f00:1:: fe80::1 fe80::1%lo fe80::1%1 fc00::1 fd00::1 fec0::1 ff02::1
    10.0.0.1 10.1 012.0.0.1 0xa.0.0.1 167772161 172.16.0.1 172.31.255.255 192.168.0.1 192.168.1
    3232235521 100.64.0.1 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255
    169.254.169.254 0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.43518 fd00:ec2::254
    100.100.100.200 192.0.0.192 ::ffff:169.254.169.254 2002:a9fe:a9fe::
    user@127.0.0.1 a.example@127.0.0.1 127.0.0.1#a.example 127.0.0.1/a 127.0.0.1?a 127.0.0.1\\a
    imap://127.0.0.1 imaps://127.0.0.1 http://127.0.0.1 file:///etc/passwd
""".split()
HERE = ("127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost", "0x7f000001")


class Servers(WebCase):

    def test_no_spelling_of_an_own_address_leads_a_web_user_to_it(self):
        self.assertGreaterEqual(len(set(SPELLINGS)), 60)
        port = self.server.tls_port
        self.serve("web-ports = 993 %d\n" % port, SETTINGS.replace("private-hosts = yes\n", ""))
        client = self.client("admin")
        texts = set()
        for host in SPELLINGS:
            form = {"name": "x", "providerConfig": {
                "host": host, "port": port, "secure": True, "allowInsecureCert": True,
                "username": self.user, "password": self.server.password}}
            answer = client.post("/test", form)
            self.assertIn(answer.code, (200, 400), (host, answer))
            if answer.code == 200:
                self.assertFalse(answer.json["ok"], (host, answer))
                self.assertIn(answer.json["class"], ("config", "unreachable", "usage"),
                              (host, answer))
                texts.add(answer.json["message"].replace(host + " port", "HOST port"))
        self.assertEqual(self.server.logins(self.user), 0)
        # What is not public is refused in the same words, whether anybody answers there or not.
        self.assertEqual(len({text for text in texts if "public address" in text}), 1, texts)
        self.daemon.end()

        # That they were understood shows where they are allowed.
        self.serve()
        for host in HERE:
            form["providerConfig"]["host"] = host
            answer = Client(self, self.port, client.key).post("/test", form, want=200)
            self.assertTrue(answer.json["ok"], (host, answer))
        self.assertGreaterEqual(self.server.logins(self.user), len(HERE))


class Listener:
    """An event stream by the cookie or the key of a client, in a thread."""

    def __init__(self, case, client):
        self.link = socket.create_connection(("127.0.0.1", case.port), timeout=PATIENCE)
        case.addCleanup(self.link.close)
        head = "".join("%s: %s\r\n" % one for one in client.headers().items())
        self.link.sendall(("GET %s/events HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (
            API, head)).encode())
        self.heard, self.ended = b"", False
        threading.Thread(target=self.read, daemon=True).start()
        case.wait(lambda: b"retry:" in self.heard or self.ended, "it listens")

    def read(self):
        with contextlib.suppress(OSError):
            while more := self.link.recv(65536):
                self.heard += more
        self.ended = True


class Listeners(WebCase):

    def setUp(self):
        super().setUp()
        self.serve()
        self.admin = self.client("admin")

    def tokens(self, change):
        with contextlib.closing(sqlite3.connect(self.database(), timeout=PATIENCE)) as database, \
                database:
            return database.execute(change).fetchall()

    def ends(self, listener, what):
        self.wait(lambda: listener.ended, what, self.daemon)

    def test_who_logs_out_is_told_nothing_more(self):
        self.add_user("ann", "viewer")
        here, there = self.sign_in("ann"), self.sign_in("ann")
        stays, goes = Listener(self, there), Listener(self, here)
        here.post("/auth/logout", want=204)
        self.ends(goes, "the stream ends with its session")
        self.assertFalse(stays.ended)
        there.post("/auth/password", {"old": PASSWORD, "new": PASSWORD + "!"}, want=200)
        self.ends(stays, "the stream ends with its password")

    def test_who_is_removed_is_told_nothing_more(self):
        for name in ("ann", "ben"):
            self.add_user(name, "viewer")
        other = Listener(self, self.admin)
        first, second = (Listener(self, self.sign_in(name)) for name in ("ann", "ben"))
        third = Listener(self, Client(self, self.port, self.key_of("operator")))
        ids = {user["name"]: user["id"] for user in self.admin.get("/users").json}
        self.admin.ask("DELETE", "/users/" + ids["ann"], want=204)
        self.ends(first, "the stream ends with its user")
        self.assertEqual(self.command("user", "remove", "ben", "--queue", self.queue).code, OK)
        self.ends(second, "who was removed at the machine hears no more")
        keys = {key["role"]: key["id"] for key in self.admin.get("/api-keys").json}
        self.admin.ask("DELETE", "/api-keys/" + keys["operator"], want=204)
        self.ends(third, "the stream ends with its key")
        self.assertFalse(other.ended)

    def test_who_loses_a_right_is_told_nothing_more_by_the_old_one(self):
        self.add_user("ann", "operator")
        listener = Listener(self, self.sign_in("ann"))
        self.tokens("UPDATE user SET role = 1 WHERE name = 'ann'")
        self.ends(listener, "the stream ends with its rights")

    def test_a_session_ends_after_twelve_hours_whatever_is_done_in_it(self):
        self.add_user("ann", "viewer")
        client = self.sign_in("ann")
        listener = Listener(self, client)
        self.assertEqual(self.tokens("SELECT ends_s - created_s FROM token WHERE kind = 1"),
                         [(12 * 3600,)])
        self.tokens("UPDATE token SET ends_s = %d WHERE kind = 1" % int(time.time()))
        client.get("/queues", want=401)
        self.ends(listener, "the stream ends with the session")

    def test_to_listen_keeps_no_session_alive(self):
        self.add_user("ann", "viewer")
        client = self.sign_in("ann")
        client.get("/auth/me")
        ago = int(time.time()) - 1500
        self.tokens("UPDATE token SET created_s = %d, used_s = %d WHERE kind = 1" % (ago, ago))
        listener = Listener(self, client)
        client.get("/queues", **{"X-Unattended": "1"})
        self.assertEqual(self.tokens("SELECT used_s FROM token WHERE kind = 1"), [(ago,)])
        client.get("/queues")
        self.assertNotEqual(self.tokens("SELECT used_s FROM token WHERE kind = 1"), [(ago,)])
        self.assertFalse(listener.ended)
        ago -= 301
        self.tokens("UPDATE token SET created_s = %d, used_s = %d WHERE kind = 1" % (ago, ago))
        self.ends(listener, "the stream ends with the session")
        client.get("/queues", want=401)


if __name__ == "__main__":
    tap.main()
