#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make check does of torture.py io and calls, beside pickup-calls-test, where all of them fail: every
fifth call that changes a file, once EIO, once ENOSPC; every eleventh call on a file, whatever it does. And
where a mail is kept as a file, each call by which the threads write it, it gets its name, and both are
flushed."""
import sys

import torture

if __name__ == "__main__":
    one = ["--scenario", "one mail", "--kind", "full"]
    file = ["--all", "--scenario", "a mail that is kept as a file", "--kind", "full", "--only"]
    sys.exit(torture.main(["io", "--every", "5", *one], ["calls", "--every", "11", *one],
                          ["io", *file, "pwrite,linkat,fsync,fdatasync"],
                          ["calls", *file, "openat,fcntl,fstatvfs,sync_file_range"]))
