"""Cases 18 to 26: what `receive` tells."""

from __future__ import annotations

import json
import socket
import struct

from asgi_kit import Asgi, eventually

END = {"type": "http.request", "body": "", "more_body": False}
GONE = {"type": "http.disconnect"}


def test_no_body_is_one_message(asgi: Asgi) -> None:
    assert json.loads(asgi.ask("/messages").text) == [END]


def test_a_body_that_comes_with_its_head(asgi: Asgi) -> None:
    seen = json.loads(asgi.ask("/messages", "POST", body=b"hello").text)
    assert seen == [{"type": "http.request", "body": "hello", "more_body": False}]


def test_chunks_are_undone(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/messages", "POST", "Transfer-Encoding: chunked\r\n")
        for piece in (b"3\r\nabc\r\n", b"2;x=y\r\nde\r\n0\r\n", b"X-Trailer: 1\r\n\r\n"):
            client.raw(piece)
        seen = json.loads(client.response().text)
    assert "".join(message["body"] for message in seen) == "abcde"
    assert [message["more_body"] for message in seen][-1] is False


def test_a_large_body_arrives_whole(asgi: Asgi) -> None:
    body = bytes(range(256)) * 8192
    assert asgi.ask("/echo", "POST", body=body).body == body


def test_continue_is_said_at_the_first_receive(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/messages", "POST", "Expect: 100-continue\r\nContent-Length: 5\r\n")
        assert client.head()[0].startswith("100")
        client.raw(b"hello")
        assert json.loads(client.response().text)[0]["body"] == "hello"


def test_continue_is_not_said_if_the_application_answers_first(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/unread", "POST", "Expect: 100-continue\r\nContent-Length: 5\r\n")
        response = client.response()
        assert (response.code, response.text) == (200, "early")
        assert response.header("connection") == "close"


def test_after_the_body_receive_waits_for_the_end(asgi: Asgi) -> None:
    assert asgi.ask("/after").text == "answered"
    seen = json.loads(eventually(lambda: asgi.told("after")))
    assert seen == [END, {"done": False}, GONE, GONE]


def leave(asgi: Asgi, *, body: bytes = b"", headers: str = "") -> dict:
    before = asgi.told("disconnect")
    with asgi.connect() as client:
        client.send("/disconnect", "POST", headers)
        client.raw(body)
        eventually(lambda: asgi.told("disconnect") == "begun")
        # Before or after its data were read.
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    del before
    return json.loads(eventually(lambda: (told := asgi.told("disconnect")) != "begun" and told))


def test_a_client_that_leaves_is_told_of_again_and_again(asgi: Asgi) -> None:
    told = leave(asgi)
    assert told == {"seen": [END, GONE, GONE], "raised": "ClientDisconnected"}


def test_a_client_that_closes_in_order_has_left_too(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/disconnect", "POST")
        eventually(lambda: asgi.told("disconnect") == "begun")
    told = eventually(lambda: (told := asgi.told("disconnect")) != "begun" and told)
    assert json.loads(told)["seen"] == [END, GONE, GONE]


def test_half_a_close_is_no_disconnect(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/patient")
        client.sock.shutdown(socket.SHUT_WR)
        came = b""
        while piece := client.sock.recv(65536):
            came += piece
    assert came.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert came.endswith(b"gone: False")


def test_a_body_that_breaks_off_is_never_complete(asgi: Asgi) -> None:
    since = len(asgi.log)
    told = leave(asgi, body=b"part", headers="Content-Length: 100\r\n")
    assert told["seen"][-1] == GONE
    assert all(message["more_body"] for message in told["seen"] if message["type"] == "http.request")
    assert "ClientDisconnected: the client" not in asgi.log[since:]


def test_a_cancelled_receive_loses_nothing(asgi: Asgi) -> None:
    body = b"".join(b"%06d" % number for number in range(20))
    with asgi.connect() as client:
        client.send("/cancelled_receive", "POST", f"Content-Length: {len(body)}\r\n")
        for at in range(0, len(body), 6):
            client.raw(body[at : at + 6])
            eventually(lambda: True)
        assert client.response().body == body


def test_an_early_answer_does_not_spoil_the_next_request(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/unread", "POST", body=b"GET /raises HTTP/1.1\r\n\r\n" * 10)
        client.send("/nothing")
        assert client.response().text == "early"
        assert client.response().text == "hello"


def test_tasks_are_made_of_what_receive_and_send_return(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/tasks_of_both", "POST", "Content-Length: 4\r\n")
        client.raw(b"told")
        assert client.response().body == b"told True"


def test_a_bug_in_what_follows_a_disconnect_is_told(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/cleanup")
        eventually(lambda: asgi.told("cleanup"))
    asgi.wait_for("had left: KeyError: 'a bug in a cleanup'")
