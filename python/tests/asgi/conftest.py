"""Servers that the tests of this directory share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from asgi_kit import Asgi  # noqa: E402


@pytest.fixture(scope="session", autouse=True, params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    """Every test of this directory runs on either."""
    Asgi.loop = request.param
    return request.param


@pytest.fixture(scope="session")
def asgi(loop: str) -> Iterator[Asgi]:
    """A server of `asgi_app:app`."""
    with Asgi("asgi_app:app", "--asgi-disconnect-grace-period", "30", "--graceful-timeout", "2") as running:
        yield running
