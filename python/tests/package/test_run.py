"""`rustcorn.run`, as a program calls it."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest

APPS = Path(__file__).parent / "apps"
PYTHON = {"program": (sys.executable,), "port": False}


def script(folder: Path, text: str) -> str:
    path = folder / "serve.py"
    path.write_text(text)
    return str(path)


def test_in_uvicorns_shape(rustcorn, tmp_path):
    program = script(
        tmp_path,
        """
import rustcorn

if __name__ == "__main__":
    rustcorn.run(
        "main:app", host="127.0.0.1", port=0, workers=2, access_log=False, log_level="debug", timeout_keep_alive=5,
        limit_max_requests=None, forwarded_allow_ips="*", proxy_headers=True, ws_ping_interval=20.0, lifespan="on",
    )
    print("it returned")
""",
    )
    server = rustcorn(program, cwd=APPS, **PYTHON)
    assert httpx.get(server.url).json() == {"message": "Hello World"}
    assert "setting keepalive: from the command line" in server.log
    server.end()
    assert server.process.returncode == 0
    assert server.log.endswith("it returned\n")


def test_rustcorns_settings_by_key(rustcorn, tmp_path):
    program = script(
        tmp_path,
        """
import pathlib, rustcorn

rustcorn.run(
    "talkative:app", bind=["127.0.0.1:0"], raw_env={"COLOUR": "red"}, chdir=pathlib.Path(CHDIR), worker_class="sync",
    reuse_port=False, max_requests=1000,
)
""".replace("CHDIR", repr(str(APPS))),
    )
    server = rustcorn(program, cwd=tmp_path, **PYTHON)
    assert httpx.get(server.url).text.startswith("['red'")


def test_an_application_as_an_object(rustcorn, tmp_path):
    program = script(
        tmp_path,
        """
import rustcorn

def application(environ, start_response):
    start_response("200 OK", [])
    return [b"an object"]

rustcorn.run(application, port=0)
""",
    )
    server = rustcorn(program, cwd=tmp_path, **PYTHON)
    assert httpx.get(server.url).text == "an object"
    assert "[__main__:application]" not in server.log and "__main__:application" in server.log


def test_what_the_program_has_opened_is_open_in_workers(rustcorn, tmp_path):
    program = script(
        tmp_path,
        """
import logging, os, socket, rustcorn

logger = logging.getLogger("mine")
logger.addHandler(logging.FileHandler(FILE))
pair = socket.socketpair()

def application(environ, start_response):
    logger.warning("from the worker")
    pair[0].send(b"through")
    assert pair[1].recv(7) == b"through"
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]

rustcorn.run(application, port=0)
""".replace("FILE", repr(str(tmp_path / "mine.log"))),
    )
    server = rustcorn(program, cwd=tmp_path, **PYTHON)
    assert httpx.get(server.url).text == str(server.workers()[0]), server.log
    assert (tmp_path / "mine.log").read_text() == "from the worker\n"


def test_a_configuration_of_logging_as_a_dictionary(rustcorn, tmp_path):
    program = script(
        tmp_path,
        """
import rustcorn

config = {
    "version": 1, "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "dict:%(message)s"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"level": "INFO", "handlers": ["out"]},
}
rustcorn.run("talkative:app", port=0, log_config=config)
""",
    )
    assert "\ndict:info at import\n" in rustcorn(program, cwd=APPS, **PYTHON).log


@pytest.mark.parametrize(
    ("call", "code", "said"),
    [
        ("app, workers=2", 1, "take the application by name"),
        ("app, reload=True", 1, "take the application by name"),
        ("7", 1, "TypeError: run() takes \"module:name\" or an application, not int"),
        ("'main:app', colour='blue'", 1, "TypeError: run() got an unexpected keyword argument 'colour'"),
        ("'main:app', workers='many'", 2, "--workers many: must be an integer from 1 to 512"),
        ("'main:nothing', port=0", 4, "main has no attribute nothing"),
    ],
)
def test_what_it_refuses(failing, tmp_path, call, code, said):
    program = script(tmp_path, f"import rustcorn\ndef app(environ, start_response): pass\nrustcorn.run({call})\n")
    ended, log = failing(program, cwd=APPS, **PYTHON)
    assert (ended, said in log) == (code, True), log


def test_it_wants_a_process_of_its_own(failing, tmp_path):
    program = script(
        tmp_path,
        """
import asyncio, threading, rustcorn

async def main():
    rustcorn.run("main:app")

try:
    asyncio.run(main())
except RuntimeError as error:
    print(error)

stop = threading.Event()
threading.Thread(target=stop.wait).start()

def app(environ, start_response):
    pass

try:
    rustcorn.run(app)
finally:
    stop.set()
""",
    )
    code, log = failing(program, cwd=APPS, **PYTHON)
    assert code == 1
    assert "cannot be called from a running event loop" in log
    assert "takes a process with one thread; this one has 2" in log


def test_where_threads_run_already_it_begins_anew(rustcorn, tmp_path):
    # As libraries for numbers start them when they are imported. The application lies where only the program finds it.
    (tmp_path / "beside.py").write_text("from talkative import app\n")
    program = script(
        tmp_path,
        """
import threading, rustcorn
threading.Thread(target=threading.Event().wait, daemon=True).start()
rustcorn.run("beside:app", port=0, workers=2)
""",
    )
    server = rustcorn(program, cwd=APPS, **PYTHON)
    assert httpx.get(server.url).status_code == 200
    server.end()
    assert server.process.returncode == 0


def test_a_password_is_not_on_the_command_line_of_the_new_process(failing, tmp_path):
    """It would come from there, and not from the environment, if it were."""
    program = script(
        tmp_path,
        """
import threading, rustcorn
threading.Thread(target=threading.Event().wait, daemon=True).start()
rustcorn.run("talkative:app", ssl_keyfile_password="opensesame", print_config=True)
""",
    )
    code, log = failing(program, cwd=APPS, **PYTHON)
    said = "# ssl_keyfile_password is set, and not shown # RUSTCORN_SSL_KEYFILE_PASSWORD in the environment"
    assert code == 0 and said in " ".join(log.split()) and "opensesame" not in log, log


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("log_level=10", "loglevel = debug"),
        ("log_level=5", "loglevel = trace"),
        ("ws_ping_interval=None", "ws_ping_interval = 0"),
    ],
)
def test_numbers_of_logging_and_none_of_uvicorn(failing, tmp_path, call, words):
    program = script(tmp_path, f"import rustcorn\nrustcorn.run('main:app', {call}, print_config=True)\n")
    code, log = failing(program, cwd=APPS, **PYTHON)
    assert code == 0 and words in " ".join(log.replace('"', "").split()), log
