"""Applications that keep 4 MB of every request."""

kept = []


async def app(scope, receive, send):
    assert scope["type"] == "http"
    kept.append(bytearray(b"x" * (4 << 20)))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x"})


def application(environ, start_response):
    kept.append(bytearray(b"x" * (4 << 20)))
    start_response("200 OK", [("Content-Length", "1")])
    return [b"x"]
