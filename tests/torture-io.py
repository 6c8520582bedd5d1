#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make check does of torture.py io: every fifth call that changes a file, once EIO, once ENOSPC."""
import sys

import torture

if __name__ == "__main__":
    sys.exit(torture.main(["io", "--every", "5", "--scenario", "one mail", "--kind", "full"]))
