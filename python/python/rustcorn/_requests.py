"""The hooks around requests: `pre_request` and `post_request`."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

from . import _rustcorn
from ._errors import traceback


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


def wrap(app: Any, interface: str, worker: Any, before: Any, after: Any) -> Any:
    """The application with the hooks around its requests."""
    after = _fitting(after) if after is not None else None
    return (_asgi if interface == "asgi" else _wsgi)(app, worker, before, after)


def _fitting(hook: Callable[..., Any]) -> Callable[..., None]:
    """`post_request` may take two to four arguments; a failure of it is told and harms nobody."""
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


def _wsgi(app: Any, worker: Any, before: Any, after: Any) -> Any:
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


def _asgi(app: Any, worker: Any, before: Any, after: Any) -> Any:
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
