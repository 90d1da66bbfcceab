"""Settings from a gunicorn.conf.py."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from pathlib import Path

import httpx
import pytest

APPS = Path(__file__).parent / "apps"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the applications, to write settings into."""
    folder = tmp_path / "site"
    shutil.copytree(APPS, folder)
    return folder


REAL = '''
import multiprocessing
import os
from pathlib import Path

_ours = 3
max_workers = int(os.environ.get("MAX_WORKERS", "2"))


def number_of_workers():
    return min(max_workers, multiprocessing.cpu_count() * 2 + 1)


class Anything:
    pass


wsgi_app = "hello:app"
host = "127.0.0.1"
port = os.getenv("NO_SUCH_PORT", "0")
bind = [f"{host}:{port}"]
workers = number_of_workers()
worker_class = "uvicorn.workers.UvicornWorker"
timeout = 60
keepalive = 5
accesslog = "-"
loglevel = "debug"
raw_env = ["GREETING=good day"]
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
forwarded_allow_ips = "*"
preload_app = False
statsd_host = None
proc_name = "site"
'''


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gunicorn.conf.py", []),
        ("conf/site.py", ["-c", "conf/site.py"]),
        ("conf/site.py", ["--config", "file:conf/site.py"]),
        ("conf/site.py", ["-c", "python:conf.site"]),
    ],
)
def test_a_real_file(rustcorn, folder, name, words):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(REAL)
    server = rustcorn(*words, cwd=folder, port=False)
    assert re.fullmatch(r"good day \d+", httpx.get(server.url).text)
    server.wait_for(r" ready \(pid", count=2)


def test_the_command_line_and_its_variable_outrank_the_file(rustcorn, folder):
    (folder / "gunicorn.conf.py").write_text(REAL)
    server = rustcorn("-e", "GREETING=hey", cwd=folder, port=False, env={"GUNICORN_CMD_ARGS": "--workers 1 -e GREETING=no"})
    assert httpx.get(server.url).text.startswith("hey ")
    assert "from GUNICORN_CMD_ARGS" in server.log and len(server.workers()) == 1


def test_our_own_file_comes_first(rustcorn, folder):
    (folder / "gunicorn.conf.py").write_text("raise SystemExit(9)")
    (folder / "rustcorn.toml").write_text('app = "hello:app"')
    assert httpx.get(rustcorn(cwd=folder).url).text.startswith("hello ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nwrokers = 3\n", 'gunicorn.conf.py:2:1: unknown key "wrokers"; did you mean "workers"?'),
        ("\n\nbanana = 3\n", 'gunicorn.conf.py:3:1: unknown key "banana"; it is no setting'),
        ("workers = 'many'", "gunicorn.conf.py:1:1: workers must be an integer"),
        ("statsd_host = 'localhost:8125'", "gunicorn.conf.py:1:1: statsd_host is refused: statsd is not spoken"),
        ("def ssl_context(config):\n    pass", "gunicorn.conf.py:1:1: ssl_context must be a function of 2 arguments"),
        ("def pre_fork(server):\n    pass", "gunicorn.conf.py:1:1: pre_fork must be a function of 2 arguments"),
        ("post_fork = 7", "gunicorn.conf.py:1:1: post_fork must be a function, found 7"),
        ("workers = 1\nimport nosuch", "gunicorn.conf.py:2:1: the settings file failed: ModuleNotFoundError"),
        ("workers = (", "gunicorn.conf.py:1:1: the settings file failed: SyntaxError"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(failing, folder, text, said):
    (folder / "gunicorn.conf.py").write_text(text)
    code, log = failing("hello:app", cwd=folder)
    assert code == 1 and said in log, log


def test_the_program_without_python_hands_the_file_to_the_environments_interpreter(rustcorn, failing, folder, tmp_path):
    program = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).parents[3] / "target")) / "debug/rustcorn"
    if not program.exists():
        pytest.skip("the program is not built: cargo build")
    (folder / "site.py").write_text(REAL)
    env = {"VIRTUAL_ENV": sys.prefix, "PATH": "/usr/bin:/bin"}
    server = rustcorn("-c", "site.py", cwd=folder, port=False, program=(program,), env=env)
    assert httpx.get(server.url).text.startswith("good day ")
    env = {"VIRTUAL_ENV": str(tmp_path), "PATH": str(tmp_path)}
    code, said = failing("-c", "site.py", cwd=folder, port=False, program=(program,), env=env)
    assert code == 4 and "the settings file site.py is Python, and this rustcorn has none" in said


def test_two_command_lines_in_the_environment_are_refused(failing, folder):
    env = {"GUNICORN_CMD_ARGS": "-w 2", "RUSTCORN_CMD_ARGS": "-w 3"}
    code, log = failing("hello:app", cwd=folder, env=env)
    assert code == 1 and "RUSTCORN_CMD_ARGS: and GUNICORN_CMD_ARGS are both set, and differ" in log


def test_a_file_that_is_gone(failing, folder):
    code, log = failing("hello:app", "-c", "gone.py", cwd=folder)
    assert code == 1 and "cannot read the settings file named by the command line: it does not exist" in log


def test_a_reload_takes_the_file_anew_and_what_it_imports(rustcorn, folder):
    file = folder / "gunicorn.conf.py"
    (folder / "shared.py").write_text("greeting = 'one'")
    file.write_text("import shared\nraw_env = [f'GREETING={shared.greeting}']")
    server = rustcorn("hello:app", cwd=folder)
    assert httpx.get(server.url).text.startswith("one ")
    (folder / "shared.py").write_text("greeting = 'another'")
    server.reload()
    assert httpx.get(server.url).text.startswith("another ")


def test_a_broken_file_at_a_reload_changes_nothing(rustcorn, folder):
    file = folder / "gunicorn.conf.py"
    file.write_text("raw_env = ['GREETING=one']")
    server = rustcorn("hello:app", cwd=folder)
    file.write_text("raw_env = ['GREETING=two']\nraise ValueError('not today')")
    server.signal(signal.SIGHUP)
    server.wait_for(r"Reload refused: gunicorn.conf.py:2:1: the settings file failed: ValueError: not today")
    assert server.log.count("Traceback") == 1
    assert httpx.get(server.url).text.startswith("one ")
    file.write_text("raw_env = ['GREETING=three']")
    server.reload()
    assert httpx.get(server.url).text.startswith("three ")
