"""SPEC_CASES 57 to 62: start_response, write, and what is refused."""

from __future__ import annotations

import time

import pytest


def ask_again(server):
    """The worker goes on."""
    assert server.ask("/").body == b"Hello, World!"


def test_it_may_be_called_at_the_first_block(server):
    response = server.ask("/late_start")
    assert (response.status, response.body) == ("201 Late", b"late")


def test_a_body_without_it_is_a_failure(server):
    assert server.ask("/never_starts").code == 500
    ask_again(server)


def test_what_is_written_comes_first(server):
    response = server.ask("/write")
    assert response.body == b"first second third"
    response = server.ask("/write_only")
    assert (response.body, response.header("content-length")) == (b"all here", "8")


def test_headers_go_out_with_the_first_block_that_is_not_empty(server):
    response = server.ask("/empty_blocks")
    assert (response.status, response.body) == ("503 Changed", b"changed")


def test_an_error_replaces_what_was_not_sent(server):
    response = server.ask("/replaced")
    assert (response.status, response.body) == ("500 Oops", b"replaced")
    assert response.header("x-old") is None


def test_an_error_after_the_headers_is_raised_again(server):
    before = int(server.ask("/seen?reraised").text)
    response = server.ask("/replaced_late")
    assert (response.code, response.body, response.complete) == (200, b"some", False)
    assert int(server.ask("/seen?reraised").text) == before + 1


def test_an_error_that_was_told_is_not_kept(server):
    assert server.ask("/forgotten").body == b"failed"
    # The thread that has called the application may be later than the response.
    deadline = time.monotonic() + 10
    while server.ask("/forgotten/seen").text == "True":
        assert time.monotonic() < deadline and server.ask("/forgotten").code == 500
    ask_again(server)


def test_a_second_call_is_a_failure(server):
    assert server.ask("/twice").code == 500
    ask_again(server)


@pytest.mark.parametrize("kind", ["bytes", "short", "no_reason", "letters", "newline", "interim"])
def test_a_status_that_is_none(server, kind):
    assert server.ask(f"/status?{kind}").status == "500 Internal Server Error"


def test_a_reason_is_kept(server):
    assert server.ask("/status?own").status == "299 Perfectly Fine"
    assert server.ask("/status?teapot").status == "404 Nothing Here"
    assert server.ask("/status?latin").status == "200 Gr\xfc\xdfe"


@pytest.mark.parametrize(
    "kind",
    ["tuple", "pair", "bytes", "connection", "te", "upgrade", "crlf", "newline", "name", "wide", "length"],
)
def test_headers_that_are_none(server, kind):
    start = len(server.log)
    assert server.ask(f"/header?{kind}").code == 500
    server.wait_for(r"\[ERROR\] .*/header", start)


def test_headers_are_latin_1_and_may_repeat(server):
    response = server.ask("/header?latin")
    assert [value for name, value in response.headers if name == "x-a"] == ["\xe9\xff", "again"]
    assert [value for name, value in response.headers if name == "set-cookie"] == ["a=1", "b=2"]
