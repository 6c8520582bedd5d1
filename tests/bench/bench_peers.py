# SPDX-License-Identifier: Apache-2.0
"""bench_peers - what people run today: see bench_contestants."""
import sys

from bench_contestants import Contestant

PEERS = {}


def chosen(text, work):
    """The contestants that "all", "none" or names with commas mean."""
    names = {"all": list(PEERS), "none": []}.get(text, text.split(","))
    for name in names:
        if name not in PEERS:
            sys.exit("bench: there is no peer '%s'; there are %s" % (name, ", ".join(PEERS)))
    return [PEERS[name](work) for name in names]
