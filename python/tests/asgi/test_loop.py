"""The event loop: everything that asyncio can do works in an application, and no wake-up is lost between the loops."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from asgi_kit import Asgi, eventually

#: A wake-up that is lost is made up for by the next timer, tens of milliseconds later.
STALL = 0.04


def waited(*pids: int) -> float:
    """How many seconds the threads of these processes could have run and had no processor: others had it."""
    files = (file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(file.read_text().split()[1]) for file in files) / 1e9


def slowest(asgi: Asgi, target: str, count: int, pause: float = 0) -> float:
    """The longest that a request takes, without what a busy machine adds."""
    processes = int(asgi.ask("/pid").text), os.getpid()
    with asgi.connect() as client:
        worst = 0.0
        for _ in range(count):
            before, began = waited(*processes), time.perf_counter()
            client.send(target)
            client.response()
            took = time.perf_counter() - began
            if took > worst:
                worst = max(worst, took - (waited(*processes) - before))
            if pause:
                time.sleep(pause)
        return worst


@pytest.mark.parametrize(
    ("target", "count", "pause"), [("/nothing", 2000, 0), ("/executor", 200, 0), ("/pieces", 100, 0), ("/nothing", 100, 0.003)]
)
def test_no_request_stalls(asgi: Asgi, target: str, count: int, pause: float) -> None:
    # A machine may stall three times; a lost wake-up is lost again.
    worst = min(slowest(asgi, target, count, pause) for _ in range(3))
    # One of them sleeps for 10 ms.
    assert worst < STALL + 0.01


def test_an_idle_application_sleeps(asgi: Asgi) -> None:
    pid = int(asgi.ask("/pid").text)

    def ticks() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(0.5)
    assert ticks() - before <= 2


def test_threads(asgi: Asgi) -> None:
    assert json.loads(asgi.ask("/executor").text) == [1, "thread"]


def test_a_call_from_another_thread_wakes_the_loop(asgi: Asgi) -> None:
    for _ in range(5):
        result, took = json.loads(asgi.ask("/threadsafe").text)
        assert result == "woken" and 0.04 < took < 0.5


def test_subprocesses(asgi: Asgi) -> None:
    assert asgi.ask("/subprocess").text == "through a process0"


def test_sockets_and_names(asgi: Asgi) -> None:
    assert asgi.ask("/streams").text == "True"


def test_timers_ring_in_time(asgi: Asgi) -> None:
    pid = int(asgi.ask("/pid").text)

    def late() -> float:
        before = waited(pid)
        earliest, latest = json.loads(asgi.ask("/timers").text)
        assert earliest > -0.002
        return latest - (waited(pid) - before)

    assert min(late() for _ in range(3)) < STALL


def test_a_client_of_its_own_server(asgi: Asgi) -> None:
    assert asgi.ask("/client").text == "{'hello'}"


def test_tasks_outlive_their_requests(asgi: Asgi) -> None:
    asgi.ask("/background")
    eventually(lambda: asgi.told("background") == "done")


def test_signals_are_shared_with_the_worker() -> None:
    with Asgi() as asgi:
        assert asgi.ask("/signals").text == "USR2"
        pid = int(asgi.ask("/pid").text)
        os.kill(pid, signal.SIGTERM)
        # The worker heard it too: it leaves, and another one comes.
        asgi.wait_for(rf"pid:{pid}\) exited with code 0\b")
        assert asgi.ask("/nothing").text == "hello"


@pytest.mark.parametrize("kind", ["loop", "plain"])
@pytest.mark.parametrize(("said", "code"), [("7", 7), ("0", 0), ("none", 0), ("no licence", 1), ("3", 3)])
def test_an_application_may_leave_by_its_handler_of_signals(kind: str, said: str, code: int) -> None:
    with Asgi() as asgi, asgi.connect() as client:
        pid = int(asgi.ask("/pid").text)
        client.send(f"/exits/{kind}/{said.replace(' ', '%20')}")
        client.until(b"set\r\n")
        os.kill(pid, signal.SIGUSR2)
        # What it has begun is finished.
        client.until(b" and done\r\n0\r\n\r\n")
        # Another one was started before that was done.
        asgi.wait_for(rf"pid:{pid}\) leaves, by .* its successor is started(.|\n)* exited with code {code}\b")
        assert asgi.ask("/nothing").text == "hello" and "because of an error" not in asgi.log
        assert said.isdigit() or said == "none" or f"SystemExit: {said}" in asgi.log


def test_a_handler_that_hits_the_worker_itself_does_not_keep_it_from_leaving() -> None:
    with Asgi("asgi_app:app", "--keep-alive", "1") as asgi, asgi.connect() as client:
        pid = int(asgi.ask("/pid").text)
        since = len(asgi.log)
        client.send("/exits_in_between")
        assert client.response().code == 200
        asgi.wait_for("counting", since)
        client.send("/exits_in_between?again")
        # The client stays: a timer of the worker's has to ring.
        asgi.wait_for(rf"pid:{pid}\) exited with code 7\b")
        assert int(asgi.ask("/pid").text) != pid


def test_a_handler_that_hits_a_request_ends_the_worker_too() -> None:
    with Asgi() as asgi, asgi.connect() as client:
        pid = int(asgi.ask("/pid").text)
        client.send("/exits/here/9")
        # Nothing of its response has left.
        assert client.response().code == 500
        asgi.wait_for(rf"pid:{pid}\) exited with code 9\b")
        assert asgi.ask("/nothing").text == "hello"


def test_tasks_that_are_left_are_cancelled_at_the_end() -> None:
    with Asgi("asgi_app:app", "--graceful-timeout", "1", env={"PYTHONASYNCIODEBUG": "1"}) as asgi:
        with asgi.connect() as client:
            client.send("/slow")
            eventually(lambda: asgi.told("slow") == "begun")
            asgi.process.terminate()
            assert asgi.process.wait(10) == 0
