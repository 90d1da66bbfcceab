"""Cases 45 to 55: WebSockets."""

from __future__ import annotations

import json
import os
import socket
import struct
import zlib

import pytest
import websockets.exceptions
from asgi_kit import Asgi, eventually
from websockets.sync.client import ClientConnection, connect

UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def dial(asgi: Asgi, path: str, **options) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{asgi.port}{path}", max_size=None, **options)


def closed(connection: ClientConnection) -> tuple[int, str]:
    with pytest.raises(websockets.exceptions.ConnectionClosed) as caught:
        while True:
            connection.recv(timeout=10)
    close = caught.value.rcvd
    return (close.code, close.reason) if close else (1006, "")


def frame(opcode: int, payload: bytes, final: bool = True, rsv1: bool = False) -> bytes:
    """A client's frame, as raw bytes."""
    head = bytes([opcode | (0x80 if final else 0) | (0x40 if rsv1 else 0)])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    else:
        head += bytes([0x80 | 126]) + struct.pack("!H", len(payload))
    mask = b"\x01\x02\x03\x04"
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


class Raw:
    """A WebSocket client without manners."""

    def __init__(self, asgi: Asgi, path: str = "/ws_echo", headers: str = "") -> None:
        self.client = asgi.connect()
        self.client.send(path, headers=UPGRADE + headers)
        self.status, self.headers = self.client.head()

    def __del__(self) -> None:
        self.client.sock.close()

    def frame(self) -> tuple[int, bytes]:
        first, second = self.client.exactly(2)
        length = second & 127
        if length == 126:
            length = struct.unpack("!H", self.client.exactly(2))[0]
        return first, self.client.exactly(length)

    def close_code(self) -> int:
        while True:
            first, payload = self.frame()
            if first & 15 == 8:
                return struct.unpack("!H", payload[:2])[0]


def test_echo_of_both_kinds(asgi: Asgi) -> None:
    with dial(asgi, "/ws_echo") as connection:
        for message in ("", "text \u20ac", b"", b"\0\xff", "x" * 70000, os.urandom(300_000)):
            connection.send(message)
            assert connection.recv(timeout=10) == message


def test_the_scope(asgi: Asgi) -> None:
    with dial(asgi, "/ws_scope/%20?q=1", subprotocols=["one", "two"]) as connection:
        scope = json.loads(connection.recv(timeout=10))
    assert (scope["type"], scope["scheme"], scope["path"]) == ("websocket", "ws", "/ws_scope/ ")
    assert (scope["query_string"], scope["subprotocols"]) == ("q=1", ["one", "two"])
    assert scope["extensions"] == {"websocket.http.response": {}} and scope["http_version"] == "1.1"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.5"}
    assert "method" not in scope and scope["state"]["count"] == 0


def test_accept_with_subprotocol_and_headers(asgi: Asgi) -> None:
    with dial(asgi, "/ws_accept", subprotocols=["one", "two"]) as connection:
        assert connection.subprotocol == "two"
        headers = connection.response.headers
        assert headers["x-one"] == "1" and headers.get_all("set-cookie") == ["a=b", "c=d"]


