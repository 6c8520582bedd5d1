# SPDX-License-Identifier: Apache-2.0
"""loader_api - <mailchute/loader-plugin.h> in Python (ctypes): a host of another language.

    with Loader("imap.so").open("url=...", "ann", "secret") as handle:
        tokens = [item.token for item in handle]
        handle.settle(tokens)
"""
import ctypes
import os
import shlex
import subprocess
import sys
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_char, c_char_p, c_int, c_int32,
                    c_uint8, c_uint32, c_uint64, c_void_p, sizeof)

API_VERSION = 1
READ_ONLY = 1
QUEUED, BAD, RELEASE = 0, 1, 2
ITEM, DRAINED, FAILED = 0, 1, 2
CANCELLED = 12


class Error(Structure):
    _fields_ = [("struct_size", c_uint32), ("error_class", c_uint32), ("pause_s", c_uint32),
                ("text", c_char * 512)]

    def __init__(self):
        super().__init__(struct_size=sizeof(Error))


class LoaderFailed(Exception):
    def __init__(self, error):
        super().__init__(error.text.decode("utf-8"))
        self.error_class = error.error_class


class Origin(Structure):
    _fields_ = [("account", c_char_p), ("mailbox", c_char_p), ("uidvalidity", c_uint32),
                ("uid", c_uint32), ("key", c_char_p)]


Log = CFUNCTYPE(None, c_void_p, c_uint32, c_char_p)
Cancelled = CFUNCTYPE(c_int, c_void_p)


class Host(Structure):
    _fields_ = [("struct_size", c_uint32), ("api_version", c_uint32), ("context", c_void_p),
                ("log", Log), ("monotonic_ms", c_void_p), ("unix_s", c_void_p),
                ("cancelled", Cancelled), ("spool_dir", c_char_p), ("known", c_void_p),
                ("note", c_void_p), ("unsettled", c_void_p), ("progress", c_void_p)]


class Settings(Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("connection", c_char_p),
                ("user", c_char_p), ("secret", c_char_p), ("account", c_char_p),
                ("limit", c_uint64)]


class TextFile(Structure):
    _fields_ = [("size", c_uint64), ("fd", c_int32), ("reserved", c_uint32)]


class Mail(Structure):
    _fields_ = [("struct_size", c_uint32), ("flags", c_uint32), ("sender", c_char_p),
                ("recipient", c_char_p), ("cc", c_char_p), ("bcc", c_char_p),
                ("lists", c_uint64 * 10), ("subject", c_char_p), ("date_sent", c_char_p),
                ("date_received", c_char_p), ("message_id", c_char_p), ("in_reply_to", c_char_p),
                ("references", c_uint64 * 2), ("message_body", c_char_p), ("html", c_char_p),
                ("attachments", c_uint64 * 2), ("problems", c_uint64 * 2),
                ("message_body_file", TextFile), ("html_file", TextFile)]


class Item(Structure):
    _fields_ = [("struct_size", c_uint32), ("reserved", c_uint32), ("token", c_uint64),
                ("item_class", c_char_p), ("origin", Origin), ("error", c_char_p),
                ("mail", POINTER(Mail)), ("raw_bytes", c_void_p), ("raw_size", c_uint64),
                ("raw_fd", c_int32), ("raw_sha256", c_uint8 * 32)]


class Wait(Structure):
    _fields_ = [("struct_size", c_uint32), ("fd", c_int32), ("events", c_uint32),
                ("timeout_ms", c_uint32)]


class Plugin(Structure):
    _fields_ = [("struct_size", c_uint32), ("api_version", c_uint32), ("name", c_char_p),
                ("version", c_char_p), ("summary", c_char_p), ("options", c_void_p),
                ("option_count", c_uint64),
                ("open", CFUNCTYPE(c_int, POINTER(Host), POINTER(Settings), POINTER(c_void_p),
                                   POINTER(Error))),
                ("next", CFUNCTYPE(c_int, c_void_p, POINTER(POINTER(Item)), POINTER(Error))),
                ("settle", CFUNCTYPE(c_int, c_void_p, POINTER(c_uint64), c_uint64, c_uint32,
                                     POINTER(Error))),
                ("close", CFUNCTYPE(None, c_void_p)),
                ("wait", CFUNCTYPE(c_int, c_void_p, POINTER(Wait), POINTER(Error)))]


class Loader:
    """A loaded plug-in."""

    def __init__(self, path):
        library = ctypes.CDLL(path)
        library.mailchute_loader_plugin.restype = POINTER(Plugin)
        self.table = library.mailchute_loader_plugin().contents

    def open(self, connection, user, secret, flags=0, limit=0, host=None):
        return Handle(self.table, connection, user, secret, flags, limit, host or plain_host())


def plain_host(**functions):
    """A host that offers nothing but what is passed in."""
    return Host(struct_size=sizeof(Host), api_version=API_VERSION, **functions)


class Handle:
    """An opened loader. Iterating pulls items until it is drained; each is the loader's own."""

    def __init__(self, table, connection, user, secret, flags, limit, host):
        self.table, self.host = table, host   # the host must live as long as the handle
        settings = Settings(struct_size=sizeof(Settings), flags=flags, limit=limit,
                            connection=connection.encode(), user=user.encode(),
                            secret=secret.encode())
        self.handle = c_void_p()
        error = Error()
        if table.open(byref(host), byref(settings), byref(self.handle), byref(error)) != 0:
            raise LoaderFailed(error)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.table.close(self.handle)

    def __iter__(self):
        item, error = POINTER(Item)(), Error()
        while True:
            result = self.table.next(self.handle, byref(item), byref(error))
            if result == DRAINED:
                return
            if result != ITEM:
                raise LoaderFailed(error)
            yield item.contents

    def settle(self, tokens, fate=QUEUED):
        error = Error()
        array = (c_uint64 * len(tokens))(*tokens)
        if self.table.settle(self.handle, array, len(tokens), fate, byref(error)) != 0:
            raise LoaderFailed(error)

    def wait(self):
        wait, error = Wait(struct_size=sizeof(Wait)), Error()
        if self.table.wait(self.handle, byref(wait), byref(error)) != 0:
            raise LoaderFailed(error)
        return wait


def raw(item):
    """The message's bytes."""
    if item.raw_bytes:
        return ctypes.string_at(item.raw_bytes, item.raw_size)
    return os.pread(item.raw_fd, item.raw_size, 0)


def under_sanitizers(plugin):
    """A plug-in built with ASan needs its run time loaded before Python's: start again with it."""
    needed = subprocess.run(["readelf", "-d", plugin], check=True, capture_output=True,
                            text=True).stdout
    if "asan" not in needed and "address" not in os.environ.get("SAN_FLAGS", ""):
        return
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        return
    compiler = shlex.split(os.environ.get("CC", "cc"))
    runtime = subprocess.run([*compiler, "-print-file-name=libasan.so"], check=True,
                             capture_output=True, text=True).stdout.strip()
    # Python does not give back all of its memory when it ends: leaks are looked for elsewhere.
    env = dict(os.environ, LD_PRELOAD=runtime, ASAN_OPTIONS="detect_leaks=0")
    os.execve(sys.executable, [sys.executable, *sys.argv], env)
