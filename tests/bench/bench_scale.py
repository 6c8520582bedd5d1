#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_scale - does a message cost the same in a mailbox of a million?

    make bench-scale [MESSAGES=1000000]

bench-imapd invents the messages, so that only the client is measured. Picked up are 10,000 messages
and MESSAGES of them, with dense and with sparse UIDs, and 10,000 out of an account with 10,000
folders; then 10,000 more into the queue that holds MESSAGES, and the queue's own commands there and
in a small one. Time for a message, and peak memory.
"""
import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("top_builddir", "")
FEW = 10000


@contextlib.contextmanager
def server(tools, messages, stride, folders, uidvalidity):
    """The port of a bench-imapd."""
    process = subprocess.Popen(
        [os.path.join(tools, "bench-imapd"), str(messages), str(stride), str(folders),
         str(uidvalidity)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.stdout.close()
        process.terminate()
        process.wait()


def password_file(folder):
    path = os.path.join(folder, "password")
    with open(path, "w", encoding="ascii") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write("any\n")
    return path


def pick_up(args, name, folder, queue, messages, stride=1, folders=10, uidvalidity=1):
    """Measure one pick-up; a row."""
    result = os.path.join(folder, "result")
    with server(args.tools, messages, stride, folders, uidvalidity) as port, \
            open(os.path.join(folder, "stderr"), "w+b") as err:
        code = subprocess.run(
            [os.path.join(args.tools, "bench-run"), result, args.mailchute, "pickup",
             "url=localhost;port=%d;starttls=Never" % port, "--user", "ann", "--password-file",
             password_file(folder), "--queue", queue], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=err, check=False).returncode
        err.seek(0)
        said = err.read().decode("utf-8", "replace")
    if code != 0 or "{:,} picked up".format(messages) not in said:
        sys.exit("bench_scale: %s: exit code %d\n%s" % (name, code, said[-2000:]))
    with open(result, encoding="ascii") as file:
        used = json.load(file)
    row = {"name": name, "messages": messages, "wall_s": used["wall"],
           "us_per_message": used["wall"] / messages * 1e6,
           "cpu_us_per_message": (used["user"] + used["system"]) / messages * 1e6,
           "rss_bytes": used["rss"]}
    print("| %-44s | %9d | %7.1f | %8.1f | %8.1f | %6.1f |" % (
        name, messages, row["wall_s"], row["us_per_message"], row["cpu_us_per_message"],
        row["rss_bytes"] / 1e6), flush=True)
    return row


def queue_command(args, queue, *words):
    """Milliseconds of one of the queue's commands: the best of some."""
    best = None
    for _ in range(args.times):
        start = time.monotonic()
        subprocess.run([args.mailchute, "queue", *words, "--queue", queue], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        took = time.monotonic() - start
        best = took if best is None else min(best, took)
    return best * 1000


def queues(args, few, many):
    rows = []
    for words in (("take", "--json"), ("list", "--limit", "20"), ("stats",)):
        row = {"command": "queue " + " ".join(words), "few_ms": queue_command(args, few, *words),
               "many_ms": queue_command(args, many, *words)}
        print("| %-44s | %9.1f | %9.1f |" % (row["command"], row["few_ms"], row["many_ms"]),
              flush=True)
        rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1000000)
    parser.add_argument("--mailchute", default=os.path.join(BUILD, "host", "mailchute"))
    parser.add_argument("--tools", default=os.path.join(BUILD, "tests"))
    parser.add_argument("--few", type=int, default=FEW)
    parser.add_argument("--times", type=int, default=20, help="runs of each queue command")
    parser.add_argument("--json")
    args = parser.parse_args()
    args.mailchute, args.tools = os.path.abspath(args.mailchute), os.path.abspath(args.tools)
    print("| %-44s |  messages |  wall s | us/each  | CPU us   | RSS MB |\n|%s|----------:|"
          "--------:|---------:|---------:|-------:|" % ("pick-up", "-" * 46))
    with tempfile.TemporaryDirectory(prefix="mailchute-scale-") as folder:
        def queue(name):
            return "sqlite:" + os.path.join(folder, name)
        few, many = args.few, args.messages
        rows = [pick_up(args, "few, UIDs dense", folder, queue("few"), few),
                pick_up(args, "few, every 7th UID", folder, queue("sparse"), few, stride=7),
                pick_up(args, "few, 10,000 folders", folder, queue("folders"), few, folders=10000),
                pick_up(args, "many, UIDs dense", folder, queue("many"), many),
                pick_up(args, "few, into the queue with many", folder, queue("many"), few,
                        uidvalidity=2),
                pick_up(args, "many, every 7th UID", folder, queue("many-sparse"), many, stride=7)]
        print("\n| %-44s |    few ms |   many ms |\n|%s|----------:|----------:|" % (
            "queue", "-" * 46))
        commands = queues(args, queue("few"), queue("many"))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump({"pickups": rows, "queue": commands}, out, indent=1)


if __name__ == "__main__":
    main()
