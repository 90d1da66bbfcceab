"""What an application is called with is found out, and can be said."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest

APPS = Path(__file__).parent / "apps"
NAMES = {
    "wsgi_function": "wsgi",
    "wsgi_object": "wsgi",
    "wsgi_class": "wsgi",
    "asgi_function": "asgi3",
    "asgi_object": "asgi3",
    "asgi_partial": "asgi3",
    "asgi_wrapper": "asgi3",
    "asgi_class": "asgi3",
    "asgi2_class": "asgi2",
    "asgi2_function": "asgi2",
}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_found_out(name, monkeypatch):
    from rustcorn._app import detect

    monkeypatch.syspath_prepend(str(APPS))
    import kinds

    assert detect(getattr(kinds, name)) == NAMES[name]
    sys.modules.pop("kinds")


@pytest.mark.parametrize("name", ["wsgi_class", "asgi_partial", "asgi_class", "asgi2_class", "asgi2_function"])
def test_the_rarer_kinds_are_served(rustcorn, name):
    assert httpx.get(rustcorn(f"kinds:{name}", cwd=APPS).url).text == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("asgi2_class", ["--interface", "asgi2"]),
        ("asgi_object", ["-k", "asgi"]),
        ("wsgi_object", ["-k", "gthread", "--threads", "2"]),
        ("wsgi_function", ["-k", "gunicorn.workers.sync.SyncWorker"]),
    ],
)
def test_it_can_be_said(rustcorn, name, words):
    assert httpx.get(rustcorn(f"kinds:{name}", *words, cwd=APPS).url).text == name


def test_what_tells_nothing_of_itself_is_wsgi():
    from rustcorn._app import AppError, choose, detect

    class Anything:
        def __call__(self, *arguments):
            raise NotImplementedError

    assert detect(Anything()) is None
    assert choose(Anything(), "auto", "x")[1] == "wsgi"
    assert choose(Anything(), "asgi", "x")[1] == "asgi"
    with pytest.raises(AppError, match="leave worker_class"):
        choose(_coroutine, "wsgi", "x")


async def _coroutine(scope, receive, send):
    raise NotImplementedError
