#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages of a Mailchain client, over five networks, into folders of a mailbox: picked up, delivered,
and both once more, when there is nothing to do. Every folder is counted afterwards."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import dovecot          # noqa: E402
import mailchain_api    # noqa: E402

NETWORKS = ("goerli", "kovan", "mainnet", "rinkeby", "ropsten")
ADDRESS = "0x1f2e3d4c5b6a79880123456789abcdef01234567"
PROGRAM = os.path.join(os.environ.get("top_builddir", ".."), "host", "mailchute")


def measured(args):
    started = time.monotonic()
    done = subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    seconds = time.monotonic() - started
    if done.returncode != 0:
        sys.exit("%s: %s" % (args[0], done.stderr))
    print("%-8s %8.2f s   %s" % (args[0], seconds, done.stderr.splitlines()[-1]), flush=True)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()
    each = options.messages // len(NETWORKS)
    with mailchain_api.MailchainApi("paged") as api, dovecot.Dovecot() as server, \
            tempfile.TemporaryDirectory(prefix="mailchute-bench-") as folder:
        for at, network in enumerate(NETWORKS):
            api.add("ethereum", network, ADDRESS,
                    *[mailchain_api.message(at * each + n) for n in range(each)])
        password = os.path.join(folder, "password")
        with open(password, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(server.password + "\n")
        queue = "sqlite:" + os.path.join(folder, "queue")
        pickup = ["pickup", "port=%d" % api.port, "--loader", "Mailchain", "--queue", queue]
        deliver = ["deliver", "url=%s;port=%d;ssl=True;caFile=%s" % (
            server.host, server.tls_port, server.ca_file), "--user", "user1", "--password-file",
                   password, "--queue", queue]
        seconds = [measured(args) for args in (pickup, deliver, pickup, deliver)]
        for network in NETWORKS:
            found = server.count("user1", "INBOX/ethereum/%s/%s" % (network, ADDRESS))
            if found != each:
                sys.exit("%s: %d messages instead of %d" % (network, found, each))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"messages": each * len(NETWORKS), "seconds": dict(zip(
                ("pickup", "deliver", "pickup_again", "deliver_again"), seconds))}, file)


if __name__ == "__main__":
    main()
