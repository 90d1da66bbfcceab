"""The event loop of an ASGI worker: asyncio's own, with a selector that turns tokio's loop."""

import asyncio
import selectors
import signal
import threading
import weakref
from collections.abc import Mapping
from typing import Any, List, Optional

from . import _signals

# Generators that are left at the end have so long to end themselves.
_PATIENCE = 0.25


class _Map(Mapping):
    """What is registered, by descriptors and by what has one."""

    def __init__(self, selector: "Selector") -> None:
        self._selector = selector

    def __len__(self):
        return len(self._selector._keys)

    def __iter__(self):
        return iter(self._selector._keys)

    def __getitem__(self, fileobj):
        return self._selector._known(fileobj)

    def get(self, fileobj, default=None):
        # asyncio asks this often.
        if isinstance(fileobj, int):
            return self._selector._keys.get(fileobj, default)
        return super().get(fileobj, default)


class Selector(selectors.BaseSelector):
    """The Python half; `native` turns the loop and watches the descriptors."""

    def __init__(self, native: Any) -> None:
        self._native = native
        self._keys = native.keys
        self._map: Optional[_Map] = _Map(self)
        # Found by asyncio without a call in between.
        self.select = native.select

    def select(self, timeout=None):  # noqa: F811
        raise NotImplementedError

    def _fd(self, fileobj: Any) -> int:
        try:
            fd = fileobj if isinstance(fileobj, int) else int(fileobj.fileno())
        except (AttributeError, TypeError, ValueError):
            raise ValueError(f"Invalid file object: {fileobj!r}") from None
        if fd < 0:
            raise ValueError(f"Invalid file descriptor: {fd}")
        return fd

    def _known(self, fileobj: Any) -> selectors.SelectorKey:
        try:
            fd = self._fd(fileobj)
        except ValueError:
            # Closed before it was given up.
            fd = next((key.fd for key in self._keys.values() if key.fileobj is fileobj), None)
            if fd is None:
                raise
        try:
            return self._keys[fd]
        except KeyError:
            raise KeyError(f"{fileobj!r} is not registered") from None

    @staticmethod
    def _check(events: int) -> None:
        if not events or events & ~(selectors.EVENT_READ | selectors.EVENT_WRITE):
            raise ValueError(f"Invalid events: {events!r}")

    def register(self, fileobj, events, data=None):
        self._check(events)
        fd = self._fd(fileobj)
        if fd in self._keys:
            raise KeyError(f"{fileobj!r} (FD {fd}) is already registered")
        self._native.add(fd, events)
        key = selectors.SelectorKey(fileobj, fd, events, data)
        self._keys[fd] = key
        return key

    def unregister(self, fileobj):
        key = self._known(fileobj)
        del self._keys[key.fd]
        self._native.remove(key.fd)
        return key

    def modify(self, fileobj, events, data=None):
        self._check(events)
        key = self._known(fileobj)
        if events != key.events:
            self._native.change(key.fd, events)
        key = key._replace(events=events, data=data)
        self._keys[key.fd] = key
        return key

    def get_key(self, fileobj):
        if self._map is None:
            raise RuntimeError("the selector is closed")
        return self._known(fileobj)

    def get_map(self):
        return self._map

    def close(self) -> None:
        self._map = None
        self._keys.clear()
        self._native.close()


class SharedSignals:
    """For a loop: the worker hears the signals that the application handles too, or it could not be stopped."""

    def add_signal_handler(self, sig, callback, *args):
        from . import _rustcorn

        super().add_signal_handler(sig, callback, *args)
        _rustcorn._share_signals()

    def remove_signal_handler(self, sig):
        from . import _rustcorn

        removed = super().remove_signal_handler(sig)
        _rustcorn._share_signals()
        return removed


class Loop(SharedSignals, asyncio.SelectorEventLoop):
    """asyncio's loop for Unix; signals are shared with the worker."""

    def __init__(self, native: Any) -> None:
        super().__init__(Selector(native))
        native.watch(self._ready)
        self._hear_signals()

    def call_soon(self, callback, *args, context=None):
        if self._closed or self._debug:
            handle = super().call_soon(callback, *args, context=context)
            if handle._source_traceback:
                # Of who calls, not of this.
                del handle._source_traceback[-1]
            return handle
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def _hear_signals(self) -> None:
        # Or else a handler of Python's would wait for the next event.
        try:
            signal.set_wakeup_fd(self._csock.fileno(), warn_on_full_buffer=False)
        except (ValueError, OSError):
            pass

    def remove_signal_handler(self, sig):
        removed = super().remove_signal_handler(sig)
        # Its close takes off what is left, after it has given up hearing.
        if not self.is_closed():
            self._hear_signals()
        return removed

    def close(self) -> None:
        if not self.is_closed() and threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(-1)
        super().close()


def new_event_loop() -> Loop:
    """A loop outside of a worker, with a tokio of its own."""
    from . import _rustcorn

    return Loop(_rustcorn._selector())


def make(native: Any) -> Loop:
    """The loop of this thread from now on."""
    loop = Loop(native)
    settle(loop)
    return loop


def settle(loop: asyncio.AbstractEventLoop) -> None:
    """Makes it this thread's, and that of no process that the application forks."""
    asyncio.set_event_loop(loop)
    _signals.forget_in_children()


_cancelled: "weakref.WeakSet[asyncio.Task]" = weakref.WeakSet()


def cancel_once(task: asyncio.Task) -> None:
    """A second time would break off what it does because of the first."""
    if task not in _cancelled:
        _cancelled.add(task)
        task.cancel()


def finish(loop: asyncio.AbstractEventLoop, patience: float) -> List[str]:
    """Cancels what is left, gives it time, and closes what can be closed; the names of the tasks that do not end."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        cancel_once(task)
    left: set = set()
    if tasks:
        done, left = loop.run_until_complete(asyncio.wait(tasks, timeout=patience))
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                message = "A task that was cancelled at the end has failed"
                loop.call_exception_handler({"message": message, "exception": error, "task": task})
    loop.run_until_complete(asyncio.wait_for(loop.shutdown_asyncgens(), _PATIENCE))
    return sorted(task.get_name() for task in left)
