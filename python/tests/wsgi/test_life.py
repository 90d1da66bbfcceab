"""What happens around requests: the log, clients that leave, workers that are busy, and the end."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from server import Server
from test_result import wait_until_seen


def test_errors_are_lines_of_the_log(server):
    start = len(server.log)
    assert server.ask("/errors").code == 200
    lines = ("one line for the log", "and another", "printed to errors", "the file .+ is not there", "without an end")
    for line in (*lines, "the first of two", "one that comes between", "the second of two"):
        server.wait_for(rf"\[ERROR\] {line}\n", start)


def test_a_failure_after_the_last_byte_is_told(server):
    start = len(server.log)
    assert server.ask("/too_late").body == b"some"
    when = r"GET /too_late from [\d.:]+ after its response was complete: RuntimeError: when all was said\nTraceback"
    server.wait_for(rf"\[ERROR\] The application failed in {when}", start)


def test_a_client_that_leaves_is_no_failure_of_the_application(server):
    start = len(server.log)
    before = int(server.ask("/seen?busy").text)
    with server.connect() as client:
        client.send("/close/endless/busy")
        client.until(b"xxxx")
    wait_until_seen(server, "busy", before + 1)
    assert "[ERROR]" not in server.log[start:]


def test_a_writer_learns_that_its_client_is_gone(server):
    before = int(server.ask("/seen?gone_BrokenPipeError").text)
    with server.connect() as client:
        client.send("/gone")
        client.until(b"xxxx")
    wait_until_seen(server, "gone_BrokenPipeError", before + 1)


def test_threads_answer_side_by_side():
    with Server("cases:app", "--threads", "3") as server:
        with server.connect() as waiting:
            waiting.send("/wait?side")
            waiting.head()
            assert waiting.chunk() == b"first"
            assert server.ask("/open?side").code == 200
            assert waiting.chunk() == b"second"


def test_threads_wait_for_nothing_of_each_others_while_python_collects():
    with Server("cases:app", "--threads", "3", "--workers", "1") as server:
        answers = []
        ask = lambda: answers.extend(server.ask("/collect").code for _ in range(10))  # noqa: E731
        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert answers == [200] * 40


def test_a_busy_worker_leaves_new_connections_to_others():
    with Server("cases:app", "--workers", "2") as server:
        # In the middle of a request that waits for its client, the event loop turns and could accept.
        with server.connect() as busy:
            busy.send("/close/endless/busy")
            busy.until(b"xxxx")
            started = time.monotonic()
            pids = {server.ask("/pid").text for _ in range(20)}
            assert len(pids) == 1
            assert time.monotonic() - started < 5


def test_a_connection_waits_for_the_only_worker():
    with Server("cases:app", "--workers", "1") as server, server.connect() as busy:
        busy.send("/close/endless/busy")
        busy.until(b"xxxx")
        answers = []
        other = threading.Thread(target=lambda: answers.append(server.ask("/").code))
        other.start()
        other.join(0.3)
        assert answers == []
        busy.sock.close()
        other.join(10)
        assert answers == [200]


@pytest.mark.parametrize("threads", ["1", "3"])
def test_what_has_begun_is_finished_before_the_worker_leaves(threads):
    with Server("cases:app", "--threads", threads) as server, server.connect() as client:
        client.send("/slow")
        client.head()
        first = client.chunk()
        server.process.send_signal(signal.SIGTERM)
        assert client.chunk() != first and client.chunk() != first
        assert client.until(b"0\r\n\r\n")
        assert server.process.wait(10) == 0


@pytest.mark.parametrize("threads", ["1", "3"])
def test_what_an_application_does_after_its_response_is_finished_too(threads):
    with Server("cases:app", "--threads", threads, "--workers", "1") as server:
        assert server.ask("/cleans_up?1", headers="Connection: close\r\n").body == b"done"
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("it has cleaned up")
        assert server.process.wait(10) == 0


def test_it_has_no_more_than_the_grace_for_that():
    with Server("cases:app", "--threads", "3", "--workers", "1", "--graceful-timeout", "1") as server:
        assert server.ask("/cleans_up?15", headers="Connection: close\r\n").body == b"done"
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
        assert time.monotonic() - started < 5


def test_a_reload_loses_no_request():
    with Server("cases:app", "--threads", "1") as server:
        failures: list[str] = []
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                try:
                    response = server.ask("/")
                    if response.body != b"Hello, World!":
                        failures.append(response.status)
                except Exception as error:
                    failures.append(repr(error))

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        for generation in (2, 3, 4):
            server.process.send_signal(signal.SIGHUP)
            server.wait_for(rf"ready \(pid:\d+, generation {generation}")
        stop.set()
        for client in clients:
            client.join()
        assert failures == []


@pytest.mark.parametrize("threads", ["1", "2"])
def test_processes_that_a_view_forks_and_ends_are_nothing_to_the_worker(threads):
    with Server("cases:app", "--threads", threads, "--workers", "1") as server:
        pid = server.ask("/pid").text
        for _ in range(3):
            assert server.ask("/fork").text == "[1, 2]"
        assert server.ask("/pid").text == pid
