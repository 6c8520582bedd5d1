#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make check does of torture.py clock: 20 jumps, with a server that can all and one that can little."""
import sys

import torture

if __name__ == "__main__":
    sys.exit(torture.main(["clock", "--times", "10", "--kind", "full", "--kind", "bare"]))
