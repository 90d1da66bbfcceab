"""What the load asks of a FastAPI application: short answers, some that take a while, a larger body, a streamed one."""

import asyncio
import os

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse

app = FastAPI()


@app.get("/")
async def hello():
    return {"message": "Hello World"}


@app.get("/slow")
async def slow():
    await asyncio.sleep(0.02)
    return {"message": "at last"}


@app.get("/pid", response_class=PlainTextResponse)
def pid():
    return str(os.getpid())


@app.get("/large", response_class=PlainTextResponse)
async def large():
    return "x" * 20_000


@app.get("/stream")
async def stream():
    async def blocks():
        for _ in range(5):
            yield "x" * 1000
            await asyncio.sleep(0.001)

    return StreamingResponse(blocks())


@app.post("/echo", response_class=PlainTextResponse)
async def echo(request: Request):
    return (await request.body()).decode()
