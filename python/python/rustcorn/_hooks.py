"""Gunicorn's server hooks: the objects that they get, and the places where they are called."""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import sys
import threading
import time
from typing import Any

from . import _config, _requests, _rustcorn
from ._config import Config
from ._errors import traceback


#: A hook of the arbiter's that takes more seconds is told of: as in Gunicorn, nothing is supervised meanwhile.
LONG = 1.0


class Log:
    """`server.log` and `worker.log`: the operator log."""

    def __init__(self) -> None:
        self.error_log = logging.getLogger("gunicorn.error")
        self.access_log = logging.getLogger("gunicorn.access")

    def log(self, level: int, message: Any, *args: Any, **kwargs: Any) -> None:
        text = str(message)
        if args:
            # As in logging: a single mapping names its values.
            text = text % (args[0] if len(args) == 1 and isinstance(args[0], dict) else args)
        failed = kwargs.get("exc_info")
        if failed:
            error = failed if isinstance(failed, BaseException) else sys.exc_info()[1]
            if error is not None:
                text = f"{text}\n{traceback(error).rstrip()}"
        _rustcorn.log(level, text)

    def debug(self, message: Any, *args: Any, **kwargs: Any) -> None:
        self.log(logging.DEBUG, message, *args, **kwargs)

    def info(self, message: Any, *args: Any, **kwargs: Any) -> None:
        self.log(logging.INFO, message, *args, **kwargs)

    def warning(self, message: Any, *args: Any, **kwargs: Any) -> None:
        self.log(logging.WARNING, message, *args, **kwargs)

    def error(self, message: Any, *args: Any, **kwargs: Any) -> None:
        self.log(logging.ERROR, message, *args, **kwargs)

    def critical(self, message: Any, *args: Any, **kwargs: Any) -> None:
        self.log(logging.CRITICAL, message, *args, **kwargs)

    def exception(self, message: Any, *args: Any, **kwargs: Any) -> None:
        self.log(logging.ERROR, message, *args, **{"exc_info": True, **kwargs})


class Settings:
    """`cfg`: the settings by their names in Gunicorn and in rustcorn."""

    def __init__(self, values: dict[str, Any], config: Config | None) -> None:
        self.settings = values
        self._hooks = config

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            if name in self.settings:
                return self.settings[name]
            if name in _config.HOOKS:
                return self._hooks and self._hooks.hook(name)
            table = _rustcorn.options()
            if name in table:
                # One of its other names: they have the flag in common.
                flag = table[name][0]
                return getattr(self, next(key for key in self.settings if table.get(key, "")[:1] == (flag,)))
        raise AttributeError(f"there is no setting {name}")

    @property
    def certfile(self) -> Any:
        return _one(self.settings.get("certfile"))

    @property
    def keyfile(self) -> Any:
        return _one(self.settings.get("keyfile"))

    @property
    def wsgi_app(self) -> Any:
        return self.settings.get("app")

    @property
    def env(self) -> dict[str, str]:
        return dict(pair.split("=", 1) for pair in self.settings.get("raw_env") or [])

    @property
    def address(self) -> list[Any]:
        return [_address(url) for url in self.settings.get("bind") or []]

    @property
    def is_ssl(self) -> bool:
        return bool(self.settings.get("certfile") or self.settings.get("keyfile"))


def _one(several: Any) -> Any:
    """Of what may be there several times and is there once, that; None of nothing."""
    return several if several and len(several) > 1 else next(iter(several or ()), None)


class Server:
    """The arbiter."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.cfg: Any = None
        self.log = Log()
        self.num_workers = 0
        self.worker_age = 0
        self.address: list[Any] = []
        #: The workers that live, by their process.
        self.WORKERS: dict[int, Worker] = {}
        self.master_name = "Master"
        self.proc_name = "rustcorn"

    def __str__(self) -> str:
        return f"<Master {self.pid}>"


class Worker:
    """A worker: as the arbiter knows it, and as it knows itself."""

    def __init__(self, age: int, server: Server) -> None:
        self.age = age
        self.pid: Any = "[booting]"
        self.ppid = server.pid
        self.cfg = server.cfg
        self.log = server.log
        self.timeout = getattr(server.cfg, "timeout", 0)
        self.booted = False
        self.aborted = False
        self.alive = True
        self.nr = 0
        self.wsgi: Any = None
        self.app: Any = None

    def __str__(self) -> str:
        return f"<Worker {self.pid}>"


_server: Server | None = None
#: The workers that were announced last, by their seats.
_booting: dict[int, Worker] = {}
#: In a worker: itself.
_self: Worker | None = None


def _address(text: str) -> Any:
    text = text.partition("://")[2] if "://" in text and not text.startswith("fd") else text
    if text.startswith("unix:"):
        return text.removeprefix("unix:")
    host, _, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if port.isdigit() else text


# === in the arbiter ===


def _look(config: Config, facts: dict[str, Any]) -> Server:
    global _server
    if _server is None:
        _server = Server()
    _server.pid = facts["pid"]
    _server.num_workers = facts["wanted"]
    _server.address = [_address(url) for url in facts["addresses"]]
    _server.cfg = Settings(facts["settings"], config)
    _server.proc_name = _server.cfg.proc_name or "rustcorn"
    return _server


def call(config: Config, name: str, facts: dict[str, Any], *args: Any) -> str | None:
    """Calls a hook of the arbiter's; one sentence if it fails."""
    server = _look(config, facts)
    before, threads, begun = _config.open_descriptors(), set(threading.enumerate()), time.monotonic()
    try:
        if name == "pre_fork":
            slot, age = args
            return _run(config, name, server, _announce(server, slot, age))
        if name == "child_exit":
            worker = server.WORKERS.pop(args[0], None)
            return _run(config, name, server, worker) if worker is not None else None
        return _run(config, name, server, *args)
    finally:
        _tell_of_delay(name, time.monotonic() - begun)
        config.descriptors |= _config.open_descriptors() - before
        started = [thread.name for thread in threading.enumerate() if thread not in threads]
        if started:
            text = f"The hook {name} has started threads ({', '.join(started)}): they run here, and no worker has them"
            _rustcorn.log(logging.INFO, text)


def _tell_of_delay(name: str, took: float) -> None:
    # That of pre_exec runs beside the arbiter.
    if took > LONG and name != "pre_exec":
        text = (
            f"The hook {name} took {took:.1f} s: it runs in the arbiter, which did nothing else meanwhile; what takes long"
            " belongs into a thread, or into post_fork or post_worker_init"
        )
        _rustcorn.log(logging.WARNING, text)


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
        f" the worker does not have it: {type(error).__name__}: {error}"
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
        return f"the hook {name} failed: {type(error).__name__}: {error}"
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
