#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The REST interface over TLS by a certificate of its own, and to many at a time: who shakes hands, what
a browser is told then, and 1,000 event streams."""
import http.client
import json
import os
import resource
import selectors
import shutil
import socket
import ssl
import tempfile
import time
import unittest
import warnings

import dovecot
from rest_client import API, PASSWORD, SETTINGS, WebCase, raw_answer
from serve_support import PATIENCE
from system_support import CONFIG, MAIL
import tap

STREAMS = 1000      # HTTP_STREAMS_MAX
EACH = 100          # HTTP_STREAMS_EACH_MAX


@unittest.skipIf(shutil.which("openssl") is None, "the openssl command is not there")
class Tls(WebCase):

    def setUp(self):
        super().setUp()
        self.certificates = tempfile.mkdtemp(dir=self.folder)
        dovecot.make_certificates(self.certificates, "good")

    def path(self, name):
        return os.path.join(self.certificates, name)

    def settings(self, certificate="good.crt", key="good.key"):
        return "web-certificate = %s\nweb-key = %s\n" % (self.path(certificate), self.path(key))

    def link(self, versions=None, ciphers=None):
        context = ssl.create_default_context(cafile=self.path("ca.crt"))
        if versions is not None:
            context.minimum_version = context.maximum_version = versions
        if ciphers is not None:
            context.set_ciphers(ciphers)
        return http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE,
                                           context=context)

    def ask(self, method, path, body=None, headers=(), **how):
        link = self.link(**how)
        try:
            link.request(method, path, body, dict(headers))
            got = link.getresponse()
            return got.status, got.headers, got.read()
        finally:
            link.close()

    def test_a_browser_shakes_hands_and_its_cookie_goes_by_tls_alone(self):
        daemon = self.serve(self.settings())
        self.wait(lambda: daemon.said("this token: "), "the link is printed", daemon)
        token = next(line for line in daemon.log if "this token: " in line).split("this token: ")[1]
        self.assertIn("    https://127.0.0.1:%d/#/setup/%s" % (self.port, token), daemon.log)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertEqual(self.ask("GET", "/readyz", versions=version)[0], 200, version)
        code, headers, body = self.ask("POST", API + "/auth/setup", json.dumps({
            "token": token, "name": "ann", "password": PASSWORD}), {"Content-Type": "application/json"})
        self.assertEqual(code, 200, body)
        cookie = headers["Set-Cookie"]
        for word in ("__Host-", "Secure", "HttpOnly", "SameSite=Strict"):
            self.assertIn(word, cookie)
        self.assertIn("max-age=", headers["Strict-Transport-Security"] or "")
        code, _, body = self.ask("GET", API + "/auth/me", headers={"Cookie": cookie.split(";")[0]})
        self.assertEqual((code, json.loads(body)["name"]), (200, "ann"))

    def test_old_versions_plain_text_and_noise_get_nothing(self):
        self.serve(self.settings())
        with warnings.catch_warnings(), self.assertRaises((ssl.SSLError, ConnectionError)):
            warnings.simplefilter("ignore")     # that it is old is why it is tried
            self.ask("GET", "/readyz", versions=ssl.TLSVersion.TLSv1_1,
                     ciphers="DEFAULT:@SECLEVEL=0")
        stranger = ssl.create_default_context()
        with self.assertRaises(ssl.SSLCertVerificationError), \
                socket.create_connection(("localhost", self.port), timeout=PATIENCE) as plain:
            stranger.wrap_socket(plain, server_hostname="localhost")
        for noise in (b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" * 99,
                      b"\0" * 70000):
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as plain:
                self.assertNotIn(b"HTTP/", raw_answer(plain, noise))
        self.assertEqual(self.ask("GET", "/readyz")[0], 200)

    def test_a_key_of_another_certificate_is_told_at_the_start(self):
        for settings, word in ((self.settings(key="ca.key"), "belong together"),
                               (self.settings(key="none.key"), "none.key"),
                               (self.settings("names"), "no PEM file")):
            config = self.write("mailchute.conf", SETTINGS + settings)
            run = self.command("serve", "--queue", self.queue, "--config", config)
            self.assertEqual(run.code, CONFIG, run)
            self.assertIn(word, run.err)


class Streams(WebCase):

    def open_all(self, keys, count):
        """So many event streams, by each of these keys in turn."""
        links = []
        for number in range(count):
            request = ("GET %s/events HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: %s\r\n\r\n"
                       % (API, keys[number % len(keys)])).encode()
            link = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
            self.addCleanup(link.close)
            link.sendall(request)
            links.append(link)
        return links

    def read_all(self, links, word):
        """Until each has said it; what they said."""
        said = {link: b"" for link in links}
        waiting = selectors.DefaultSelector()
        for link in links:
            link.setblocking(False)
            waiting.register(link, selectors.EVENT_READ)
        missing, until = set(links), time.monotonic() + PATIENCE
        while missing:
            self.assertLess(time.monotonic(), until,
                            "%d streams say nothing of %r" % (len(missing), word))
            for key, _ in waiting.select(1):
                more = key.fileobj.recv(65536)
                said[key.fileobj] += more
                self.assertNotEqual(more, b"", said[key.fileobj])
                if word in said[key.fileobj]:
                    missing.discard(key.fileobj)
        waiting.close()
        return said

    def test_a_thousand_listen_to_events_at_the_same_time(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard != resource.RLIM_INFINITY and hard < STREAMS + 200:
            self.skipTest("so many descriptors are not allowed here")
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (STREAMS + 200, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        self.add()
        daemon = self.serve()
        keys = [self.key_of("viewer", "viewer%d" % number) for number in range(STREAMS // EACH)]
        links = self.open_all(keys, STREAMS)
        said = self.read_all(links, b"retry: 2000")
        self.assertEqual({text[:15] for text in said.values()}, {b"HTTP/1.1 200 OK"})
        # One more is refused, and whoever asks for something else is answered.
        client = self.client("admin")
        self.assertEqual(client.get("/events", want=503).code, 503)
        self.assertEqual([s["name"] for s in client.get("/ingestion-sources").json], ["office"])
        self.server.append(self.user, "INBOX", MAIL)
        self.read_all(links, b"event: entry")
        for link in links:
            link.close()
        self.has_queued(daemon, 1)
        def listens():
            link, = self.open_all(keys, 1)
            return b" 200 " in self.read_all([link], b"\r\n\r\n")[link]
        self.wait(listens, "their places are free again")


if __name__ == "__main__":
    tap.main()
