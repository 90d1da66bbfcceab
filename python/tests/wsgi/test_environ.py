"""SPEC_CASES 56, 71, 72, 73: what the application is told."""

from __future__ import annotations

import os
import random
import re
import tempfile

import pytest
from server import Server


def environ(response) -> dict[str, str]:
    assert response.code == 200, response.text
    return dict(line.split("=", 1) for line in response.text.split("\n"))


def test_the_names_of_pep_3333(server):
    seen = environ(server.ask("/environ/a%20b%C3%A9%2f?x=%20y", headers="User-Agent: me\r\nContent-Type: text/x\r\n"))
    assert seen["REQUEST_METHOD"] == "'GET'"
    assert seen["SCRIPT_NAME"] == "''"
    assert seen["PATH_INFO"] == "'/environ/a bÃ©/'"
    assert seen["QUERY_STRING"] == "'x=%20y'"
    assert seen["CONTENT_TYPE"] == "'text/x'"
    assert "CONTENT_LENGTH" not in seen and "HTTP_CONTENT_TYPE" not in seen
    assert seen["SERVER_NAME"] == "'127.0.0.1'"
    assert seen["SERVER_PORT"] == f"'{server.port}'"
    assert seen["SERVER_PROTOCOL"] == "'HTTP/1.1'"
    assert seen["REMOTE_ADDR"] == "'127.0.0.1'"
    assert re.fullmatch(r"'\d+'", seen["REMOTE_PORT"])
    assert seen["HTTP_HOST"] == "'test.example:81'"
    assert seen["HTTP_USER_AGENT"] == "'me'"
    assert seen["wsgi.version"] == "(1, 0)"
    assert seen["wsgi.url_scheme"] == "'http'"
    assert seen["wsgi.run_once"] == "False"
    assert seen["wsgi.input_terminated"] == "True"
    assert "HTTPS" not in seen


def test_threads_and_processes_are_told_truly(server):
    seen = environ(server.ask("/environ"))
    assert seen["wsgi.multithread"] == str(server.threads > 1)
    assert seen["wsgi.multiprocess"] == "False"
    with Server("cases:app", "--workers", "2") as two:
        assert environ(two.ask("/environ"))["wsgi.multiprocess"] == "True"


def test_each_request_has_its_own(server):
    with server.connect() as client:
        for _ in range(2):
            client.send("/environ")
            assert "mine" not in environ(client.response())


def test_nothing_of_a_request_is_seen_by_the_next_like_it(server):
    """Most environs are made by the pattern of an earlier one."""
    dice = random.Random(1)
    targets = ["/environ", "/environ/a", "/environ/b%20", "/environ?x=1", "/environ?y", "/environ/" + "c" * 200]
    values = {
        "Accept": ["*/*", "text/html", ""],
        "Cookie": ["a=1", "b=2"],
        "Authorization": ["Basic YQ==", "Basic Yg=="],
        "X-Long": ["a" * 300, "b" * 300, "c"],
        "X-Forwarded-For": ["10.0.0.1", "10.0.0.2"],
        "X-Forwarded-Proto": ["https", "http"],
    }
    common = environ(server.ask("/environ"))
    mine = ("HTTP_HOST", "REMOTE_PORT")
    common = {key: value for key, value in common.items() if key not in mine and " object at " not in value}
    with server.connect() as one, server.connect() as two, server.connect() as three:
        for _ in range(600):
            client, target = dice.choice([one, two, three]), dice.choice(targets)
            method, version = dice.choice(["GET", "GET", "OPTIONS"]), dice.choice(["1.1", "1.1", "1.0"])
            names = dice.sample(sorted(values), dice.choice([0, 1, 2, 2, 6]))
            fields = {name: dice.choice(values[name]) for name in names}
            lines = [f"{method} {target} HTTP/{version}", "Host: h", "Connection: keep-alive"]
            lines += [f"{name}: {value}" for name, value in fields.items()]
            client.raw(("\r\n".join(lines) + "\r\n\r\n").encode())
            seen = environ(client.response(method))
            path, _, query = target.partition("?")
            told = {
                "REQUEST_METHOD": method,
                "SERVER_PROTOCOL": f"HTTP/{version}",
                "RAW_URI": target,
                "PATH_INFO": path.replace("%20", " "),
                "QUERY_STRING": query,
                "HTTP_HOST": "h",
                "HTTP_CONNECTION": "keep-alive",
                "REMOTE_ADDR": fields.get("X-Forwarded-For", "127.0.0.1"),
                "wsgi.url_scheme": fields.get("X-Forwarded-Proto", "http"),
            }
            told |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in fields.items()}
            if "X-Forwarded-For" not in fields:
                told["REMOTE_PORT"] = str(client.sock.getsockname()[1])
            if fields.get("X-Forwarded-Proto") == "https":
                told["HTTPS"] = "on"
            told = common | {key: repr(value) for key, value in told.items()}
            assert {key: value for key, value in seen.items() if " object at " not in value} == told


