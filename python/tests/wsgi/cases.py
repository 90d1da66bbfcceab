"""One WSGI application with a path for each case that the tests look at."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
import time
import weakref

from file_cases import case_file, case_gzip  # noqa: F401
from hint_cases import case_hints, case_wrong_hints  # noqa: F401
from kit import KEPT, OPEN, SEEN, TEXT, Closing, Sized, seen


def app(environ, start_response):
    path = environ["PATH_INFO"]
    name = "case_" + path.strip("/").split("/")[0]
    return globals()[name](environ, start_response)


def case_(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"Hello, World!"]


def case_environ(environ, start_response):
    assert type(environ) is dict
    start_response("200 OK", TEXT)
    lines = [f"{key}={value!r}" for key, value in sorted(environ.items())]
    for key, value in environ.items():
        if not key.startswith("wsgi."):
            assert type(value) is str, key
            value.encode("latin-1")
    environ["mine"] = 1
    return ["\n".join(lines).encode()]


def case_forgotten(environ, start_response):
    """/forgotten fails and says so; /forgotten/seen tells whether the error of before is still there."""
    if environ["PATH_INFO"].endswith("/seen"):
        start_response("200 OK", TEXT)
        return [str(KEPT.pop()() is not None).encode()]
    try:
        raise Forgotten
    except Forgotten as error:
        KEPT.append(weakref.ref(error))
        start_response("500 Oops", TEXT, sys.exc_info())
    return [b"failed"]


class Forgotten(Exception):
    pass


def case_fork(environ, start_response):
    """A pool of forked processes, which ends by TERM."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        lengths = pool.map(len, ["a", "bb"])
    start_response("200 OK", TEXT)
    return [str(lengths).encode()]


def case_seen(environ, start_response):
    start_response("200 OK", TEXT)
    return [str(SEEN.get(environ["QUERY_STRING"], 0)).encode()]


def case_late_start(environ, start_response):
    start_response("201 Late", TEXT)
    yield b"late"


def case_never_starts(environ, start_response):
    return [b"what for"]


def case_write(environ, start_response):
    write = start_response("200 OK", TEXT)
    write(b"first ")
    write(b"")
    write(b"second ")
    return [b"third"]


def case_write_only(environ, start_response):
    write = start_response("200 OK", [*TEXT, ("Content-Length", "8")])
    write(b"all ")
    write(b"here")
    return []


def case_empty_blocks(environ, start_response):
    def blocks():
        yield b""
        yield b""
        # Nothing was sent, so this is allowed.
        try:
            raise ValueError("changed")
        except ValueError:
            start_response("503 Changed", TEXT, sys.exc_info())
        yield b""
        yield b"changed"
        yield b""

    start_response("200 OK", TEXT)
    return blocks()


def case_replaced(environ, start_response):
    start_response("200 OK", [("X-Old", "1")])
    try:
        raise ValueError("replaced")
    except ValueError:
        start_response("500 Oops", TEXT, sys.exc_info())
    return [b"replaced"]


