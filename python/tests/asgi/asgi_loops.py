"""Cases of the event loop and of the extensions."""

from __future__ import annotations

import asyncio
import json
import os
import time

from asgi_cases import LEAK, TOLD, answer, route


@route
async def context(scope, receive, send):
    before = LEAK.get()
    LEAK.set("dirty")
    task = asyncio.current_task()
    await asyncio.sleep(0)
    same = asyncio.current_task() is task and isinstance(task, asyncio.Task)
    await answer(send, json.dumps({"before": before, "same": same}).encode())


@route
async def pid(scope, receive, send):
    await answer(send, str(os.getpid()).encode())


@route
async def apis(scope, receive, send):
    await answer(send, json.dumps({"path": scope["path"]}).encode())


@route
async def trailers(scope, receive, send):
    assert ("http.response.trailers" in scope["extensions"]) == ((b"te", b"trailers") in scope["headers"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"trailer", b"x-sum")], "trailers": True})
    await send({"type": "http.response.body", "body": b"body"})
    await asyncio.sleep(0.01)
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"1")], "more_trailers": True})
    await send({"type": "http.response.trailers", "headers": [(b"x-end", b"2")]})


@route
async def hints(scope, receive, send):
    await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload", b"</b.js>; rel=preload"]})
    if scope["path"].endswith("/slow"):
        await asyncio.sleep(0.05)
    await send({"type": "http.response.early_hint", "links": [b"</c.js>; rel=preload"]})
    if scope["path"].endswith("/raise"):
        raise ValueError("after hints")
    await answer(send, b"hinted")


@route
async def files(scope, receive, send):
    kind, path = scope["path"].split("/")[2], scope["query_string"].decode()
    start = {"type": "http.response.start", "status": 200}
    await send(start)
    if kind == "path":
        await send({"type": "http.response.pathsend", "path": path})
        try:
            await send({"type": "http.response.body", "body": b"more"})
        except RuntimeError:
            TOLD["files"] = "refused"
    if kind == "mixed":
        with open(path, "rb") as file:
            file.read(5)
            send_file = {"type": "http.response.zerocopysend", "file": file, "more_body": True}
            await send({"type": "http.response.body", "body": b"<", "more_body": True})
            await send(send_file)
            await send({"type": "http.response.body", "body": b"|", "more_body": True})
            await send({**send_file, "offset": 2, "count": 3, "more_body": False})
            TOLD["files"] = str(file.closed)
    if kind == "descriptor":
        fd = os.open(path, os.O_RDONLY)
        os.lseek(fd, 5, os.SEEK_SET)
        send_file = {"type": "http.response.zerocopysend", "file": fd, "more_body": True}
        await send({**send_file, "count": 3})
        await send({**send_file, "offset": 2, "count": 3})
        # Where it was: what the server reads does not move it.
        await send({"type": "http.response.body", "body": str(os.lseek(fd, 0, os.SEEK_CUR)).encode()})
        os.close(fd)
    if kind == "neither":
        try:
            await send({"type": "http.response.zerocopysend", "file": path})
        except TypeError as error:
            await send({"type": "http.response.body", "body": str(error).encode()})


@route
async def executor(scope, receive, send):
    loop = asyncio.get_running_loop()
    results = await asyncio.gather(*(loop.run_in_executor(None, os.getpid) for _ in range(20)))
    threads = await asyncio.to_thread(lambda: "thread")
    await answer(send, json.dumps([len(set(results)), threads]).encode())


@route
async def threadsafe(scope, receive, send):
    import threading

    loop = asyncio.get_running_loop()
    future = loop.create_future()
    began = loop.time()
    threading.Timer(0.05, loop.call_soon_threadsafe, (future.set_result, "woken")).start()
    result = await future
    await answer(send, json.dumps([result, loop.time() - began]).encode())


@route
async def subprocess(scope, receive, send):
    process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    out, _ = await process.communicate(b"through a process")
    await answer(send, out + str(process.returncode).encode())


