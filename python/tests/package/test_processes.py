"""The arbiter and its workers as processes: titles, signals, upgrades, and Rust beside Python."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from running import SCRIPT, until

APPS = Path(__file__).parent / "apps"


def title(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()


@pytest.mark.parametrize("env", [{}, {"LANG": None, "LC_ALL": None, "LC_CTYPE": None}])
def test_titles(rustcorn, env):
    server = rustcorn("main:app", "--name", "shop", cwd=APPS, env=env)
    assert title(server.pid) == "rustcorn: arbiter [shop]"
    assert title(server.workers()[0]) == "rustcorn: worker 1 generation 1 [shop]"


@pytest.mark.parametrize(
    "program", [(SCRIPT,), (sys.executable, "-m", "rustcorn"), ("python", "-m", "rustcorn"), ("rustcorn",)]
)
def test_an_upgrade_starts_the_same_interpreter(rustcorn, program):
    folder = str(SCRIPT.parent)
    env = {"PATH": f"{folder}:{os.environ['PATH']}"}
    server = rustcorn("main:app", "-w", "2", cwd=APPS, program=program, env=env)
    server.signal(signal.SIGUSR2)
    successor = int(server.wait_for(r"Upgrade: the new arbiter \(pid:(\d+)\) serves")[1])
    assert os.readlink(f"/proc/{successor}/exe") == os.path.realpath(sys.executable)
    url = server.url
    server.process.terminate()
    server.ended()
    assert httpx.get(url).json() == {"message": "Hello World"}
    until("promoted", lambda: "Master has been promoted." in server.log)
    assert title(successor) == "rustcorn: arbiter [main:app]"
    os.kill(successor, signal.SIGTERM)


@pytest.mark.parametrize("preload", [True, False])
@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_a_loop_that_an_application_runs_takes_no_signal_away(rustcorn, interface, preload):
    words = ("--preload",) if preload else ()
    server = rustcorn(f"runs_loops:{interface}", "--workers", "2", "--lifespan", "off", *words, cwd=APPS)
    for _ in range(8):
        assert httpx.get(server.url).text == "done"
    # As a terminal sends it: to the arbiter and to all workers.
    os.killpg(server.pid, signal.SIGINT)
    assert server.ended() == 0
    assert "KeyboardInterrupt" not in server.log and "code 1" not in server.log, server.log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
def test_signals_are_rustcorns(rustcorn, number):
    server = rustcorn("main:app", cwd=APPS)
    server.signal(number)
    assert server.ended() == 0
    assert "KeyboardInterrupt" not in server.log and "Traceback" not in server.log


def test_workers_come_and_go(rustcorn):
    server = rustcorn("main:app", cwd=APPS)
    server.signal(signal.SIGTTIN)
    server.wait_for(r" ready \(pid", 2)
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for(r" ready \(pid", 3)
    server.signal(signal.SIGHUP)
    server.wait_for(r" ready \(pid:\d+, generation 2", 1)
    assert httpx.get(server.url).json() == {"message": "Hello World"}


def test_a_library_of_rust_is_served_too(rustcorn):
    """A path to a library, and a name that no module has. Built by `make test` before."""
    root = Path(__file__).parents[3]
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    library = target / "debug" / "libhello.so"
    if not library.exists():
        pytest.skip("the example hello is not built: cargo build --package hello")
    server = rustcorn(f"{library}:router", cwd=APPS)
    assert "Using worker: rust" in server.log
    assert httpx.get(server.url).status_code == 200
    server = rustcorn("hello:router", "--app-dir", str(library.parent), cwd=APPS)
    assert "Using worker: rust" in server.log


def cargo_built() -> Path:
    root = Path(__file__).parents[3]
    program = Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "debug" / "rustcorn"
    if not program.exists():
        pytest.skip("the program is not built: cargo build")
    return program


@pytest.mark.parametrize(
    "words", [["main:app"], ["app.main:app"], ["main:app", "-k", "asgi"], ["shop:create_app()"], ["kinds:asgi_object"]]
)
def test_the_program_without_python_takes_the_environments_interpreter(rustcorn, words):
    env = {"VIRTUAL_ENV": sys.prefix, "PATH": "/usr/bin:/bin"}
    server = rustcorn(*words, cwd=APPS, program=(cargo_built(),), env=env)
    assert httpx.get(server.url).status_code == 200
    assert os.readlink(f"/proc/{server.pid}/exe") == os.path.realpath(sys.executable)


def test_the_interpreter_may_be_in_the_path(rustcorn):
    env = {"VIRTUAL_ENV": None, "PATH": f"{SCRIPT.parent}:/usr/bin:/bin"}
    server = rustcorn("main:app", cwd=APPS, program=(cargo_built(),), env=env)
    assert httpx.get(server.url).status_code == 200


def test_without_the_package_it_says_how_to_get_it(failing, tmp_path):
    env = {"VIRTUAL_ENV": str(tmp_path), "PATH": str(tmp_path)}
    code, said = failing("main:app", cwd=APPS, program=(cargo_built(),), env=env)
    assert code == 4
    assert said == (
        "rustcorn: main is a Python application, and no Python with the package rustcorn was found: activate the "
        "application's virtual environment, and install it there (pip install rustcorn)\n"
    )


def test_a_daemon(failing, tmp_path):
    """The command returns when the daemon serves; nothing of the launching process is in it."""
    log = tmp_path / "daemon.log"
    with daemon(failing, tmp_path, "--log-file", str(log), "-w", "2") as (pid, said):
        assert said == ""
        url = next(word for word in log.read_text().split() if word.startswith("http://"))
        assert httpx.get(url).json() == {"message": "Hello World"}
        assert os.getsid(pid) != pid and title(pid) == "rustcorn: arbiter [main:app]"
    until("it has ended", lambda: "Shutting down: Master (exit code 0)" in log.read_text(), log.read_text)


def test_a_daemon_without_a_log(failing, tmp_path):
    socket = tmp_path / "web.sock"
    with daemon(failing, tmp_path, "--bind", f"unix:{socket}") as (_, said):
        assert "sends the log to /dev/null" in said
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket))) as client:
            assert client.get("http://localhost/").json() == {"message": "Hello World"}


@contextlib.contextmanager
def daemon(failing, folder: Path, *words: str) -> Iterator[tuple[int, str]]:
    """The pid of a daemon, and what it said as long as it could."""
    pidfile = folder / "pid"
    code, said = failing("main:app", "--daemon", "--pid", str(pidfile), *words, cwd=APPS)
    pid = int(pidfile.read_text()) if pidfile.exists() else 0
    try:
        assert code == 0, said
        yield pid, said
    finally:
        if pid:
            os.kill(pid, signal.SIGTERM)
    until("it has taken its file along", lambda: not pidfile.exists())


def test_hooks_around_forks_run(rustcorn, tmp_path):
    """The interpreter knows that it is a child: what is registered for forks runs, and threading knows the thread."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nos.register_at_fork(after_in_child=lambda: os.environ.update(FORKED='yes'))\n"
    )
    (tmp_path / "hooked.py").write_text(
        "import os, threading\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    same = threading.main_thread() is threading.current_thread() and threading.active_count() == 1\n"
        "    return [f\"{os.environ.get('FORKED')} {same}\".encode()]\n"
    )
    server = rustcorn("hooked:app", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert httpx.get(server.url).text == "yes True"


@pytest.mark.parametrize("handler", ["told", "leaves", "ignored"])
@pytest.mark.parametrize("interface", ["wsgi", "asgi", "threads"])
def test_an_application_with_a_handler_of_its_own_still_ends(rustcorn, interface, handler):
    options = ["--threads", "3"] if interface == "threads" else []
    kind = "asgi" if interface == "asgi" else "wsgi"
    server = rustcorn(f"listens:create('{kind}', '{handler}')", *options, cwd=APPS)
    assert httpx.get(server.url).text == "here"
    [old] = server.workers()
    os.kill(old, signal.SIGTERM)
    server.wait_for(r"ready \(pid", 2)
    server.end()
    assert server.process.returncode == 0
    assert "SIGKILL" not in server.log, server.log
    assert handler != "told" or "the application hears SIGTERM" in server.log
    assert kind == "asgi" or "it cleans up" in server.log, server.log
