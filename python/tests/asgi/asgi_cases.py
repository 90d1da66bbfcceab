"""What the parts of the tests' application share: each path is a case."""

from __future__ import annotations

import contextvars

ROUTES = {}
TOLD: dict[str, str] = {}
LEAK: contextvars.ContextVar = contextvars.ContextVar("leak", default="clean")


def route(function):
    ROUTES["/" + function.__name__] = function
    return function


async def answer(send, body=b"", status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def plain(value):
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
