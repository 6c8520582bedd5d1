#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make check does of torture.py kill: 25 kills per kind of server, and two workers at once."""
import sys

import torture

if __name__ == "__main__":
    sys.exit(torture.main(["kill", "--times", "25", "--kind", "full", "--kind", "uidplus", "--kind", "move",
                           "--kind", "bare"],
                          ["kill", "--workers", "2", "--times", "10", "--kind", "full"]))
