"""An ASGI worker on uvloop: its loop watches tokio's, and turns it when there is something to do.

Tokio does not tell when its next timer rings, so its loop is turned now and then as well: a millisecond after it had something
to do, and ever less often while it has not. A timer of the worker's rings late by as much as it takes, and by `late` at most.
The application's own timers are uvloop's.
"""

from typing import Any

import uvloop

from ._loop import SharedSignals, settle

# After tokio had something to do.
_SOON = 0.001


class Loop(SharedSignals, uvloop.Loop):
    """uvloop's loop; signals are shared with the worker."""


class _Turns:
    """When tokio's loop is turned."""

    def __init__(self, loop: Loop, native: Any, late: float) -> None:
        self._loop = loop
        self._native = native
        self._late = late
        self._was_called = False
        self._pause = _SOON
        self._timer = loop.call_later(_SOON, self._look)
        loop.add_reader(native.fileno(), self._called)

    def _called(self) -> None:
        """There is something to do."""
        self._was_called = True
        if self._pause > _SOON:
            self._pause = _SOON
            self._timer.cancel()
            self._timer = self._loop.call_later(_SOON, self._look)
        self._turn()

    def _look(self) -> None:
        """Perhaps a timer has to ring."""
        self._pause = _SOON if self._was_called else min(2 * self._pause, self._late)
        self._was_called = False
        self._timer = self._loop.call_later(self._pause, self._look)
        self._turn()

    def _turn(self) -> None:
        try:
            self._native.turn()
        except BaseException as error:
            # Here it would end our being called; as of any other callback, the loop makes of it what it should.
            self._loop.call_soon(_throw, error)


def _throw(error: BaseException) -> None:
    raise error


def make(native: Any, late: float) -> Loop:
    """The loop of this thread from now on."""
    loop = Loop()
    settle(loop)
    _Turns(loop, native, late)
    return loop
