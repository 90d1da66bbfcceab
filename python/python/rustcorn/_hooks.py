"""Gunicorn's server hooks: the objects that they get, and the places where they are called."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
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

    def __init__(self, values: dict[str, Any], config: Config) -> None:
        self.settings = values
        self._hooks = config

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            if name in self.settings:
                return self.settings[name]
            if name in _config.HOOKS:
                return self._hooks.hook(name)
        raise AttributeError(f"there is no setting {name}")

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
_booting: Worker | None = None
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
    before, threads = _config.open_descriptors(), set(threading.enumerate())
    try:
        if name == "pre_fork":
            return _run(config, name, server, _next_worker(server))
        if name == "child_exit":
            worker = server.WORKERS.pop(args[0], None)
            return _run(config, name, server, worker) if worker is not None else None
        return _run(config, name, server, *args)
    finally:
        config.descriptors |= _config.open_descriptors() - before
        started = [thread.name for thread in threading.enumerate() if thread not in threads]
        if started:
            text = f"The hook {name} has started threads ({', '.join(started)}): they run here, and no worker has them"
            _rustcorn.log(logging.INFO, text)


def _next_worker(server: Server) -> Worker:
    global _booting
    server.worker_age += 1
    _booting = Worker(server.worker_age, server)
    return _booting


def forked(pid: int) -> None:
    """The worker that was announced exists."""
    if _booting is not None and _server is not None:
        _booting.pid = pid
        _server.WORKERS[pid] = _booting


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


def enter(config: Config, facts: dict[str, Any]) -> str | None:
    """In a fresh worker: it becomes itself."""
    global _self
    server = _look(config, facts)
    _self = _booting if _booting is not None and _booting.pid == "[booting]" else _next_worker(server)
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


# === around requests ===


class Request:
    """`req`: what is known of a request before its application runs."""

    def __init__(self, method: str, path: str, query: str, headers: list[tuple[str, str]], version: tuple[int, int]) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.uri = f"{path}?{query}" if query else path
        self.headers = headers
        self.version = version
        self.fragment = ""
        self.scheme = "http"
        self.remote_addr: Any = None
        self.peer_addr: Any = None


class Response:
    """`resp`: what the application has answered."""

    def __init__(self) -> None:
        self.status: str | None = None
        self.headers: list[tuple[str, str]] = []
        self.sent = 0

    @property
    def status_code(self) -> int | None:
        return int(self.status.split()[0]) if self.status else None


def wrap(config: Config, app: Any, interface: str) -> Any:
    """The application with the hooks around its requests; itself, if there are none."""
    before, after = config.hook("pre_request"), config.hook("post_request")
    worker = _self
    if worker is None or (before is None and after is None):
        return app
    after = _fitting(after) if after is not None else None
    return (_asgi if interface == "asgi" else _wsgi)(app, worker, before, after)


def _fitting(hook: Callable[..., Any]) -> Callable[..., None]:
    """`post_request` may take two to four arguments; a failure of it is told and harms nobody."""
    import inspect

    try:
        count = next(n for n in (4, 3, 2) if _binds(inspect.signature(hook), n))
    except (StopIteration, TypeError, ValueError):
        count = 4

    def run(*args: Any) -> None:
        try:
            hook(*args[:count])
        except Exception as error:
            _rustcorn.log(logging.ERROR, f"The hook post_request failed\n{traceback(error).rstrip()}")

    return run


def _binds(signature: Any, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _wsgi(app: Any, worker: Worker, before: Any, after: Any) -> Any:
    def with_hooks(environ: dict[str, Any], start_response: Any) -> Any:
        worker.nr += 1
        req = _request_of_environ(environ)
        if before is not None:
            before(worker, req)
        if after is None:
            return app(environ, start_response)
        resp = Response()

        def noting(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            resp.status, resp.headers = status, list(headers)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        try:
            body = app(environ, noting)
        except BaseException:
            after(worker, req, environ, resp)
            raise
        return _Body(body, resp, lambda: after(worker, req, environ, resp))

    return with_hooks


class _Body:
    """An iterable of WSGI's that tells of its end."""

    def __init__(self, body: Any, resp: Response, ended: Callable[[], None]) -> None:
        self._body = body
        self._blocks: Iterator[bytes] | None = None
        self._resp = resp
        self._ended = ended
        if hasattr(body, "__len__"):
            # A body of one block has a known length.
            self.__class__ = _SizedBody

    def __iter__(self) -> _Body:
        self._blocks = iter(self._body)
        return self

    def __next__(self) -> bytes:
        if self._blocks is None:
            self._blocks = iter(self._body)
        block = next(self._blocks)
        self._resp.sent += len(block)
        return block

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._ended()


class _SizedBody(_Body):
    def __len__(self) -> int:
        return len(self._body)


def _request_of_environ(environ: dict[str, Any]) -> Request:
    headers = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers.append((name.replace("_", "-"), environ[name]))
    version = (1, 0) if environ.get("SERVER_PROTOCOL") == "HTTP/1.0" else (1, 1)
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    req = Request(environ.get("REQUEST_METHOD", ""), path, environ.get("QUERY_STRING", ""), headers, version)
    req.uri = environ.get("RAW_URI") or req.uri
    req.scheme = environ.get("wsgi.url_scheme", "http")
    req.remote_addr = req.peer_addr = (environ.get("REMOTE_ADDR"), environ.get("REMOTE_PORT"))
    return req


def _asgi(app: Any, worker: Worker, before: Any, after: Any) -> Any:
    async def with_hooks(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        worker.nr += 1
        req = _request_of_scope(scope)
        if before is not None:
            before(worker, req)
        if after is None:
            await app(scope, receive, send)
            return
        resp = Response()

        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start":
                resp.status = str(message["status"])
                resp.headers = [(_text(name), _text(value)) for name, value in message.get("headers", ())]
            elif message["type"] == "http.response.body":
                resp.sent += len(message.get("body", b""))
            await send(message)

        try:
            await app(scope, receive, noting)
        finally:
            after(worker, req, scope, resp)

    return with_hooks


def _request_of_scope(scope: Any) -> Request:
    headers = [(_text(name).upper(), _text(value)) for name, value in scope["headers"]]
    version = tuple(int(part) for part in (scope.get("http_version", "1.1") + ".0").split(".")[:2])
    query = _text(scope.get("query_string", b""))
    req = Request(scope["method"], scope["path"], query, headers, version)  # type: ignore[arg-type]
    req.scheme = scope.get("scheme", "http")
    req.remote_addr = req.peer_addr = scope.get("client")
    return req


def _text(value: Any) -> str:
    return bytes(value).decode("latin-1") if not isinstance(value, str) else value
