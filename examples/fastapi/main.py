"""A list of things to do with FastAPI: JSON, a lifespan, a streamed answer and a WebSocket.

    pip install fastapi                                     # beside rustcorn
    rustcorn main:app --workers 2 --bind 127.0.0.1:8000     # in this directory
    curl -X POST -H 'content-type: application/json' -d '{"title":"water the plants"}' http://127.0.0.1:8000/todos
    curl http://127.0.0.1:8000/todos

The list is in SQLite (`todo.sqlite`, or where `TODO_FILE` says), so all workers see it, and a reload keeps it.
"""

import asyncio
import os
import sqlite3
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Todo(BaseModel):
    title: str


@asynccontextmanager
async def lifespan(app: FastAPI):
    """Runs in each worker: before its first request, and after its last."""
    database = sqlite3.connect(os.environ.get("TODO_FILE", "todo.sqlite"), check_same_thread=False)
    database.execute("CREATE TABLE IF NOT EXISTS todos (id INTEGER PRIMARY KEY, title TEXT NOT NULL)")
    yield {"database": database}
    database.close()


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def root():
    return {"message": "Hello World"}


@app.get("/todos")
async def todos(request: Request):
    rows = request.state.database.execute("SELECT id, title FROM todos ORDER BY id")
    return [{"id": number, "title": title} for number, title in rows]


@app.post("/todos", status_code=201)
async def add(todo: Todo, request: Request):
    with request.state.database as database:
        number = database.execute("INSERT INTO todos (title) VALUES (?)", (todo.title,)).lastrowid
    return {"id": number, "title": todo.title}


@app.delete("/todos/{number}", status_code=204)
async def done(number: int, request: Request):
    with request.state.database as database:
        if not database.execute("DELETE FROM todos WHERE id = ?", (number,)).rowcount:
            raise HTTPException(404, "no such thing to do")


@app.get("/countdown")
async def countdown():
    """A streamed answer: each line leaves when it is made."""

    async def lines():
        for number in range(5, 0, -1):
            yield f"{number}\n"
            await asyncio.sleep(0.2)

    return StreamingResponse(lines(), media_type="text/plain")


@app.websocket("/echo")
async def echo(websocket: WebSocket):
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass
