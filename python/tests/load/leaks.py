"""Whether a worker's memory grows with what it has served: each kind of request by itself, after a warm-up.

    python leaks.py                              # 30,000 requests of each kind
    python leaks.py --count 1000000 --only plain

It needs the package in the environment that runs it. The tests (test_leaks.py) do the same with fewer requests.
"""

from __future__ import annotations

import argparse
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from running import Running  # noqa: E402

#: How much a worker may grow, in bytes.
BOUND = 1_000_000

#: The part of the requests that warm up: caches, pools and the interpreter's lists of free objects are filled then. At least
#: as many as that takes.
WARM = 0.3
WARM_LEAST = 1_000

PATIENCE = 30.0

#: Requests that are sent before the first answer is read.
BATCH = 20

Client = Callable[[tuple[str, int], int], None]


class Connection:
    """A connection that reads as far as it is told."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def until(self, mark: bytes, count: int = 1) -> bytes:
        """Reads until the mark has come so many times."""
        text = bytearray()
        while text.count(mark) < count:
            block = self.socket.recv(65536)
            if not block:
                raise AssertionError(f"the connection ended before {mark!r} came {count} times: {bytes(text[-300:])!r}")
            text += block
        return bytes(text)

    def abort(self) -> None:
        """Resets it, as a client that has crashed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def pipelined(request: bytes, mark: bytes) -> Client:
    """Many requests over one connection."""

    def run(address: tuple[str, int], count: int) -> None:
        connection = Connection(address)
        for begun in range(0, count, BATCH):
            batch = min(BATCH, count - begun)
            connection.socket.sendall(request * batch)
            connection.until(mark, batch)
        connection.socket.close()

    return run


def broken(address: tuple[str, int], count: int) -> None:
    """Each request ends with an exception in the application, and perhaps with it the connection."""
    for _ in range(count):
        connection = Connection(address)
        connection.socket.sendall(b"GET /broken HTTP/1.1\r\nHost: leaks\r\n\r\n")
        connection.until(b"HTTP/1.1 500")
        connection.abort()


def gone(address: tuple[str, int], count: int) -> None:
    """Each client leaves in the middle of an answer."""
    for _ in range(count):
        connection = Connection(address)
        connection.socket.sendall(b"GET /endless HTTP/1.1\r\nHost: leaks\r\n\r\n")
        connection.until(b"xxxx")
        connection.abort()


def websockets(address: tuple[str, int], count: int) -> None:
    """Each WebSocket has a message sent back, and is closed."""
    opening = (
        b"GET / HTTP/1.1\r\nHost: leaks\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    message, end = b"\x82\x84\0\0\0\0END.", b"\x88\x82\0\0\0\0\x03\xe8"
    for _ in range(count):
        connection = Connection(address)
        connection.socket.sendall(opening)
        connection.until(b"\r\n\r\n")
        connection.socket.sendall(message)
        connection.until(b"END.")
        connection.socket.sendall(end)
        connection.until(b"\x88")
        connection.socket.close()


KINDS: dict[str, Client] = {
    "plain": pipelined(b"GET / HTTP/1.1\r\nHost: leaks\r\n\r\n", b"END."),
    "stream": pipelined(b"GET /stream HTTP/1.1\r\nHost: leaks\r\n\r\n", b"END."),
    "upload": pipelined(
        b"POST /upload HTTP/1.1\r\nHost: leaks\r\nContent-Length: 3000\r\n\r\n" + b"y" * 3000, b"END."
    ),
    "exception": broken,
    "disconnect": gone,
    "websocket": websockets,
}

#: What is served, and what it can be asked for.
SERVED = {
    "asgi": (["tight:asgi"], list(KINDS)),
    "wsgi": (["tight:wsgi"], [kind for kind in KINDS if kind != "websocket"]),
    "wsgi-threads": (["tight:wsgi", "--threads", "4"], [kind for kind in KINDS if kind != "websocket"]),
}


def start(name: str, log: Path) -> Running:
    """A server of one worker."""
    words, _ = SERVED[name]
    return Running([*words, "--workers", "1"], log=log, cwd=HERE / "apps").serving()


def growth(server: Running, kind: str, count: int) -> int:
    """How many bytes the worker has grown by with so many requests, after the warm-up."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    address, worker, client = (host, int(port)), server.workers()[0], KINDS[kind]
    client(address, max(int(count * WARM), WARM_LEAST))
    before = resident(worker)
    client(address, count)
    return resident(worker) - before


def resident(pid: int) -> int:
    """The resident set when it has come to rest."""
    last = -1
    while True:
        time.sleep(0.3)
        status = Path(f"/proc/{pid}/status").read_text()
        now = int(status.split("VmRSS:")[1].split()[0]) * 1024
        if now == last:
            return now
        last = now


def main() -> int:
    parser = argparse.ArgumentParser(description="Whether a worker's memory grows with what it has served.")
    parser.add_argument("--count", type=int, default=30_000, help="requests of each kind (30000)")
    parser.add_argument("--only", action="append", choices=list(KINDS), help="this kind; may be repeated")
    parser.add_argument("--app", action="append", choices=list(SERVED), help="this application; may be repeated")
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in options.app or SERVED:
            for kind in options.only or KINDS:
                if kind not in SERVED[name][1]:
                    continue
                # A server for each: what one kind leaves behind must not hide what the next one does.
                server = start(name, Path(folder, f"{name}-{kind}"))
                try:
                    begun = time.monotonic()
                    grown = growth(server, kind, options.count)
                finally:
                    server.end()
                verdict = "ok" if grown < BOUND else "GROWS"
                bad += grown >= BOUND
                span = time.monotonic() - begun
                print(f"{name:13} {kind:11} {options.count:9} requests {grown / 1e3:+9.0f} KB {span:7.1f} s  {verdict}")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
