"""An application with handlers of signals: one that says so, one that fails, and one that wants the end."""

from __future__ import annotations

import signal
import sys
import threading

from cases import app  # noqa: F401


def say(number, frame):
    print(f"{signal.Signals(number).name} on {threading.current_thread().name}", file=sys.stderr, flush=True)


def fail(number, frame):
    raise ValueError("in a handler")


def leave(number, frame):
    sys.exit(5)


signal.signal(signal.SIGALRM, say)
signal.signal(signal.SIGPROF, fail)
signal.signal(signal.SIGVTALRM, leave)
