#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make check does of torture.py io and calls: every fifth call that changes a file, once EIO, once
ENOSPC; every eleventh call on a file, whatever it does."""
import sys

import torture

if __name__ == "__main__":
    one = ["--scenario", "one mail", "--kind", "full"]
    sys.exit(torture.main(["io", "--every", "5", *one], ["calls", "--every", "11", *one]))
