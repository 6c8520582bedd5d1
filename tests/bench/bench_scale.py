#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_scale - does a message cost the same in a mailbox of a million?

    make bench-scale [MESSAGES=1000000]

bench-imapd invents the messages, so that only the client is measured. Picked up are 10,000 messages
and MESSAGES of them, with dense and with sparse UIDs, and 10,000 out of an account with 10,000
folders; then 10,000 more out of a mailbox of which 10,000, or MESSAGES, were picked up before (each
might be one that was put back), and of another mailbox into the queue that holds MESSAGES; and the
queue's own commands there and in a small one. Time for a message, and peak memory.
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


class Run:
    """Where pick-ups are measured."""

    def __init__(self, args, folder):
        self.args, self.folder, self.rows = args, folder, []

    def queue(self, name):
        return "sqlite:" + os.path.join(self.folder, name)

    def measure(self, port, queue, messages, limit):
        """What a pick-up took; out of messages, so many are to be picked up."""
        result = os.path.join(self.folder, "result")
        with open(os.path.join(self.folder, "stderr"), "w+b") as err:
            code = subprocess.run(
                [os.path.join(self.args.tools, "bench-run"), result, self.args.mailchute, "pickup",
                 "url=localhost;port=%d;starttls=Never" % port, "--user", "ann", "--password-file",
                 password_file(self.folder), "--queue", self.queue(queue),
                 *(("--limit", str(messages)) if limit else ())], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=err, check=False).returncode
            err.seek(0)
            said = err.read().decode("utf-8", "replace")
        if code != 0 or "{:,} picked up".format(messages) not in said:
            sys.exit("bench_scale: exit code %d\n%s" % (code, said[-2000:]))
        with open(result, encoding="ascii") as file:
            return json.load(file)

    def pick_up(self, name, port, queue, messages, limit=False):
        """Measure one pick-up; a row."""
        used = self.measure(port, queue, messages, limit)
        row = {"name": name, "messages": messages, "wall_s": used["wall"],
               "us_per_message": used["wall"] / messages * 1e6,
               "cpu_us_per_message": (used["user"] + used["system"]) / messages * 1e6,
               "rss_bytes": used["rss"]}
        print("| %-44s | %9d | %7.1f | %8.1f | %8.1f | %6.1f |" % (
            name, messages, row["wall_s"], row["us_per_message"], row["cpu_us_per_message"],
            row["rss_bytes"] / 1e6), flush=True)
        self.rows.append(row)

    def whole(self, name, queue, messages, stride=1, folders=10, uidvalidity=1):
        """A mailbox of so many."""
        with server(self.args.tools, messages, stride, folders, uidvalidity) as port:
            self.pick_up(name, port, queue, messages)

    def resumed(self, name, then, queue, messages, more):
        """So many of a mailbox, and in another session the rest."""
        with server(self.args.tools, messages + more, 1, 10, 1) as port:
            self.pick_up(name, port, queue, messages, limit=True)
            self.pick_up(then, port, queue, more)


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
        run, few, many = Run(args, folder), args.few, args.messages
        run.resumed("few, UIDs dense", "few, resumed behind few", "few", few, few)
        run.whole("few, every 7th UID", "sparse", few, stride=7)
        run.whole("few, 10,000 folders", "folders", few, folders=10000)
        run.resumed("many, UIDs dense", "few, resumed behind many", "many", many, few)
        run.whole("few, of another mailbox, into the same queue", "many", few, uidvalidity=2)
        run.whole("many, every 7th UID", "many-sparse", many, stride=7)
        print("\n| %-44s |    few ms |   many ms |\n|%s|----------:|----------:|" % (
            "queue", "-" * 46))
        commands = queues(args, run.queue("few"), run.queue("many"))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump({"pickups": run.rows, "queue": commands}, out, indent=1)


if __name__ == "__main__":
    main()
