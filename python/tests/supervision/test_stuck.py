"""What is told of a worker that is stuck in Python."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

APPS = Path(__file__).parent / "apps"


def ask(url: str) -> threading.Thread:
    """A request that nobody answers."""

    def run() -> None:
        try:
            httpx.get(url, timeout=20)
        except httpx.HTTPError:
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("path", "function"),
    [("/sleep", "sleeping"), ("/compute", "computing"), ("/lock", "keeping_the_lock"), ("/thread", "waiting_thread")],
)
@pytest.mark.parametrize("app", ["stuck:app", "stuck:application"])
def test_the_traceback_of_a_hung_worker_comes_before_its_end(rustcorn, app, path, function):
    if app == "stuck:application" and path == "/thread":
        pytest.skip("the same for both kinds")
    server = rustcorn(app, "--timeout", "1", "--lifespan", "off", cwd=APPS)
    ask(server.url + path)
    server.wait_for(r"was sent SIG\w+!")
    log = server.log
    stack = log.index(f"in {function}\n")
    assert log.index("WORKER TIMEOUT") < stack < log.index("was sent SIG"), log
    assert "in app\n" in log or "in application\n" in log
    server.wait_for(r" ready \(pid", count=2)


def test_slow_request_tells_the_stacks_and_goes_on(rustcorn):
    server = rustcorn("stuck:app", "--slow-request", "0.5", "--lifespan", "off", "--graceful-timeout", "1", cwd=APPS)
    ask(server.url + "/sleep")
    server.wait_for("longer than slow_request allows")
    server.wait_for("in sleeping\n")


@pytest.mark.parametrize("words", [[], ["--preload"]])
def test_an_import_that_hangs_is_told(failing, tmp_path, words):
    (tmp_path / "main.py").write_text("import time\n\ndef hanging():\n    time.sleep(60)\n\nhanging()\n")
    code, log = failing("main:app", "--boot-timeout", "1", *words, cwd=tmp_path)
    assert code == 3 and "in hanging\n" in log and "an import of its application, or its startup, does not return" in log, log
