# SPDX-License-Identifier: Apache-2.0
"""rest_client - a client of the REST interface for tests, docs/openapi.json to hold answers against,
and a daemon that has both."""
import http.client
import json
import os
import re
import socket

import serve_support
import system_support

PASSWORD = "correct horse battery"
SETTINGS = serve_support.SETTINGS.replace("debug", "info") + "private-hosts = yes\n"
API = "/api/v1"
NOTHING = "00000000-0000-4000-8000-000000000000"
ROLES = ("nobody", "viewer", "operator", "admin")


def document():
    with open(os.path.join(system_support.SOURCE, "docs", "openapi.json"), encoding="utf-8") as file:
        return json.load(file)


DOCUMENT = document()
KINDS = {"object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "boolean": (bool,),
         "number": (int, float), "null": (type(None),)}


def operations():
    """(method, path, operation) of all there are."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def operation_of(method, path):
    """The operation that a request is one of."""
    found = []
    for wanted, pattern, operation in operations():
        if wanted == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            found.append((pattern.count("{"), pattern, operation))
    return min(found, key=lambda one: one[0])[2] if found else None


def mismatch(schema, value, where="$"):
    """What of @value is not as @schema says; None: all is well."""
    if "$ref" in schema:
        return mismatch(DOCUMENT["components"]["schemas"][schema["$ref"].split("/")[-1]], value,
                        where)
    kinds = schema.get("type")
    if kinds is not None:
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not any(type(value) in KINDS[kind] for kind in kinds):
            return "%s is %r, not %s" % (where, value, kinds)
    if "enum" in schema and value not in schema["enum"]:
        return "%s is %r, not one of %s" % (where, value, schema["enum"])
    if "const" in schema and (type(value), value) != (type(schema["const"]), schema["const"]):
        return "%s is %r, not %r" % (where, value, schema["const"])
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        return "%s is %r, which is too short" % (where, value)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            wrong = mismatch(schema["items"], item, "%s[%d]" % (where, number))
            if wrong:
                return wrong
    if isinstance(value, dict) and "properties" in schema:
        missing = set(schema.get("required", ())) - set(value)
        if missing:
            return "%s lacks %s" % (where, sorted(missing))
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, item in value.items():
            told = known.get(key, others)
            if told is None:    # an answer has no field that its document does not tell of
                return "%s.%s is not in the document" % (where, key)
            wrong = mismatch(told, item, where + "." + key)
            if wrong:
                return wrong
    return None


def raw_answer(link, octets):
    """What comes back on a connected socket that sends just octets, until the other side closes or
    resets; TimeoutError when it does neither."""
    got = b""
    try:
        link.sendall(octets)
        link.shutdown(socket.SHUT_WR)
        while more := link.recv(65536):
            got += more
    except TimeoutError:
        raise
    except OSError:     # a reset is no ConnectionError where shutdown() meets it: ENOTCONN
        pass
    return got


class Answer:
    def __init__(self, code, headers, body):
        self.code = code
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%d %r" % (self.code, self.body[:600])


class Client:
    """One user, by session or key. Each answer is held against the document."""

    def __init__(self, case, port, key=None):
        self.case = case
        self.port = port
        self.key = key
        self.cookie = self.csrf = None

    def raw(self, method, path, body=None, headers=()):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            link.request(method, path, body, dict(headers))
            got = link.getresponse()
            return Answer(got.status, got.headers, got.read())
        finally:
            link.close()

    def headers(self, more=None):
        headers = {}
        if self.key:
            headers["X-API-KEY"] = self.key
        if self.cookie:
            headers["Cookie"] = self.cookie
        if self.csrf:
            headers["X-CSRF-Token"] = self.csrf
        headers.update(more or {})
        return headers

    def ask(self, method, path, value=None, want=None, **more):
        headers = self.headers(more)
        body = None
        if value is not None:
            body = json.dumps(value)
            headers.setdefault("Content-Type", "application/json")
        answer = self.raw(method, API + path, body, headers)
        self.check(method, path.split("?")[0], answer)
        if want is not None:
            self.case.assertEqual(answer.code, want, answer)
        return answer

    def check(self, method, path, answer):
        operation = operation_of(method, path)
        if operation is None:
            return
        responses = operation["responses"]
        told = responses.get(str(answer.code), responses["default"] if answer.code >= 400 else None)
        self.case.assertIsNotNone(told, "%s %s: %r is not in the document" % (method, path, answer))
        kind, content = (answer.headers["Content-Type"] or "").strip(), told.get("content")
        if content is None:
            self.case.assertEqual(answer.body, b"")
        elif answer.code < 300 or answer.code >= 400:
            self.case.assertIn(kind, content, answer)
            if kind.endswith("json"):
                self.case.assertIsNone(mismatch(content[kind]["schema"], answer.json),
                                       "%s %s" % (method, path))

    def get(self, path, want=200, **more):
        return self.ask("GET", path, want=want, **more)

    def post(self, path, value=None, want=None, **more):
        return self.ask("POST", path, value, want, **more)

    def signed_in(self, answer):
        self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        self.csrf = answer.json["csrf"]
        return self


class WebCase(serve_support.ServeCase):
    """A daemon whose interface is asked."""

    def serve(self, more="", settings=SETTINGS):
        self.daemon = serve_support.Daemon(self, settings + more)
        line = next(line for line in self.daemon.log if "listening" in line)
        self.port = int(line.split("port ")[1].strip('"'))
        return self.daemon

    def add_user(self, name, role):
        password = self.write("password-" + name, PASSWORD)
        run = self.command("user", "add", name, "--role", role, "--password-file", password,
                           "--queue", self.queue)
        self.assertEqual(run.code, system_support.OK, run)

    def key_of(self, role, name=None):
        """A key of a new user of this role, whose name it is as well."""
        self.add_user(name or role, role)
        run = self.command("user", "key", name or role, "test", "--role", role, "--queue", self.queue)
        self.assertEqual(run.code, system_support.OK, run)
        return run.out.strip()

    def client(self, role=None):
        return Client(self, self.port, role and self.key_of(role))

    def sign_in(self, name):
        client = Client(self, self.port)
        return client.signed_in(client.post("/auth/login", {"name": name, "password": PASSWORD},
                                            want=200))
