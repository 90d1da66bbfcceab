"""The applications that are served while the profile is taken: what servers do all day, in the shapes of frameworks."""

import asyncio
import json

TEXT = [(b"content-type", b"text/plain"), (b"content-length", b"14")]
BLOCK = b"x" * 4000


def page(of):
    """A page unlike the ones before, with the fields that frameworks add."""
    body = json.dumps({"of": of, "size": len(of)}).encode()
    fields = [("content-type", "application/json"), ("content-length", str(len(body))), ("set-cookie", f"seen={len(of)}")]
    return body, fields


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await echo_messages(receive, send)
    elif scope["path"] == "/":
        await answer(send, b"Hello, world!\n", TEXT)
    elif scope["path"] == "/echo":
        await answer(send, await whole_body(receive), [(b"content-type", b"application/octet-stream")])
    elif scope["path"] == "/stream":
        await stream(send)
    else:
        if scope["path"] == "/wait":
            await asyncio.sleep(0.002)
        body, fields = page(scope["path"])
        await answer(send, body, [(name.encode(), value.encode()) for name, value in fields])


async def answer(send, body, fields):
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def whole_body(receive):
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def stream(send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for _ in range(5):
        await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b""})


async def echo_messages(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", **{kind: message[kind] for kind in ("text", "bytes") if message.get(kind)}})


async def lifespan(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def wsgi(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "14")])
        return [b"Hello, world!\n"]
    if path == "/echo":
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))])
        return [body]
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (BLOCK for _ in range(5))
    body, fields = page(path)
    start_response("200 OK", fields)
    return [body]
