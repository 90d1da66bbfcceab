"""The application of the tests: each path is a case."""

from __future__ import annotations

import asyncio
import contextvars
import json
import os

ROUTES = {}
TOLD: dict[str, str] = {}
LEAK: contextvars.ContextVar = contextvars.ContextVar("leak", default="clean")


def route(function):
    ROUTES["/" + function.__name__] = function
    return function


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    path = scope["path"].removeprefix(scope["root_path"])
    if path.startswith("/told/"):
        return await answer(send, TOLD.get(path[6:], "").encode())
    await ROUTES["/" + path.split("/")[1]](scope, receive, send)


async def lifespan(scope, receive, send):
    assert (await receive())["type"] == "lifespan.startup"
    scope["state"]["shared"] = {"loop": id(asyncio.get_running_loop())}
    scope["state"]["count"] = 0
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    await send({"type": "lifespan.shutdown.complete"})


async def answer(send, body=b"", status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def plain(value):
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


@route
async def scope(scope, receive, send):
    shown = {key: plain(value) for key, value in scope.items()}
    shown["types"] = {key: type(value).__name__ for key, value in scope.items()}
    await answer(send, json.dumps(shown).encode())
    scope["extensions"]["mine"] = {}
    scope["asgi"]["mine"] = {}


@route
async def state(scope, receive, send):
    scope["state"]["count"] += 1
    here = {"loop": id(asyncio.get_running_loop()), **scope["state"]}
    await answer(send, json.dumps(here).encode())


@route
async def messages(scope, receive, send):
    """All messages up to the end of the body."""
    seen = []
    while True:
        message = await receive()
        seen.append(plain(message))
        if not message.get("more_body"):
            break
    await answer(send, json.dumps(seen).encode())


@route
async def echo(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        message = await receive()
        more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": more})
        if not more:
            return


@route
async def unread(scope, receive, send):
    await answer(send, b"early")


@route
async def after(scope, receive, send):
    """What comes after the response."""
    seen = [await receive()]
    waiting = asyncio.ensure_future(receive())
    await asyncio.sleep(0.05)
    seen.append({"done": waiting.done()})
    await answer(send, b"answered")
    seen += [await waiting, await receive()]
    TOLD["after"] = json.dumps(plain(seen))


@route
async def disconnect(scope, receive, send):
    """Waits for the client to go away, reading what it sends."""
    TOLD["disconnect"] = "begun"
    seen = []
    while not seen or seen[-1]["type"] != "http.disconnect":
        seen.append(await receive())
    seen.append(await receive())
    try:
        await send({"type": "http.response.start", "status": 200})
        raised = "nothing"
    except OSError as error:
        raised = type(error).__name__
        TOLD["disconnect"] = json.dumps({"seen": plain(seen), "raised": raised})
        raise


@route
async def cleanup(scope, receive, send):
    """Has a bug in what it does when the client is gone."""
    TOLD["cleanup"] = "begun"
    while (await receive())["type"] != "http.disconnect":
        pass
    try:
        await send({"type": "http.response.start", "status": 200})
    except OSError:
        raise KeyError("a bug in a cleanup")


@route
async def cancelled_receive(scope, receive, send):
    seen = b""
    more = True
    tries = 0
    while more:
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0.005)
        tries += 1
        # Cancelled at each stage: waiting, or just resolved.
        if tries % 2 and waiting.cancel():
            try:
                message = await waiting
            except asyncio.CancelledError:
                continue
        else:
            message = await waiting
        seen += message["body"]
        more = message["more_body"]
    await answer(send, seen)


@route
async def replaced(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-mine", b"1")]})
    raise ValueError("after start")


@route
async def broken(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"some", "more_body": True})
    await asyncio.sleep(0.05)
    raise ValueError("after body")


@route
async def returns(scope, receive, send):
    if scope["path"].endswith("/started"):
        await send({"type": "http.response.start", "status": 200})
    if scope["path"].endswith("/midway"):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        await asyncio.sleep(0.05)


@route
async def raises(scope, receive, send):
    raise ValueError("not before start")


@route
async def leaves(scope, receive, send):
    raise SystemExit(5)


@route
async def headers(scope, receive, send):
    kind = scope["path"].split("/")[2]
    given = {
        "none": None,
        "generator": ((name, b"1") for name in (b"X-One", b"x-two")),
        "lists": [[b"x-one", b"1"], [b"x-one", b"2"]],
        "te": [(b"transfer-encoding", b"gzip, chunked"), (b"x-one", b"1")],
        "crlf": [(b"x-one", b"a\r\nx-two: b")],
        "nul": [(b"x-one", b"a\0b")],
        "name": [(b"x one", b"1")],
        "str": [("x-one", "1")],
        "ours": [(b"date", b"then"), (b"server", b"mine")],
    }[kind]
    message = {"type": "http.response.start", "status": 200}
    if given is not None:
        message["headers"] = given
    try:
        await send(message)
    except (ValueError, TypeError) as error:
        return await answer(send, type(error).__name__.encode())
    await send({"type": "http.response.body", "body": b"ok"})


@route
async def lengths(scope, receive, send):
    kind = scope["path"].split("/")[2]
    length = {"long": b"4", "short": b"40", "right": b"10"}[kind]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": b"01234", "more_body": True})
    await send({"type": "http.response.body", "body": b"56789"})


@route
async def pieces(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": bytearray(b"one"), "more_body": True})
    await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": memoryview(b"-two"), "more_body": True})
    await send({"type": "http.response.body", "more_body": True})
    await send({"type": "http.response.body"})


@route
async def status(scope, receive, send):
    code = int(scope["path"].split("/")[2])
    headers = [(b"content-length", b"5")] if code != 200 else []
    await answer(send, b"12345", code, headers)


@route
async def order(scope, receive, send):
    seen = []

    async def attempt(message):
        try:
            await send(message)
            seen.append("ok")
        except RuntimeError:
            seen.append("RuntimeError")

    start = {"type": "http.response.start", "status": 200}
    await attempt({"type": "http.response.body", "body": b"x"})
    await attempt(start)
    await attempt(start)
    await attempt({"type": "http.response.body", "body": b"x"})
    await attempt({"type": "http.response.body", "body": b"x"})
    await attempt(start)
    await attempt({"type": "http.response.nonsense"})
    TOLD["order"] = " ".join(seen)


@route
async def flood(scope, receive, send):
    """More than any buffer holds; tells how far it got."""
    await send({"type": "http.response.start", "status": 200})
    total = 0
    TOLD["flood"] = "0"
    try:
        for _ in range(int(scope["path"].split("/")[2])):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            total += 65536
            TOLD["flood"] = str(total)
        await send({"type": "http.response.body"})
    except OSError:
        TOLD["flood"] = "OSError"
        raise


@route
async def slow(scope, receive, send):
    TOLD["slow"] = "begun"
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        TOLD["slow"] = "cancelled"
        raise
    await answer(send, b"late")


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
async def nothing(scope, receive, send):
    await answer(send, b"hello")


@route
async def apis(scope, receive, send):
    await answer(send, json.dumps({"path": scope["path"]}).encode())


async def expect_connect(receive):
    message = await receive()
    assert message == {"type": "websocket.connect"}, message


@route
async def ws_echo(scope, receive, send):
    await expect_connect(receive)
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        assert (message["text"] is None) != (message["bytes"] is None)
        await send({"type": "websocket.send", "text": message["text"], "bytes": message["bytes"]})
    TOLD["ws_echo"] = json.dumps([message, await receive()])
    try:
        await send({"type": "websocket.send", "text": "late"})
    except OSError as error:
        TOLD["ws_echo_late"] = type(error).__name__


@route
async def ws_scope(scope, receive, send):
    await expect_connect(receive)
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps({key: plain(value) for key, value in scope.items()})})
    await receive()


