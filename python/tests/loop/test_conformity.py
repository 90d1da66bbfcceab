"""CPython's own tests of asyncio and of selectors, on the loop and the selector of an ASGI worker."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("cpython.py")

#: A module may take so long on a machine that does other things too.
PATIENCE = 300

#: Those that make a loop or a selector. The rest tries what has none, or Windows' own.
MODULES = [
    *(
        f"test_asyncio.test_{name}"
        for name in (
            "base_events",
            "buffered_proto",
            "context",
            "eager_task_factory",
            "events",
            "futures2",
            "locks",
            "queues",
            "sendfile",
            "server",
            "sock_lowlevel",
            "ssl",
            "sslproto",
            "streams",
            "subprocess",
            "taskgroups",
            "tasks",
            "threads",
            "timeouts",
            "unix_events",
            "waitfor",
        )
    ),
    "test_selectors",
]

#: What does not apply, and why. A name that a module does not have is no mistake: versions differ.
LEFT_OUT = {
    "EpollSelectorTestCase.test_above_fd_setsize": "256 descriptors are told at a time, and the rest in the next turn",
    "EpollSelectorTestCase.test_select_interrupt_exc": "a loop hears signals by its own descriptor; a bare selector has none",
}

OF_THEIR_OWN_BEFORE_3_11 = {"test_asyncio.test_queues"}


@pytest.mark.parametrize("module", MODULES)
def test_cpythons_own(module: str, tmp_path: Path) -> None:
    if not (importlib.util.find_spec("test") and importlib.util.find_spec("test.test_asyncio")):
        pytest.skip("this interpreter was installed without its own tests (the package test)")
    if not importlib.util.find_spec(f"test.{module}"):
        pytest.skip("this version of Python does not have it")
    if sys.version_info < (3, 11) and module in OF_THEIR_OWN_BEFORE_3_11:
        pytest.skip("in this version of Python it makes a loop of its own for tests, which has no selector")
    words = [sys.executable, RUNNER, f"test.{module}", *LEFT_OUT]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert not told["failed"], done.stderr
    assert told["passed"] and told["selectors"], "it has tried something else than ours"
