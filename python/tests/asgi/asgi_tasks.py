"""Cases of applications with several tasks at one exchange, and of what runs when the collector does."""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import signal
import sys
import time
from collections import Counter

from asgi_cases import TOLD, answer, route

COUNTS: Counter = Counter()
KEPT: list[asyncio.Task] = []


@route
async def ws_both(scope, receive, send):
    """Two tasks that only send, more than any buffer holds."""
    await receive()
    await send({"type": "websocket.accept"})

    async def stream(name):
        for number in range(60):
            await send({"type": "websocket.send", "bytes": name + b"x" * 65536})
            TOLD["ws_both"] = str(number)

    await asyncio.gather(stream(b"a"), stream(b"b"))
    await send({"type": "websocket.close"})


@route
async def ws_listeners(scope, receive, send):
    """Two tasks that only receive, until the end."""
    await receive()
    await send({"type": "websocket.accept"})

    async def listen():
        count = 0
        while (await receive())["type"] == "websocket.receive":
            count += 1
        return count

    TOLD["ws_listeners"] = json.dumps(sum(await asyncio.gather(listen(), listen())))


@route
async def ws_refused_helper(scope, receive, send):
    """A helper waits while the connection is refused, by a word or by returning."""
    await receive()
    helper = asyncio.ensure_future(receive())
    helper.add_done_callback(lambda done: TOLD.update(ws_refused_helper=done.result()["type"]))
    await asyncio.sleep(0)
    if scope["path"].endswith("/close"):
        await send({"type": "websocket.close"})
        await helper


@route
async def polled(scope, receive, send):
    """A listener for the end, and somebody who asks for it now and then."""
    await receive()
    listener = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    poll = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    poll.cancel()
    TOLD["polled"] = "listening"
    TOLD["polled"] = (await listener)["type"]


@route
async def both_send(scope, receive, send):
    """Two tasks fill the response; what became of them when the client has left."""
    await send({"type": "http.response.start", "status": 200})

    async def fill():
        while True:
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})

    tasks = [asyncio.ensure_future(fill()) for _ in range(2)]
    TOLD["both_send"] = "begun"
    done, _ = await asyncio.wait(tasks)
    TOLD["both_send"] = " ".join(type(task.exception()).__name__ for task in done)


@route
async def orphans(scope, receive, send):
    """Fails, and leaves a task behind that listens."""
    await receive()
    orphan = asyncio.ensure_future(receive())
    orphan.add_done_callback(lambda done: TOLD.update(orphans=done.result()["type"]))
    await asyncio.sleep(0)
    if scope["path"].endswith("/midway"):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
    raise ValueError("and an orphan")


def at_each_collection(callback):
    """From now on the collector runs whenever it may, and this with it, as a finalizer would."""
    gc.callbacks.append(lambda phase, _: callback() if phase == "start" else None)
    gc.set_threshold(1)


@route
async def collections(scope, receive, send):
    loop = asyncio.get_running_loop()

    async def task():
        COUNTS["tasks run"] += 1

    def ask():
        COUNTS["collections"] += 1
        if COUNTS["collections"] % 17:
            # What is asked for makes objects as well: if each time something were asked for, there would be no end.
            return
        COUNTS.update(("asked", "tasks"))
        loop.call_soon(COUNTS.update, ("ran",)).cancelled()
        loop.create_task(task())

    if scope["path"].endswith("/begin"):
        at_each_collection(ask)
    if scope["path"].endswith("/end"):
        gc.callbacks.clear()
        while len(asyncio.all_tasks()) > 2:
            await asyncio.sleep(0)
    await answer(send, json.dumps(COUNTS).encode())


@route
async def ws_collections(scope, receive, send):
    """Whenever the collector runs, something is sent, which is refused."""
    await receive()
    await send({"type": "websocket.accept"})
    kept = []
    refused = Counter()

    def say():
        # Not awaited: there is no loop here. What it raises is known when it is called.
        try:
            send({"type": "websocket.accept"}).send(None)
        except Exception as error:
            refused[type(error).__name__] += 1

    at_each_collection(say)
    for _ in range(200):
        # No message is made of a dictionary that was given back: the collector is asked first.
        gc.disable()
        kept.append([{} for _ in range(100)])
        gc.enable()
        kept.append(await receive())
    gc.callbacks.clear()
    gc.set_threshold(700)
    assert refused["RuntimeError"] > 0, refused
    await send({"type": "websocket.send", "text": str(len(kept) // 2)})
    await receive()


@route
async def forks(scope, receive, send):
    """A child that is forked and ended, and one that is sent what this process listens to."""
    context = multiprocessing.get_context("fork")
    ended = context.Process(target=time.sleep, args=(20,))
    ended.start()
    ended.terminate()
    ended.join(20)
    heard = []
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, heard.append, "here")
    told = context.Process(target=lambda: signal.raise_signal(signal.SIGUSR2))
    told.start()
    told.join(20)
    await asyncio.sleep(0.05)
    await answer(send, json.dumps([ended.exitcode, told.exitcode, heard]).encode())


@route
async def lengths_only(scope, receive, send):
    """Believes that every message has a body."""
    count, more = 0, True
    while more:
        message = await receive()
        count += len(message["body"])
        more = message["more_body"]
    await answer(send, str(count).encode())


@route
async def last_words(scope, receive, send):
    """Tasks that do not end at once when they are cancelled."""

    async def cleans_up():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.6)
            print("it has cleaned up", file=sys.stderr, flush=True)

    async def fails():
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("in its last words")

    async def stays():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass

    given = (("cleaner", cleans_up), ("failing", fails), ("staying", stays))
    KEPT.extend(asyncio.create_task(task(), name=name) for name, task in given)
    await answer(send)


@route
async def failures(scope, receive, send):
    """What cannot be sent is told to those who await it: helpers are called first."""
    seen = []

    async def attempt(sending):
        seen.append("helper")
        try:
            await sending
        except Exception as error:
            seen.append(type(error).__name__)

    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    bad, worse = {"type": "nonsense"}, "no message"
    await attempt(send(bad))
    await attempt(send(worse))
    gathered = await asyncio.gather(send(bad), asyncio.create_task(send(worse)), return_exceptions=True)
    seen += [type(error).__name__ for error in gathered]
    # It can be dropped as well.
    send(bad).close()
    TOLD["failures"] = " ".join(seen)
    if scope["type"] == "http":
        await answer(send)


@route
async def together(scope, receive, send):
    """As many as the query says are woken at once, answer, and then keep the processor for a while."""
    loop, count = asyncio.get_running_loop(), int(scope["query_string"])
    COUNTS["together"] += 1
    if COUNTS["together"] < count:
        woken = loop.create_future()
        KEPT.append(woken)
        TOLD["together"] = str(COUNTS["together"])
        await woken
    else:
        for other in (kept for kept in KEPT if not kept.done()):
            other.set_result(None)
        # Whatever the loop has to do besides is no request.
        for _ in range(3):
            loop.call_soon(int)
        await asyncio.sleep(0)
    await answer(send)
    time.sleep(0.15)
    TOLD["together"] = str(time.monotonic())
