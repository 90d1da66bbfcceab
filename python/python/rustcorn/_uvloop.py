"""An ASGI worker on uvloop: its loop watches tokio's, and turns it when there is something to do.

A timer of the worker's rings late by as much as `late`; the application's own timers are uvloop's.
"""

from typing import Any

import uvloop

from ._loop import SharedSignals, settle


class Loop(SharedSignals, uvloop.Loop):
    """uvloop's loop; signals are shared with the worker."""


def _throw(error: BaseException) -> None:
    raise error


def make(native: Any, late: float) -> Loop:
    """The loop of this thread from now on."""
    loop = Loop()
    settle(loop)
    native.begin(loop, late, _throw)
    return loop
