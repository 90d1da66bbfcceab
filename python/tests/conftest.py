"""Fixtures for all tests: the real command, started as an operator starts it."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from running import Running


@pytest.fixture(scope="session", autouse=True)
def one_context_of_tls() -> Iterator[None]:
    """Without it each request reads the certificates of all the world, which takes ten times as long as the request."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx, "get", functools.partial(httpx.get, verify=ssl.create_default_context()))
        yield


@pytest.fixture
def rustcorn(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a command and waits until all its workers serve; ends it with the test and looks for what it leaves behind.

    `rustcorn("main:app", "--workers", "2", cwd=folder)` gives a `Running` with url, process and log.
    """
    started: list[Running] = []

    def start(*words: str, **options: object) -> Running:
        running = Running(words, log=tmp_path / f"log-{len(started)}", **options)
        started.append(running)
        return running.serving()

    yield start
    for running in started:
        running.end()


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Callable[..., tuple[int, str]]]:
    """Starts a command that ends by itself: its exit code, and all that it said."""
    started: list[Running] = []

    def start(*words: str, **options: object) -> tuple[int, str]:
        running = Running(words, log=tmp_path / f"failing-{len(started)}", **options)
        started.append(running)
        return running.ended(), running.log

    yield start
    for running in started:
        running.end()
