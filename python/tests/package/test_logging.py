"""What an application says arrives in the operator log, and what it needs of its process is there."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

APPS = Path(__file__).parent / "apps"


def test_every_way_of_speaking(rustcorn):
    server = rustcorn("talkative:app", cwd=APPS)
    httpx.get(server.url)
    log = server.log
    pid = server.workers()[0]
    for level, line in [
        ("INFO", "talkative: info at a request"),
        ("ERROR", "talkative: it failed\nTraceback (most recent call last):"),
        ("ERROR", "from the root"),
        ("ERROR", "Exception in thread helper\nTraceback (most recent call last):"),
    ]:
        assert f"[{pid}] [{level}] {line}" in log, log
    assert f"[{pid}] [WARNING] talkative: warning at import" in log
    assert "UserWarning: be warned" in log and f"[{pid}] [WARNING] {APPS}/talkative.py:" in log
    assert "RuntimeError: in a thread" in log
    assert f"[{pid}] [INFO] printed at a request\n" in log and "\nprinted to stderr\n" in log
    assert "debug at import" not in log


def test_the_operators_level_holds(rustcorn):
    server = rustcorn("talkative:app", "--log-level", "debug", cwd=APPS)
    httpx.get(server.url)
    # The root's level is the application's own until it has been imported.
    assert "talkative: info at a request" in server.log


@pytest.mark.parametrize(("level", "said"), [("trace", True), ("debug", False)])
def test_what_is_below_debug_is_traced(rustcorn, level, said):
    server = rustcorn("talkative:app", "--log-level", level, cwd=APPS)
    httpx.get(server.url)
    assert f"[{server.workers()[0]}] [DEBUG] talkative: debug at a request" in server.log
    assert (f"[{server.workers()[0]}] [TRACE] talkative: traced at a request" in server.log) == said, server.log


def test_json_lines(rustcorn):
    server = rustcorn("talkative:app", "--log-format", "json", cwd=APPS)
    httpx.get(server.url)
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    assert any(line["message"] == "talkative: info at a request" and line["level"] == "info" for line in lines)


def test_the_environment_is_the_workers(rustcorn):
    server = rustcorn("talkative:app", "-e", "COLOUR=blue", cwd=APPS)
    assert httpx.get(server.url).text == repr(["blue", None, "rustcorn/0.1.0", str(APPS)])


def test_an_application_that_sets_up_its_logging_is_let(rustcorn):
    server = rustcorn("configured:app", cwd=APPS)
    httpx.get(server.url)
    assert "mine:INFO:hello from here\n" in server.log and "mine:WARNING:and this\n" in server.log
    assert "not this" not in server.log


def test_a_later_configuration_has_the_last_word(rustcorn):
    server = rustcorn("late:app", cwd=APPS)
    httpx.get(server.url)
    assert "[WARNING] before\n" in server.log and "\nlate:after\n" in server.log
    assert server.log.count("before") == server.log.count("after") == 1


INI = """
[loggers]
keys = root
[handlers]
keys = out
[formatters]
keys = plain
[logger_root]
level = INFO
handlers = out
[handler_out]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = ini:%(message)s
"""
DICT = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "json:%(message)s"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"level": "INFO", "handlers": ["out"]},
}


@pytest.mark.parametrize("kind", ["ini", "json", "yaml", "json-option"])
def test_configurations_of_logging(rustcorn, tmp_path, kind):
    import yaml

    flag, name, text, prefix = {
        "ini": ("--log-config", "log.ini", INI, "ini"),
        "json": ("--log-config", "log.json", json.dumps(DICT), "json"),
        "yaml": ("--log-config", "log.yaml", yaml.safe_dump(DICT), "json"),
        "json-option": ("--log-config-json", "log", json.dumps(DICT), "json"),
    }[kind]
    (tmp_path / name).write_text(text)
    server = rustcorn("talkative:app", flag, str(tmp_path / name), cwd=APPS)
    httpx.get(server.url)
    assert f"\n{prefix}:info at import\n" in server.log and f"\n{prefix}:info at a request\n" in server.log


def test_a_configuration_that_is_wrong_is_a_failed_boot(failing, tmp_path):
    (tmp_path / "log.json").write_text('{"version": 2}')
    code, log = failing("talkative:app", "--log-config", str(tmp_path / "log.json"), cwd=APPS)
    assert code == 3 and "logging cannot be set up: ValueError: Unsupported version: 2" in log
    code, log = failing("talkative:app", "--log-config", "nowhere.ini", cwd=APPS)
    assert code == 3 and "FileNotFoundError: nowhere.ini does not exist" in log


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
@pytest.mark.parametrize(
    ("sets_up", "line"),
    [(None, r"\[ERROR\] The application failed to answer GET /it from 127\.0\.0\.1:\d+: ValueError: on purpose\nTraceback"),
     ("root", r"\[ERROR\] The application failed to answer GET /it from 127\.0\.0\.1:\d+: ValueError: on purpose\nTraceback"),
     ("named", r"named:The application failed to answer GET /it from 127\.0\.0\.1:\d+\nTraceback")],
)
def test_a_failure_is_said_by_logging_and_once(rustcorn, interface, sets_up, line):
    server = rustcorn(f"failing:{interface}", cwd=APPS, env={"SETS_UP": sets_up})
    assert httpx.get(f"{server.url}/it").status_code == 500
    server.wait_for("collected rustcorn.error ERROR ValueError\\('on purpose'\\)")
    server.wait_for(line)
    server.end()
    assert server.log.count("ValueError: on purpose\n") == (1 if sets_up == "named" else 2), server.log
    assert server.log.count("Traceback") == 1 and "root:The" not in server.log


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_the_operators_configuration_has_failures_too(rustcorn, tmp_path, interface):
    (tmp_path / "log.json").write_text(json.dumps(DICT))
    server = rustcorn(f"failing:{interface}", "--log-config", str(tmp_path / "log.json"), cwd=APPS)
    assert httpx.get(f"{server.url}/it").status_code == 500
    server.wait_for(r"\njson:The application failed to answer GET /it from 127\.0\.0\.1:\d+\nTraceback")
    server.end()
    assert server.log.count("Traceback") == 1


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_a_configuration_that_silences_others_loses_no_failure(rustcorn, interface):
    server = rustcorn(f"failing:{interface}", cwd=APPS)
    for path in ("/it", "/silenced"):
        assert httpx.get(f"{server.url}{path}").status_code == 500
        server.wait_for(rf"\[ERROR\] The application failed to answer GET {path} from \S+ ValueError: on purpose\nTraceback")


def test_exit_handlers_run_and_what_was_printed_is_written(rustcorn):
    server = rustcorn("ends:app", "-w", "2", cwd=APPS)
    assert httpx.get(server.url).status_code == 204
    server.end()
    assert server.process.returncode == 0
    assert server.log.count("the last words") == 2


PRINTS = '''
import contextlib, io, sys, threading, traceback

def app(environ, start_response):
    print("one", 2, sep="+")
    print("a\\nb")
    print("begun, ", end="")
    print("ended")
    print()
    print("elsewhere", file=sys.stdout)
    sys.stdout.write("written\\n")
    with contextlib.redirect_stdout(io.StringIO()) as caught:
        print("caught")
    threading.Thread(target=print, args=("of a thread",)).start()
    try:
        raise ValueError("careless")
    except ValueError:
        traceback.print_exc()
    print("never ended", end="")
    start_response("200 OK", [])
    return [caught.getvalue().encode()]
'''


def test_what_is_printed_is_in_the_log_with_its_worker(rustcorn, tmp_path):
    (tmp_path / "prints.py").write_text(PRINTS)
    server = rustcorn("prints:app", cwd=tmp_path)
    assert httpx.get(server.url).text == "caught\n"
    server.end()
    [worker], log = server.workers(), server.log
    for text in ("one+2", "a\nb", "of a thread"):
        assert f"] [{worker}] [INFO] {text}\n" in log, log
    assert f"] [{worker}] [ERROR] Traceback (most recent call last):\n" in log and "\nValueError: careless\n" in log
    assert "\nbegun, ended\n" in log and "\nelsewhere\n" in log and "\nwritten\n" in log and "never ended" in log


def test_what_is_printed_may_stay_where_it_was(rustcorn, tmp_path):
    (tmp_path / "prints.py").write_text(PRINTS)
    server = rustcorn("prints:app", "-R", cwd=tmp_path)
    assert httpx.get(server.url).text == "caught\n"
    assert "\none+2\na\nb\nbegun, ended\n\nelsewhere\n" in server.log
    assert "\nTraceback (most recent call last):\n" in server.log
