"""Options of Gunicorn's and uvicorn's that are obeyed, do nothing, or are refused: always in words."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest
from running import Running, until

APPS = Path(__file__).parent / "apps"


@pytest.mark.parametrize("flag", ["--loop", "--asgi-loop"])
def test_uvloop_is_uvloop(rustcorn, flag):
    server = rustcorn("looped:app", flag, "uvloop", cwd=APPS)
    assert httpx.get(server.url).text == "rustcorn._uvloop of uvloop"
    (old,) = server.workers()
    server.signal(signal.SIGHUP)
    server.wait_for(rf"pid:{old}\) exited with code 0")
    assert httpx.get(server.url).text == "rustcorn._uvloop of uvloop"
    server.signal(signal.SIGTERM)
    assert server.ended() == 0 and "WARNING" not in server.log and "Traceback" not in server.log


def test_uvloop_that_is_not_there_is_told(failing, tmp_path):
    (tmp_path / "uvloop.py").write_text("raise ModuleNotFoundError(\"No module named 'uvloop'\")")
    ended, log = failing("looped:app", "--loop", "uvloop", "--app-dir", str(APPS), cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert "its loop is to be uvloop's (asgi_loop), which cannot be imported: " in log, log
    assert "install it (pip install uvloop), or write auto" in log and "Traceback" not in log and ended == 3


@pytest.mark.parametrize("loop", ["auto", "asyncio", "none"])
def test_other_loops_are_what_is_there(rustcorn, loop):
    server = rustcorn("looped:app", "--loop", loop, cwd=APPS)
    assert httpx.get(server.url).text == "rustcorn._loop of asyncio.unix_events"
    assert "WARNING" not in server.log


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--loop trio", 2, 'must be "auto", "asyncio", "uvloop" or "none"'),
        ("--paste development.ini", 2, "--paste of Gunicorn is not supported: name the application itself"),
        ("--spew", 2, "--spew of Gunicorn is not supported: use a debugger"),
        ("--permit-obsolete-folding", 2, "it would let requests through that are understood in several ways"),
        ("--strip-header-spaces", 2, "is not supported: it would let requests through"),
        ("--casefold-http-method", 2, "is not supported: it would let requests through"),
        ("--permit-unconventional-http-version", 2, "is not supported: it would let requests through"),
        ("--permit-unconventional-http-method", 2, "is not supported: it would let requests through"),
        ("--logger-class my.Logger", 2, "is not supported: see log_format"),
        ("--statsd-host localhost:8125", 2, "is not supported: statsd is not spoken"),
        ("--protocol uwsgi", 2, "have the proxy speak HTTP"),
        ("--dirty-workers=2", 2, "--dirty-workers of Gunicorn is not supported: there is no pool of side processes"),
        ("--http2", 2, "--http2 of uvicorn is not supported: HTTP/2 is spoken where the client asks for it"),
        ("--header X-Only-A-Name", 2, 'must be NAME:VALUE, as in "X-Frame-Options: DENY"'),
        ("--header Content-Length:5", 1, "says how the response is sent"),
        ("--env-file nowhere.env", 1, "nowhere.env (option `env_file`): it cannot be read"),
    ],
)
def test_what_is_refused_says_why(failing, words, code, said):
    ended, log = failing("main:app", *words.split(), cwd=APPS)
    assert said in log and ended == code, log


def test_what_changes_nothing_is_accepted(rustcorn):
    words = ["--reset-contextvars", "--no-control-socket", "--control-socket", "/run/x.ctl"]
    log = rustcorn("main:app", *words, cwd=APPS).log
    assert log.count("has no effect") == 3


def test_the_environment_comes_from_a_file_too(rustcorn, tmp_path):
    file = tmp_path / "shop.env"
    file.write_text("# the shop\nexport PLACE='here and there'\nTAKEN=file\nRAW=file\nLATER=1 # one\n")
    server = rustcorn(
        "shows:app", "--env-file", str(file), "-e", "RAW=raw", cwd=APPS, env={"TAKEN": "environment"}
    )
    seen = {name: httpx.get(f"{server.url}/{name}").text for name in ("PLACE", "TAKEN", "RAW", "LATER")}
    assert seen == {"PLACE": "here and there", "TAKEN": "environment", "RAW": "raw", "LATER": "1"}
    file.write_text("LATER=${PLACE}\n")
    server.signal(signal.SIGHUP)
    server.wait_for(r"shop.env \(option `env_file`\): line 1 LATER refers to another variable")
    assert httpx.get(f"{server.url}/LATER").text == "1"
    file.write_text("LATER=2\n")
    server.reload()
    assert httpx.get(f"{server.url}/LATER").text == "2"
    assert httpx.get(f"{server.url}/PLACE").text == "nothing"


def test_fields_of_every_response(rustcorn):
    words = ["--header", "X-Frame-Options: DENY", "--header", "X-Served-By:shop", "--header", "Server: none"]
    for app in ("shows:app", "main:app"):
        answer = httpx.get(rustcorn(app, *words, cwd=APPS).url + "/missing")
        assert answer.headers["x-served-by"] == "shop" and answer.headers.get_list("server") == ["none"]
        own = "SAMEORIGIN" if app == "shows:app" else "DENY"
        assert answer.headers.get_list("x-frame-options") == [own]


def test_output_is_captured_and_follows_the_rotation(tmp_path):
    log = tmp_path / "error.log"
    socket = tmp_path / "s"
    running = Running(
        ("shows:app", "--capture-output", "--error-logfile", str(log), "--uds", str(socket)),
        log=tmp_path / "terminal",
        cwd=APPS,
    )
    try:
        until("it serves", lambda: socket.exists() and log.exists() and " ready (pid" in log.read_text())
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket))) as client:
            client.get("http://x/one")
            until("it is in the log", lambda: "complained one" in log.read_text())
            assert "printed one" in log.read_text() and "printed" not in running.log
            log.rename(tmp_path / "old.log")
            running.signal(signal.SIGUSR1)

            def rotated() -> bool:
                client.get("http://x/two")
                return log.exists() and "printed two" in log.read_text()

            until("the new file has it", rotated)
    finally:
        running.end()


def test_the_log_level_trace(rustcorn):
    server = rustcorn("main:app", "--log-level", "trace", cwd=APPS)
    assert "[DEBUG]" in server.log and httpx.get(server.url).status_code == 200


def test_pairs_of_uvicorns_run_are_fields():
    from rustcorn._main import _words

    words = _words({"headers": [("X-A", "b"), ("X-B", "c:d")], "loop": "none", "env_file": Path("shop.env")})
    assert words == ["--header=X-A:b", "--header=X-B:c:d", "--asgi-loop=none", "--env-file=shop.env"]


def test_a_preloaded_application_has_its_environment_too(rustcorn, tmp_path):
    (tmp_path / "shop.env").write_text("PLACE=here\n")
    (tmp_path / "early.py").write_text(
        "import os\n"
        "PLACE = os.environ['PLACE'].encode()\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [PLACE]\n"
    )
    server = rustcorn("early:app", "--preload", "--env-file", "shop.env", cwd=tmp_path)
    assert httpx.get(server.url).text == "here"
