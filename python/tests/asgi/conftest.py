"""Servers that the tests of this directory share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from asgi_kit import Asgi  # noqa: E402


@pytest.fixture(scope="session")
def asgi() -> Iterator[Asgi]:
    """A server of `asgi_app:app`."""
    with Asgi("asgi_app:app", "--asgi-disconnect-grace-period", "30", "--graceful-timeout", "2") as running:
        yield running
