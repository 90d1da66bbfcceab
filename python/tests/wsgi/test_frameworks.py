"""The validator of the standard library, Flask and Django."""

from __future__ import annotations

from pathlib import Path

import pytest
from server import Server

HERE = Path(__file__).parent


@pytest.mark.parametrize("threads", ["1", "3"])
def test_the_validator_finds_nothing(threads):
    with Server("frameworks:validated", "--threads", threads) as server:
        assert server.ask("/").body == b"valid "
        assert server.ask("/?a=b", "HEAD").code == 200
        assert server.ask("/", "POST", "Content-Type: text/plain\r\n", b"body").body == b"valid body"
        assert server.ask("/streamed").body == b"written and yielded"
        assert "Assert" not in server.log and "WSGIWarning" not in server.log, server.log


@pytest.mark.parametrize("threads", ["1", "3"])
def test_flask(threads):
    with Server("frameworks:hello_flask", "--threads", threads, "--root-path", "/shop") as server:
        response = server.ask("/shop/")
        assert (response.code, response.body) == (200, b"Hello, Flask!")
        body = b"x" * 3_000_000
        assert server.ask("/echo", "POST", body=body).body == body
        chunked = server.ask("/echo", "POST", "Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n")
        assert chunked.body == b"abc"
        assert server.ask("/stream").text == "line 0\nline 1\nline 2\n"
        assert server.ask("/file").body == (HERE / "frameworks.py").read_bytes()
        assert server.ask("/nothing").code == 404


@pytest.mark.parametrize("threads", ["1", "3"])
def test_django(threads):
    with Server("frameworks:hello_django", "--threads", threads) as server:
        assert server.ask("/").body == b"Hello, Django!"
        assert server.ask("/echo", "POST", "Content-Type: text/plain\r\n", b"body").code in (200, 403)
        assert server.ask("/stream").body == b"one two"
        assert server.ask("/nothing").code == 404
