"""FastAPI's first example, and one that waits as for a database."""

import asyncio

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def root():
    return {"message": "Hello World"}


@app.get("/wait")
async def wait():
    await asyncio.sleep(0.01)
    return {"message": "Hello World"}
