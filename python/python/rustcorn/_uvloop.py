"""An ASGI worker on uvloop: its loop watches tokio's, and turns it when there is something to do.

The application's own timers are uvloop's; the worker's ring late by `late` at most.
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
