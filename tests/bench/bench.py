#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench - pick up and archive whole mailboxes, against the limit and against others.

    make bench [PROFILES=small,office] [ROUNDS=3] [PEERS=fdm,mbsync|all|none] [LINKS=plain,tls]

Each round gives every contestant, one after the other, the same mailbox on the same private server,
and measures the whole command, from its start to its end. What it picked up is then held against
what was generated: count, and the digest of every attachment. The table has medians over the rounds;
"x limit" is the ratio to the raw drain with move of the same round. A JSON file beside it has every
figure; bench.py --merge makes one table of several such files.
"""
import argparse
import json
import os
import platform
import stat
import statistics
import sys
import tempfile
import time

import bench_contestants
import bench_durable
import bench_peers
import bench_server
import dovecot

BUILD = os.environ.get("top_builddir", "")
PROFILES = ("small", "office", "large", "huge", "text")
LIMIT = "raw drain + move"
SECONDS = 900   # no contestant may take longer
COLUMNS = ("contestant", "rounds", "wall s", "x limit", "CPU s", "CPU s/GB", "RSS MB", "messages/s", "MB/s",
           "server CPU s", "archive")


class Round:
    """One turn of one contestant: its account and its folder."""

    turns = 0

    def __init__(self, server, box, tls, tools, folder):
        Round.turns += 1
        self.server, self.box, self.tls, self.tools = server, box, tls, tools
        self.user = "turn%d" % Round.turns
        self.folder = os.path.join(folder, self.user)
        os.mkdir(self.folder)

    def run(self, contestant):
        """Measure and verify; the figures."""
        self.server.give(self.box, self.user, bench_contestants.ARCHIVE)
        command = contestant.command(self)
        before = self.server.cpu()
        try:
            used = self._measured(command, contestant.environment(self))
            used["server"] = self._server_cpu(before)
            bench_contestants.check(used["code"] == 0, "exit code %d", used["code"])
            contestant.verify(self)
        except bench_contestants.Wrong as why:
            raise bench_contestants.Wrong("%s, %s: %s\n%s" % (
                contestant.name, self.box.profile, why, self._said())) from None
        return used

    def _measured(self, command, environment):
        result = os.path.join(self.folder, "result")
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TMPDIR": self.folder}
        env.update(environment)
        with open(os.path.join(self.folder, "stdout"), "wb") as out, \
                open(os.path.join(self.folder, "stderr"), "wb") as err:
            bench_contestants.run_to_end([os.path.join(self.tools, "bench-run"), result, *command],
                                         SECONDS, env=env, cwd=self.folder, stdout=out, stderr=err)
        with open(result, encoding="ascii") as file:
            return json.load(file)

    def _server_cpu(self, before):
        """Sessions end soon after their clients; then nothing is added any more."""
        last, now = -1, self.server.cpu()
        while now != last:
            time.sleep(0.05)
            last, now = now, self.server.cpu()
        return now - before

    def _said(self):
        with open(os.path.join(self.folder, "stderr"), encoding="utf-8", errors="replace") as err:
            return err.read()[-2000:]

    def clean(self):
        """Free the space, but keep the files until all is measured: ext4 uses the numbers of removed
        files again only after minutes, and steps over each of them for every file that is made: the
        next contestant would pay for what the last one left."""
        self.server.take(self.user)
        empty_files(self.folder)


def empty_files(folder):
    """Make what is a file of the folder's alone empty: what a link leads to, or has another name, may
    be somebody else's (perf keeps links to the libraries of the system)."""
    for path, _, names in os.walk(folder):
        for name in names:
            place = os.path.join(path, name)
            state = os.lstat(place)
            if stat.S_ISREG(state.st_mode) and state.st_nlink == 1:
                os.truncate(place, 0)


def race(server, box, tls, contestants, args):
    """{name: [figures of each round]}, contestants in turn; and {name: why} of peers that failed: hours
    are not lost for one of them, it takes no further part."""
    results, failed = {c.name: [] for c in contestants}, {}
    for number in range(args.rounds):
        for contestant in contestants:
            if contestant.name in failed:
                continue
            turn, said = Round(server, box, tls, args.tools, args.folder), ""
            try:
                used = turn.run(contestant)
                used["round"], said = number, "%.2f s" % used["wall"]
                results[contestant.name].append(used)
            except bench_contestants.Wrong as why:
                if not contestant.peer:
                    raise
                said = "failed: %s" % str(why).splitlines()[0]
                failed[contestant.name] = "round %d %s" % (number + 1, said)
            turn.clean()
            print("# %s %s, round %d: %s %s" % (
                box.profile, "TLS" if tls else "plain", number + 1, contestant.name, said),
                file=sys.stderr, flush=True)
        for rows in results.values():
            if rows and rows[-1].pop("round", None) == number:
                rows[-1]["limit"] = results[LIMIT][-1]["wall"]
    return results, failed


def median(rows, field):
    return statistics.median(field(row) for row in rows)


def summary(name, archive, rows, group):
    """The medians of one contestant, as the JSON file has them."""
    wall = median(rows, lambda r: r["wall"])
    cpu = median(rows, lambda r: r["user"] + r["system"])
    return {"contestant": name, "archive": archive, "rounds": rows, "wall_s": wall,
            "ratio": median(rows, lambda r: r["wall"] / r["limit"]), "cpu_s": cpu,
            "cpu_s_per_gb": cpu / (group["bytes"] / 1e9),
            "rss_bytes": median(rows, lambda r: r["rss"]),
            "messages_per_s": group["messages"] / wall, "mb_per_s": group["bytes"] / 1e6 / wall,
            "server_cpu_s": median(rows, lambda r: r["server"])}