def test_nothing_is_said_before_the_application_decides(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/ws_refuse/late", headers=UPGRADE)
        eventually(lambda: asgi.told("ws_late") == "deciding")
        client.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.sock.recv(1)
        client.sock.settimeout(10)
        assert client.response().code == 403


@pytest.mark.parametrize(("kind", "status"), [("close", 403), ("return", 403), ("raise", 500)])
def test_refusals(asgi: Asgi, kind: str, status: int) -> None:
    with asgi.connect() as client:
        client.send(f"/ws_refuse/{kind}", headers=UPGRADE)
        assert client.response().code == status
    if kind == "close":
        assert json.loads(eventually(lambda: asgi.told("ws_refuse")))["type"] == "websocket.disconnect"


def test_a_denial_is_a_response(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/ws_refuse/deny", headers=UPGRADE)
        response = client.response()
        assert (response.code, response.text, response.header("x-one")) == (418, "no tea", "1")
    assert eventually(lambda: asgi.told("ws_deny")) in ("ClientDisconnected", "RuntimeError")


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [("default", 1000, ""), ("code", 4001, "for r\u00fcsons"), ("return", 1000, ""), ("raise", 1011, "Internal Error")],
)
def test_the_application_closes(asgi: Asgi, kind: str, code: int, reason: str) -> None:
    with dial(asgi, f"/ws_close/{kind}") as connection:
        assert connection.recv(timeout=10) == b"last"
        assert closed(connection) == (code, reason)
    if kind == "code":
        told = json.loads(eventually(lambda: asgi.told("ws_close")))
        assert told == {"type": "websocket.disconnect", "code": 4001, "reason": reason}
        assert eventually(lambda: asgi.told("ws_close_late")) == "ClientDisconnected"


def disconnect_of(asgi: Asgi, leave) -> tuple[int, str]:
    raw = Raw(asgi)
    raw.client.raw(frame(1, b"mark"))
    assert raw.frame() == (0x81, b"mark")
    before = asgi.told("ws_echo")
    leave(raw)
    told = json.loads(eventually(lambda: (now := asgi.told("ws_echo")) != before and now))
    assert told[0] == told[1] and told[0]["type"] == "websocket.disconnect"
    assert eventually(lambda: asgi.told("ws_echo_late")) == "ClientDisconnected"
    return told[0]["code"], told[0]["reason"]


def test_how_a_client_leaves_is_told(asgi: Asgi) -> None:
    assert disconnect_of(asgi, lambda raw: raw.client.raw(frame(8, struct.pack("!H", 4002) + b"bye"))) == (4002, "bye")
    assert disconnect_of(asgi, lambda raw: raw.client.raw(frame(8, b""))) == (1005, "")
    assert disconnect_of(asgi, lambda raw: raw.client.sock.close()) == (1006, "")


def test_pings_and_fragments(asgi: Asgi) -> None:
    raw = Raw(asgi)
    raw.client.raw(frame(1, b"fir", final=False) + frame(9, b"are you there") + frame(0, b"st", final=False))
    raw.client.raw(frame(0, b"!"))
    assert raw.frame() == (0x8A, b"are you there")
    assert raw.frame() == (0x81, b"first!")
    for byte in frame(2, b"one by one"):
        raw.client.raw(bytes([byte]))
    assert raw.frame() == (0x82, b"one by one")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(1, b"\xff"), 1007),
        (frame(8, struct.pack("!H", 1000) + b"\xff"), 1007),
        (frame(0, b"x"), 1002),
        (frame(1, b"x", final=False) + frame(1, b"x"), 1002),
        (frame(9, b"x", final=False), 1002),
        (frame(9, b"x" * 126), 1002),
        (frame(3, b"x"), 1002),
        (frame(1, b"x", rsv1=True), 1002),
        (frame(8, b"x"), 1002),
        (frame(8, struct.pack("!H", 1005)), 1002),
        (b"\x81\x01x", 1002),
    ],
)
def test_errors_of_the_protocol(asgi: Asgi, sent: bytes, code: int) -> None:
    raw = Raw(asgi)
    raw.client.raw(sent)
    assert raw.close_code() == code
    assert not raw.client.more()


def test_a_close_is_answered_with_its_code(asgi: Asgi) -> None:
    raw = Raw(asgi)
    raw.client.raw(frame(8, struct.pack("!H", 1001)))
    assert raw.close_code() == 1001
    assert not raw.client.more()


def test_too_long_messages() -> None:
    with Asgi("asgi_app:app", "--ws-max-size", "1000") as asgi:
        with dial(asgi, "/ws_echo", compression=None) as connection:
            connection.send("x" * 1000)
            assert len(connection.recv(timeout=10)) == 1000
            connection.send(["x" * 600, "x" * 600])
            assert closed(connection)[0] == 1009
        with dial(asgi, "/ws_echo") as connection:
            connection.send("x" * 100_000)
            assert closed(connection)[0] == 1009


def test_compression(asgi: Asgi) -> None:
    raw = Raw(asgi, headers="Sec-WebSocket-Extensions: unknown, permessage-deflate; client_max_window_bits\r\n")
    agreed = dict(raw.headers)["sec-websocket-extensions"]
    assert agreed == "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    for _ in range(2):
        packer = zlib.compressobj(wbits=-15)
        packed = packer.compress(b"ab" * 5000) + packer.flush(zlib.Z_SYNC_FLUSH)
        raw.client.raw(frame(1, packed[:-4], rsv1=True))
        first, payload = raw.frame()
        assert first == 0xC1 and len(payload) < 200
        assert zlib.decompressobj(wbits=-15).decompress(payload + b"\0\0\xff\xff") == b"ab" * 5000
    raw.client.raw(frame(1, b"plain"))
    assert raw.frame() == (0x81, b"plain")
    raw.client.raw(frame(1, b"\xff\xff\xff", rsv1=True))
    assert raw.close_code() == 1007


@pytest.mark.parametrize(
    "offer",
    ["permessage-deflate; server_max_window_bits=7", "permessage-deflate; nonsense", "x-webkit-deflate-frame"],
)
def test_offers_that_are_declined(asgi: Asgi, offer: str) -> None:
    raw = Raw(asgi, headers=f"Sec-WebSocket-Extensions: {offer}\r\n")
    assert raw.status.startswith("101") and "sec-websocket-extensions" not in dict(raw.headers)


def test_a_small_window_is_kept_to(asgi: Asgi) -> None:
    raw = Raw(asgi, headers="Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n")
    assert "server_max_window_bits=9" in dict(raw.headers)["sec-websocket-extensions"]
    text = b"".join(b"%d " % (number * 7919) for number in range(5000))
    raw.client.raw(frame(1, text))
    first, payload = raw.frame()
    assert first == 0xC1
    assert zlib.decompressobj(wbits=-9).decompress(payload + b"\0\0\xff\xff") == text


