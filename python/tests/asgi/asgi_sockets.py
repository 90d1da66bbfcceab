"""Cases of WebSockets."""

from __future__ import annotations

import asyncio
import json
import os

from asgi_cases import TOLD, answer, plain, route


async def expect_connect(receive):
    message = await receive()
    assert message == {"type": "websocket.connect"}, message


@route
async def ws_echo(scope, receive, send):
    await expect_connect(receive)
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        assert (message["text"] is None) != (message["bytes"] is None)
        await send({"type": "websocket.send", "text": message["text"], "bytes": message["bytes"]})
    TOLD["ws_echo"] = json.dumps([message, await receive()])
    try:
        await send({"type": "websocket.send", "text": "late"})
    except OSError as error:
        TOLD["ws_echo_late"] = type(error).__name__


@route
async def ws_scope(scope, receive, send):
    await expect_connect(receive)
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps({key: plain(value) for key, value in scope.items()})})
    await receive()


@route
async def ws_accept(scope, receive, send):
    await expect_connect(receive)
    try:
        await send({"type": "websocket.accept", "headers": [(b"sec-websocket-protocol", b"x")]})
    except ValueError:
        pass
    headers = [(b"x-one", b"1"), (b"set-cookie", b"a=b"), (b"set-cookie", b"c=d")]
    await send({"type": "websocket.accept", "subprotocol": "two", "headers": headers})
    await receive()


@route
async def ws_refuse(scope, receive, send):
    await expect_connect(receive)
    kind = scope["path"].split("/")[2]
    if kind == "late":
        TOLD["ws_late"] = "deciding"
        await asyncio.sleep(0.1)
    if kind in ("close", "late"):
        await send({"type": "websocket.close"})
        TOLD["ws_refuse"] = json.dumps(await receive())
    if kind == "raise":
        raise ValueError("before accept")
    if kind == "deny":
        start = {"type": "websocket.http.response.start", "status": 418, "headers": [(b"x-one", b"1")]}
        await send(start)
        await send({"type": "websocket.http.response.body", "body": b"no ", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"tea"})
        try:
            await send({"type": "websocket.accept"})
        except Exception as error:
            TOLD["ws_deny"] = type(error).__name__


@route
async def ws_close(scope, receive, send):
    await expect_connect(receive)
    kind = scope["path"].split("/")[2]
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "bytes": b"last"})
    if kind == "default":
        await send({"type": "websocket.close"})
    if kind == "code":
        await send({"type": "websocket.close", "code": 4001, "reason": "for r\u00fcsons"})
        TOLD["ws_close"] = json.dumps(await receive())
        try:
            await send({"type": "websocket.send", "text": "late"})
        except OSError as error:
            TOLD["ws_close_late"] = type(error).__name__
    if kind == "raise":
        raise ValueError("after accept")


@route
async def ws_flood(scope, receive, send):
    await expect_connect(receive)
    await send({"type": "websocket.accept"})
    try:
        for number in range(400):
            await send({"type": "websocket.send", "bytes": os.urandom(65536)})
            TOLD["ws_flood"] = str(number)
        await send({"type": "websocket.close"})
    except OSError as error:
        TOLD["ws_flood_end"] = json.dumps([type(error).__name__, await receive()])


@route
async def ws_wrong(scope, receive, send):
    """Tells how each message that may not be sent is answered."""
    raised = []

    async def wrong(message):
        try:
            await send(message)
        except Exception as error:
            raised.append([type(error).__name__, isinstance(error, OSError)])
        else:
            raised.append(None)

    await expect_connect(receive)
    await wrong({"type": "websocket.send", "text": "too early"})
    await send({"type": "websocket.accept"})
    await wrong({"type": "websocket.accept"})
    await wrong({"type": "websocket.send", "text": "both", "bytes": b"both"})
    await wrong({"type": "websocket.send", "text": None, "bytes": None})
    await wrong({"type": "websocket.close", "code": 1006})
    await send({"type": "websocket.close"})
    await wrong({"type": "websocket.send", "text": "too late"})
    TOLD["ws_wrong"] = json.dumps(raised)


@route
async def ws_slow(scope, receive, send):
    """Reads only when it is told to."""
    await expect_connect(receive)
    await send({"type": "websocket.accept"})
    while TOLD.get("ws_go") != "go":
        await asyncio.sleep(0.01)
    count = 0
    while (message := await receive())["type"] == "websocket.receive" and message["text"] != "end":
        count += 1
    await send({"type": "websocket.send", "text": str(count)})
    await receive()


@route
async def ws_go(scope, receive, send):
    TOLD["ws_go"] = "go"
    await answer(send)
