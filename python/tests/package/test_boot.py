"""What holds while an application is imported: signals are heard, and a hanging import has its end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import Running

APPS = Path(__file__).parent / "apps"
HANGS = "the import hangs"


@pytest.fixture
def importing(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a server whose application is being imported for ever."""
    started: list[Running] = []

    def start(*words: str) -> Running:
        running = Running(("sleeper:app", *words), log=tmp_path / "log", cwd=APPS)
        started.append(running)
        running.wait_for(HANGS)
        return running

    yield start
    for running in started:
        running.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_stop_during_the_import_is_heard_at_once(importing, number):
    server = importing()
    begun = time.monotonic()
    server.signal(number)
    assert server.ended() == 0, server.log
    assert time.monotonic() - begun < 5, server.log
    assert "Traceback" not in server.log and "KeyboardInterrupt" not in server.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_worker_leaves_its_import_at_once(importing, number):
    server = importing()
    (worker,) = children(server.pid)
    begun = time.monotonic()
    os.kill(worker, number)
    # A worker that leaves before it has ever served ends a first start.
    assert server.ended() == 3, server.log
    assert time.monotonic() - begun < 5, server.log
    assert f"Worker (pid:{worker}) exited with code 0" in server.log and "Traceback" not in server.log


def test_a_hanging_import_ends_with_boot_timeout_and_a_stack(importing):
    server = importing("--boot-timeout", "1")
    assert server.ended() == 3, server.log
    assert "boot_timeout" in server.log and "Stack" in server.log, server.log
    assert 'sleeper.py", line 8 in <module>' in server.log, "where it hangs is not told"


def test_what_the_import_starts_has_no_signals_blocked(importing):
    server = importing()
    assert int(server.wait_for(r"SigBlk:\s+([0-9a-f]+)")[1], 16) == 0


def test_a_worker_outlives_no_arbiter_during_its_import(importing):
    server = importing()
    os.kill(server.pid, signal.SIGKILL)
    # The fixture sees that nothing is left; within its patience, and not within the minute of the import.
    server.ended()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
