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
