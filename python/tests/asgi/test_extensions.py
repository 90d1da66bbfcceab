"""Cases 40 to 44, and what a scope tells of TLS."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from asgi_kit import Asgi, Client
from tls import Certificate, needs_openssl


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 30_000)
    return path


def test_a_file_is_a_whole_body(asgi: Asgi, file: Path) -> None:
    for _ in range(2):
        response = asgi.ask(f"/files/path?{file}")
        assert (response.body, response.complete) == (file.read_bytes(), True)
        assert response.header("content-length") == "300000"
    assert asgi.told("files") == "refused"
    with asgi.connect() as client:
        client.send(f"/files/path?{file}", "HEAD")
        assert client.response("HEAD").header("content-length") == "300000"


def test_an_empty_file(asgi: Asgi, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    response = asgi.ask(f"/files/path?{tmp_path}/empty")
    assert (response.code, response.body, response.header("content-length")) == (200, b"", "0")


@pytest.mark.parametrize("path", ["/nowhere/at/all", "/tmp"])
def test_no_file_is_a_500(asgi: Asgi, path: str) -> None:
    since = len(asgi.log)
    assert asgi.ask(f"/files/path?{path}").code == 500
    asgi.wait_for({"/tmp": "/tmp is no file"}.get(path, f"FileNotFoundError: .Errno 2. No such file or directory: '{path}'"), since)


def test_a_pipe_is_refused_without_waiting_for_its_writer(asgi: Asgi, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert asgi.ask(f"/files/path?{tmp_path / 'pipe'}").code == 500


def test_parts_of_files_mix_with_bytes(asgi: Asgi, file: Path) -> None:
    response = asgi.ask(f"/files/mixed?{file}")
    assert (response.body, response.complete) == (b"<" + file.read_bytes()[5:] + b"|234", True)
    assert asgi.told("files") == "False"


def test_a_file_is_open_or_a_descriptor(asgi: Asgi, file: Path) -> None:
    assert asgi.ask(f"/files/descriptor?{file}").body == b"5672345"
    assert asgi.ask(f"/files/neither?{file}").text.endswith("is open, or a descriptor, not str")


def test_trailers_for_those_who_take_them(asgi: Asgi) -> None:
    with asgi.connect() as client:
        client.send("/trailers", headers="TE: trailers\r\nConnection: TE\r\n")
        client.head()
        assert client.until(b"0\r\n") == b"4\r\nbody\r\n0\r\n"
        assert client.until(b"\r\n\r\n") == b"x-sum: 1\r\nx-end: 2\r\n\r\n"
    with asgi.connect() as client:
        client.send("/trailers")
        client.head()
        assert client.until(b"0\r\n\r\n") == b"4\r\nbody\r\n0\r\n\r\n"


def hints_of(client: Client, path: str) -> tuple[list[str], int]:
    client.send(path)
    links = []
    while True:
        status, headers = client.head()
        if not status.startswith("103"):
            break
        links += [value for name, value in headers if name == "link"]
    length = int(dict(headers)["content-length"])
    client.exactly(length)
    return links, int(status[:3])


@pytest.mark.parametrize(("path", "status"), [("/hints", 200), ("/hints/slow", 200), ("/hints/raise", 500)])
def test_hints_come_first(asgi: Asgi, path: str, status: int) -> None:
    links = [f"</{name}>; rel=preload" for name in ("a.css", "b.js", "c.js")]
    with asgi.connect() as client:
        assert hints_of(client, path) == (links, status)
        if status == 200:
            assert hints_of(client, path) == (links, status)
    with asgi.connect() as client:
        client.raw(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        assert client.head()[0].startswith(str(status))


def test_what_is_offered(asgi: Asgi) -> None:
    offered = {"http.response.pathsend", "http.response.zerocopysend", "http.response.early_hint"}
    assert set(json.loads(asgi.ask("/scope").text)["extensions"]) == offered


@needs_openssl
def test_facts_of_tls(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path)
    with Asgi("asgi_app:app", *certificate.options) as asgi, Client(certificate.connect(asgi.port)) as client:
        client.send("/scope")
        scope = json.loads(client.response().text)
    assert scope["scheme"] == "https"
    tls = scope["extensions"]["tls"]
    assert (tls["tls_version"], tls["client_cert_chain"], tls["client_cert_name"]) == (0x0304, [], None)
    assert tls["cipher_suite"] in (0x1301, 0x1302, 0x1303)
