"""Applications that keep nothing, in both interfaces: what grows under them is the server's."""

BODY = b"x" * 200 + b"END."
BLOCK = b"x" * 1000


class Broken(Exception):
    """What the application fails with, on purpose."""


async def asgi(scope, receive, send):
    kind = scope["type"]
    if kind == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif kind == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "bytes": message["bytes"]})
    else:
        await answer(scope["path"], receive, send)


async def answer(path, receive, send):
    if path == "/broken":
        raise Broken(path)
    if path == "/upload":
        while (await receive()).get("more_body"):
            pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    if path == "/stream":
        for _ in range(3):
            await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
    elif path == "/endless":
        await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    await send({"type": "http.response.body", "body": BODY})


def wsgi(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/broken":
        raise Broken(path)
    if path == "/upload":
        while environ["wsgi.input"].read(4096):
            pass
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/endless":
        return endless()
    if path == "/stream":
        return iter([BLOCK, BLOCK, BLOCK, BODY])
    return [BODY]


def endless():
    while True:
        yield BLOCK
