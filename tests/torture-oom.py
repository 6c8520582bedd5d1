#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make check does of torture.py oom: some allocations of a whole run, alone and with all behind them."""
import sys

import torture

if __name__ == "__main__":
    sys.exit(torture.main(["oom", "--every", "307", "--scenario", "one mail", "--kind", "full"]))
