"""Under load from keep-alive and one-request-per-connection clients together, nothing is lost. Every request counts."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from clients import Load
from running import Running, until

APPS = Path(__file__).parent / "apps"

#: The answers for each signal: what 200 requests/s are in the time of a quick reload.
EACH = 15

#: Each application as it is served by most.
SERVED = [
    pytest.param(["fast:app"], id="fastapi"),
    pytest.param(["flasks:app"], id="flask"),
    pytest.param(["flasks:app", "--threads", "4"], id="flask-threads"),
]


@pytest.fixture
def serve(rustcorn):
    def start(words: list[str], *more: str) -> Running:
        return rustcorn(*words, "--workers", "2", *more, cwd=APPS)

    return start


def no_errors(server: Running) -> None:
    """Nothing that an operator would have to look at."""
    bad = [line for line in server.log.splitlines() if re.search(r"\[(ERROR|CRITICAL)\]|Traceback", line)]
    assert not bad, server.log


@pytest.mark.parametrize("words", SERVED)
def test_fifty_reloads_in_a_row_lose_nothing(serve, words):
    server = serve(words)
    load = Load(server.url)
    for number in range(1, 51):
        server.signal(signal.SIGHUP)
        load.goes_on(EACH, lambda: server.log)
        server.wait_for(r"Reload done", number)
    load.lossless("50 reloads")
    no_errors(server)


@pytest.mark.parametrize("words", SERVED)
def test_a_storm_of_ttin_and_ttou_loses_nothing(serve, words):
    server = serve(words)
    load = Load(server.url)
    for number in range(60):
        # Two up, two down, one up, three down, ...: whatever order, at least one worker stays.
        up = number % 5 < 2 + number % 2
        server.signal(signal.SIGTTIN if up else signal.SIGTTOU)
        load.goes_on(EACH, lambda: server.log)
    load.lossless("a storm of TTIN and TTOU")
    no_errors(server)


@pytest.mark.parametrize("words", SERVED)
def test_max_requests_recycling_loses_nothing(serve, words):
    server = serve(words, "--max-requests", "150", "--max-requests-jitter", "50")
    load = Load(server.url)
    for number in range(3, 17):
        server.wait_for(r"Booting worker with pid", number)
    load.lossless("max_requests recycling")
    no_errors(server)


@pytest.mark.parametrize("words", SERVED)
def test_an_upgrade_with_the_old_arbiter_ended_loses_nothing(serve, words, tmp_path):
    pid_file, next_file = tmp_path / "web.pid", tmp_path / "web.pid.2"
    server = serve(words, "--pid", str(pid_file))
    load = Load(server.url)
    server.signal(signal.SIGUSR2)
    # Two of the old, two of the new, which writes to the same log.
    until("the new arbiter's pid file", next_file.exists, lambda: server.log)
    server.wait_for(r"ready \(pid", 4)
    new = int(next_file.read_text())
    assert new != server.pid
    try:
        # Both serve for a while.
        load.goes_on(100, lambda: server.log)
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        # The new one serves alone.
        load.goes_on(300, lambda: server.log)
        load.lossless("an upgrade by USR2")
        until("the promotion", lambda: pid_file.read_text().strip() == str(new), lambda: server.log)
        no_errors(server)
    finally:
        os.kill(new, signal.SIGTERM)


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize("words", [[], ["--preload"]], ids=["plain", "preload"])
def test_a_bind_that_becomes_narrower_loses_nothing(rustcorn, tmp_path, words):
    settings = tmp_path / "rustcorn.toml"
    settings.write_text('bind = ["0.0.0.0:0"]\n')
    server = rustcorn("fast:app", "-c", str(settings), "-w", "2", *words, cwd=APPS, port=False)
    port = urlsplit(server.url).port
    load = Load(f"http://127.0.0.1:{port}")
    load.goes_on(EACH, lambda: server.log)
    assert _listens("127.0.0.2", port)
    settings.write_text(f'bind = ["127.0.0.1:{port}"]\n')
    server.signal(signal.SIGHUP)
    server.wait_for("Reload done")
    # Not even a zygote keeps the wide socket.
    until("nobody listens elsewhere", lambda: not _listens("127.0.0.2", port), lambda: server.log)
    load.goes_on(EACH, lambda: server.log)
    load.lossless("a bind that becomes narrower")
    no_errors(server)
