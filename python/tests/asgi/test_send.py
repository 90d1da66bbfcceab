"""Cases 27 to 39: what `send` takes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from asgi_kit import Asgi, eventually


def test_an_error_replaces_an_unsent_head(asgi: Asgi) -> None:
    since = len(asgi.log)
    response = asgi.ask("/replaced")
    assert response.code == 500 and response.header("x-mine") is None
    assert "ValueError: after start" in asgi.wait_for("ValueError: after start", since)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("none", []), ("generator", ["x-one", "x-two"]), ("lists", ["x-one", "x-one"]), ("te", ["x-one"]), ("agreed", ["x-one"])],
)
def test_headers_are_any_pairs(asgi: Asgi, kind: str, expected: list[str]) -> None:
    response = asgi.ask(f"/headers/{kind}")
    assert (response.code, response.text) == (200, "ok")
    assert [name for name, _ in response.headers if name.startswith("x-")] == expected
    assert response.header("transfer-encoding") is None


@pytest.mark.parametrize("kind", ["crlf", "nul", "name", "str", "length", "negative", "lengths"])
def test_headers_that_are_none_are_refused(asgi: Asgi, kind: str) -> None:
    assert asgi.ask(f"/headers/{kind}").text == ("TypeError" if kind == "str" else "ValueError")


def test_date_and_server_are_sent_once(asgi: Asgi) -> None:
    response = asgi.ask("/nothing")
    names = [name for name, _ in response.headers]
    assert names.count("date") == 1
    response = asgi.ask("/headers/ours")
    assert [pair for pair in response.headers if pair[0] in ("date", "server")] == [("date", "then"), ("server", "mine")]


def test_a_response_does_not_wait_for_what_the_application_does_afterwards(asgi: Asgi, tmp_path: Path) -> None:
    sign = tmp_path / "read"
    with asgi.connect() as client:
        client.send(f"/afterwards?{sign}")
        assert client.response().text == "said"
        sign.touch()
        client.send("/told/afterwards")
        assert client.response().text == "seen"


def test_framing(asgi: Asgi) -> None:
    response = asgi.ask("/pieces")
    assert (response.header("transfer-encoding"), response.text, response.complete) == ("chunked", "one-two", True)
    response = asgi.ask("/nothing")
    assert (response.header("content-length"), response.header("transfer-encoding")) == ("5", None)
    with asgi.connect() as client:
        client.raw(b"GET /pieces HTTP/1.0\r\n\r\n")
        head = client.head()[1]
        assert not {"transfer-encoding", "content-length"} & {name for name, _ in head}
        while client.more():
            pass
        assert client.buffer == b"one-two"


@pytest.mark.parametrize(("kind", "body"), [("long", b"0123"), ("short", b"0123456789"), ("right", b"0123456789")])
def test_wrong_lengths_close_the_connection(asgi: Asgi, kind: str, body: bytes) -> None:
    began = time.monotonic()
    with asgi.connect() as client:
        client.send(f"/lengths/{kind}")
        response = client.response()
        assert response.body == body
        if kind != "right":
            assert not client.more() and not client.buffer
            assert time.monotonic() - began < 3
        else:
            client.send("/nothing")
            assert client.response().text == "hello"


@pytest.mark.parametrize("code", [200, 204, 304])
def test_no_body_where_none_may_be(asgi: Asgi, code: int) -> None:
    method = "HEAD" if code == 200 else "GET"
    with asgi.connect() as client:
        client.send(f"/status/{code}", method)
        response = client.response(method)
        assert response.code == code
        assert response.header("content-length") == {200: "5", 204: None, 304: "5"}[code]
        client.send("/nothing")
        assert client.response().text == "hello"


def test_a_streamed_head_has_no_body(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/pieces", "HEAD")
        assert client.response("HEAD").code == 200
        client.send("/nothing")
        assert client.response().text == "hello"


def test_messages_out_of_order_are_refused(asgi: Asgi) -> None:
    assert asgi.ask("/order").text == "x"
    told = eventually(lambda: asgi.told("order"))
    refused = "RuntimeError"
    assert told == f"{refused} ok {refused} ok {refused} {refused} {refused}"


def test_send_waits_for_a_slow_client(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/flood/1000")
        client.head()
        eventually(lambda: asgi.told("flood") not in ("", "0"))
        # It stands still, far from the end.
        seen, still = "", 0
        while still < 20:
            now = asgi.told("flood")
            still = still + 1 if now == seen else 0
            seen = now
            time.sleep(0.01)
        assert int(seen) < 32 << 20
    assert eventually(lambda: asgi.told("flood") == "OSError")


def test_a_slow_client_gets_everything(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/flood/200")
        client.until(b"\r\n\r\n")
        taken = 0
        while size := len(client.chunk()):
            taken += size
        assert taken == 200 * 65536


@pytest.mark.parametrize("path", ["/raises", "/returns", "/returns/started", "/leaves"])
def test_no_response_is_a_500(asgi: Asgi, path: str) -> None:
    with asgi.connect() as client:
        client.send(path)
        assert client.response().code == 500
    assert asgi.ask("/nothing").text == "hello"


@pytest.mark.parametrize("path", ["/broken", "/returns/midway"])
def test_an_early_end_is_visible(asgi: Asgi, path: str) -> None:
    with asgi.connect() as client:
        client.send(path)
        response = client.response()
        assert (response.code, response.complete) == (200, False)


def test_the_log_has_the_traceback_once() -> None:
    asgi = Asgi()
    try:
        for path in ("/raises", "/broken", "/leaves"):
            asgi.ask(path)
    finally:
        asgi.stop()
    log = asgi.log
    assert log.count("Traceback (most recent call last)") == 3
    assert "in raises" in log and "failed midway" in log and "SystemExit: 5" in log


def test_a_request_whose_client_is_gone_is_cancelled_in_time() -> None:
    with Asgi("asgi_app:app", "--asgi-disconnect-grace-period", "0.2") as asgi:
        with asgi.connect() as client:
            client.send("/slow")
            eventually(lambda: asgi.told("slow") == "begun")
        eventually(lambda: asgi.told("slow") == "cancelled")
        assert "Traceback" not in asgi.log
