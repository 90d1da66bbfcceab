"""Tells whose loop it runs on."""

import asyncio


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    loop = asyncio.get_running_loop()
    text = f"{type(loop).__module__} of {type(loop).__bases__[-1].__module__}"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})
