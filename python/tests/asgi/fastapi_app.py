"""A FastAPI application with a bit of everything."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import BackgroundTasks, FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, StreamingResponse

done: list[str] = []


@asynccontextmanager
async def lifespan(app):
    yield {"name": "from the lifespan"}


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def root(request: Request):
    return {"message": "Hello World", "state": request.state.name}


@app.get("/sync")
def sync():
    return {"done": done}




@app.get("/file")
async def file():
    return FileResponse(Path(__file__))


@app.get("/stream")
async def stream(tasks: BackgroundTasks):
    async def pieces():
        for number in range(5):
            await asyncio.sleep(0.001)
            yield f"{number} "

    tasks.add_task(done.append, "background")
    return StreamingResponse(pieces(), background=tasks)


@app.middleware("http")
async def between(request: Request, call_next):
    return await call_next(request)


@app.get("/events")
async def events():
    async def pieces():
        try:
            yield "first "
            await asyncio.sleep(60)
        finally:
            done.append("events left")

    return StreamingResponse(pieces())


@app.get("/endless")
async def endless(request: Request):
    async def pieces():
        try:
            while True:
                await asyncio.sleep(0.01)
                yield "tick "
        finally:
            done.append("left")

    return StreamingResponse(pieces())


@app.websocket("/ws")
async def ws(socket: WebSocket):
    await socket.accept()
    try:
        while True:
            await socket.send_json({"echo": await socket.receive_json()})
    except WebSocketDisconnect as error:
        done.append(f"disconnect {error.code}")
