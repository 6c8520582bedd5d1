#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mailchain_api - a stand-in for the Mailchain client: its HTTP API as four generations of it answer,
and what can go wrong.

    with MailchainApi("paged") as api:
        api.add("ethereum", "mainnet", "0x1f...", message(1))
        api.faults["0x1f..."] = "500"      # or of a path: "/protocols"

Generations: bare (addresses as hex without 0x, null for empty lists), hex (with 0x), objects, paged
(messages come only from a local store, which fetch=true fills; limit, 15 unless given, and skip).
Faults: a status (406, 422, 500, ..., 429+30 with a Retry-After); json (no JSON), shape (JSON of another shape), half (it breaks off),
close (no answer), break (each "BREAK" in it becomes half a character), endless, drip (a byte now and then), empty (no body).

By hand:  tests/mailchain_api.py --port 8080 --messages 20
"""
import argparse
import datetime
import hashlib
import http.server
import json
import ssl
import threading
import time
import urllib.parse

GENERATIONS = ("bare", "hex", "objects", "paged")
START = datetime.datetime(2020, 9, 1, 7, 5, tzinfo=datetime.timezone.utc)


def message_id(number):
    """44 bytes in hex, as clients make them."""
    return (hashlib.sha512(b"id%d" % number).hexdigest())[:88]


def message(number, **members):
    """A message as /messages tells it, with what is given changed; headers=... adds to the headers."""
    headers = {
        "date": (START + datetime.timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "from": "<0x9a%038x@mainnet.ethereum>" % number,
        "to": "\"Ann\" <0x1f2e3d4c5b6a79880123456789abcdef01234567@mainnet.ethereum>",
        "message-id": message_id(number),
        "content-type": "text/plain; charset=\"UTF-8\""}
    headers.update(members.pop("headers", {}))
    told = {"headers": {k: v for k, v in headers.items() if v is not None},
            "body": "Message %d\nof some lines." % number, "subject": "Hello %d" % number,
            "status": "ok", "status-code": "", "read": False,
            "block-id": "0xc8%02x" % (number % 256), "block-id-encoding": "hex/0x-prefix",
            "transaction-hash": "0x5e%062x" % number,
            "transaction-hash-encoding": "hex/0x-prefix"}
    told.update(members)
    return {k: v for k, v in told.items() if v is not None}


def go_json(value):
    """As Go's encoder writes it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n"
    for char in "<>&":
        text = text.replace(char, "\\u%04x" % ord(char))
    return text.encode("utf-8")


