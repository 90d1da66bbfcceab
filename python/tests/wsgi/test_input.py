"""SPEC_CASES 68 and 69, and large bodies: wsgi.input."""

from __future__ import annotations

import os
import time

import pytest
from server import Server
from test_result import wait_until_seen

BODY = b"one\ntwo\n\nlast without end"


def read(server, steps: str, body: bytes = BODY, headers: str = "") -> list:
    response = server.ask(f"/read?{steps}", "POST", headers, body)
    assert response.code == 200, response.text
    return eval(response.text)


@pytest.mark.parametrize("coding", ["", "Transfer-Encoding: chunked\r\n"])
def test_it_is_a_file(server, coding):
    def body(data: bytes) -> bytes:
        if not coding:
            return data
        pieces = [data[at : at + 5] for at in range(0, len(data), 5)]
        return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

    def check(steps, wanted, data=BODY):
        assert read(server, steps, body(data), coding) == wanted

    check("read,read,read:5", [BODY, b"", b""])
    check("read:-1", [BODY])
    check("read:None", [BODY])
    check("read:0,read:5,read:4,read:100,read:1", [b"", b"one\nt", b"wo\n\n", b"last without end", b""])
    check("readline,readline:2,readline,readline,readline,readline", [b"one\n", b"tw", b"o\n", b"\n", b"last without end", b""])
    check("readline:-1,readline:0,readline:None", [b"one\n", b"", b"two\n"])
    check("readlines,readlines", [[b"one\n", b"two\n", b"\n", b"last without end"], []])
    check("readlines:5,read", [[b"one\n", b"two\n"], b"\nlast without end"])
    check("iter,read", [[b"one\n", b"two\n", b"\n", b"last without end"], b""])
    check("next,read:3", [b"one\n", b"two"])


def test_no_body_is_an_empty_one(server):
    assert read(server, "read,readline,readlines,iter", b"") == [b"", b"", [], []]


def test_a_client_that_awaits_100_gets_it(server):
    with server.connect() as client:
        client.send("/echo", "POST", "Expect: 100-continue\r\nContent-Length: 5\r\n")
        status, _ = client.head()
        assert status == "100 Continue"
        client.raw(b"hello")
        response = client.response()
        assert (response.code, response.body) == (200, b"hello")


def test_with_threads_it_is_not_asked_for_a_body_that_nobody_reads(server):
    if server.threads == 1:
        # The one thread is not to wait for a slow client, so the body is received before it is known who reads it.
        return
    with server.connect() as client:
        client.send("/ignore", "POST", "Expect: 100-continue\r\nContent-Length: 5\r\n")
        assert client.head()[0] == "200 OK"


def test_a_client_that_awaits_100_and_is_slow_keeps_nobody_waiting(server):
    with server.connect() as slow:
        slow.send("/echo", "POST", "Expect: 100-continue\r\nContent-Length: 4\r\n")
        assert slow.head()[0] == "100 Continue"
        started = time.monotonic()
        assert server.ask("/").code == 200
        assert time.monotonic() - started < 2
        slow.raw(b"done")
        assert slow.response().body == b"done"


def test_a_large_body_is_complete(server):
    body = os.urandom(5_000_000)
    response = server.ask("/echo", "POST", body=body)
    assert response.body == body and response.header("x-length") == "5000000"


def test_a_slow_body_keeps_nobody_waiting(server):
    with server.connect() as slow:
        slow.send("/echo", "POST", "Content-Length: 10\r\n", b"12345")
        time.sleep(0.2)
        started = time.monotonic()
        assert server.ask("/").code == 200
        assert time.monotonic() - started < 2
        slow.raw(b"67890")
        assert slow.response().body == b"1234567890"


def test_a_body_that_is_not_read_is_no_obstacle(server):
    with server.connect() as client:
        client.send("/ignore", "POST", body=b"x" * 1000)
        assert client.response().body == b"ignored"
        client.send("/")
        assert client.response().body == b"Hello, World!"


def test_a_client_that_goes_away_is_an_error_and_no_end(server):
    if server.threads == 1:
        # A body of this size is received before the application is called, or the application is not called.
        return
    before = int(server.ask("/seen?abort_ConnectionResetError").text)
    with server.connect() as client:
        # With 100-continue the application is called before the body is here.
        client.send("/abort", "POST", "Expect: 100-continue\r\nContent-Length: 10\r\n")
        assert client.head()[0] == "100 Continue"
        client.raw(b"123")
    wait_until_seen(server, "abort_ConnectionResetError", before + 1)
    assert server.ask("/seen?abort_eof").text == "0"


def test_large_bodies_wait_in_a_file(tmp_path):
    with Server("cases:app", "--tmp-upload-dir", str(tmp_path)) as server:
        body = os.urandom(3_000_000)
        with server.connect() as client:
            client.send("/echo", "POST", f"Content-Length: {len(body)}\r\n", body[:-1])
            pid = server.ask("/pid").text
            deadline = time.monotonic() + 10
            while not any(name.startswith(str(tmp_path)) for name in links(pid)):
                assert time.monotonic() < deadline, "there is no file"
            # It has no name, so nothing is ever left of it.
            assert os.listdir(tmp_path) == []
            client.raw(body[-1:])
            assert client.response().body == body
        deadline = time.monotonic() + 10
        while any(name.startswith(str(tmp_path)) for name in links(pid)):
            assert time.monotonic() < deadline, "the file is still open"


def test_a_body_that_is_too_large_for_a_file_is_read_as_it_comes():
    count, piece = 258, bytes(1 << 20)
    with Server("cases:app", "--limit-request-body", "0") as server, server.connect() as client:
        client.send("/count", "POST", f"Content-Length: {count * len(piece)}\r\n")
        for _ in range(count - 1):
            client.raw(piece)
        server.wait_for("it counts")
        client.raw(piece)
        assert client.response().body == str(count * len(piece)).encode()


def links(pid: str) -> list[str]:
    found = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{number}"))
        except OSError:
            pass
    return found


def test_a_full_disk_is_told(tmp_path):
    with Server("cases:app", "--tmp-upload-dir", str(tmp_path / "missing")) as server:
        assert server.ask("/echo", "POST", body=b"x" * 2_000_000).code == 500
        server.wait_for("tmp_upload_dir")
        assert server.ask("/echo", "POST", body=b"x" * 1000).code == 200
