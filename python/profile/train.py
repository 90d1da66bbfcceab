"""Has the package do its work while it counts what is done often: the profile that its wheels are optimised by.

maturin runs this with an instrumented package (`[tool.maturin] pgo-command`). What is not seen here counts as rare, and is
made small instead of fast; so it touches all that serves requests, and nothing twice as much as the rest.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import trustme
from websockets.asyncio.client import connect

HERE = Path(__file__).parent
CLIENTS = 8
ROUNDS = 150


class Server:
    """Where a server that runs is reached."""

    def __init__(self, port: int, authority: trustme.CA | None) -> None:
        self.port, self._authority = port, authority

    def trust(self) -> ssl.SSLContext | None:
        """A new one each time: clients write into theirs which protocols they speak."""
        if self._authority is None:
            return None
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def connection(self) -> http.client.HTTPConnection:
        if trust := self.trust():
            return http.client.HTTPSConnection("localhost", self.port, timeout=60, context=trust)
        return http.client.HTTPConnection("localhost", self.port, timeout=60)

    def url(self, scheme: str) -> str:
        return f"{scheme}{'s' if self._authority else ''}://localhost:{self.port}"


@contextmanager
def serving(*words: str, authority: trustme.CA | None = None) -> Iterator[Server]:
    config = str(HERE / "gunicorn.conf.py")
    command = [sys.executable, "-m", "rustcorn", *words, "-c", config, "--chdir", str(HERE), "--bind", "localhost:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr
        try:
            for line in process.stderr:
                if found := re.search(r"Listening at: \S+:(\d+)", line):
                    break
                print(line, end="", file=sys.stderr)
            else:
                raise SystemExit(f"{' '.join(command)} did not start")
            # Whatever is told from here on is read, so that it does not wait for that.
            with ThreadPoolExecutor(1) as reader:
                rest = reader.submit(process.stderr.read)
                try:
                    yield Server(int(found[1]), authority)
                finally:
                    process.terminate()
        finally:
            process.terminate()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} left with {process.returncode}\n{rest.result()}")


def by_all(drive: Callable[[Server], None], server: Server) -> None:
    with ThreadPoolExecutor(CLIENTS) as clients:
        for done in [clients.submit(drive, server) for _ in range(CLIENTS)]:
            done.result()


def requests(server: Server) -> None:
    """One connection, kept, with what a browser, a proxy and a service say."""
    connection = server.connection()
    browser = {
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language": "en-US,en;q=0.5",
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Cookie": "session=0123456789abcdef0123456789abcdef; theme=dark",
    }
    proxied = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Request-Id": "7f3a"}
    for number in range(ROUNDS):
        talk(connection, "GET", "/", 200)
        talk(connection, "GET", "/", 200, headers=browser)
        talk(connection, "GET", f"/item/{number}?page={number}&sort=name%20up", 200, headers=browser | proxied)
        talk(connection, "HEAD", f"/item/{number}", 200, headers={"Referer": f"http://localhost/{number}"})
        talk(connection, "POST", "/echo", 200, body=b"a=1&b=2", headers={"Authorization": f"Bearer {number:032}"})
        talk(connection, "PUT", "/echo", 200, body=b"x" * 10_000)
        if number % 4 == 0:
            talk(connection, "POST", "/echo", 200, body=iter([b"one", b"two" * 500]), encode_chunked=True)
            talk(connection, "GET", "/stream", 200)
            talk(connection, "GET", "/wait", 200)
        if number % 20 == 0:
            connection.close()
    connection.close()


def talk(connection: http.client.HTTPConnection, method: str, path: str, status: int, **more: object) -> None:
    connection.request(method, path, **more)  # type: ignore[arg-type]
    response = connection.getresponse()
    response.read()
    if response.status != status:
        raise SystemExit(f"{method} {path} got {response.status}")


def requests_of_http2(server: Server) -> None:
    options = {"http1": False, "http2": True, "verify": server.trust() or False, "trust_env": False}
    with httpx.Client(base_url=server.url("http"), **options) as client:
        for number in range(ROUNDS // 4):
            client.get("/").raise_for_status()
            client.get(f"/item/{number}", params={"page": number}).raise_for_status()
            client.post("/echo", content=b"x" * 2000).raise_for_status()
            client.get("/stream").raise_for_status()


def messages(server: Server) -> None:
    """WebSocket messages, compressed and not."""
    asyncio.run(converse(server))


async def converse(server: Server) -> None:
    for compression in ("deflate", None):
        async with connect(server.url("ws"), ssl=server.trust(), compression=compression, proxy=None) as socket:
            for number in range(ROUNDS):
                for message in (b"x" * 40, f"hello {number}", "a longer one " * 40):
                    await socket.send(message)
                    await socket.recv()


def main() -> None:
    log = ["--access-logfile", "/dev/null"]
    for words in [[], log]:
        with serving("apps:asgi", *words) as server:
            for drive in (requests, requests_of_http2, messages):
                by_all(drive, server)
            requests(server)
        with serving("apps:wsgi", *words) as server:
            for drive in (requests, requests_of_http2):
                by_all(drive, server)
            requests(server)
    with serving("apps:wsgi", "--threads", "4") as server:
        by_all(requests, server)
    with tempfile.TemporaryDirectory() as folder:
        authority, pem = trustme.CA(), Path(folder, "server.pem")
        certificate = authority.issue_cert("localhost")
        certificate.private_key_and_cert_chain_pem.write_to_path(pem)
        pem.chmod(0o600)
        with serving("apps:asgi", "--certfile", str(pem), "--keyfile", str(pem), authority=authority) as server:
            for drive in (requests, requests_of_http2, messages):
                by_all(drive, server)


if __name__ == "__main__":
    main()
