"""Exceptions as operators read them."""

from __future__ import annotations

import os
import traceback as tracebacks
from types import TracebackType

#: The report to the arbiter goes through a pipe; a longer text loses its middle.
LONGEST = 24_000

_HERE = os.path.dirname(__file__)


def traceback(error: BaseException) -> str:
    """As Python prints it, without the frames through which rustcorn came to the application."""
    text = "".join(tracebacks.format_exception(type(error), error, _application_part(error.__traceback__)))
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n  [...]\n{text[-LONGEST // 2 :]}"
    return text


def said(error: BaseException) -> str:
    """What it is, without a traceback."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def described(error: BaseException) -> str:
    """What it is in one line, and the traceback below."""
    return summarised(traceback(error))


def summarised(text: str) -> str:
    """A traceback that somebody has made a text of: what it is in one line, and itself below."""
    text = text.rstrip()
    last = text.rpartition("\n")[2]
    return text if last == text or last.startswith(" ") else f"{last}\n{text}"


def _application_part(tb: TracebackType | None) -> TracebackType | None:
    first = last = tb
    while tb is not None and _is_ours(tb.tb_frame.f_code.co_filename):
        last, tb = tb, tb.tb_next
    if tb is None and last is not None and os.path.dirname(last.tb_frame.f_code.co_filename) == _HERE:
        # The failure is ours, and its place worth knowing.
        return first
    return tb


def _is_ours(file: str) -> bool:
    return (
        os.path.dirname(file) == _HERE
        or file.startswith("<frozen importlib")
        or file.endswith(os.path.join("importlib", "__init__.py"))
    )
