#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""settings.py - write docs/settings.md: every setting there is, as the program's own tables tell.

    settings.py MAILCHUTE OUT       make settings does that; the tests hold the page to it
"""
import json
import re
import subprocess
import sys

HEAD = """\
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by `make settings` from the program's tables: change those, not this. -->
# Every setting

What a loader, the daemon and a work queue can be told. The program lists the same: `mailchute loaders`,
`mailchute serve --print-config`, `mailchute queue settings`.
"""


def run(program, *args):
    return subprocess.run([program, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          check=True, text=True).stdout


def cell(text):
    """A cell of a table; what markdown would take for its own is escaped."""
    return re.sub(r"([|<>*_])", r"\\\1", text or "")


def code(text):
    return "`%s`" % text.replace("|", "\\|") if text else ""


def table(names, rows):
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def loaders(program):
    found = sorted((json.loads(line) for line in run(program, "loaders", "--json").splitlines()),
                   key=lambda loader: loader["name"])
    for loader in found:
        yield "\n## Loader %s: %s\n\nKeys of its connection string.\n\n" % (
            loader["name"], cell(loader["summary"]))
        yield table(("key", "type", "default", "meaning"), (
            (code(option["key"]), code(option["choices"]) or option["type"],
             "**must be given**" if option["required"] else code(option["default"]),
             cell(option["help"])) for option in loader["options"]))


def daemon(program):
    sample = run(program, "serve", "--print-config")
    rows = re.findall(r"(?m)^# (.+)\n(?:# One of (.+)\.\n)?#([a-z-]+) =(?: (.+))?$", sample)
    yield "\n## The daemon\n\nLines `name = value` of mailchute.conf(5), read by `mailchute serve`.\n\n"
    yield table(("name", "default", "meaning"), (
        (code(name), code(default), cell(text) + (" One of %s." % code(choices) if choices else ""))
        for text, choices, name, default in rows))


def queues(program):
    keys = [json.loads(line) for line in run(program, "queue", "settings", "--json").splitlines()]
    yield "\n## Work queues\n\n`mailchute queue configure NAME key=value ...`\n\n"
    yield table(("key", "value", "default", "meaning"), (
        (code(key["key"]), cell(key["value"]), code(key["default"]), cell(key["help"]))
        for key in keys))


def main(program, out):
    page = HEAD + "".join(text for part in (loaders, daemon, queues) for text in part(program))
    with open(out, "w", encoding="utf-8") as file:
        file.write(page)


if __name__ == "__main__":
    main(*sys.argv[1:])
