"""Starts the real command with an application of this directory, and speaks raw HTTP to it."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from running import asked_workers

HERE = Path(__file__).parent
PATIENCE = 20.0


class Server:
    """One running `rustcorn`; its log is in `log`."""

    def __init__(self, app: str, *options: str, env: dict[str, str] | None = None, bind: str = "127.0.0.1:0") -> None:
        self.bind = bind
        words = [sys.executable, "-m", "rustcorn", app, "--bind", bind, *options]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("RUSTCORN_", "GUNICORN_"))}
        environment.update(env or {})
        self.log = ""
        self.process = subprocess.Popen(
            words, cwd=HERE, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        os.set_blocking(self.process.stderr.fileno(), False)
        self.wait_for(r"( ready \(pid[\s\S]*){%d}" % asked_workers(options))
        found = re.search(r"Listening at: \S*?:(\d+) ", self.log)
        self.port = int(found.group(1)) if found else 0

    def _read_log(self, patience: float) -> bool:
        pipe = self.process.stderr
        if not select.select([pipe], [], [], patience)[0]:
            return True
        piece = os.read(pipe.fileno(), 65536)
        self.log += piece.decode("utf-8", "replace")
        return bool(piece)

    def wait_for(self, pattern: str, since: int = 0) -> str:
        """Waits until the log has this after `since` characters; the rest of the log from there."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.log[since:])):
            left = deadline - time.monotonic()
            if left <= 0 or not self._read_log(left):
                raise AssertionError(f"the log never had {pattern!r}:\n{self.log}")
        return self.log[since + found.start() :]

    def connect(self) -> Client:
        if self.bind.startswith("unix:"):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(PATIENCE)
            sock.connect(self.bind.removeprefix("unix:"))
        else:
            sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        return Client(sock)

    def ask(self, target: str = "/", method: str = "GET", headers: str = "", body: bytes = b"") -> Response:
        """One request on a connection of its own."""
        with self.connect() as client:
            client.send(target, method, headers, body)
            return client.response(method)

    def stop(self) -> None:
        late = False
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                late = True
                self.process.kill()
                self.process.wait()
        while self._read_log(0.1) and self.process.stderr and select.select([self.process.stderr], [], [], 0)[0]:
            pass
        self.process.stderr.close()
        assert not late, f"it did not end; has a client kept its connection?\n{self.log}"

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Response:
    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes, complete: bool) -> None:
        self.status = status
        self.code = int(status.split()[0])
        self.headers = headers
        self.body = body
        #: The body ended as its framing says.
        self.complete = complete

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name.lower()]
        return values[0] if values else None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")


class Client:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        # Grows in place: large bodies come in many pieces.
        self.buffer = bytearray()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def raw(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send(self, target: str = "/", method: str = "GET", headers: str = "", body: bytes = b"") -> None:
        fields = "Host: test.example:81\r\n" + headers
        if body and "chunked" not in headers and "Content-Length" not in headers:
            fields += f"Content-Length: {len(body)}\r\n"
        self.raw(f"{method} {target} HTTP/1.1\r\n{fields}\r\n".encode("latin-1") + body)

    def more(self) -> bool:
        """Reads on; False: the other side has closed."""
        try:
            piece = self.sock.recv(65536)
        except ConnectionResetError:
            return False
        self.buffer += piece
        return bool(piece)

    def until(self, mark: bytes) -> bytes:
        """What comes up to and with `mark`."""
        while mark not in self.buffer:
            if not self.more():
                raise AssertionError(f"the connection ended before {mark!r}: {self.buffer!r}")
        return self.exactly(self.buffer.index(mark) + len(mark))

    def head(self) -> tuple[str, list[tuple[str, str]]]:
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = [line.split(": ", 1) for line in lines[1:] if line]
        return lines[0].split(" ", 1)[1], [(name.lower(), value) for name, value in headers]

    def response(self, method: str = "GET") -> Response:
        status, headers = self.head()
        fields = dict(headers)
        if method == "HEAD" or status[:3] in ("204", "304"):
            return Response(status, headers, b"", True)
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                try:
                    size = int(self.until(b"\r\n"), 16)
                    piece = self.exactly(size + 2)
                except AssertionError:
                    return Response(status, headers, body + self.buffer, False)
                if size == 0:
                    return Response(status, headers, body, True)
                body += piece[:-2]
        length = int(fields.get("content-length", 0))
        while len(self.buffer) < length and self.more():
            pass
        body = self.taken(length)
        return Response(status, headers, body, len(body) == length)

    def chunk(self) -> bytes:
        """One chunk of a body."""
        size = int(self.until(b"\r\n"), 16)
        return self.exactly(size + 2)[:-2]

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self.more():
                raise AssertionError(f"the connection ended early: {self.buffer!r}")
        return self.taken(count)

    def taken(self, count: int) -> bytes:
        """What is here of so many bytes; it is here no longer."""
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken
