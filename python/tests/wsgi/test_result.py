"""SPEC_CASES 63 to 67 and 74: what the application returns."""

from __future__ import annotations

import itertools
import time

import pytest

NAMES = itertools.count()


def wait_until_seen(server, what: str, count: int = 1) -> None:
    deadline = time.monotonic() + 10
    while int(server.ask(f"/seen?{what}").text) < count:
        assert time.monotonic() < deadline, f"{what} was never seen"


@pytest.mark.parametrize(
    "how", ["normal", "fails", "fails_first", "str", "unstarted", "bad_close"]
)
def test_the_result_is_closed_once(server, how):
    name = f"{how}_{next(NAMES)}"
    response = server.ask(f"/close/{how}/{name}")
    assert response.complete == (how != "fails")
    assert response.code == (200 if how in ("normal", "fails", "bad_close") else 500)
    wait_until_seen(server, name)
    assert server.ask(f"/seen?{name}").text == "1"


def test_the_result_is_closed_when_the_client_goes_away(server):
    name = f"endless_{next(NAMES)}"
    with server.connect() as client:
        client.send(f"/close/endless/{name}")
        client.until(b"xxxx")
    wait_until_seen(server, name)
    assert server.ask(f"/seen?{name}").text == "1"


def test_a_single_block_has_its_length(server):
    assert server.ask("/").header("content-length") == "13"
    response = server.ask("/sized")
    assert (response.header("content-length"), response.body) == ("12", b"exactly this")


def test_too_much_is_cut_off(server):
    for how in ("iter", "list"):
        start = len(server.log)
        response = server.ask(f"/long?{how}")
        assert (response.body, response.complete) == (b"abcde", True)
        server.wait_for(r"\[ERROR\] .*/long.* more than", start)
    # The third block was not asked for.
    assert int(server.ask("/seen?long").text) % 2 == 0
    assert int(server.ask("/seen?long_closed").text) >= 1


@pytest.mark.parametrize("how", ["list", "iter"])
def test_too_little_ends_the_connection(server, how):
    start = len(server.log)
    response = server.ask(f"/short?{how}")
    assert (response.body, response.complete) == (b"short", False)
    server.wait_for(r"\[ERROR\] .*shorter than", start)


def test_text_is_no_body(server):
    assert server.ask("/str").code == 500


def test_a_block_is_sent_before_the_next_is_asked_for(server):
    with server.connect() as client:
        client.send("/slow")
        client.head()
        late = []
        for _ in range(3):
            yielded = float(client.chunk())
            late.append(time.monotonic() - yielded)
        assert max(late) < 0.25, late


def test_a_failure_after_the_headers_is_seen_by_the_client(server):
    start = len(server.log)
    response = server.ask(f"/close/fails/late_{next(NAMES)}")
    assert (response.code, response.body, response.complete) == (200, b"some", False)
    assert "RuntimeError: in the middle" in server.wait_for(r"failed midway[\s\S]*in the middle", start)


def test_a_failure_before_the_headers_is_a_500_with_a_traceback_in_the_log(server):
    start = len(server.log)
    assert server.ask("/crash").code == 500
    text = server.wait_for(r"\[ERROR\] .*GET /crash[\s\S]*Traceback[\s\S]*in case_crash[\s\S]*this text", start)
    assert "RuntimeError: a crash with this text" in text


def test_an_application_that_wants_to_exit_only_fails(server):
    assert server.ask("/exit").code == 500
    assert server.ask("/").code == 200


def test_no_body_for_head(server):
    with server.connect() as client:
        for path in ("/", "/write", "/late_start"):
            client.send(path, "HEAD")
            assert client.response("HEAD").code in (200, 201)
        client.send("/")
        assert client.response().body == b"Hello, World!"


def test_blocks_without_end_end_for_head(server):
    name = f"head_{next(NAMES)}"
    with server.connect() as client:
        client.send(f"/close/endless/{name}", "HEAD")
        assert client.response("HEAD").code == 200
    wait_until_seen(server, name)
