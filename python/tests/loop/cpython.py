"""Runs a module of CPython's own asyncio tests on rustcorn's loop: what failed, as JSON on the last line."""

from __future__ import annotations

import gc
import importlib
import json
import selectors
import sys
import unittest
from asyncio import unix_events

from rustcorn import _loop, _rustcorn
from rustcorn._loop import Selector, new_event_loop


class Counted(Selector):
    """The selector that is under test."""

    made = 0

    def __init__(self, native) -> None:
        super().__init__(native)
        Counted.made += 1


class Result(unittest.TextTestResult):
    """Counts what has gone well: versions of Python differ in whether what is skipped has run."""

    passed = 0

    def addSuccess(self, test) -> None:
        super().addSuccess(test)
        Result.passed += 1


def our_selector() -> Counted:
    return Counted(_rustcorn._selector())


def put_ours_everywhere() -> None:
    """Whatever loop or selector a test asks for without naming one, it gets ours."""
    names = ("_UnixDefaultEventLoopPolicy", "_DefaultEventLoopPolicy")
    policy = next(getattr(unix_events, name) for name in names if hasattr(unix_events, name))
    policy._loop_factory = staticmethod(new_event_loop)
    selectors.DefaultSelector = our_selector
    _loop.Selector = Counted


def put_ours_in_place_of_epoll(module) -> None:
    """Where CPython has a class of tests for each selector, ours takes the place of the one that it would choose."""
    for name in ("SelectEventLoopTests", "PollEventLoopTests", "DefaultSelectorTestCase"):
        if hasattr(module, name):
            delattr(module, name)
    if hasattr(module, "EPollEventLoopTests"):
        module.EPollEventLoopTests.create_event_loop = lambda self: new_event_loop()
    if hasattr(module, "EpollSelectorTestCase"):
        module.EpollSelectorTestCase.SELECTOR = staticmethod(our_selector)


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


def main(module_name: str, left_out: list[str]) -> None:
    put_ours_everywhere()
    module = importlib.import_module(module_name)
    put_ours_in_place_of_epoll(module)
    # Many of the tests collect garbage many times: only theirs, not all that was imported.
    gc.collect()
    gc.freeze()
    wanted = unittest.TestSuite()
    prefix = f"{module_name}."
    for test in tests_of(unittest.defaultTestLoader.loadTestsFromModule(module)):
        name = test.id().removeprefix(prefix)
        if name not in left_out:
            wanted.addTest(test)
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2, resultclass=Result).run(wanted)
    bad = [test.id().removeprefix(prefix) for test, _ in result.failures + result.errors]
    print(json.dumps({"passed": Result.passed, "selectors": Counted.made, "failed": bad}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
