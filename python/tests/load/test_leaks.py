"""A worker does not grow with what it has served. leaks.py does this with as many requests as one has time for."""

from __future__ import annotations

import leaks
import pytest

#: Few enough for a test, and enough to show what loses a hundred bytes with each.
COUNT = 3_000
BOUND = 200_000


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in ("asgi", "wsgi") for kind in leaks.SERVED[name][1]]
    + [("wsgi-threads", "plain"), ("wsgi-threads", "upload")],
)
def test_a_worker_does_not_grow(name, kind, tmp_path):
    server = leaks.start(name, tmp_path / "log")
    try:
        grown = leaks.growth(server, kind, COUNT)
    finally:
        server.end()
    print(f"{name}, {kind}: {grown / 1e3:+.0f} KB")
    assert grown < BOUND, f"{COUNT} requests have made the worker grow by {grown} bytes"
