"""The parts of the ASGI server that are better said in Python."""

import asyncio
import signal
import traceback
from typing import Any, Callable, Optional

from ._errors import summarised

# All of 2.5 is here. But from 2.4 on Starlette no longer listens for disconnects while it streams: a response that waits
# for an event would go on for nobody until it has something to send. Servers that are widely used say 2.3.
VERSIONS = {"version": "3.0", "spec_version": "2.3"}
SOCKET_VERSIONS = {"version": "3.0", "spec_version": "2.5"}
EXTENSIONS: dict = {"http.response.pathsend": {}, "http.response.zerocopysend": {}}
SOCKET_EXTENSIONS: dict = {"websocket.http.response": {}}

# A task that has said that it is done gets so long to return.
_LAST_WORDS = 0.25


async def serve(app, scope, receive, send, done):
    """A WebSocket, as a task; `done` hears how it ended."""
    try:
        await app(scope, receive, send)
    except BaseException as error:
        done(error)
    else:
        done(None)


async def hold(awaitable):
    """For applications that are no coroutine functions."""
    await awaitable


# What frameworks raise when their client is gone (Starlette).
_DISCONNECTS = {"ClientDisconnect", "ClientDisconnected", "WebSocketDisconnect"}


def is_disconnect(error: Optional[BaseException], depth: int = 8) -> bool:
    """Whether this is only about a client that is gone, or that and the cancellation that follows."""
    if error is None or not depth:
        return False
    if isinstance(error, asyncio.CancelledError) or type(error).__name__ in _DISCONNECTS:
        return True
    members = getattr(error, "exceptions", None)
    if isinstance(members, (list, tuple)) and members:
        return all(is_disconnect(member, depth - 1) for member in members)
    # Only what it is said to come from: a bug in a cleanup has the disconnect for its context as well.
    return is_disconnect(error.__cause__, depth - 1)


def is_of_a_signal(error: BaseException) -> bool:
    """Whether a handler of signals has raised it: that runs in the middle of whatever runs."""
    handlers = (signal.getsignal(number) for number in signal.valid_signals())
    codes = {getattr(getattr(handler, "func", handler), "__code__", None) for handler in handlers} - {None}
    return any(frame.f_code in codes for frame, _ in traceback.walk_tb(error.__traceback__))


class Lifespan:
    """The application's start and end, in one task for the whole life of the worker."""

    def __init__(self, app: Callable) -> None:
        self.state: dict = {}
        self._app = app
        self._messages: asyncio.Queue = asyncio.Queue()
        self._error: Optional[BaseException] = None

    async def _receive(self) -> dict:
        return await self._messages.get()

    async def _send(self, message: dict) -> None:
        kind = message["type"]
        if kind.startswith("lifespan.startup.") and not self._started.done():
            answered = self._started
        elif kind.startswith("lifespan.shutdown.") and self._started.done() and not self._stopped.done():
            answered = self._stopped
        else:
            raise RuntimeError(f"{kind} is not expected now")
        if kind.endswith(".complete"):
            answered.set_result(None)
        elif kind.endswith(".failed"):
            answered.set_result(str(message.get("message") or "it gives no reason"))
        else:
            raise RuntimeError(f"{kind} is no message of a lifespan")

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._receive, self._send)
        except BaseException as error:
            self._error = error

    def _what_was_raised(self) -> str:
        if self._error is None:
            return "it returned"
        lines = traceback.format_exception(type(self._error), self._error, self._error.__traceback__)
        return lines[-1] + "".join(lines).rstrip()

    async def startup(self, timeout: Optional[float]) -> tuple:
        """What came of it: complete, unsupported, failed or timeout; and the words for it."""
        loop = asyncio.get_running_loop()
        self._started: asyncio.Future = loop.create_future()
        self._stopped: asyncio.Future = loop.create_future()
        self._messages.put_nowait({"type": "lifespan.startup"})
        self._task = loop.create_task(self._run(), name="lifespan")
        await asyncio.wait({self._task, self._started}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if self._started.done():
            complaint = self._started.result()
            if complaint is None:
                return "complete", ""
            await asyncio.wait({self._task}, timeout=_LAST_WORDS)
            # Starlette's is a whole traceback.
            why = summarised(complaint) if complaint.startswith("Traceback ") else complaint
            return "failed", f"its lifespan startup failed: {why}"
        if self._task.done():
            if isinstance(self._error, (SystemExit, KeyboardInterrupt)):
                return "failed", f"its lifespan startup wants the end: {self._what_was_raised()}"
            return "unsupported", self._what_was_raised()
        stack = "".join(traceback.format_stack(self._task.get_stack()[-1])) if self._task.get_stack() else ""
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=_LAST_WORDS)
        return "timeout", f"its lifespan startup is not complete after {timeout:g} s (boot_timeout)\n{stack}".rstrip()

    def begin_shutdown(self, told: Callable, timeout: Optional[float]) -> None:
        """Calls `told` when the application is done or the time is over, with what there is to complain of."""
        self._ending = asyncio.get_running_loop().create_task(self._shutdown(told, timeout), name="lifespan shutdown")

    async def _shutdown(self, told: Callable, timeout: Optional[float]) -> None:
        complaint: Any = None
        try:
            if not self._task.done():
                self._messages.put_nowait({"type": "lifespan.shutdown"})
                ends = {self._task, self._stopped}
                done, _ = await asyncio.wait(ends, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    complaint = f"it is not complete after {timeout:g} s (lifespan_timeout)"
            if self._stopped.done():
                complaint = self._stopped.result()
                await asyncio.wait({self._task}, timeout=_LAST_WORDS)
            if self._task.done() and self._error is not None:
                complaint = complaint or self._what_was_raised()
        finally:
            told(complaint)