def test_no_compression_if_it_is_off() -> None:
    with Asgi("asgi_app:app", "--ws-per-message-deflate", "off") as asgi:
        with dial(asgi, "/ws_echo") as connection:
            assert connection.protocol.extensions == []


def test_silent_clients_are_asked_and_given_up() -> None:
    with Asgi("asgi_app:app", "--ws-ping-interval", "0.2", "--ws-ping-timeout", "0.2") as asgi:
        raw = Raw(asgi)
        assert raw.frame()[0] == 0x89
        raw.client.raw(frame(10, b""))
        assert raw.frame()[0] == 0x89
        assert raw.close_code() == 1011
        assert json.loads(eventually(lambda: asgi.told("ws_echo")))[0]["code"] == 1006


def test_a_client_is_not_given_up_for_a_slow_application() -> None:
    options = ("--ws-ping-interval", "0.2", "--ws-ping-timeout", "0.2", "--ws-max-queue", "1")
    with Asgi("asgi_app:app", *options) as asgi:
        # It answers pings on a thread of its own.
        with dial(asgi, "/ws_slow", ping_interval=None) as connection:
            for _ in range(5):
                connection.send("x")
            with pytest.raises(TimeoutError):
                connection.recv(timeout=1)
            asgi.ask("/ws_go")
            connection.send("end")
            assert connection.recv(timeout=10) == "5"


def test_a_slow_client_slows_the_application(asgi: Asgi) -> None:
    raw = Raw(asgi, "/ws_flood")
    seen, still = "", 0
    while still < 20:
        now = asgi.told("ws_flood")
        still = still + 1 if now and now == seen else 0
        seen = now
    assert int(seen) < 399
    raw.client.sock.close()


def test_what_may_not_be_sent_raises_and_harms_nothing(asgi: Asgi) -> None:
    with dial(asgi, "/ws_wrong") as connection:
        assert closed(connection) == (1000, "")
    runtime, kind, value = ["RuntimeError", False], ["TypeError", False], ["ValueError", False]
    gone = ["ClientDisconnected", True]
    assert json.loads(eventually(lambda: asgi.told("ws_wrong"))) == [runtime, runtime, kind, kind, value, gone]


def test_a_client_that_takes_nothing_is_given_up() -> None:
    with Asgi("asgi_app:app", "--ws-ping-interval", "0.3", "--ws-ping-timeout", "0.3") as asgi:
        raw = Raw(asgi, "/ws_flood")
        name, last = json.loads(eventually(lambda: asgi.told("ws_flood_end")))
        assert (name, last["type"], last["code"]) == ("ClientDisconnected", "websocket.disconnect", 1006)
        assert int(asgi.told("ws_flood")) < 399
        raw.client.sock.close()


def test_a_slow_application_slows_the_client(asgi: Asgi) -> None:
    raw = Raw(asgi, "/ws_slow")
    raw.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    raw.client.sock.settimeout(0.5)
    message, count = frame(1, b"x" * 60000), 0
    pending = b""
    try:
        while count < 2000:
            pending = pending or message
            sent = raw.client.sock.send(pending)
            pending = pending[sent:]
            count += not pending
    except TimeoutError:
        pass
    assert count < 2000
    raw.client.sock.settimeout(20)
    asgi.ask("/ws_go")
    raw.client.raw(pending)
    raw.client.raw(frame(1, b"end"))
    assert raw.frame() == (0x81, str(count + bool(pending)).encode())


def test_a_slow_application_holds_few_bytes() -> None:
    with Asgi("asgi_app:app", "--ws-max-queue", "1000") as asgi:
        raw = Raw(asgi, "/ws_slow")
        raw.client.sock.settimeout(0.5)
        message = bytes([0x82, 0xFF]) + struct.pack("!Q", 1 << 20) + b"\0" * (4 + (1 << 20))
        count, pending = 0, b""
        try:
            while count < 64:
                pending = pending or message
                pending = pending[raw.client.sock.send(pending) :]
                count += not pending
        except TimeoutError:
            pass
        # What the kernel holds is not ours.
        assert count < 32
        raw.client.sock.settimeout(20)
        asgi.ask("/ws_go")
        raw.client.raw(pending)
        raw.client.raw(frame(1, b"end"))
        assert raw.frame() == (0x81, str(count + bool(pending)).encode())
        # The worker waits for the end of the connection.
        raw.client.sock.close()


def test_a_wrong_version_is_told_the_right_one(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/ws_echo", headers=UPGRADE.replace("13", "8"))
        response = client.response()
        assert (response.code, response.header("sec-websocket-version")) == (426, "13")


def test_a_worker_that_leaves_says_so() -> None:
    with Asgi() as asgi:
        with dial(asgi, "/ws_echo") as connection:
            connection.send("here")
            assert connection.recv(timeout=10) == "here"
            asgi.process.terminate()
            assert closed(connection)[0] == 1012
        assert asgi.process.wait(10) == 0
