"""What an application prints: lines of the operator log, so that they have a time and the worker's pid.

Only what `print` writes without being told where, and the tracebacks that the module traceback prints in the same way. What
is written to `sys.stdout` and `sys.stderr` themselves stays as it is: lines of loggers and of tools that have a form of
their own.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import io
import logging
import sys
import threading
import traceback
from typing import Any

from . import _rustcorn

#: A line that never ends is written in pieces.
LONGEST = 64 * 1024

_print = builtins.print
# What print_exc and all others of the module come to.
_print_exception = traceback.print_exception
_arguments = inspect.signature(_print_exception)

#: The streams that the process began with: an application may put its own in their place.
_stdout: Any = None
_stderr: Any = None


class _Begun(threading.local):
    """The line that a thread has not ended yet."""

    text = ""


_begun = _Begun()


def enter_worker() -> None:
    """From now on."""
    global _stdout, _stderr
    _stdout, _stderr = sys.stdout, sys.stderr
    builtins.print = _to_log
    traceback.print_exception = _traceback_to_log


def leave_worker() -> None:
    """What this thread has begun is all that there will be."""
    text, _begun.text = _begun.text, ""
    _tell(logging.INFO, text)


@functools.wraps(builtins.print)
def _to_log(*values: Any, sep: Any = None, end: Any = None, file: Any = None, flush: Any = False) -> None:
    is_told_where = file is not None or sys.stdout is not _stdout
    if is_told_where or not all(it is None or isinstance(it, str) for it in (sep, end)):
        _print(*values, sep=sep, end=end, file=file, flush=flush)
        return
    text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
    ended, feed, begun = (_begun.text + text).rpartition("\n")
    if len(begun) > LONGEST:
        ended, begun = ended + feed + begun, ""
    _begun.text = begun
    _tell(logging.INFO, ended)


@functools.wraps(traceback.print_exception)
def _traceback_to_log(*args: Any, **kwargs: Any) -> None:
    call = _arguments.bind(*args, **kwargs)
    if call.arguments.get("file") is not None or sys.stderr is not _stderr:
        _print_exception(*args, **kwargs)
        return
    call.arguments["file"] = text = io.StringIO()
    _print_exception(*call.args, **call.kwargs)
    _tell(logging.ERROR, text.getvalue())


def _tell(level: int, text: str) -> None:
    # An empty line parts nothing from anything in a log.
    if text.strip():
        _rustcorn.log(level, text.rstrip("\n"))
