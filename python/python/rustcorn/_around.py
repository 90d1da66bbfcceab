"""Around what runs in the arbiter and is not rustcorn's, a settings file and its hooks: what it leaves behind."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator

from . import _rustcorn

#: A hook of the arbiter's that takes more seconds is told of: as in Gunicorn, nothing is supervised meanwhile.
LONG = 1.0

#: What a number stands for: its device, and its number there.
Identity = tuple[int, int]

#: Descriptors that were opened, which workers keep.
_opened: dict[int, Identity] = {}


def kept() -> list[int]:
    """Those that still stand for the same: a number that was closed since may be the arbiter's own by now."""
    return [fd for fd, identity in _opened.items() if _identity(fd) == identity]


@contextlib.contextmanager
def keeping() -> Iterator[None]:
    """What is opened meanwhile, and not closed again, stays open in workers."""
    before = _descriptors()
    try:
        yield
    finally:
        _opened.update(_descriptors().items() - before.items())


@contextlib.contextmanager
def hook(name: str, advice: str | None) -> Iterator[None]:
    """The same for a hook; threads that it starts are told, and that it takes long, if there is advice about that."""
    threads, begun = set(threading.enumerate()), time.monotonic()
    try:
        with keeping():
            yield
    finally:
        took = time.monotonic() - begun
        if advice is not None and took > LONG:
            text = f"The hook {name} took {took:.1f} s: it runs in the arbiter, which did nothing else meanwhile; {advice}"
            _rustcorn.log(logging.WARNING, text)
        started = [thread.name for thread in threading.enumerate() if thread not in threads]
        if started:
            text = f"The hook {name} has started threads ({', '.join(started)}): they run here, and no worker has them"
            _rustcorn.log(logging.INFO, text)


def _descriptors() -> dict[int, Identity]:
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        return {}
    # The folder itself is closed again by now.
    return {fd: identity for fd in numbers if (identity := _identity(fd)) is not None}


def _identity(fd: int) -> Identity | None:
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino
