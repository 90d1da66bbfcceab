"""Cases 1 to 7: the application's start and end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from asgi_kit import HERE, PATIENCE, Asgi, eventually
from test_websocket import dial


def start(app: str, *options: str) -> tuple[int, str]:
    """The exit code and the log of a start that fails."""
    words = [sys.executable, "-m", "rustcorn", app, "--app-dir", str(HERE), "--bind", "127.0.0.1:0"]
    words += ["--loop", Asgi.loop, *options]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, cwd=HERE)
    return done.returncode, done.stderr


@pytest.mark.parametrize("app", ["raises", "returns", "cancels", "asserts"])
def test_an_application_without_a_lifespan_is_served(app: str) -> None:
    with Asgi(f"lifespans:{app}") as asgi:
        assert asgi.ask("/").text == "state: None"
    assert "Traceback" not in asgi.log


@pytest.mark.parametrize(("app", "why"), [("raises", "ValueError: no lifespan"), ("returns", "it returned")])
def test_on_demands_one(app: str, why: str) -> None:
    code, log = start(f"lifespans:{app}", "--lifespan", "on")
    assert code == 3 and why in log


def test_an_application_that_raises_before_it_has_started_is_told_of() -> None:
    with Asgi("lifespans:raises") as asgi:
        asgi.wait_for(r"\[INFO\] .*does not seem to know ASGI's lifespan.*ValueError: no lifespan")


def test_an_application_may_end_its_start() -> None:
    code, log = start("lifespans:exits")
    assert code == 3 and "SystemExit: no database" in log


def test_off_asks_nothing() -> None:
    with Asgi("lifespans:fails", "--lifespan", "off") as asgi:
        assert asgi.ask("/").text == "state: None"


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_a_failed_startup_ends_the_start(mode: str) -> None:
    code, log = start("lifespans:fails", "--lifespan", mode)
    assert code == 3
    assert "its lifespan startup failed: the database is not there" in log
    assert log.count("Booting worker") == 1


def test_nothing_is_served_before_the_startup_is_complete() -> None:
    with Asgi("lifespans:slow") as asgi:
        assert asgi.ask("/").text == "state: {'ready': True}"


def test_shutdown_comes_after_the_last_connection(tmp_path) -> None:
    told = tmp_path / "told"
    with Asgi("lifespans:tells", env={"TOLD": str(told)}) as asgi:
        with asgi.connect() as client:
            client.send("/long")
            eventually(lambda: told.exists() and "begun" in told.read_text())
            asgi.process.terminate()
            assert client.response().text == "long"
        assert asgi.process.wait(PATIENCE) == 0
    assert told.read_text().split() == ["startup", "begun", "answered", "shutdown", "bye"]


def test_a_failed_shutdown_is_told() -> None:
    asgi = Asgi("lifespans:fails_late")
    asgi.stop()
    assert asgi.process.returncode == 0 and "lifespan shutdown failed: it hurts" in asgi.log
    asgi = Asgi("lifespans:raises_late")
    asgi.stop()
    assert asgi.process.returncode == 0 and "ValueError: too late" in asgi.log


def test_a_shutdown_that_hangs_is_abandoned() -> None:
    with Asgi("lifespans:hangs_late", "--lifespan-timeout", "0.2", "--graceful-timeout", "10") as asgi:
        asgi.process.terminate()
        assert asgi.process.wait(5) == 0


@pytest.mark.parametrize(("app", "end"), [("works", ["shutdown"]), ("works_without", [])])
def test_what_goes_on_after_a_response_is_awaited(tmp_path, app: str, end: list[str]) -> None:
    told = tmp_path / "told"
    with Asgi(f"lifespans:{app}", env={"TOLD": str(told)}) as asgi:
        assert asgi.ask("/").text == "answered"
        eventually(lambda: told.exists() and "working" in told.read_text())
        asgi.process.terminate()
        assert asgi.process.wait(PATIENCE) == 0
    assert told.read_text().split() == ["working", "worked", *end]


def test_it_is_awaited_for_no_longer_than_the_grace(tmp_path) -> None:
    told = tmp_path / "told"
    with Asgi("lifespans:works", "--graceful-timeout", "0.6", env={"TOLD": str(told)}) as asgi:
        assert asgi.ask("/").text == "answered"
        eventually(lambda: told.exists() and "working" in told.read_text())
        asgi.process.terminate()
        assert asgi.process.wait(PATIENCE) == 0
    assert told.read_text().split() == ["working", "shutdown"]
    assert "1 of the application's tasks still run" in asgi.log


def cleaned_up(told: Path, *options: str, leave: str = "", by: int = signal.SIGTERM, path: str = "/") -> tuple[list[str], str]:
    """What a request tells whose worker is stopped, and what the log says then. `leave`: when its client does."""
    with Asgi("lifespans:cleans_up", *options, env={"TOLD": str(told)}) as asgi:
        with asgi.connect() as client:
            client.send(path)
            eventually(lambda: told.exists() and "begun" in told.read_text())
            if leave:
                client.sock.close()
                eventually(lambda: leave in told.read_text())
            asgi.process.send_signal(by)
            assert asgi.process.wait(PATIENCE) == 0
    return told.read_text().split(), asgi.log


@pytest.mark.parametrize("leave", ["", "begun"])
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_requests_that_are_cut_clean_up_before_the_shutdown(tmp_path, leave: str, by: int) -> None:
    # The client has left just now, or has not.
    words, log = cleaned_up(tmp_path / "told", "--graceful-timeout", "2", leave=leave, by=by)
    assert words == ["begun", "cancelled", "cleaned", "shutdown"]
    assert "Traceback" not in log and "[ERROR]" not in log
    if not leave and by == signal.SIGTERM:
        assert "cuts 1 connection after 1.0 s of the graceful timeout of 2 s (the rest is for" in log


def test_websockets_that_are_cut_clean_up_before_the_shutdown(tmp_path) -> None:
    told = tmp_path / "told"
    with Asgi("lifespans:cleans_up", "--graceful-timeout", "2", env={"TOLD": str(told)}) as asgi:
        with dial(asgi, "/"):
            eventually(lambda: told.exists() and "begun" in told.read_text())
            asgi.process.terminate()
            assert asgi.process.wait(PATIENCE) == 0
    assert told.read_text().split() == ["begun", "cancelled", "cleaned", "shutdown"]


def test_who_cleans_up_already_is_not_cancelled_again(tmp_path) -> None:
    # Its client has left, and it needs longer than there is before what is left is cancelled.
    options = ("--graceful-timeout", "2", "--asgi-disconnect-grace-period", "0.05")
    words, _ = cleaned_up(tmp_path / "told", *options, leave="cancelled", path="/?1.2")
    assert words == ["begun", "cancelled", "cleaned", "shutdown"]


def test_who_hurries_in_the_middle_of_the_grace_has_both_all_the_same(tmp_path) -> None:
    told = tmp_path / "told"
    options = ("--graceful-timeout", "30", "--asgi-disconnect-grace-period", "30")
    with Asgi("lifespans:cleans_up", *options, env={"TOLD": str(told)}) as asgi:
        with asgi.connect() as client:
            client.send("/")
            eventually(lambda: told.exists() and "begun" in told.read_text())
        asgi.process.terminate()
        asgi.wait_for("Handling signal: term")
        time.sleep(0.3)
        asgi.process.send_signal(signal.SIGINT)
        assert asgi.process.wait(5) == 0
    assert told.read_text().split() == ["begun", "cancelled", "cleaned", "shutdown"]


def test_who_does_not_end_is_not_waited_for(tmp_path) -> None:
    words, log = cleaned_up(tmp_path / "told", "--graceful-timeout", "2", path="/?60")
    assert words == ["begun", "cancelled", "shutdown"]
    assert "1 of the application's tasks were cancelled and have not ended" in log
    assert "cancelled do not end, and are cut: request" in log


def test_the_end_of_what_is_left_does_not_spin(tmp_path) -> None:
    told = tmp_path / "told"
    with Asgi("lifespans:stubborn", "--graceful-timeout", "2", env={"TOLD": str(told)}) as asgi:
        asgi.process.terminate()
        assert asgi.process.wait(PATIENCE) == 0
    # It is waited for for about a second.
    assert float(told.read_text()) < 0.1
