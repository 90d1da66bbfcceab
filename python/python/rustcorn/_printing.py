"""What an application prints: lines of the operator log, so that they have a time and the worker's pid.

Only whole lines that `print` writes without being told where, and the tracebacks that the module traceback prints in the
same way. What is written to `sys.stdout` and `sys.stderr` themselves stays as it is: lines of loggers and of tools that
have a form of their own; and so does everything once somebody has put another stream, or another file, in their place.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import io
import logging
import os
import sys
import threading
import traceback
from typing import Any

from . import _rustcorn

#: More bytes are not written in one piece to a pipe, and could be cut.
LONGEST = 3800

_print = builtins.print
# What print_exc and all others of the module come to.
_print_exception = traceback.print_exception
_arguments = inspect.signature(_print_exception)

#: The files behind the descriptors that the process began with, by their numbers.
_files: dict[int, tuple[int, int]] = {}


class _Begun(threading.local):
    """Whether this thread has printed the beginning of a line."""

    is_open = False


_begun = _Begun()


def enter_worker(level: int) -> None:
    """From now on. What is below the operator's level would be lost, and stays where it is."""
    for number in (1, 2):
        if (file := _file(number)) is not None:
            _files[number] = file
    if level <= logging.INFO:
        builtins.print = _to_log
    if level <= logging.ERROR:
        traceback.print_exception = _traceback_to_log


def _file(number: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(number)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_as_it_was(stream: Any, own: Any, number: int) -> bool:
    return stream is own and number in _files and _file(number) == _files[number]


@functools.wraps(builtins.print)
def _to_log(*values: Any, sep: Any = None, end: Any = None, file: Any = None, flush: Any = False) -> None:
    if file is None and end is None and not _begun.is_open and _is_as_it_was(sys.stdout, sys.__stdout__, 1):
        if sep is None or isinstance(sep, str):
            text = (" " if sep is None else sep).join(map(str, values))
            if len(text.encode("utf-8", "replace")) <= LONGEST:
                _tell(logging.INFO, text)
                return
            values = (text,)
    _print(*values, sep=sep, end=end, file=file, flush=flush)
    if file is None:
        # Whoever writes a line in pieces has all of them in one place.
        _begun.is_open = end is not None and not str(end).endswith("\n")


@functools.wraps(traceback.print_exception)
def _traceback_to_log(*args: Any, **kwargs: Any) -> None:
    call = _arguments.bind(*args, **kwargs)
    if call.arguments.get("file") is not None or not _is_as_it_was(sys.stderr, sys.__stderr__, 2):
        _print_exception(*args, **kwargs)
        return
    call.arguments["file"] = text = io.StringIO()
    _print_exception(*call.args, **call.kwargs)
    _tell(logging.ERROR, text.getvalue())


def _tell(level: int, text: str) -> None:
    # An empty line parts nothing from anything in a log.
    if text.strip():
        _rustcorn.say(level, text.rstrip("\n"))
