"""Handlers of signals that the application installs, and the loop that has to hear of them."""

from __future__ import annotations

import os
import signal


def hear(fd: int) -> None:
    """From now on something is written to this descriptor when one is to be called."""
    signal.set_wakeup_fd(fd, warn_on_full_buffer=False)
    forget_in_children()


def forget_in_children() -> None:
    """Signals of a process that the application forks are not told to the loop of this one."""
    os.register_at_fork(after_in_child=forget)


def forget() -> None:
    """From now on nobody is told."""
    try:
        signal.set_wakeup_fd(-1)
    except (ValueError, OSError):
        # Not the main thread.
        pass


def displace_interrupts() -> None:
    """The interpreter's own handler of INT gives its place up."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave_to_the_worker)


def _leave_to_the_worker(number: int, frame: object) -> None:
    """Does nothing: the worker hears the signal by itself."""
