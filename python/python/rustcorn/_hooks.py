"""Gunicorn's server hooks: the places where they are called."""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
from typing import Any

from . import _around, _requests, _rustcorn
from ._config import Config
from ._errors import said, traceback
from ._server import Server, Settings, Worker, address

_server: Server | None = None
#: The workers that were announced last, by their seats.
_booting: dict[int, Worker] = {}
#: In a worker: itself.
_self: Worker | None = None


# === in the arbiter ===


def _look(config: Config, facts: dict[str, Any]) -> Server:
    global _server
    if _server is None:
        _server = Server()
    _server.pid = facts["pid"]
    _server.num_workers = facts["wanted"]
    _server.address = [address(url) for url in facts["addresses"]]
    _server.cfg = Settings(facts["settings"], config)
    _server.proc_name = _server.cfg.proc_name or "rustcorn"
    return _server


def call(config: Config, name: str, facts: dict[str, Any], *args: Any) -> str | None:
    """Calls a hook of the arbiter's; one sentence if it fails."""
    server = _look(config, facts)
    with _around.hook(name, None if name == "pre_exec" else _ELSEWHERE):
        if name == "pre_fork":
            slot, age = args
            return _run(config, name, server, _announce(server, slot, age))
        if name == "child_exit":
            worker = server.WORKERS.pop(args[0], None)
            return _run(config, name, server, worker) if worker is not None else None
        return _run(config, name, server, *args)


#: Where what takes long belongs. That of pre_exec runs beside the arbiter, and may take its time.
_ELSEWHERE = "what takes long belongs into a thread, or into post_fork or post_worker_init"


def _announce(server: Server, slot: int, age: int) -> Worker:
    server.worker_age = age
    _booting[slot] = Worker(age, server)
    return _booting[slot]


#: What `pre_fork` may put on a worker that another process forks: an order to that process has no room for more.
MOST = 48_000


def pack(slot: int) -> str:
    """What `pre_fork` has put on a worker that is forked by the process that has its application."""
    worker = _booting.get(slot)
    if worker is None or _server is None:
        return ""
    packed, room = {}, MOST
    own = vars(Worker(worker.age, _server))
    for name, value in vars(worker).items():
        if name in own:
            continue
        try:
            text = pickle.dumps(value).hex()
            if len(text) > room:
                raise ValueError(f"its like may take {MOST // 2} bytes together")
            packed[name] = text
            room -= len(text)
        except Exception as error:
            _tell_of_loss(name, error)
    return json.dumps(packed) if packed else ""


def unpack(slot: int, age: int, packed: str) -> None:
    """In such a worker: it is what was announced."""
    worker = _booting[slot] = Worker(age, _server or Server())
    for name, text in json.loads(packed).items():
        try:
            setattr(worker, name, pickle.loads(bytes.fromhex(text)))
        except Exception as error:
            _tell_of_loss(name, error)


def _tell_of_loss(name: str, error: Exception) -> None:
    text = (
        f"What pre_fork has put on its worker as {name} cannot be handed to the process that forks it (preload_app), so that"
        f" the worker does not have it: {said(error)}"
    )
    _rustcorn.log(logging.WARNING, text)


def forked(slot: int, pid: int) -> None:
    """The worker that was announced exists."""
    worker = _booting.pop(slot, None)
    if worker is not None and _server is not None:
        worker.pid = pid
        _server.WORKERS[pid] = worker


def _run(config: Config, name: str, *args: Any) -> str | None:
    hook = config.hook(name)
    if hook is None:
        return None
    try:
        hook(*args)
    except SystemExit as error:
        # Not everyone who calls hooks says what became of them.
        _rustcorn.log(logging.ERROR, f"The hook {name} has left with {error.code!r}")
        return f"the hook {name} has left with {error.code!r}"
    except BaseException as error:
        _rustcorn.log(logging.ERROR, f"The hook {name} failed\n{traceback(error).rstrip()}")
        return f"the hook {name} failed: {said(error)}"
    return None


# === in a worker ===


def enter(config: Config, facts: dict[str, Any], slot: int, age: int) -> str | None:
    """In a fresh worker: it becomes itself."""
    global _self
    server = _look(config, facts)
    announced = _booting.get(slot)
    # A process that was forked before the announcement has heard of others, or of nobody.
    _self = announced if announced is not None and announced.age == age else _announce(server, slot, age)
    _self.pid = os.getpid()
    _self.cfg = server.cfg
    return _run(config, "post_fork", server, _self)


def loaded(config: Config, app: Any) -> str | None:
    """The application is there."""
    worker = _self
    if worker is None:
        return None
    worker.booted = True
    worker.wsgi = worker.app = app
    if config.hook("worker_abort") is not None:
        signal.signal(signal.SIGABRT, lambda *_: _aborted(config, worker))
    return _run(config, "post_worker_init", worker)


def _aborted(config: Config, worker: Worker) -> None:
    worker.aborted = True
    worker.alive = False
    _run(config, "worker_abort", worker)
    _run(config, "worker_exit", _server, worker)
    signal.signal(signal.SIGABRT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGABRT)


def leave(config: Config, quick: bool) -> None:
    """The worker has nothing more to do."""
    worker = _self
    if worker is None:
        return
    worker.alive = False
    if quick:
        _run(config, "worker_int", worker)
    _run(config, "worker_exit", _server, worker)


def wrap(config: Config, app: Any, interface: str) -> Any:
    """The application with the hooks around its requests; itself, if there are none."""
    before, after = config.hook("pre_request"), config.hook("post_request")
    worker = _self
    if worker is None or (before is None and after is None):
        return app
    return _requests.wrap(app, interface, worker, before, after)
