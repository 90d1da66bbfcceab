"""The application of the tests: cases of HTTP and the lifespan, and all the others."""

from __future__ import annotations

import asyncio
import json

import asgi_loops  # noqa: F401
import asgi_sockets  # noqa: F401
import asgi_tasks  # noqa: F401
from asgi_cases import ROUTES, TOLD, answer, plain, route


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    path = scope["path"].removeprefix(scope["root_path"])
    if path.startswith("/told/"):
        return await answer(send, TOLD.get(path[6:], "").encode())
    if path.startswith("/forget/"):
        TOLD.pop(path[8:], None)
        return await answer(send)
    await ROUTES["/" + path.split("/")[1]](scope, receive, send)


async def lifespan(scope, receive, send):
    assert (await receive())["type"] == "lifespan.startup"
    scope["state"]["shared"] = {"loop": id(asyncio.get_running_loop())}
    scope["state"]["count"] = 0
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    await send({"type": "lifespan.shutdown.complete"})


@route
async def scope(scope, receive, send):
    shown = {key: plain(value) for key, value in scope.items()}
    shown["types"] = {key: type(value).__name__ for key, value in scope.items()}
    await answer(send, json.dumps(shown).encode())
    scope["extensions"]["mine"] = {}
    scope["asgi"]["mine"] = {}


@route
async def state(scope, receive, send):
    scope["state"]["count"] += 1
    here = {"loop": id(asyncio.get_running_loop()), **scope["state"]}
    await answer(send, json.dumps(here).encode())


@route
async def messages(scope, receive, send):
    """All messages up to the end of the body."""
    seen = []
    while True:
        message = await receive()
        seen.append(plain(message))
        if not message.get("more_body"):
            break
    await answer(send, json.dumps(seen).encode())


@route
async def echo(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        message = await receive()
        more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": more})
        if not more:
            return


@route
async def unread(scope, receive, send):
    await answer(send, b"early")


@route
async def after(scope, receive, send):
    """What comes after the response."""
    seen = [await receive()]
    waiting = asyncio.ensure_future(receive())
    await asyncio.sleep(0.05)
    seen.append({"done": waiting.done()})
    await answer(send, b"answered")
    seen += [await waiting, await receive()]
    TOLD["after"] = json.dumps(plain(seen))


@route
async def disconnect(scope, receive, send):
    """Waits for the client to go away, reading what it sends."""
    TOLD["disconnect"] = "begun"
    seen = []
    while not seen or seen[-1]["type"] != "http.disconnect":
        seen.append(await receive())
    seen.append(await receive())
    try:
        await send({"type": "http.response.start", "status": 200})
        raised = "nothing"
    except OSError as error:
        raised = type(error).__name__
        TOLD["disconnect"] = json.dumps({"seen": plain(seen), "raised": raised})
        raise


@route
async def patient(scope, receive, send):
    """Takes its time, and says whether its client was there all the while."""
    await receive()
    gone = asyncio.ensure_future(receive())
    await asyncio.wait([gone], timeout=0.5)
    told = f"gone: {gone.done()}"
    gone.cancel()
    await answer(send, told.encode())


@route
async def cleanup(scope, receive, send):
    """Has a bug in what it does when the client is gone."""
    TOLD["cleanup"] = "begun"
    while (await receive())["type"] != "http.disconnect":
        pass
    try:
        await send({"type": "http.response.start", "status": 200})
    except OSError:
        raise KeyError("a bug in a cleanup")


@route
async def cancelled_receive(scope, receive, send):
    seen = b""
    more = True
    tries = 0
    while more:
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0.005)
        tries += 1
        # Cancelled at each stage: waiting, or just resolved.
        if tries % 2 and waiting.cancel():
            try:
                message = await waiting
            except asyncio.CancelledError:
                continue
        else:
            message = await waiting
        seen += message["body"]
        more = message["more_body"]
    await answer(send, seen)


@route
async def replaced(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-mine", b"1")]})
    raise ValueError("after start")


@route
async def broken(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"some", "more_body": True})
    await asyncio.sleep(0.05)
    raise ValueError("after body")


@route
async def returns(scope, receive, send):
    if scope["path"].endswith("/started"):
        await send({"type": "http.response.start", "status": 200})
    if scope["path"].endswith("/midway"):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        await asyncio.sleep(0.05)


@route
async def raises(scope, receive, send):
    raise ValueError("not before start")


@route
async def leaves(scope, receive, send):
    raise SystemExit(5)


@route
async def headers(scope, receive, send):
    kind = scope["path"].split("/")[2]
    given = {
        "none": None,
        "generator": ((name, b"1") for name in (b"X-One", b"x-two")),
        "lists": [[b"x-one", b"1"], [b"x-one", b"2"]],
        "te": [(b"transfer-encoding", b"gzip, chunked"), (b"x-one", b"1")],
        "crlf": [(b"x-one", b"a\r\nx-two: b")],
        "nul": [(b"x-one", b"a\0b")],
        "name": [(b"x one", b"1")],
        "str": [("x-one", "1")],
        "length": [(b"content-length", b"x")],
        "negative": [(b"content-length", b"-1")],
        "lengths": [(b"content-length", b"2"), (b"content-length", b"3")],
        "agreed": [(b"content-length", b"2"), (b"x-one", b"1"), (b"Content-Length", b"2")],
        "ours": [(b"date", b"then"), (b"server", b"mine")],
    }[kind]
    message = {"type": "http.response.start", "status": 200}
    if given is not None:
        message["headers"] = given
    try:
        await send(message)
    except (ValueError, TypeError) as error:
        return await answer(send, type(error).__name__.encode())
    await send({"type": "http.response.body", "body": b"ok"})


@route
async def lengths(scope, receive, send):
    kind = scope["path"].split("/")[2]
    length = {"long": b"4", "short": b"40", "right": b"10"}[kind]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": b"01234", "more_body": True})
    await send({"type": "http.response.body", "body": b"56789"})


@route
async def pieces(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": bytearray(b"one"), "more_body": True})
    await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": memoryview(b"-two"), "more_body": True})
    await send({"type": "http.response.body", "more_body": True})
    await send({"type": "http.response.body"})


@route
async def status(scope, receive, send):
    code = int(scope["path"].split("/")[2])
    headers = [(b"content-length", b"5")] if code != 200 else []
    await answer(send, b"12345", code, headers)


@route
async def order(scope, receive, send):
    seen = []

    async def attempt(message):
        try:
            await send(message)
            seen.append("ok")
        except RuntimeError:
            seen.append("RuntimeError")

    start = {"type": "http.response.start", "status": 200}
    await attempt({"type": "http.response.body", "body": b"x"})
    await attempt(start)
    await attempt(start)
    await attempt({"type": "http.response.body", "body": b"x"})
    await attempt({"type": "http.response.body", "body": b"x"})
    await attempt(start)
    await attempt({"type": "http.response.nonsense"})
    TOLD["order"] = " ".join(seen)


@route
async def flood(scope, receive, send):
    """More than any buffer holds; tells how far it got."""
    await send({"type": "http.response.start", "status": 200})
    total = 0
    TOLD["flood"] = "0"
    try:
        for _ in range(int(scope["path"].split("/")[2])):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            total += 65536
            TOLD["flood"] = str(total)
        await send({"type": "http.response.body"})
    except OSError:
        TOLD["flood"] = "OSError"
        raise


@route
async def slow(scope, receive, send):
    TOLD["slow"] = "begun"
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        TOLD["slow"] = "cancelled"
        raise
    await answer(send, b"late")


@route
async def nothing(scope, receive, send):
    await answer(send, b"hello")
