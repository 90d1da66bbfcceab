"""The cases of `cases.py` that say something ahead of their response."""

from __future__ import annotations

import os
import time

from kit import TEXT


def case_hints(environ, start_response):
    """With a path of a file as its query: waits for that after the first hints, and keeps the thread meanwhile."""
    hint = environ["wsgi.early_hints"]
    hint([("Link", "</a.css>; rel=preload"), ("X-Other", "\xe9")])
    deadline = time.monotonic() + 10
    while not os.path.exists(environ["QUERY_STRING"]) and time.monotonic() < deadline:
        time.sleep(0.005)
    hint(iter([("Link", "</b.js>; rel=preload")]))
    write = start_response("200 OK", TEXT)
    hint([("Link", "</c.js>; rel=preload")])
    write(b"some")
    # Too late: nothing comes of it, now or with the next request.
    hint([("Link", "</late.js>; rel=preload")])
    return [b" and more"]


def case_wrong_hints(environ, start_response):
    kind = environ["PATH_INFO"].split("/")[2]
    given = {"newline": [("Link", "a\r\nb: c")], "name": [("Li nk", "a")], "hop": [("Connection", "close")], "none": None}
    environ["wsgi.early_hints"](given[kind])
    start_response("200 OK", TEXT)
    return [b"accepted"]
