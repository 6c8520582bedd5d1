#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What make check does of torture.py steps: every step of ten scenarios and more."""
import sys

import torture

if __name__ == "__main__":
    sys.exit(torture.main(["steps"]))
