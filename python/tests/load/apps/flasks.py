"""The same of a Flask application."""

import os
import time

from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def hello():
    return {"message": "Hello World"}


@app.get("/slow")
def slow():
    time.sleep(0.005)
    return {"message": "at last"}


@app.get("/pid")
def pid():
    return str(os.getpid())


@app.get("/large")
def large():
    return "x" * 20_000


@app.get("/stream")
def stream():
    return app.response_class("x" * 1000 for _ in range(5))


@app.post("/echo")
def echo():
    return request.get_data(as_text=True)
