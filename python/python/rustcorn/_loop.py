"""The event loop of an ASGI worker: asyncio's own, with a selector that turns tokio's loop."""

import asyncio
import selectors
import signal
from typing import Any

# What is left at the end has so long to end itself.
_PATIENCE = 0.25


class Selector(selectors.BaseSelector):
    """The Python half; `native` turns the loop and watches the descriptors."""

    def __init__(self, native: Any) -> None:
        self._native = native
        self._keys = native.keys
        # Found by asyncio without a call in between.
        self.select = native.select

    def select(self, timeout=None):  # noqa: F811
        raise NotImplementedError

    def _fd(self, fileobj: Any) -> int:
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if fd < 0:
            raise ValueError(f"Invalid file descriptor: {fd}")
        return fd

    def _known(self, fileobj: Any) -> selectors.SelectorKey:
        try:
            return self._keys[self._fd(fileobj)]
        except (ValueError, KeyError):
            # Closed before it was given up.
            for key in self._keys.values():
                if key.fileobj is fileobj:
                    return key
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
        return self._known(fileobj)

    def get_map(self):
        return self._keys

    def close(self) -> None:
        self._keys.clear()
        self._native.close()


class Loop(asyncio.SelectorEventLoop):
    """asyncio's loop for Unix; signals are shared with the worker."""

    def __init__(self, native: Any) -> None:
        super().__init__(Selector(native))
        self._hear_signals()

    def call_soon(self, callback, *args, context=None):
        if self._closed or self._debug:
            return super().call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def _hear_signals(self) -> None:
        # Or else a handler of Python's would wait for the next event.
        try:
            signal.set_wakeup_fd(self._csock.fileno(), warn_on_full_buffer=False)
        except (ValueError, OSError):
            pass

    def add_signal_handler(self, sig, callback, *args):
        from . import _rustcorn

        super().add_signal_handler(sig, callback, *args)
        # The worker has to hear them too, or it could not be stopped.
        _rustcorn._share_signals()

    def remove_signal_handler(self, sig):
        from . import _rustcorn

        removed = super().remove_signal_handler(sig)
        self._hear_signals()
        _rustcorn._share_signals()
        return removed


def make(native: Any) -> Loop:
    """The loop of this thread from now on."""
    loop = Loop(native)
    asyncio.set_event_loop(loop)
    return loop


def finish(loop: asyncio.AbstractEventLoop) -> None:
    """Cancels what is left, gives it a moment, and closes what can be closed."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=_PATIENCE))
    loop.run_until_complete(asyncio.wait_for(loop.shutdown_asyncgens(), _PATIENCE))
