"""An application that takes memory at import."""

import os
import threading

BALLAST = [str(number) * 3 for number in range(400_000)]
IMPORTED_BY = os.getpid()

if os.environ.get("START_THREAD"):
    threading.Thread(target=threading.Event().wait, name="poller", daemon=True).start()


async def app(scope, receive, send):
    assert scope["type"] == "http"
    body = f"{IMPORTED_BY} {os.getpid()} {os.getppid()} {os.environ.get('GREETING', '')}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def application(environ, start_response):
    body = f"{IMPORTED_BY} {os.getpid()} {os.getppid()} {os.environ.get('GREETING', '')}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