@route
async def ws_accept(scope, receive, send):
    await expect_connect(receive)
    try:
        await send({"type": "websocket.accept", "headers": [(b"sec-websocket-protocol", b"x")]})
    except ValueError:
        pass
    headers = [(b"x-one", b"1"), (b"set-cookie", b"a=b"), (b"set-cookie", b"c=d")]
    await send({"type": "websocket.accept", "subprotocol": "two", "headers": headers})
    await receive()


@route
async def ws_refuse(scope, receive, send):
    await expect_connect(receive)
    kind = scope["path"].split("/")[2]
    if kind == "late":
        TOLD["ws_late"] = "deciding"
        await asyncio.sleep(0.1)
    if kind in ("close", "late"):
        await send({"type": "websocket.close"})
        TOLD["ws_refuse"] = json.dumps(await receive())
    if kind == "raise":
        raise ValueError("before accept")
    if kind == "deny":
        start = {"type": "websocket.http.response.start", "status": 418, "headers": [(b"x-one", b"1")]}
        await send(start)
        await send({"type": "websocket.http.response.body", "body": b"no ", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"tea"})
        try:
            await send({"type": "websocket.accept"})
        except Exception as error:
            TOLD["ws_deny"] = type(error).__name__


@route
async def ws_close(scope, receive, send):
    await expect_connect(receive)
    kind = scope["path"].split("/")[2]
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "bytes": b"last"})
    if kind == "default":
        await send({"type": "websocket.close"})
    if kind == "code":
        await send({"type": "websocket.close", "code": 4001, "reason": "for r\u00fcsons"})
        TOLD["ws_close"] = json.dumps(await receive())
        try:
            await send({"type": "websocket.send", "text": "late"})
        except OSError as error:
            TOLD["ws_close_late"] = type(error).__name__
    if kind == "raise":
        raise ValueError("after accept")


@route
async def ws_flood(scope, receive, send):
    await expect_connect(receive)
    await send({"type": "websocket.accept"})
    for number in range(400):
        await send({"type": "websocket.send", "bytes": os.urandom(65536)})
        TOLD["ws_flood"] = str(number)
    await send({"type": "websocket.close"})


@route
async def ws_slow(scope, receive, send):
    """Reads only when it is told to."""
    await expect_connect(receive)
    await send({"type": "websocket.accept"})
    while TOLD.get("ws_go") != "go":
        await asyncio.sleep(0.01)
    count = 0
    while (message := await receive())["type"] == "websocket.receive" and message["text"] != "end":
        count += 1
    await send({"type": "websocket.send", "text": str(count)})
    await receive()


@route
async def ws_go(scope, receive, send):
    TOLD["ws_go"] = "go"
    await answer(send)


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
    threading.Timer(0.05, loop.call_soon_threadsafe, (future.set_result, "woken")).start()
    began = loop.time()
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
