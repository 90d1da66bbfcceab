"""`wsgi.early_hints`: responses of status 103 ahead of the one that will be."""

from __future__ import annotations

import pytest


def hints(client) -> tuple[list[tuple[str, str]], str]:
    """The fields of all of them, and the status of the response that follows."""
    fields = []
    while (found := client.head())[0] == "103 Early Hints":
        fields += found[1]
    return fields, found[0]


def test_they_are_sent_while_the_application_works(server, tmp_path):
    go = tmp_path / "go"
    with server.connect() as client:
        client.send(f"/hints?{go}")
        assert client.head() == ("103 Early Hints", [("link", "</a.css>; rel=preload"), ("x-other", "\xe9")])
        go.touch()
        later, status = hints(client)
        assert later == [("link", "</b.js>; rel=preload"), ("link", "</c.js>; rel=preload")] and status == "200 OK"
        assert client.chunk() + client.chunk() + client.chunk() == b"some and more"
        client.send("/")
        assert client.head()[0] == "200 OK"


def test_an_old_client_gets_none(server, tmp_path):
    with server.connect() as client:
        client.raw(f"GET /hints?{tmp_path} HTTP/1.0\r\n\r\n".encode())
        assert client.head()[0] == "200 OK"


@pytest.mark.parametrize("kind", ["newline", "name", "hop", "none"])
def test_what_is_no_header_is_refused(server, kind):
    assert server.ask(f"/wrong_hints/{kind}").code == 500
    assert server.ask("/").body == b"Hello, World!"
