"""Cases 8 to 17: the scope of a request."""

from __future__ import annotations

import json
import tempfile

import pytest
from asgi_kit import Asgi
from test_websocket import UPGRADE


def scope(asgi: Asgi, target: str = "/scope", method: str = "GET", headers: str = "") -> dict:
    return json.loads(asgi.ask(target, method, headers).text)


def test_versions_and_method(asgi: Asgi) -> None:
    seen = scope(asgi)
    assert (seen["http_version"], seen["method"], seen["type"]) == ("1.1", "GET", "http")
    assert seen["asgi"] == {"version": "3.0", "spec_version": "2.3"}
    assert scope(asgi, method="patch")["method"] == "PATCH"
    with asgi.connect() as client:
        client.raw(b"GET /scope HTTP/1.0\r\n\r\n")
        assert json.loads(client.response().text)["http_version"] == "1.0"


@pytest.mark.parametrize(
    ("target", "path", "raw", "query"),
    [
        ("/scope", "/scope", "/scope", ""),
        ("/scope/a%20b%2Fc?x=%20&y", "/scope/a b/c", "/scope/a%20b%2Fc", "x=%20&y"),
        ("/scope/%C3%BC%E2%82%AC?", "/scope/\u00fc\u20ac", "/scope/%C3%BC%E2%82%AC", ""),
        ("/scope/%FF%fe", "/scope/\ufffd\ufffd", "/scope/%FF%fe", ""),
        ("/scope/%zz%4", "/scope/%zz%4", "/scope/%zz%4", ""),
        ("/scope/%+1%-1", "/scope/%+1%-1", "/scope/%+1%-1", ""),
    ],
)
def test_the_target(asgi: Asgi, target: str, path: str, raw: str, query: str) -> None:
    seen = scope(asgi, target)
    assert (seen["path"], seen["raw_path"], seen["query_string"]) == (path, raw, query)
    assert seen["types"]["raw_path"] == seen["types"]["query_string"] == "bytes"


def test_headers_keep_their_order(asgi: Asgi) -> None:
    seen = scope(asgi, headers="X-One: a\r\nX-Two: b\r\nx-one: c\r\n")["headers"]
    assert seen[0] == ["host", "test.example:81"]
    assert [pair for pair in seen if pair[0] == "x-one"] == [["x-one", "a"], ["x-one", "c"]]
    assert ["x-two", "b"] in seen


def test_addresses(asgi: Asgi) -> None:
    seen = scope(asgi)
    assert seen["client"][0] == "127.0.0.1" and type(seen["client"][1]) is int and seen["client"][1] > 0
    assert seen["server"] == ["127.0.0.1", asgi.port]
    assert seen["scheme"] == "http"


def test_trusted_proxies_name_the_client(asgi: Asgi) -> None:
    seen = scope(asgi, headers="X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.7\r\n")
    assert (seen["scheme"], seen["client"]) == ("https", ["192.0.2.7", 0])


def test_each_scope_is_its_own(asgi: Asgi) -> None:
    for _ in range(2):
        seen = scope(asgi)
        assert "mine" not in seen["extensions"] and "mine" not in seen["asgi"]
        assert "tls" not in seen["extensions"] and "http.response.debug" not in seen["extensions"]


def test_a_root_path_and_a_unix_socket() -> None:
    with tempfile.TemporaryDirectory() as folder:
        with Asgi("asgi_app:app", "--root-path", "/api", bind=f"unix:{folder}/s") as asgi:
            seen = scope(asgi)
            assert (seen["root_path"], seen["path"], seen["raw_path"]) == ("/api", "/api/scope", "/api/scope")
            seen = json.loads(asgi.ask("/api/scope").text)
            assert (seen["path"], seen["raw_path"]) == ("/api/scope", "/api/scope")
            assert json.loads(asgi.ask("/apis").text)["path"] == "/api/apis"
            assert seen["server"] == [f"{folder}/s", None]
            assert seen["client"] is None


def test_state_is_copied_per_request(asgi: Asgi) -> None:
    first, second = (json.loads(asgi.ask("/state").text) for _ in range(2))
    assert first["count"] == second["count"] == 1
    assert first["loop"] == first["shared"]["loop"]


def test_there_is_no_state_without_a_lifespan() -> None:
    with Asgi("asgi_app:app", "--lifespan", "off") as asgi:
        assert "state" not in scope(asgi)


def test_each_request_is_a_task_with_its_own_context(asgi: Asgi) -> None:
    for _ in range(2):
        assert json.loads(asgi.ask("/context").text) == {"before": "clean", "same": True}


@pytest.mark.parametrize(("mapping", "status", "seen"), [(None, 200, []), ("refuse", 400, None), ("dangerous", 200, ["forged"])])
def test_underscores_are_as_with_wsgi(mapping: str | None, status: int, seen: list[str] | None) -> None:
    options = ["--header-map", mapping] if mapping else []
    with Asgi("asgi_app:app", *options, "--forwarded-allow-ips", "127.0.0.1") as asgi:
        response = asgi.ask("/scope", headers="X_Client: forged\r\nX-Client: true\r\n")
        assert response.code == status
        if seen is not None:
            headers = json.loads(response.text)["headers"]
            assert [value for name, value in headers if name == "x_client"] == seen
            assert ["x-client", "true"] in headers
        # What the operator lets a proxy send is passed on in any case.
        headers = json.loads(asgi.ask("/scope", headers="SCRIPT_NAME: /shop\r\n").text)["headers"]
        assert ["script_name", "/shop"] in headers
        assert asgi.ask("/ws_echo", headers="X_Client: forged\r\n" + UPGRADE).code == (400 if status == 400 else 101)
