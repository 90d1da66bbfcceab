"""Several tasks of an application at one exchange: none of them is forgotten. Nor is what the collector calls."""

from __future__ import annotations

import contextlib
import json
import signal
import time

import pytest
from asgi_kit import Asgi, eventually
from test_websocket import UPGRADE, closed, dial


def test_two_tasks_that_send_both_go_on(asgi: Asgi) -> None:
    with dial(asgi, "/ws_both", max_queue=1) as connection:
        # Both wait for room, before anything is read.
        stalled = [""]

        def stands_still() -> bool:
            before, stalled[0] = stalled[0], asgi.told("ws_both")
            return before == stalled[0] != ""

        eventually(stands_still)
        got = b"".join(connection.recv(timeout=10)[:1] for _ in range(120))
        assert got.count(b"a") == got.count(b"b") == 60
        assert closed(connection)[0] == 1000


def test_two_tasks_that_receive_get_all_and_both_hear_the_end(asgi: Asgi) -> None:
    with dial(asgi, "/ws_listeners") as connection:
        for number in range(50):
            connection.send(str(number))
    eventually(lambda: asgi.told("ws_listeners") == "50")


@pytest.mark.parametrize("how", ["close", "return"])
def test_who_listens_to_a_refused_websocket_hears_of_it(asgi: Asgi, how: str) -> None:
    with asgi.connect() as client:
        client.send(f"/ws_refused_helper/{how}", headers=UPGRADE)
        assert client.head()[0].startswith("403")
    eventually(lambda: asgi.told("ws_refused_helper") == "websocket.disconnect")
    asgi.ask("/forget/ws_refused_helper")


def test_a_poll_that_is_cancelled_does_not_silence_a_listener(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/polled")
        eventually(lambda: asgi.told("polled") == "listening")
    eventually(lambda: asgi.told("polled") == "http.disconnect")


def test_two_tasks_that_fill_a_response_both_hear_of_the_disconnect(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/both_send")
        client.head()
        eventually(lambda: asgi.told("both_send") == "begun")
    eventually(lambda: asgi.told("both_send") == "ClientDisconnected ClientDisconnected")


@pytest.mark.parametrize("when", ["early", "midway"])
def test_the_tasks_of_an_application_that_fails_hear_of_the_end(asgi: Asgi, when: str) -> None:
    with asgi.connect() as client:
        client.send(f"/orphans/{when}")
        client.head()
        # The client stays.
        eventually(lambda: asgi.told("orphans") == "http.disconnect")
    asgi.ask("/forget/orphans")


def test_what_finalizers_ask_of_the_loop_is_done_while_tasks_are_made() -> None:
    with Asgi() as asgi:
        asgi.ask("/collections/begin")
        with asgi.connect() as client:
            # From Python 3.12 on the collector waits for the end of a bytecode: fewer of its runs for each request.
            for _ in range(1200):
                client.send("/collections")
                assert client.response().code == 200
        counts = json.loads(asgi.ask("/collections/end").text)
        assert counts["asked"] > 200
        assert (counts["ran"], counts["tasks run"]) == (counts["asked"], counts["tasks"])


def test_what_finalizers_send_finds_a_websocket_that_can_be_asked() -> None:
    with Asgi() as asgi, dial(asgi, "/ws_collections") as connection:
        for number in range(200):
            connection.send(str(number))
        assert connection.recv(timeout=20) == "200"


def test_what_forked_children_are_sent_is_not_heard_here() -> None:
    with Asgi() as asgi:
        pid = asgi.ask("/pid").text
        assert json.loads(asgi.ask("/forks").text) == [-signal.SIGTERM, 0, []]
        assert asgi.ask("/pid").text == pid


def test_an_application_that_stumbles_over_a_refused_body_is_told_of_as_such() -> None:
    with Asgi("asgi_app:app", "--limit-request-body", "10") as asgi:
        with asgi.connect() as client:
            client.send("/lengths_only", "POST", "Transfer-Encoding: chunked\r\n")
            client.raw(b"8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n")
            assert client.response().code == 413
        asgi.wait_for(r"\[INFO\] .*refused \(The request's body is too large.\): KeyError: 'body'")
    assert "[ERROR]" not in asgi.log


def test_cancelled_tasks_have_the_grace_to_end() -> None:
    with Asgi("asgi_app:app", "--graceful-timeout", "4") as asgi:
        asgi.ask("/last_words")
        asgi.process.terminate()
        assert asgi.process.wait(20) == 0
    assert "it has cleaned up" in asgi.log
    assert "ValueError: in its last words" in asgi.log
    assert "cancelled do not end, and are cut: staying" in asgi.log


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_what_cannot_be_sent_is_told_to_those_who_await_it(asgi: Asgi, kind: str) -> None:
    if kind == "http":
        assert asgi.ask("/failures").code == 200
    else:
        with dial(asgi, "/failures") as connection:
            assert closed(connection)[0] == 1000
    assert asgi.told("failures") == "helper RuntimeError helper TypeError RuntimeError TypeError"
    asgi.ask("/forget/failures")


@pytest.mark.parametrize("count", [1, 4])
def test_responses_of_tasks_that_are_woken_together_leave_together(count: int, loop: str) -> None:
    if count > 1 and loop == "uvloop":
        pytest.skip("uvloop does not tell how many tasks are woken")
    with Asgi() as asgi, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(asgi.connect()) for _ in range(count)]
        # One after the other, so that they have nothing in common but what wakes them.
        for number, client in enumerate(clients, 1):
            client.send(f"/together?{count}")
            eventually(lambda: number == count or asgi.told("together") == str(number))
        arrived = []
        for client in clients:
            assert client.response().code == 200
            arrived.append(time.monotonic())
        done = float(asgi.told("together"))
    if count == 1:
        assert arrived[0] < done - 0.1
    else:
        # With the last of them: none has left while the others had something to say.
        assert min(arrived) > done - 0.3
