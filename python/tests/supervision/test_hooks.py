"""Gunicorn's server hooks in a gunicorn.conf.py."""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path

import httpx
import pytest
from running import until
from rustcorn import _around

APPS = Path(__file__).parent / "apps"

ALL = '''
import os

workers = 1


def _tell(name, *facts):
    with open("told", "a") as file:
        print(os.getpid(), name, *facts, file=file)


def on_starting(server):
    server.mark = "kept"
    _tell("on_starting", server.pid == os.getpid(), server.cfg.workers)


def on_reload(server):
    _tell("on_reload")


def when_ready(server):
    server.log.info("%s is ready", "everything")
    _tell("when_ready", server.mark, server.address[0][0])


def pre_fork(server, worker):
    worker.given = "by pre_fork"
    _tell("pre_fork", worker.pid, worker.age)


def post_fork(server, worker):
    _tell("post_fork", worker.pid == os.getpid(), worker.given, worker.age, worker.ppid == os.getppid(), server.mark)


def post_worker_init(worker):
    worker.log.info("Worker initialized (pid: %s)", worker.pid)
    _tell("post_worker_init", worker.wsgi is not None)


def worker_int(worker):
    _tell("worker_int")


def worker_abort(worker):
    _tell("worker_abort", worker.pid == os.getpid())


def pre_exec(server):
    _tell("pre_exec")


def pre_request(worker, req):
    _tell("pre_request", req.method, req.path, req.query, dict(req.headers).get("X-MARK"))


def post_request(worker, req, environ, resp):
    _tell("post_request", req.uri, resp.status.split()[0], environ is not None, worker.nr)


def child_exit(server, worker):
    _tell("child_exit", worker.pid != server.pid, worker.given)


def worker_exit(server, worker):
    _tell("worker_exit", worker.pid == os.getpid())


def nworkers_changed(server, new_value, old_value):
    _tell("nworkers_changed", new_value, old_value)


def on_exit(server):
    _tell("on_exit", server.num_workers)
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    shutil.copytree(APPS, folder)
    (folder / "gunicorn.conf.py").write_text(ALL)
    return folder


def told(folder: Path) -> list[str]:
    """What the hooks have said, without process ids."""
    file = folder / "told"
    return [line.partition(" ")[2] for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("app", ["hello:app", "hello:application"])
def test_their_order_and_what_they_get(rustcorn, folder, app):
    server = rustcorn(app, cwd=folder)
    httpx.get(f"{server.url}/there?a=1", headers={"x-mark": "7"})
    until("the request is told of", lambda: "post_request /there?a=1 200 True 1" in told(folder), lambda: server.log)
    server.signal(signal.SIGTERM)
    assert server.ended() == 0
    assert told(folder) == [
        "nworkers_changed 1 None",
        "on_starting True 1",
        "when_ready kept 127.0.0.1",
        "pre_fork [booting] 1",
        "post_fork True by pre_fork 1 True kept",
        "post_worker_init True",
        "pre_request GET /there a=1 7",
        "post_request /there?a=1 200 True 1",
        "worker_exit True",
        "child_exit True by pre_fork",
        "on_exit 1",
    ]
    assert re.search(rf"\[{server.pid}\] \[INFO\] everything is ready", server.log)
    assert re.search(r"\[INFO\] Worker initialized \(pid: \d+\)", server.log)


def test_reload_more_workers_and_a_quick_stop(rustcorn, folder):
    server = rustcorn("hello:app", cwd=folder)
    server.signal(signal.SIGTTIN)
    server.wait_for(r" ready \(pid", count=2)
    assert "nworkers_changed 2 1" in told(folder)
    server.reload()
    until("all are told of", lambda: told(folder).count("child_exit True by pre_fork") == 2, lambda: server.log)
    assert "on_reload" in told(folder) and "nworkers_changed 1 2" in told(folder)
    server.signal(signal.SIGQUIT)
    server.ended()
    assert [line for line in told(folder) if line.startswith("worker_")][-2:] == ["worker_int", "worker_exit True"]


def test_abort_of_a_hung_worker(rustcorn, folder):
    (folder / "stuck.py").write_text("import time\ndef application(environ, start):\n    while True: time.sleep(0.1)\n")
    server = rustcorn("stuck:application", "--timeout", "1", cwd=folder)
    with pytest.raises(httpx.HTTPError):
        httpx.get(server.url, timeout=20)
    server.wait_for("WORKER TIMEOUT")
    until("it is told of", lambda: "worker_abort True" in told(folder), lambda: server.log)
    until("its end too", lambda: "child_exit True by pre_fork" in told(folder), lambda: server.log)
    assert "worker_exit True" in told(folder)


@pytest.mark.parametrize(
    ("hook", "code", "said"),
    [
        ("def on_starting(server):", 1, "the hook on_starting failed: ValueError: no"),
        ("def when_ready(server):", 1, "the hook when_ready failed: ValueError: no"),
        ("def pre_fork(server, worker):", 3, "the hook pre_fork failed: ValueError: no"),
        ("def post_fork(server, worker):", 3, "the hook post_fork failed: ValueError: no"),
        ("def post_worker_init(worker):", 3, "the hook post_worker_init failed: ValueError: no"),
    ],
)
def test_a_hook_that_fails_at_the_start_ends_it(failing, folder, hook, code, said):
    (folder / "gunicorn.conf.py").write_text(f"{hook}\n    raise ValueError('no')\n")
    ended, log = failing("hello:app", cwd=folder)
    assert said in log and ended == code, log
    assert log.count("Traceback") == 1, log


def test_hooks_that_fail_later_are_told_and_harm_nobody(rustcorn, folder):
    fails = "    raise ValueError('no')\n"
    (folder / "gunicorn.conf.py").write_text(
        f"def child_exit(server, worker):\n{fails}def nworkers_changed(server, new, old):\n{fails}"
        f"def post_request(worker, req):\n{fails}def on_exit(server):\n{fails}"
    )
    server = rustcorn("hello:app", cwd=folder)
    assert httpx.get(server.url).status_code == 200
    server.signal(signal.SIGHUP)
    server.wait_for("The hook child_exit failed")
    assert httpx.get(server.url).status_code == 200
    server.signal(signal.SIGTERM)
    assert server.ended() == 0
    for hook in ("nworkers_changed", "post_request", "on_exit"):
        assert f"The hook {hook} failed" in server.log


def test_an_upgrade_is_told_before(rustcorn, folder):
    server = rustcorn("hello:app", cwd=folder)
    server.signal(signal.SIGUSR2)
    successor = int(server.wait_for(r"Upgrade: the new arbiter \(pid:(\d+)\) serves")[1])
    assert told(folder).count("pre_exec") == 1
    os.kill(successor, signal.SIGTERM)
    server.wait_for(rf"pid:{successor}")


def test_an_upgrade_does_not_hold_up_the_arbiter(rustcorn, folder):
    (folder / "gunicorn.conf.py").write_text(
        "import os, time\ndef pre_exec(server):\n    print('in', os.getpid(), flush=True)\n    time.sleep(60)\n"
    )
    server = rustcorn("hello:app", cwd=folder)
    server.signal(signal.SIGUSR2)
    successor = int(server.wait_for(r"new arbiter started \(pid:(\d+)\)")[1])
    server.wait_for(rf"in {successor}")
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for(r" ready \(pid", count=2)
    # It has no other program yet, and so no other way to end than the default.
    os.kill(successor, signal.SIGTERM)
    server.wait_for(rf"Upgrade: the new arbiter \(pid:{successor}\) was killed by SIGTERM before it served")
    assert httpx.get(server.url).status_code == 200


def test_a_pre_exec_that_hangs_ends_with_its_arbiter(rustcorn, folder):
    (folder / "gunicorn.conf.py").write_text("import time\ndef pre_exec(server):\n    print('in'); time.sleep(60)\n")
    server = rustcorn("hello:app", cwd=folder)
    server.signal(signal.SIGUSR2)
    server.wait_for("new arbiter started")
    server.signal(signal.SIGTERM)
    assert server.ended() == 0
    until("nothing is left", lambda: not server._left(), lambda: server.log)


def test_a_hook_that_takes_long_is_told(rustcorn, folder):
    (folder / "gunicorn.conf.py").write_text(
        "import time\ndef when_ready(server):\n    time.sleep(1.2)\ndef pre_fork(server, worker):\n    time.sleep(0.2)\n"
    )
    server = rustcorn("hello:app", cwd=folder)
    server.wait_for(r"\[WARNING\] The hook when_ready took 1\.\d s: it runs in the arbiter")
    assert "The hook pre_fork took" not in server.log


def test_a_hook_that_leaves_later_is_told(rustcorn, folder):
    (folder / "gunicorn.conf.py").write_text(
        "def nworkers_changed(server, new, old):\n    raise SystemExit('enough')\n"
        "def worker_exit(server, worker):\n    raise SystemExit(9)\n"
    )
    server = rustcorn("hello:app", cwd=folder)
    server.signal(signal.SIGTERM)
    assert server.ended() == 0
    assert "The hook nworkers_changed has left with 'enough'" in server.log
    assert "The hook worker_exit has left with 9" in server.log


def test_a_reload_that_its_hook_does_not_want_is_refused(rustcorn, folder):
    server = rustcorn("hello:app", cwd=folder)
    (folder / "gunicorn.conf.py").write_text("def on_reload(server):\n    raise ValueError('not now')\n")
    server.signal(signal.SIGHUP)
    server.wait_for("Reload refused: the hook on_reload failed: ValueError: not now")
    assert httpx.get(server.url).status_code == 200


def test_what_hooks_open_stays_open_in_workers_and_dict_logging(rustcorn, folder):
    (folder / "gunicorn.conf.py").write_text(
        "import os\n_file = open('kept', 'a', buffering=1)\n"
        "def post_fork(server, worker):\n    print('from the worker', file=_file)\n"
        "logconfig_dict = {'version': 1, 'formatters': {'f': {'format': 'MINE %(message)s'}}, 'handlers': {'h':"
        " {'class': 'logging.StreamHandler', 'formatter': 'f'}}, 'root': {'handlers': ['h'], 'level': 'INFO'}}\n"
        "def post_worker_init(worker):\n    import logging\n    logging.getLogger('x').info('logged')\n"
    )
    server = rustcorn("hello:app", cwd=folder)
    assert (folder / "kept").read_text() == "from the worker\n"
    assert "MINE logged" in server.log


def test_a_number_that_was_closed_since_is_not_kept(tmp_path):
    """It may be the arbiter's own by now."""
    with _around.keeping():
        file = open(tmp_path / "kept", "w")
    number = file.fileno()
    assert number in _around.kept()
    file.close()
    with open(tmp_path / "other", "w") as other:
        assert other.fileno() == number and number not in _around.kept()


def test_a_thread_that_a_hook_starts_runs_in_the_arbiter(rustcorn, folder):
    (folder / "gunicorn.conf.py").write_text(
        "import threading, time\n\n\ndef _beat():\n    while True:\n        open('beat', 'a').write('x')\n"
        "        time.sleep(0.05)\n\n\n"
        "def when_ready(server):\n    threading.Thread(target=_beat, name='exporter', daemon=True).start()\n"
    )
    server = rustcorn("hello:app", cwd=folder)
    server.wait_for(r"when_ready has started threads \(exporter\)")
    size = (folder / "beat").stat().st_size
    until("it goes on", lambda: (folder / "beat").stat().st_size > size + 5, lambda: server.log)
    server.reload()
    assert httpx.get(server.url).status_code == 200