@route
async def streams(scope, receive, send):
    async def serve(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "localhost", 0)
    host, port = server.sockets[0].getsockname()[:2]
    reader, writer = await asyncio.open_connection("localhost", port)
    sent = os.urandom(1 << 20)

    async def write():
        writer.write(sent)
        await writer.drain()
        writer.write_eof()

    writing = asyncio.ensure_future(write())
    got = await reader.read()
    await writing
    writer.close()
    server.close()
    await answer(send, str(got == sent).encode())


@route
async def timers(scope, receive, send):
    loop = asyncio.get_running_loop()
    late = []

    async def nap(seconds):
        began = loop.time()
        await asyncio.sleep(seconds)
        late.append(loop.time() - began - seconds)

    await asyncio.gather(*(nap(seconds / 1000) for seconds in (0, 1, 2, 5, 20, 50, 100)))
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError:
        await answer(send, json.dumps([min(late), max(late)]).encode())


@route
async def client(scope, receive, send):
    import httpx

    async with httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{scope['server'][1]}/nothing"
        answers = await asyncio.gather(*(client.get(url) for _ in range(20)))
    await answer(send, str({response.text for response in answers}).encode())


@route
async def signals(scope, receive, send):
    import signal

    loop = asyncio.get_running_loop()
    heard = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR2, heard.set_result, "USR2")
    loop.add_signal_handler(signal.SIGTERM, lambda: TOLD.update(term="heard"))
    os.kill(os.getpid(), signal.SIGUSR2)
    told = await asyncio.wait_for(heard, 5)
    loop.remove_signal_handler(signal.SIGUSR2)
    await answer(send, told.encode())


@route
async def exits(scope, receive, send):
    """A handler of signals that wants to leave: one of the loop's, or one that hits what runs."""
    import signal

    kind, code = scope["path"].split("/")[2:]

    def leave(*_):
        raise SystemExit(int(code) if code.isdigit() else None if code == "none" else code)

    if kind == "loop":
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, leave)
    else:
        signal.signal(signal.SIGUSR2, leave)
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"set", "more_body": True})
    if kind == "here":
        # While this runs, and nothing else does.
        signal.raise_signal(signal.SIGUSR2)
    await asyncio.sleep(0.5)
    await send({"type": "http.response.body", "body": b" and done"})


@route
async def exits_in_between(scope, receive, send):
    """A handler of signals that wants to leave, when the next that runs on the loop is the worker's.

    What the first request has the loop call is no code in Python, so that no handler runs in it. The second one comes during
    the longest of these; afterwards all timers are due, in order, and that which the worker has set for it comes last.
    """
    import signal

    def leave(*_):
        raise SystemExit(7)

    if scope["query_string"]:
        time.sleep(0.02)
    else:
        signal.signal(signal.SIGALRM, leave)
        loop = asyncio.get_running_loop()
        counting = loop.time() + 0.03
        loop.call_at(counting, os.write, 2, b"counting\n")
        loop.call_at(counting, sum, range(20_000_000))
        loop.call_later(0.05, signal.setitimer, signal.ITIMER_REAL, 0.001)
        loop.call_later(0.06, sum, range(1_000_000))
    await answer(send)


@route
async def background(scope, receive, send):
    async def later():
        await asyncio.sleep(0.05)
        TOLD["background"] = "done"

    asyncio.get_running_loop().create_task(later())
    await answer(send)


@route
async def tasks_of_both(scope, receive, send):
    """What receive and send return is a coroutine, as far as asyncio is concerned."""
    received = await asyncio.create_task(receive())
    late = asyncio.create_task(receive())
    await asyncio.sleep(0)
    late.cancel()
    await asyncio.wait({late})
    await asyncio.create_task(send({"type": "http.response.start", "status": 200, "headers": []}))
    await send({"type": "http.response.body", "body": received["body"] + b" " + str(late.cancelled()).encode()})


@route
async def afterwards(scope, receive, send):
    """Says all, and keeps the loop from turning until its client has shown that it has read that."""
    sign = scope["query_string"].decode()
    await answer(send, b"said")
    deadline = time.monotonic() + 5
    while not (seen := os.path.exists(sign)) and time.monotonic() < deadline:
        time.sleep(0.005)
    TOLD["afterwards"] = "seen" if seen else "never seen"