def figures(value):
    """A rate, whatever its size."""
    return "%.0f" % value if value >= 100 else "%.3g" % value


def cells(row):
    return [row["contestant"], str(len(row["rounds"])), "%.2f" % row["wall_s"], "%.2f" % row["ratio"],
            "%.2f" % row["cpu_s"], "%.2f" % row["cpu_s_per_gb"], "%.1f" % (row["rss_bytes"] / 1e6),
            figures(row["messages_per_s"]), figures(row["mb_per_s"]),
            "%.2f" % row["server_cpu_s"], row["archive"]]


def table(group):
    """Markdown that can be read as it is."""
    lines = [COLUMNS] + [cells(row) for row in group["rows"]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    lines += [(name, "not measured: " + why) + ("",) * (len(COLUMNS) - 2)
              for name, why in group["missing"].items()]
    text = ["%s, %s: %d messages, %.0f MB" % (
        group["profile"], "TLS" if group["tls"] else "plain", group["messages"],
        group["bytes"] / 1e6), ""]
    for number, line in enumerate(lines):
        text.append("| " + " | ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths))) + " |")
        if number == 0:
            text.append("|" + "|".join("-" * (w + 1) + ("-" if i == 0 else ":")
                                       for i, w in enumerate(widths)) + "|")
    return "\n".join(text) + "\n"


def machine():
    """What the figures depend on."""
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return {"date": time.strftime("%Y-%m-%d"), "processors": os.cpu_count(),
            "model": model[0] if model else platform.machine(), "kernel": platform.release(),
            "dovecot": dovecot.find().version}


def measure_group(server, box, tls, chosen, args):
    """One profile over one kind of link: print its table, return it for the JSON file."""
    able = [c for c in chosen if c.missing() is None]
    group = {"profile": box.profile, "tls": tls, "messages": box.count, "bytes": box.bytes,
             "missing": {c.name: c.missing() for c in chosen if c.missing() is not None}}
    results, failed = race(server, box, tls, able, args)
    group["rows"] = [summary(c.name, c.archive, results[c.name], group) for c in able
                     if results[c.name]]
    group["missing"].update(failed)
    print(table(group), flush=True)
    return group


def merge(paths):
    """Print the tables of several runs as if they were one: more rounds, more contestants."""
    merged = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            groups = json.load(file)["groups"]
        for group in groups:
            key = (group["profile"], group["tls"], group["messages"])
            rounds = merged.setdefault(key, (group, {}))[1]
            for row in group["rows"]:
                rounds.setdefault((row["contestant"], row["archive"]), []).extend(row["rounds"])
    for group, rounds in merged.values():
        group["rows"] = [summary(*who, rows, group) for who, rows in rounds.items()]
        print(table(group))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--merge", nargs="+", metavar="JSON",
                        help="measure nothing; one table of earlier runs, which can be short ones")
    parser.add_argument("--profiles", default=",".join(PROFILES))
    parser.add_argument("--links", default="plain,tls")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default="all", help="names with commas, all, none")
    parser.add_argument("--count", type=int, help="messages instead of the profile's")
    parser.add_argument("--mailchute", default=os.path.join(BUILD, "host", "mailchute"),
                        help="the program; none: the others alone")
    parser.add_argument("--tools", default=os.path.join(BUILD, "tests"))
    parser.add_argument("--work", default=os.path.join(BUILD, "tests", "bench-work"),
                        help="where generated mailboxes and what npm installs are kept")
    parser.add_argument("--untraced", action="store_true", help="do not look at durability first")
    parser.add_argument("--json", help="the file for all figures")
    return parser.parse_args()


def contestants(args):
    peers = bench_peers.chosen(args.peers, args.work)
    ours = [] if args.mailchute == "none" else [
        bench_contestants.Mailchute(os.path.abspath(args.mailchute))]
    return [bench_contestants.Drain(False), bench_contestants.Drain(True)] + ours + peers


def check_durability(server, args):
    """The program must be the one that people run: it flushes what it stores."""
    box = bench_server.mailbox("office", os.path.abspath(args.work), args.tools,
                               bench_durable.MESSAGES)
    turn = Round(server, box, False, args.tools, args.folder)
    print(bench_durable.look(bench_contestants.Mailchute(os.path.abspath(args.mailchute)),
                             turn) + "\n", flush=True)
    turn.clean()


def main():
    args = arguments()
    if args.merge:
        merge(args.merge)
        return
    args.tools = os.path.abspath(args.tools)
    chosen = contestants(args)
    groups = []
    with (tempfile.TemporaryDirectory(prefix="mailchute-bench-") as args.folder,
          bench_server.Server() as server):
        os.chmod(args.folder, 0o711)   # a contestant may run as somebody else
        if not args.untraced and args.mailchute != "none":
            check_durability(server, args)
        for profile in args.profiles.split(","):
            box = bench_server.mailbox(profile, os.path.abspath(args.work), args.tools, args.count)
            for link in args.links.split(","):
                groups.append(measure_group(server, box, link == "tls", chosen, args))
                if args.json:   # after each, lest a full run be lost to its last contestant
                    with open(args.json, "w", encoding="utf-8") as out:
                        json.dump({"machine": machine(), "groups": groups}, out, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (bench_contestants.Wrong, dovecot.NoDovecot) as error:
        sys.exit("bench: %s" % error)
