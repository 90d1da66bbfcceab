"""The application's own handlers of signals are called, whatever its worker waits for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from server import Server


@pytest.fixture(params=["1", "3"], ids=["inline", "pool"])
def handling(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server("handles:app", "--threads", request.param, "--workers", "1") as running:
        yield running


def worker(server: Server) -> int:
    return int(server.ask("/pid").text)


def test_a_handler_is_called_while_there_is_nothing_to_do(handling):
    pid = worker(handling)
    for _ in range(3):
        start = len(handling.log)
        os.kill(pid, signal.SIGALRM)
        handling.wait_for("SIGALRM on MainThread", start)
    assert worker(handling) == pid


def test_a_handler_that_fails_is_told_of(handling):
    pid = worker(handling)
    os.kill(pid, signal.SIGPROF)
    handling.wait_for(r"A handler of signals of the application's failed: ValueError: in a handler\nTraceback")
    assert worker(handling) == pid


def test_a_handler_may_end_its_worker(handling):
    pid = worker(handling)
    os.kill(pid, signal.SIGVTALRM)
    handling.wait_for("The application wants its worker to leave with code 5")
    handling.wait_for(rf"\(pid:{pid}[^)]*\).*code 5")
    assert worker(handling) != pid


def test_handlers_are_called_while_a_client_is_waited_for():
    with Server("handles:app", "--workers", "1") as server:
        pid = worker(server)
        with server.connect() as busy:
            # It gives more than its client takes.
            busy.send("/close/endless/busy")
            busy.until(b"xxxx")
            os.kill(pid, signal.SIGALRM)
            server.wait_for("SIGALRM on MainThread")
            os.kill(pid, signal.SIGVTALRM)
            server.wait_for("The application wants its worker to leave with code 5")
        server.wait_for(rf"\(pid:{pid}[^)]*\).*code 5")
        assert worker(server) != pid
        assert server.log.count("Traceback") == 1
