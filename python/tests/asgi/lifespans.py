"""Applications whose lifespans are cases."""

from __future__ import annotations

import asyncio
import atexit
import os
import time


async def respond(scope, receive, send):
    body = f"state: {scope.get('state')}".encode()
    if scope["path"] == "/long":
        tell("begun")
        await asyncio.sleep(0.3)
        tell("answered")
        body = b"long"
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": body})


def tell(word):
    with open(os.environ["TOLD"], "a") as file:
        file.write(word + "\n")


def application(lifespan):
    async def app(scope, receive, send):
        await (lifespan if scope["type"] == "lifespan" else respond)(scope, receive, send)

    return app


@application
async def raises(scope, receive, send):
    raise ValueError("no lifespan")


@application
async def asserts(scope, receive, send):
    assert scope["type"] == "http"


@application
async def exits(scope, receive, send):
    raise SystemExit("no database")


@application
async def returns(scope, receive, send):
    pass


@application
async def cancels(scope, receive, send):
    raise asyncio.CancelledError


@application
async def fails(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "the database is not there"})


@application
async def slow(scope, receive, send):
    await receive()
    await asyncio.sleep(0.3)
    scope["state"]["ready"] = True
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


@application
async def tells(scope, receive, send):
    tell((await receive())["type"].split(".")[1])
    await send({"type": "lifespan.startup.complete"})
    tell((await receive())["type"].split(".")[1])
    await asyncio.sleep(0.05)
    tell("bye")
    await send({"type": "lifespan.shutdown.complete"})


@application
async def fails_late(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "it hurts"})


@application
async def raises_late(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    raise ValueError("too late")


@application
async def hangs_late(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await asyncio.sleep(60)


def works_on(lifespan):
    """Answers, and goes on for a while."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            return await lifespan(scope, receive, send)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"answered"})
        tell("working")
        await asyncio.sleep(1)
        tell("worked")

    return app


@works_on
async def works(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    tell("shutdown")
    await send({"type": "lifespan.shutdown.complete"})


LINGERING = []


@application
async def stubborn(scope, receive, send):
    """Leaves a task that takes its time when it is cancelled, and tells what that has cost."""

    async def linger():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            began = time.process_time()
            atexit.register(lambda: tell(str(time.process_time() - began)))
            await asyncio.sleep(60)

    LINGERING.append(asyncio.ensure_future(linger()))
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def cleans_up_on(lifespan):
    """Takes its time with what it has to do at the end, which is told; so is each word in the meantime."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            return await lifespan(scope, receive, send)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
        seconds = float(scope["query_string"] or b"0.05")
        tell("begun")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            tell("cancelled")
            await asyncio.sleep(seconds)
            tell("cleaned")
            raise

    return app


@cleans_up_on
async def cleans_up(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    tell("shutdown")
    await send({"type": "lifespan.shutdown.complete"})


@works_on
async def works_without(scope, receive, send):
    raise ValueError("no lifespan")
