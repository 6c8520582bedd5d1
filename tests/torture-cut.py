#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make check does of torture.py cut: every 32nd byte, best and poorest server; twelve places each way
of a session with a large message; a few over TLS; a few stalls."""
import sys

import torture

if __name__ == "__main__":
    sys.exit(torture.main(["cut", "--every", "32", "--messages", "2", "--kind", "full", "--kind", "bare"],
                          ["cut", "--large", "--every", "60", "--most", "12", "--offset", "30",
                           "--messages", "2"],
                          ["cut", "--tls", "--every", "311", "--messages", "2"],
                          ["cut", "--fault", "stall", "--every", "499", "--offset", "400", "--messages", "2"]))
