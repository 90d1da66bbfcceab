"""An application that is a client itself: of a database, and of another server."""

from __future__ import annotations

import asyncio
import json
import os

import httpx
import redis.asyncio
from asgi_cases import answer


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    case = {"/echo": echo, "/httpx": over_http, "/redis": in_redis, "/news": news, "/loop": loop}[scope["path"]]
    await case(scope, receive, send)


async def lifespan(scope, receive, send):
    """Clients live as long as the application, as they mostly do."""
    await receive()
    async with httpx.AsyncClient(timeout=10) as client:
        pool = redis.asyncio.ConnectionPool.from_url(os.environ.get("REDIS_URL", "redis://localhost"), max_connections=16)
        scope["state"]["http"] = client
        scope["state"]["redis"] = redis.asyncio.Redis(connection_pool=pool)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await pool.disconnect()
    await send({"type": "lifespan.shutdown.complete"})


async def loop(scope, receive, send):
    await answer(send, type(asyncio.get_running_loop()).__module__.encode())


async def echo(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    more = True
    while more:
        message = await receive()
        more = message["more_body"]
        await send({"type": "http.response.body", "body": message["body"], "more_body": more})


async def over_http(scope, receive, send):
    """Bodies both ways, in pieces, by many at once; and a client that loses its patience."""
    client = scope["state"]["http"]
    url = f"http://127.0.0.1:{scope['server'][1]}/echo"

    async def pieces(body: bytes):
        for at in range(0, len(body), 10_000):
            yield body[at : at + 10_000]
            await asyncio.sleep(0)

    async def once(number: int) -> bool:
        body = bytes([number]) * 200_000
        async with client.stream("POST", url, content=pieces(body)) as response:
            return b"".join([piece async for piece in response.aiter_bytes()]) == body

    same = await asyncio.gather(*(once(number) for number in range(20)))

    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    try:
        await client.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", timeout=0.05)
        late = "answered"
    except httpx.ReadTimeout:
        late = "ReadTimeout"
    server.close()
    await answer(send, json.dumps([all(same), late]).encode())


async def in_redis(scope, receive, send):
    """Many connections of a pool, pipelines, a value that does not fit into a socket's buffers, and a wait."""
    client = scope["state"]["redis"]
    await client.delete("counter", "list")

    async def count(_) -> None:
        for _ in range(20):
            await client.incr("counter")

    await asyncio.gather(*map(count, range(16)))
    async with client.pipeline() as pipeline:
        for number in range(100):
            pipeline.set(f"key{number}", number)
        await pipeline.execute()
    values = await client.mget([f"key{number}" for number in range(100)])
    large = os.urandom(4 << 20)
    await client.set("large", large)
    waiting = asyncio.ensure_future(client.blpop("list", timeout=10))
    await asyncio.sleep(0.05)
    await client.rpush("list", "waited for")
    told = {
        "counter": int(await client.get("counter")),
        "sum": sum(map(int, values)),
        "large": await client.get("large") == large,
        "popped": (await waiting)[1].decode(),
    }
    await answer(send, json.dumps(told).encode())


async def news(scope, receive, send):
    """What is published goes on to the client as it comes."""
    client = scope["state"]["redis"]
    async with client.pubsub() as listener:
        await listener.subscribe("news")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        publishing = asyncio.ensure_future(publish(client))
        seen = 0
        async for message in listener.listen():
            if message["type"] == "message":
                seen += 1
                await send({"type": "http.response.body", "body": message["data"] + b"\n", "more_body": seen < 5})
            if seen == 5:
                break
        await publishing


async def publish(client) -> None:
    for number in range(5):
        await client.publish("news", f"number {number}")
        await asyncio.sleep(0.01)
