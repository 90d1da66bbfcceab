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
    for line in ("one line for the log", "and another", "printed to errors", "without an end"):
        server.wait_for(rf"\[ERROR\] {line}\n", start)


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


def test_a_busy_worker_leaves_new_connections_to_others():
    with Server("cases:app", "--workers", "2") as server:
        # In the middle of a request that waits for its client, the event loop turns and could accept.
        with server.connect() as busy:
            busy.send("/echo", "POST", "Expect: 100-continue\r\nContent-Length: 4\r\n")
            assert busy.head()[0] == "100 Continue"
            started = time.monotonic()
            pids = {server.ask("/pid").text for _ in range(20)}
            assert len(pids) == 1
            assert time.monotonic() - started < 5
            busy.raw(b"done")
            assert busy.response().body == b"done"


def test_a_connection_waits_for_the_only_worker():
    with Server("cases:app", "--workers", "1") as server, server.connect() as busy:
        busy.send("/echo", "POST", "Expect: 100-continue\r\nContent-Length: 4\r\n")
        assert busy.head()[0] == "100 Continue"
        answers = []
        other = threading.Thread(target=lambda: answers.append(server.ask("/").code))
        other.start()
        other.join(0.3)
        assert answers == []
        busy.raw(b"done")
        assert busy.response().body == b"done"
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