def case_replaced_late(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"some"
    try:
        raise KeyError("the original")
    except KeyError:
        try:
            start_response("500 Oops", TEXT, sys.exc_info())
        except KeyError as error:
            assert error.args == ("the original",)
            assert error.__traceback__ is not None
            seen("reraised")
            raise
    yield b"never"


def case_twice(environ, start_response):
    start_response("200 OK", TEXT)
    start_response("200 OK", TEXT)
    return [b"never"]


def case_status(environ, start_response):
    """The query says what is wrong."""
    kind = environ["QUERY_STRING"]
    status = {
        "bytes": b"200 OK",
        "short": "20 OK",
        "no_reason": "200",
        "letters": "2x0 OK",
        "newline": "200 OK\r\nX: y",
        "interim": "100 Continue",
        "own": "299 Perfectly Fine",
        "teapot": "404 Nothing Here",
        "latin": "200 Gr\xfc\xdfe",
    }[kind]
    start_response(status, TEXT)
    return [b"answered"]


def case_header(environ, start_response):
    kind = environ["QUERY_STRING"]
    headers = {
        "tuple": (("X-A", "b"),),
        "pair": [["X-A", "b"]],
        "bytes": [("X-A", b"b")],
        "connection": [("Connection", "close")],
        "te": [("Transfer-Encoding", "chunked")],
        "upgrade": [("Upgrade", "h2c")],
        "crlf": [("X-A", "a\r\nX-B: b")],
        "newline": [("X-A", "a\nb")],
        "name": [("X A", "b")],
        "latin": [("X-A", "\xe9\xff"), ("X-A", "again"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")],
        "wide": [("X-A", "\u20ac")],
        "length": [("Content-Length", "many")],
    }[kind]
    start_response("200 OK", headers)
    return [b"answered"]


def case_close(environ, start_response):
    """/close/HOW/NAME"""
    _, how, name = environ["PATH_INFO"].strip("/").split("/")

    def fails():
        yield b"some"
        raise RuntimeError("in the middle")

    def fails_first():
        raise RuntimeError("at once")
        yield b""

    if how == "unstarted":
        return Closing(name, [b"x"])
    start_response("200 OK", TEXT)
    if how == "normal":
        return Closing(name, [b"a", b"b"])
    if how == "fails":
        return Closing(name, fails())
    if how == "fails_first":
        return Closing(name, fails_first())
    if how == "str":
        return Closing(name, ["text"])
    if how == "endless":
        return Closing(name, iter(lambda: b"x" * 65536, None))
    if how == "bad_close":

        class Bad(Closing):
            def close(self):
                super().close()
                raise RuntimeError("close fails")

        return Bad(name, [b"fine"])
    raise AssertionError(how)


def case_sized(environ, start_response):
    start_response("200 OK", TEXT)
    return Sized("sized", [b"exactly this"], 1)


def case_long(environ, start_response):
    start_response("200 OK", [*TEXT, ("Content-Length", "5")])

    def blocks():
        for piece in (b"abc", b"defg", b"never", b"never"):
            seen("long")
            yield piece

    return Closing("long_closed", blocks()) if environ["QUERY_STRING"] == "iter" else [b"abcdefg"]


def case_short(environ, start_response):
    start_response("200 OK", [*TEXT, ("Content-Length", "50")])
    return [b"short"] if environ["QUERY_STRING"] == "list" else iter([b"sho", b"rt"])


def case_str(environ, start_response):
    start_response("200 OK", TEXT)
    return ["text"]


def case_wait(environ, start_response):
    """Yields, waits until /open is asked for the same name (threads only), yields again."""
    name = environ["QUERY_STRING"]
    start_response("200 OK", TEXT)
    yield b"first"
    OPEN.setdefault(name, threading.Event()).wait(20)
    yield b"second"


def case_open(environ, start_response):
    OPEN.setdefault(environ["QUERY_STRING"], threading.Event()).set()
    start_response("200 OK", TEXT)
    return [b""]


def case_slow(environ, start_response):
    """Yields, sleeps, yields: what was yielded is seen at once."""
    start_response("200 OK", TEXT)
    for number in range(3):
        yield f"{time.monotonic()}".encode()
        time.sleep(0.3)


def case_read(environ, start_response):
    """Reads as the query says, and tells what each call gave."""
    stream = environ["wsgi.input"]
    results = []
    for step in environ["QUERY_STRING"].split(","):
        call, _, argument = step.partition(":")
        arguments = [] if not argument else [None if argument == "None" else int(argument)]
        if call == "iter":
            results.append(list(stream))
        elif call == "next":
            results.append(next(stream))
        else:
            results.append(getattr(stream, call)(*arguments))
    start_response("200 OK", TEXT)
    return [repr(results).encode()]


def case_echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [*TEXT, ("X-Length", environ.get("CONTENT_LENGTH", "none"))])
    return [body]


def case_stream_echo(environ, start_response):
    start_response("200 OK", TEXT)
    while piece := environ["wsgi.input"].readline():
        yield piece


def case_ignore(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"ignored"]


def case_abort(environ, start_response):
    """Reads a body whose client goes away."""
    try:
        environ["wsgi.input"].read()
        seen("abort_eof")
    except OSError as error:
        seen("abort_" + type(error).__name__)
        raise
    start_response("200 OK", TEXT)
    return [b""]


def case_gone(environ, start_response):
    """Writes until the client is gone."""
    write = start_response("200 OK", TEXT)
    try:
        while True:
            write(b"x" * 65536)
    except OSError as error:
        seen("gone_" + type(error).__name__)
        raise


def case_errors(environ, start_response):
    errors = environ["wsgi.errors"]
    errors.write("one line for the log\n")
    errors.writelines(["and ", "another\n"])
    print("printed to errors", file=errors)
    errors.write("the file \udc80 is not there\n")
    errors.write("without an end")
    errors.flush()

    def lines():
        yield "the first of two\n"
        errors.write("one that comes between\n")
        yield "the second of two\n"

    errors.writelines(lines())
    start_response("200 OK", TEXT)
    return [b""]


def case_too_late(environ, start_response):
    start_response("200 OK", [*TEXT, ("Content-Length", "4")])
    yield b"some"
    raise RuntimeError("when all was said")


class Collecting(Closing):
    """Once it is closed, the next dictionary that is made runs the collector, which lets other threads in."""

    def close(self):
        gc.disable()
        if not KEPT:
            gc.set_threshold(1)
            gc.callbacks.append(lambda *_: time.sleep(0.01))
        # The interpreter keeps some for the next who wants one, which would be no news to the collector.
        KEPT.append([{} for _ in range(100)])
        gc.enable()


def case_collect(environ, start_response):
    start_response("200 OK", [*TEXT, ("Content-Length", "4")])
    return Collecting("collecting", [b"done"])


def case_count(environ, start_response):
    """Reads the body in pieces and tells how long it was."""
    print("it counts", file=environ["wsgi.errors"])
    total = 0
    while piece := environ["wsgi.input"].read(1 << 20):
        total += len(piece)
    start_response("200 OK", TEXT)
    return [str(total).encode()]


def case_cleans_up(environ, start_response):
    """The response is complete, and only then the work begins that the query says the time of."""

    class Cleaning(Closing):
        def close(self):
            time.sleep(float(environ["QUERY_STRING"]))
            print("it has cleaned up", file=environ["wsgi.errors"])

    start_response("200 OK", [*TEXT, ("Content-Length", "4")])
    return Cleaning("cleaned", [b"done"])


def case_crash(environ, start_response):
    raise RuntimeError("a crash with this text")


def case_exit(environ, start_response):
    sys.exit(3)


def case_pid(environ, start_response):
    start_response("200 OK", TEXT)
    return [str(os.getpid()).encode()]


def case_sleep(environ, start_response):
    time.sleep(float(environ["QUERY_STRING"]))
    start_response("200 OK", TEXT)
    return [str(os.getpid()).encode()]
