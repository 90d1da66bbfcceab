"""Has something to do when its process ends."""

import atexit

atexit.register(lambda: print("the last words", end=""))


async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})
