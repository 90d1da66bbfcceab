"""Applications that listen to the signals that end workers."""

import atexit
import signal
import sys


def told(number, _frame):
    print("the application hears", signal.Signals(number).name)


def leaves(number, _frame):
    sys.exit(0)


def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"here"]


async def asgi(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})


def create(interface, handler):
    """The application of this interface, with a handler of this kind."""
    atexit.register(print, "it cleans up")
    signal.signal(signal.SIGTERM, {"told": told, "leaves": leaves, "ignored": signal.SIG_IGN}[handler])
    return {"wsgi": wsgi, "asgi": asgi}[interface]
