"""Runs a loop of its own while it is imported, and with every request that is not on one."""

import asyncio


async def nothing():
    return b"done"


asyncio.run(nothing())


def wsgi(environ, start_response):
    body = asyncio.run(nothing())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]


async def asgi(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": await nothing()})
