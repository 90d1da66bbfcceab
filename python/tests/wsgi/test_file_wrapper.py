"""SPEC_CASE 70: wsgi.file_wrapper."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from server import Client, Server
from tls import Certificate, needs_openssl
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
    # The thread that has called the application may be later than the response.
    wait_until_seen(server, f"file_close_{how}", closed + 1)
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


def read_by(path: str) -> int:
    """So many bytes of files and the like, by the process or the thread of this path."""
    return int(re.search(r"rchar: (\d+)", Path(f"/proc/{path}/io").read_text())[1])


@needs_openssl
@pytest.mark.parametrize("threads", ["1", "2"])
def test_over_tls_it_is_read_beside_the_event_loop(tmp_path, threads):
    certificate = Certificate(tmp_path)
    with Server("cases:app", "--workers", "1", "--threads", threads, *certificate.options) as server:
        with Client(certificate.connect(server.port)) as client:
            client.send("/pid")
            pid = int(client.response().text)
            # The loop's thread is the first.
            before = read_by(f"{pid}/task/{pid}")
            client.send("/file/big")
            response = client.response()
            assert len(response.body) == 30_000_000 and not response.body.strip(b"\0")
            assert read_by(f"{pid}/task/{pid}") - before < 1_000_000 and read_by(str(pid)) > 30_000_000
        with Client(certificate.connect(server.port)) as client:
            # Files are read where they begin, for HEAD not at all.
            client.send("/file/offset")
            assert client.response().body == DATA[1000:]
            client.send("/file/length", "HEAD")
            assert client.response("HEAD").header("content-length") == "5000"
            client.send("/file/short")
            short = client.response()
            assert (len(short.body), short.complete) == (len(DATA), False)


def test_a_file_that_unpacks_is_read(server):
    assert server.ask("/gzip").body == b"unpacked" * 100
    wait_until_seen(server, "gzip_read")
