# SPDX-License-Identifier: Apache-2.0
"""What torture.py clock does: the time of day jumps while a pick-up runs, and between two of them.

libfaketime shows the command, its loader and all libraries another time of day, which it reads anew
from a file at every call, so that the clock is set while the run goes on. The clock that nobody can
set stays as it is, as it does when an administrator or a time server sets the other one."""
import glob
import os

JUMPS = ("+1", "-1", "+1h", "-1h", "+1d", "-1d", "+10y", "-10y", "+0")
PLACES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1",
          "/usr/lib64/faketime/libfaketimeMT.so.1")


def library():
    """Path of libfaketime for programs with threads; None: it is not installed."""
    return next((path for pattern in PLACES for path in sorted(glob.glob(pattern))), None)


def missing():
    return None if library() else "libfaketime is not installed (Debian: libfaketime)"


class Clock:
    """The time of day of programs that get environment(); exact until it is set."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "clock")
        self.set("+0")

    def set(self, jump):
        """So far from the true time from now on: one of JUMPS."""
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(jump + "\n")
        os.replace(self.path + ".new", self.path)

    def environment(self):
        return {"LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": self.path,
                "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
                "ASAN_OPTIONS": "verify_asan_link_order=0"}
