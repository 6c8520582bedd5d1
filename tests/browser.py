# SPDX-License-Identifier: Apache-2.0
"""browser - a real Chromium for tests, driven by playwright-core in a node process beside them.

    why = browser.missing()          # None, or why there is none: a reason to skip
    page = browser.Page()            # a process; end() ends it
    page.fresh(locale="en-GB", viewport={"width": 1280, "height": 800})
    page.goto(url)
    page.click("button", "Sign in")  # by role and name, as a screen reader finds it
    page.fill("User name", "ann")    # by label
    page.sees("Sources")             # waits until that text is visible
    page.run("return await page.title()")     # any code; `args` are its keyword arguments

Where playwright-core and axe-core are: $MAILCHUTE_BROWSER, else the folder browser of the build, else
what ./quickstart made (build/browser). tests/browser/package-lock.json pins them; make browser
fetches them. Only these tests use them."""
import json
import os
import shutil
import subprocess

import system_support

NODE_MAJOR = 18
PAGE = "const {page, context} = world;\n"


def folder():
    """The folder with node_modules; None: there is none."""
    for path in (os.environ.get("MAILCHUTE_BROWSER", ""),
                 os.path.join(system_support.BUILD, "browser"),
                 os.path.join(system_support.SOURCE, "build", "browser")):
        if path and all(os.path.isdir(os.path.join(path, "node_modules", name))
                        for name in ("playwright-core", "axe-core")):
            return os.path.abspath(path)
    return None


def chromium():
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or \
        shutil.which("chromium-browser") or shutil.which("google-chrome")


def node_major():
    try:
        told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        return int(told.stdout.lstrip("v").split(".")[0])
    except (OSError, ValueError, subprocess.CalledProcessError):
        return 0


def missing():
    """None, or why no browser can be had."""
    if chromium() is None:
        return "there is no Chromium: install chromium, or name one in CHROMIUM"
    if node_major() < NODE_MAJOR:
        return "node %d or later is not there: install nodejs" % NODE_MAJOR
    if folder() is None:
        return "playwright-core and axe-core are not there: make -C tests browser (needs npm)"
    return None


class BrowserError(AssertionError):
    pass


class Page:
    """One browser, one page at a time."""

    def __init__(self):
        bridge = os.path.join(system_support.SOURCE, "tests", "browser", "bridge.mjs")
        self.process = subprocess.Popen(["node", bridge, folder(), chromium()],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def run(self, code, **args):
        self.process.stdin.write(json.dumps({"code": PAGE + code, "args": args}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise BrowserError("the browser has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise BrowserError(answer["error"])
        return answer["value"]

    def fresh(self, **options):
        """A new visitor: no cookies, nothing cached."""
        options.setdefault("locale", "en-GB")
        options.setdefault("viewport", {"width": 1280, "height": 860})
        self.run("await world.fresh(args)", **options)

    def goto(self, url):
        self.run("await page.goto(args.url)", url=url)

    def click(self, role, name, exact=True):
        self.run("await page.getByRole(args.role, {name: args.name, exact: args.exact}).click()",
                 role=role, name=name, exact=exact)

    def fill(self, label, text):
        self.run("await page.getByLabel(args.label, {exact: true}).fill(args.text)", label=label,
                 text=text)

    def choose(self, label, value):
        self.run("await page.getByLabel(args.label, {exact: true}).selectOption(args.value)",
                 label=label, value=value)

    def sees(self, text, within="body", exact=False):
        self.run("await page.locator(args.within).getByText(args.text, {exact: args.exact})"
                 ".filter({visible: true}).first().waitFor()", text=text, within=within,
                 exact=exact)

    def value(self, label):
        return self.run("return await page.getByLabel(args.label, {exact: true}).inputValue()",
                        label=label)

    def count(self, selector):
        return self.run("return await page.locator(args.selector).count()", selector=selector)

    def text(self, selector):
        return self.run("return await page.locator(args.selector).first().innerText()",
                        selector=selector)

    def axe(self):
        """What axe-core finds wrong with the page as it stands, a line each."""
        return self.run("""
            await page.evaluate("typeof axe === 'object'") || await page.evaluate(
                require_axe(world.axe));
            return await page.evaluate(async () => {
                const {violations} = await axe.run({iframes: false});
                return violations.flatMap(({id, help, nodes}) => nodes.map(({target}) =>
                    `${id}: ${help}: ${target}`));
            });""".replace("require_axe(world.axe)",
                           "(await import('node:fs')).readFileSync(world.axe, 'utf8')"))

    def faults(self):
        """Errors of scripts, and what the browser refused and complained of; answers with an error are
        none of those."""
        return [fault for fault in self.run("return world.faults")
                if not fault.startswith("Failed to load resource: the server responded")]
