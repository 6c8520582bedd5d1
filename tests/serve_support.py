# SPDX-License-Identifier: Apache-2.0
"""serve_support - a running mailchute serve, for the tests that need one."""
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request

from system_support import PROGRAM

PATIENCE = 60   # seconds until a wait has failed; a busy machine with sanitizers included
SETTINGS = """\
retry-first = 20ms
retry-max = 200ms
retry-person = 200ms
retry-refused = 300ms
log-level = debug
listen = 127.0.0.1:0
"""


class Daemon:
    """mailchute serve on a queue, with its log in a list."""

    def __init__(self, case, settings=SETTINGS, args=(), fds=(), **env):
        self.case = case
        self.log = []
        config = case.write("mailchute.conf", settings)
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--queue", case.queue, "--config", config, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            pass_fds=fds, env=dict(os.environ, **env))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        case.addCleanup(self.end)
        case.wait(lambda: self.said("serving"), "the daemon serves", self)

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line.rstrip("\n"))

    def said(self, word):
        return any(word in line for line in list(self.log))

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.process.stderr.close()
        return code

    def get(self, path):
        """(code, body) of the daemon's HTTP server."""
        port = next(line for line in self.log if "listening" in line).split("port ")[1].strip('"')
        try:
            with urllib.request.urlopen("http://127.0.0.1:%s%s" % (port, path), timeout=20) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
