#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who gets in over the web, by which way, and what is written down of it: the daemon as those see it who
should not be there."""
from rest_client import WebCase
import tap


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


if __name__ == "__main__":
    tap.main()
