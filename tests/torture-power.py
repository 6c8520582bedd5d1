#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make check does of torture.py power: 200 power cuts, every tenth with a next run."""
import sys

import torture

if __name__ == "__main__":
    sys.exit(torture.main(["power", "--times", "200", "--every", "10"]))
