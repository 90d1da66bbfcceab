"""What hooks get: the arbiter, the worker, and the settings, as Gunicorn has them."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from . import _config, _rustcorn
from ._config import Config
from ._errors import traceback


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
                flag, *_ = table[name]
                for key in self.settings:
                    # It is one of the other names of this: they have the flag in common.
                    if key in table and table[key][0] == flag:
                        return getattr(self, key)
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
        return [address(url) for url in self.settings.get("bind") or []]

    @property
    def is_ssl(self) -> bool:
        return bool(self.settings.get("certfile") or self.settings.get("keyfile"))


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


def _one(several: Any) -> Any:
    """Of what may be there several times and is there once, that; None of nothing."""
    return several if several and len(several) > 1 else next(iter(several or ()), None)


def address(text: str) -> Any:
    text = text.partition("://")[2] if "://" in text and not text.startswith("fd") else text
    if text.startswith("unix:"):
        return text.removeprefix("unix:")
    host, _, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if port.isdigit() else text