class MailchainApi:

    def __init__(self, generation="paged", port=0, certificate=None):
        """With @certificate, the paths of a certificate and its key, it speaks https."""
        assert generation in GENERATIONS
        self.generation = generation
        self.chain = {}     # (protocol, network) -> {address: [messages, oldest first]}
        self.stored = {}    # address -> how many of them the local store has (paged)
        self.faults = {}    # address, network or path -> fault
        self.asked = []     # (method, path, query)
        self.stopping = threading.Event()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                api.handle(self)

            do_PUT = do_POST = do_DELETE = do_GET

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass    # the other side left

        self.httpd = Server(("127.0.0.1", port), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True)
        self.port = self.httpd.server_address[1]
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.stopping.set()
        self.httpd.shutdown()
        self.httpd.server_close()

    __enter__ = start

    def __exit__(self, *args):
        self.stop()

    def network(self, protocol, network):
        return self.chain.setdefault((protocol, network), {})

    def add(self, protocol, network, address, *messages):
        self.network(protocol, network).setdefault(address, []).extend(messages)

    # ---- answers -----------------------------------------------------------------------------

    def protocols(self):
        names = sorted({protocol for protocol, _ in self.chain})
        return {"protocols": [{"name": name, "networks": [
            {"name": network, "id": "", "nameservice-domain-enabled": True,
             "nameservice-address-enabled": True}
            for protocol, network in sorted(self.chain) if protocol == name]} for name in names]}

    def addresses(self, protocol, network):
        values = list(self.network(protocol, network))
        if self.generation == "bare":
            return {"addresses": [v[2:] if v.startswith("0x") else v for v in values] or None}
        if self.generation == "hex":
            return {"addresses": values}
        encoding = {"ethereum": "hex/0x-prefix", "substrate": "base58/plain"}.get(
            protocol, "base32/plain")
        return {"addresses": [{"value": v, "encoding": encoding, "protocol": protocol,
                               "network": network} for v in values]}

    def messages(self, protocol, network, address, query):
        at = self.network(protocol, network)
        if self.generation == "bare" and address not in at and "0x" + address in at:
            address = "0x" + address
        if address not in at:
            return 406, {"code": 406, "message": "no private key found for address"}
        newest_first = list(reversed(at[address]))
        if self.generation == "paged":
            if query.get("fetch") == "true":
                self.stored[address] = len(newest_first)
            newest_first = newest_first[len(newest_first) - self.stored.get(address, 0):]
            skip, limit = int(query.get("skip", 0)), int(query.get("limit", 15))
            newest_first = newest_first[skip:skip + limit]
        return 200, {"messages": newest_first or (None if self.generation == "bare" else [])}

    def answer(self, method, path, query):
        if method != "GET" or not path.startswith("/api/"):
            return 404, {"code": 404, "message": "not found"}
        path = path[len("/api"):]
        if path == "/version":
            return 200, {"version": "v0.0.78", "commit": "d1a2b3c", "time": "2021-06-03T09:12:44Z"}
        if path == "/protocols":
            return 200, self.protocols()
        for key in ("protocol", "network") + (("address",) if path == "/messages" else ()):
            if not query.get(key):
                return 422, {"code": 422, "message": "'%s' must not be empty" % key}
        if path == "/addresses":
            return 200, self.addresses(query["protocol"], query["network"])
        if path == "/messages":
            return self.messages(query["protocol"], query["network"], query["address"], query)
        return 404, {"code": 404, "message": "not found"}

    def fault(self, path, query):
        for key in (query.get("address"), query.get("network") if path == "/api/addresses" else None,
                    path[len("/api"):]):
            if key in self.faults:
                return self.faults[key]
        return None

    def handle(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.asked.append((handler.command, url.path, query))
        fault = self.fault(url.path, query)
        status, value = self.answer(handler.command, url.path, query)
        body = go_json(value)
        refused, _, retry_after = (fault or "").partition("+")
        if refused.isdigit():
            status, body = int(refused), go_json({"code": int(refused), "message": "as was wished"})
        elif fault == "json":
            body = body[:len(body) // 2]
        elif fault == "shape":
            body = b"[1, {\"messages\": 7}]"
        elif fault == "break":
            body = body.replace(b"BREAK", b"\\ud800")
        elif fault == "empty":
            body = b""
        elif fault == "close":
            handler.close_connection = True
            return
        handler.send_response(status)
        if retry_after:
            handler.send_header("Retry-After", retry_after)
        handler.send_header("Content-Type", "application/json" if url.path == "/api/version"
                            else "text/plain; charset=utf-8")
        if fault in ("endless", "drip"):
            handler.close_connection = True
        else:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if fault == "half":
            handler.close_connection = True
            handler.wfile.write(body[:len(body) // 2])
            return
        handler.wfile.write(body)
        while fault in ("endless", "drip") and not self.stopping.is_set():
            handler.wfile.write(b" " if fault == "drip" else b" " * 65536)
            if fault == "drip":
                time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser(description="A stand-in for the Mailchain client.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--generation", choices=GENERATIONS, default="paged")
    parser.add_argument("--messages", type=int, default=20, help="for each of two addresses")
    options = parser.parse_args()
    api = MailchainApi(options.generation, options.port)
    for at, network in enumerate(("mainnet", "ropsten")):
        api.add("ethereum", network, "0x1f2e3d4c5b6a79880123456789abcdef01234567",
                *[message(at * options.messages + n) for n in range(options.messages)])
    print("http://127.0.0.1:%d/api" % api.port, flush=True)
    api.httpd.serve_forever()


if __name__ == "__main__":
    main()
