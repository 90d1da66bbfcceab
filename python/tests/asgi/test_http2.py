"""HTTP/2: the same application, several requests on one connection."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections import defaultdict

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
from asgi_kit import PATIENCE, Asgi, eventually
from test_websocket import frame


class Client:
    """One connection with prior knowledge."""

    def __init__(self, asgi: Asgi) -> None:
        self.authority = f"127.0.0.1:{asgi.port}"
        self.sock = socket.create_connection(("127.0.0.1", asgi.port), timeout=PATIENCE)
        config = h2.config.H2Configuration(header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.events: dict[int, list] = defaultdict(list)
        self.flush()

    def flush(self) -> None:
        self.sock.sendall(self.h2.data_to_send())

    def ask(self, path: str, method: str = "GET", headers=(), body: bytes | None = b"") -> int:
        stream = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "http"), (":authority", self.authority), (":path", path)]
        self.h2.send_headers(stream, [*pseudo, *headers], end_stream=body == b"")
        if body:
            self.h2.send_data(stream, body, end_stream=True)
        self.flush()
        return stream

    def read(self) -> None:
        data = self.sock.recv(65536)
        assert data, "the connection ended"
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.events[getattr(event, "stream_id", 0) or 0].append(event)
        self.flush()

    def wait(self, stream: int, kind: type):
        while True:
            for event in self.events[stream]:
                if isinstance(event, kind):
                    return event
            self.read()

    def answer(self, stream: int) -> tuple[dict, bytes]:
        self.wait(stream, h2.events.StreamEnded)
        return dict(self.wait(stream, h2.events.ResponseReceived).headers), self.body(stream)

    def body(self, stream: int) -> bytes:
        return b"".join(event.data for event in self.events[stream] if isinstance(event, h2.events.DataReceived))


@pytest.fixture
def client(asgi: Asgi):
    client = Client(asgi)
    yield client
    client.sock.close()


def test_the_scope(client: Client) -> None:
    headers = [("cookie", "a=b"), ("x-one", "1"), ("cookie", "c=d"), ("te", "trailers")]
    scope = json.loads(client.answer(client.ask("/scope?x", headers=headers))[1])
    assert (scope["http_version"], scope["method"], scope["query_string"]) == ("2", "GET", "x")
    assert scope["headers"][0] == ["host", client.authority] and ["cookie", "a=b; c=d"] in scope["headers"]
    # The order of all others is the client's.
    names = [name for name, _ in scope["headers"]]
    assert names == ["host", "cookie", "x-one", "te"]
    assert not [name for name, _ in scope["headers"] if name.startswith(":")]
    assert "http.response.trailers" in scope["extensions"] and "http.response.early_hint" not in scope["extensions"]


def test_one_host_is_told(client: Client) -> None:
    headers = [("x-one", "1"), ("host", client.authority), ("x-two", "2")]
    scope = json.loads(client.answer(client.ask("/scope", headers=headers))[1])
    assert scope["headers"] == [["host", client.authority], ["x-one", "1"], ["x-two", "2"]]


def test_bodies_both_ways(client: Client) -> None:
    body = b"x" * 16000
    first, second = client.ask("/echo", "POST", body=body), client.ask("/messages", "POST", body=b"hello")
    assert client.answer(first)[1] == body
    assert json.loads(client.answer(second)[1])[0]["body"] == "hello"


def test_a_reset_is_the_disconnect_of_one_request(asgi: Asgi, client: Client) -> None:
    other = client.ask("/hints/slow")
    stream = client.ask("/disconnect", "POST", body=None)
    eventually(lambda: asgi.told("disconnect") == "begun")
    client.h2.reset_stream(stream)
    client.flush()
    told = json.loads(eventually(lambda: (now := asgi.told("disconnect")) != "begun" and now))
    assert told["seen"][-1] == {"type": "http.disconnect"} and told["raised"] == "ClientDisconnected"
    assert client.answer(other)[1] == b"hinted"
    assert client.answer(client.ask("/nothing"))[1] == b"hello"


def test_a_failure_midway_resets_the_stream(client: Client) -> None:
    stream = client.ask("/broken")
    client.wait(stream, h2.events.StreamReset)
    assert client.answer(client.ask("/nothing"))[1] == b"hello"


def test_trailers(client: Client) -> None:
    stream = client.ask("/trailers", headers=[("te", "trailers")])
    assert client.answer(stream)[1] == b"body"
    trailers = dict(client.wait(stream, h2.events.TrailersReceived).headers)
    assert trailers == {"x-sum": "1", "x-end": "2"}


def shake(client: Client) -> int:
    """Opens a WebSocket."""
    client.wait(0, h2.events.RemoteSettingsChanged)
    stream = client.h2.get_next_available_stream_id()
    client.h2.config.validate_outbound_headers = False
    pseudo = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/ws_echo")]
    client.h2.send_headers(
        stream, [*pseudo, (":authority", client.authority), ("sec-websocket-version", "13")], end_stream=False
    )
    client.flush()
    assert dict(client.wait(stream, h2.events.ResponseReceived).headers)[":status"] == "200"
    return stream


def test_a_websocket_is_a_stream(asgi: Asgi, client: Client) -> None:
    stream = shake(client)
    client.h2.send_data(stream, frame(1, b"over two"))
    client.flush()
    while len(client.body(stream)) < 10:
        client.read()
    assert client.body(stream) == b"\x81\x08over two"
    client.h2.send_data(stream, frame(8, struct.pack("!H", 4003)))
    client.flush()
    while len(client.body(stream)) < 14:
        client.read()
    assert client.body(stream)[10:] == b"\x88\x02" + struct.pack("!H", 4003)
    assert json.loads(eventually(lambda: asgi.told("ws_echo")))[0]["code"] == 4003


def test_a_worker_that_leaves_closes_its_websockets() -> None:
    goodbye = struct.pack("!H", 1012)
    with Asgi() as asgi:
        client = Client(asgi)
        stream = shake(client)
        asgi.process.terminate()
        # By hand from here on: h2 takes the server's GOAWAY for the end of all streams.
        heard = b""

        def hear(what: bytes) -> None:
            nonlocal heard
            while what not in heard:
                heard += (data := client.sock.recv(65536))
                assert data, heard

        hear(b"\x88\x02" + goodbye)
        answer = frame(8, goodbye)
        client.sock.sendall(struct.pack("!I", len(answer))[1:] + b"\0\1" + struct.pack("!I", stream) + answer)
        begun = time.monotonic()
        # The end of the stream.
        hear(b"\0\0\0\0\1" + struct.pack("!I", stream))
        client.sock.close()
        assert asgi.process.wait(10) == 0
        # Because of the answer, and not because of anybody's patience.
        assert time.monotonic() - begun < 4
    assert "cuts" not in asgi.log
