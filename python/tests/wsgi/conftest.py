"""Servers that the tests of this directory share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from server import Server  # noqa: E402


@pytest.fixture(scope="session", params=["1", "3"], ids=["inline", "pool"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of `cases:app`, with one thread and with several."""
    with Server("cases:app", "--threads", request.param, "--workers", "1") as running:
        running.threads = int(request.param)
        yield running
