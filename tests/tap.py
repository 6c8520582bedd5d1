# SPDX-License-Identifier: Apache-2.0
"""tap - run the unittest TestCases of a script and print TAP, one line a test.

    import tap, unittest
    class Settings(unittest.TestCase):
        def test_a_password_is_never_shown(self): ...
    if __name__ == "__main__":
        tap.main()

The method's name without test_ becomes the sentence, in source order within a class. A failure is
told in lines that begin with '#'. Exit code 0 only if every test passed or was skipped. Words on the
command line choose the tests whose name holds one of them; -l lists the sentences.
"""
import inspect
import os
import sys
import unittest


def sentence(test):
    """The promise that a test checks, as TAP shows it: no '#', which would start a directive."""
    name = test.id().rsplit(".", 1)[-1]
    name = name[5:] if name.startswith("test_") else name
    return name.replace("_", " ").strip()


class Result(unittest.TestResult):
    """Prints a line as soon as a test ends, and flushes: a test that hangs can be named."""

    def __init__(self, out):
        super().__init__()
        self.out = out
        self.number = 0
        self.failed = 0

    def say(self, text):
        print(text, file=self.out, flush=True)

    def line(self, good, test, directive=""):
        self.number += 1
        self.failed += not good
        self.say("%s %d - %s%s" % ("ok" if good else "not ok", self.number, sentence(test), directive))

    def start_class(self, tests):
        self.waiting = list(tests)

    def startTest(self, test):
        super().startTest(test)
        self.broken = None
        self.waiting.remove(test)

    def instead(self, good, test, directive=""):
        """One line for @test, or, when setUpClass ended early, for each test that it stopped."""
        tests = [test]
        if not isinstance(test, unittest.TestCase):
            tests, self.waiting = self.waiting, []
        for each in tests:
            self.line(good, each, directive)
        if not tests:  # tearDownClass: all lines are out already
            self.failed += not good

    def tell(self, test, err):
        for line in self._exc_info_to_string(err, test).rstrip().split("\n"):
            self.say("# " + line)

    def addSuccess(self, test):
        if self.broken is None:
            self.line(True, test)

    def addFailure(self, test, err):
        self.instead(False, test)
        self.tell(test, err)

    addError = addFailure

    def addSkip(self, test, reason):
        self.instead(True, test, " # SKIP " + " ".join(reason.split()))

    def addExpectedFailure(self, test, err):
        self.line(False, test, " # TODO expected to fail for now")
        self.failed -= 1

    def addUnexpectedSuccess(self, test):
        self.line(False, test)
        self.say("# was expected to fail, and passed")

    def addSubTest(self, test, subtest, err):
        """All subtests of a test count as one line; the first that fails decides."""
        if err is None:
            return
        if self.broken is None:
            self.broken = subtest
            self.line(False, test)
        self.say("# in " + str(subtest))
        self.tell(test, err)


def by_line(case):
    """Test names of a class in the order they stand in the source."""
    def where(name):
        method = inspect.unwrap(getattr(case, name))
        return method.__code__.co_firstlineno, name
    return sorted(unittest.TestLoader().getTestCaseNames(case), key=where)


def main(module="__main__"):
    """Run the TestCases of @module (a name, or the module itself) and exit."""
    words = sys.argv[1:]
    listing = "-l" in words
    words = [w.replace(" ", "_") for w in words if not w.startswith("-")]
    module = sys.modules[module] if isinstance(module, str) else module
    cases = [c for c in vars(module).values()
             if isinstance(c, type) and issubclass(c, unittest.TestCase)
             and c.__module__ == module.__name__]
    groups = [[case(n) for n in by_line(case) if not words or any(w in n for w in words)]
              for case in cases]
    count = sum(len(tests) for tests in groups)
    if listing:
        print("\n".join(sentence(t) for tests in groups for t in tests))
        sys.exit(0)
    # Tests may start programs that write to descriptor 1: TAP gets the real one, they get stderr.
    sys.stdout.flush()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    result = Result(out)
    result.say("1..%d" % count)
    for tests in filter(None, groups):
        result.start_class(tests)
        unittest.TestSuite(tests).run(result)
    sys.exit(1 if result.failed or result.number != count else 0)
