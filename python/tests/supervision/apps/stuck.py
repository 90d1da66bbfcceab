"""Requests that never end, each in another way."""

import re
import threading
import time


def sleeping():
    time.sleep(60)


def computing():
    number = 0
    while True:
        number += 1


def keeping_the_lock():
    # A call into C that does not give the interpreter's lock away.
    re.match("(a+)+$", "a" * 60 + "b")


WAYS = {"/sleep": sleeping, "/compute": computing, "/lock": keeping_the_lock}


def waiting_thread():
    threading.Event().wait()


async def app(scope, receive, send):
    assert scope["type"] == "http"
    if scope["path"] == "/thread":
        threading.Thread(target=waiting_thread, daemon=True).start()
        time.sleep(60)
    WAYS[scope["path"]]()


def application(environ, start_response):
    WAYS[environ["PATH_INFO"]]()
