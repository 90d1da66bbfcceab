"""Clients over loopback inside of an application: of HTTP, and of a database."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from asgi_kit import Asgi, eventually


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own, behind a socket that nobody else knows."""
    # The package redis-tools has it too, under the name of one of its uses.
    program = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    if program is None:
        pytest.skip("there is no redis here; `make test-tools` installs it where it may")
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "socket"
    words = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(words, executable=program, stdout=log, stderr=log)
    try:
        eventually(lambda: server.poll() is not None or socket.exists())
        assert server.poll() is None, (folder / "log").read_text()
        yield f"unix://{socket}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def clients(request: pytest.FixtureRequest, loop: str) -> Iterator[Asgi]:
    url = request.getfixturevalue("redis_url") if "redis" in request.node.name else "redis://localhost"
    with Asgi("clients_app:app", env={**os.environ, "REDIS_URL": url}) as running:
        yield running
        running.process.terminate()
        assert running.process.wait(20) == 0
        assert "Traceback" not in running.log, running.log


def test_the_loop_is_the_one_that_is_wanted(clients: Asgi, loop: str) -> None:
    assert clients.ask("/loop").text == {"asyncio": "rustcorn._loop", "uvloop": "rustcorn._uvloop"}[loop]


def test_a_client_of_http(clients: Asgi) -> None:
    assert json.loads(clients.ask("/httpx").text) == [True, "ReadTimeout"]


def test_redis_from_many_connections(clients: Asgi) -> None:
    wanted = {"counter": 320, "sum": 4950, "large": True, "popped": "waited for"}
    assert json.loads(clients.ask("/redis").text) == wanted


def test_redis_publishes_and_the_response_streams(clients: Asgi) -> None:
    assert clients.ask("/news").text == "".join(f"number {number}\n" for number in range(5))
