"""FastAPI, as people use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from asgi_kit import HERE, Asgi, eventually
from websockets.sync.client import connect

pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def fastapi() -> Iterator[Asgi]:
    with Asgi("fastapi_app:app", "--asgi-disconnect-grace-period", "60") as running:
        yield running


def done(fastapi: Asgi) -> list[str]:
    return json.loads(fastapi.ask("/sync").text)["done"]


def test_json_and_state(fastapi: Asgi) -> None:
    assert json.loads(fastapi.ask("/").text) == {"message": "Hello World", "state": "from the lifespan"}


def test_a_file_and_a_part_of_it(fastapi: Asgi) -> None:
    text = Path(HERE / "fastapi_app.py").read_bytes()
    assert fastapi.ask("/file").body == text
    part = fastapi.ask("/file", headers="Range: bytes=3-10\r\n")
    assert (part.code, part.body) == (206, text[3:11])


def test_a_stream_and_what_comes_after(fastapi: Asgi) -> None:
    assert fastapi.ask("/stream").text == "0 1 2 3 4 "
    eventually(lambda: "background" in done(fastapi))


def test_an_endless_stream_ends_with_its_client(fastapi: Asgi) -> None:
    with fastapi.connect() as client:
        client.send("/endless")
        client.head()
        assert client.chunk() == b"tick "
    eventually(lambda: "left" in done(fastapi))


def test_a_stream_that_waits_ends_with_its_client(fastapi: Asgi) -> None:
    with fastapi.connect() as client:
        client.send("/events")
        client.head()
        assert client.chunk() == b"first "
    eventually(lambda: "events left" in done(fastapi))


def test_a_websocket(fastapi: Asgi) -> None:
    with connect(f"ws://127.0.0.1:{fastapi.port}/ws") as socket:
        socket.send('{"a": 1}')
        assert json.loads(socket.recv(timeout=10)) == {"echo": {"a": 1}}
        socket.close(code=4000)
    eventually(lambda: "disconnect 4000" in done(fastapi))
    assert "Traceback" not in fastapi.log


def test_no_failure_was_logged(fastapi: Asgi) -> None:
    fastapi._read_log(0.1)
    assert "Traceback" not in fastapi.log


def test_a_lifespan_that_fails_is_told_by_what_was_raised(failing, tmp_path) -> None:
    (tmp_path / "unready.py").write_text(
        "import contextlib, fastapi\n"
        "@contextlib.asynccontextmanager\n"
        "async def lifespan(app):\n"
        "    raise RuntimeError('no database')\n"
        "    yield\n"
        "app = fastapi.FastAPI(lifespan=lifespan)\n"
    )
    code, log = failing("unready:app", cwd=tmp_path)
    assert code == 3 and "The application cannot start: unready:app cannot start: its lifespan startup failed: RuntimeError: no database\n" in log
    assert log.count("Traceback (most recent call last):") == 1, log
