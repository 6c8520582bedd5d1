# SPDX-License-Identifier: Apache-2.0
"""mark-trashed MAILDIR: give every message the flag T, for mbsync to move it to the far trash."""
import os
import sys

for folder in ("new", "cur"):
    for name in os.listdir(os.path.join(sys.argv[1], folder)):
        old = os.path.join(sys.argv[1], folder, name)
        os.rename(old, os.path.join(sys.argv[1], "cur", name.split(":2,")[0] + ":2,T"))