def test_an_old_client_is_told(server):
    with server.connect() as client:
        client.raw(b"GET /environ HTTP/1.0\r\n\r\n")
        assert environ(client.response())["SERVER_PROTOCOL"] == "'HTTP/1.0'"


def test_bytes_of_a_header_are_latin_1(server):
    seen = environ(server.ask("/environ", headers="X-Raw: caf\xe9 \xff\r\n"))
    assert seen["HTTP_X_RAW"] == repr("caf\xe9 \xff")


def test_repeated_headers_are_joined(server):
    headers = "X-A: 1\r\nx-a: 2\r\nX-A: 3\r\nCookie: a=1\r\nCookie: b=2\r\n"
    seen = environ(server.ask("/environ", headers=headers))
    assert seen["HTTP_X_A"] == "'1,2,3'"
    assert seen["HTTP_COOKIE"] == "'a=1; b=2'"


def test_lengths_and_framing(server):
    seen = environ(server.ask("/environ", "POST", body=b"12345"))
    assert seen["CONTENT_LENGTH"] == "'5'" and "HTTP_CONTENT_LENGTH" not in seen
    chunked = server.ask("/environ", "POST", "Transfer-Encoding: chunked\r\n", b"2\r\nab\r\n0\r\n\r\n")
    seen = environ(chunked)
    assert "CONTENT_LENGTH" not in seen and "HTTP_TRANSFER_ENCODING" not in seen


def test_underscores_are_dropped(server):
    seen = environ(server.ask("/environ", headers="X_User: root\r\nX-User: guest\r\n"))
    assert seen["HTTP_X_USER"] == "'guest'"


def test_underscores_are_refused_or_passed_on_if_wanted():
    with Server("cases:app", "--header-map", "refuse") as refusing:
        assert refusing.ask("/environ", headers="X_User: root\r\n").code == 400
        assert refusing.ask("/environ", headers="X-User: root\r\n").code == 200
    with Server("cases:app", "--header-map", "dangerous") as open_hearted:
        seen = environ(open_hearted.ask("/environ", headers="X_User: root\r\n"))
        assert seen["HTTP_X_USER"] == "'root'"


def test_a_trusted_proxy_names_the_script():
    with Server("cases:app", "--forwarded-allow-ips", "127.0.0.1") as server:
        seen = environ(server.ask("/shop/environ", headers="SCRIPT_NAME: /shop\r\nX-Forwarded-Proto: https\r\n"))
        assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("'/shop'", "'/environ'")
        assert (seen["wsgi.url_scheme"], seen["HTTPS"]) == ("'https'", "'on'")
    with Server("cases:app", "--forwarded-allow-ips", "10.0.0.1") as server:
        seen = environ(server.ask("/environ", headers="SCRIPT_NAME: /shop\r\nX-Forwarded-Proto: https\r\n"))
        assert (seen["SCRIPT_NAME"], seen["wsgi.url_scheme"]) == ("''", "'http'")


@pytest.mark.parametrize("path", ["/shop/environ", "/environ"])
def test_the_prefix_is_split_off(path):
    with Server("cases:app", "--root-path", "/shop/") as server:
        seen = environ(server.ask(path))
        assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("'/shop'", "'/environ'")


def test_a_unix_socket_has_a_name_and_a_port():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "s")
        with Server("cases:app", bind=f"unix:{path}") as server:
            seen = environ(server.ask("/environ"))
            assert (seen["SERVER_NAME"], seen["SERVER_PORT"]) == ("'test.example'", "'81'")
            assert seen["REMOTE_ADDR"] == "''"
            with server.connect() as client:
                client.raw(b"GET /environ HTTP/1.0\r\n\r\n")
                seen = environ(client.response())
            assert (seen["SERVER_NAME"], seen["SERVER_PORT"]) == ("'localhost'", "'80'")
