"""SPEC_CASE 70: wsgi.file_wrapper."""

from __future__ import annotations

import time

import pytest
from server import Server
from test_result import wait_until_seen

DATA = bytes(range(256)) * 800


def count(server, what: str) -> int:
    return int(server.ask(f"/seen?{what}").text)


@pytest.mark.parametrize("how", ["plain", "offset", "length", "memory"])
def test_a_file_is_sent_and_closed(server, how):
    closed, reads = count(server, f"file_close_{how}"), count(server, f"file_read_{how}")
    response = server.ask(f"/file/{how}")
    wanted = {"plain": DATA, "offset": DATA[1000:], "length": DATA[:5000], "memory": DATA}[how]
    assert response.complete and response.body == wanted
    assert count(server, f"file_close_{how}") == closed + 1
    # The kernel has sent what is a file of the system.
    assert (count(server, f"file_read_{how}") > reads) == (how == "memory")
    if how != "memory":
        assert response.header("content-length") == str(len(wanted))


def test_a_file_that_is_too_short_ends_the_connection(server):
    response = server.ask("/file/short")
    assert (len(response.body), response.complete) == (len(DATA), False)


def test_the_connection_goes_on(server):
    with server.connect() as client:
        for _ in range(3):
            client.send("/file/plain")
            assert client.response().body == DATA
            client.send("/file/plain", "HEAD")
            assert client.response("HEAD").header("content-length") == str(len(DATA))
        client.send("/")
        assert client.response().body == b"Hello, World!"


def test_a_slow_reader_keeps_nobody_waiting(server):
    with server.connect() as slow:
        slow.send("/file/big")
        slow.until(b"\r\n\r\n")
        started = time.monotonic()
        assert server.ask("/").code == 200
        assert time.monotonic() - started < 2
        left = 30_000_000 - len(slow.buffer)
        while left > 0:
            piece = slow.sock.recv(1 << 20)
            assert piece and not piece.strip(b"\0")
            left -= len(piece)


def test_it_can_be_turned_off():
    with Server("cases:app", "--no-sendfile") as server:
        response = server.ask("/file/offset")
        assert response.body == DATA[1000:]
        assert count(server, "file_read_offset") > 10


def test_a_file_that_unpacks_is_read(server):
    assert server.ask("/gzip").body == b"unpacked" * 100
    wait_until_seen(server, "gzip_read")
