"""The command lines that people run today, unchanged but for the program's name."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import httpx
import pytest

APPS = Path(__file__).parent / "apps"
HELLO = {"message": "Hello World"}


@pytest.mark.parametrize(
    "line",
    [
        "main:app --workers 4 --worker-class uvicorn.workers.UvicornWorker --bind 127.0.0.1:0",
        "-w 4 -k uvicorn.workers.UvicornWorker main:app",
        "app.main:app --host 127.0.0.1 --port 0 --workers 3 --no-access-log",
        "main:app --interface asgi3 --loop auto --http auto --ws auto --lifespan on --timeout-keep-alive 5"
        " --limit-max-requests 1000 --timeout-graceful-shutdown 5 --ws-per-message-deflate false --port 0",
        "--app-dir app main:app",
        "main",
    ],
)
def test_fastapi(rustcorn, line):
    server = rustcorn(*line.split(), cwd=APPS)
    answer = httpx.get(server.url)
    assert (answer.status_code, answer.json()) == (200, HELLO)


def test_django_on_a_unix_socket_with_threads(rustcorn, tmp_path):
    path = tmp_path / "mysite.sock"
    rustcorn("mysite.wsgi", "--bind", f"unix:{path}", "--threads", "4", cwd=APPS)
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
        assert client.get("http://mysite/").text.startswith("Django 5, multithread True")


def test_a_unix_socket_in_uvicorns_words(rustcorn, tmp_path):
    path = tmp_path / "x.sock"
    rustcorn("main:app", "--uds", str(path), cwd=APPS)
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
        assert client.get("http://x/").json() == HELLO


@pytest.mark.parametrize(
    ("app", "words", "text"),
    [
        ('shop:create_app("prod")', [], "prod False"),
        ("shop:create_app('test', debug=True)", [], "test True"),
        ("shop:create_app", ["--factory"], "dev False"),
        ("shop:holder.inner", ["-k", "sync"], "inner False"),
    ],
)
def test_flask(rustcorn, app, words, text):
    assert httpx.get(rustcorn(app, *words, cwd=APPS).url).text == text


def test_as_a_module_of_the_interpreter(rustcorn):
    server = rustcorn("main:app", cwd=APPS, program=(sys.executable, "-m", "rustcorn"))
    assert httpx.get(server.url).json() == HELLO


def test_options_without_effect_are_told_once(rustcorn):
    ignored = {
        "--worker-tmp-dir": "/dev/shm",
        "--http-parser": "fast",
        "--http": "h11",
        "--ws": "wsproto",
        "--ssl-version": "2",
        "--h11-max-incomplete-event-size": "1",
    }
    words = [word for pair in ignored.items() for word in pair]
    words += ["--suppress-ragged-eofs", "--do-handshake-on-connect"]
    log = rustcorn("main:app", "-w", "2", *words, cwd=APPS).log
    assert log.count("has no effect") == len(ignored) + 2
    assert "worker_tmp_dir (the command line) has no effect: heartbeats are in shared memory" in log


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-k", "gevent"], 1, "green threads"),
        (["-k", "eventlet"], 1, "green threads"),
        (["-k", "tornado"], 1, "run them with Tornado"),
        (["-k", "my.own.Worker"], 1, "another program's worker"),
        (["-k", "sync", "--interface", "asgi3"], 1, "contradicts interface"),
        (["--port", "0", "--bind", "127.0.0.1:0"], 1, "leave one of them out"),
        (["--port", "http"], 1, "is no number from 0 to 65535"),
        (["--interface", "asgi4"], 2, "asgi3"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(failing, words, code, said):
    ended, log = failing("main:app", *words, cwd=APPS, port=False)
    assert said in log and ended == code, log
    assert len(log.splitlines()) == 1


def test_help_version_and_the_check_of_settings(failing):
    code, said = failing("--version", port=False)
    assert (code, said.split()[0]) == (0, "rustcorn")
    code, said = failing("--help", port=False)
    assert code == 0 and "--worker-class" in said and "--ws-max-size" in said
    code, said = failing("main:app", "--check-config", cwd=APPS)
    assert code == 0, said
    code, said = failing("main:nothing", "--check-config", cwd=APPS)
    assert code == 4 and "main has no attribute nothing" in said


def test_settings_from_a_file(rustcorn, tmp_path):
    (tmp_path / "rustcorn.toml").write_text(
        f'app = "main:app"\nchdir = {json.dumps(str(APPS))}\nhost = "127.0.0.1"\nport = 0\nworker_class = "asgi"\n'
    )
    server = rustcorn(cwd=tmp_path, port=False)
    assert httpx.get(server.url).json() == HELLO
