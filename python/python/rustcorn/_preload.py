"""After an import that workers are forked from."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading

from . import _rustcorn


def settle() -> None:
    """Makes the heap fit to be shared, and tells what cannot be."""
    gc.collect()
    # What is here by now is never looked at again by the collector of a worker, which would write to its pages.
    gc.freeze()
    for stream in (sys.stdout, sys.stderr):
        # Workers must not write again what is still in a buffer here.
        stream.flush()
    names = _threads()
    if names:
        one = len(names) == 1
        _rustcorn.log(
            logging.WARNING,
            f"The import of the application has started {'a thread' if one else f'{len(names)} threads'}"
            f" ({', '.join(names)}): workers are forked from here (preload_app), and do not have"
            f" {'it' if one else 'them'}; start {'it' if one else 'them'} in post_fork or in the application's lifespan",
        )


def _threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    known = {thread.native_id for thread in threading.enumerate()}
    try:
        tasks = [int(task) for task in os.listdir("/proc/self/task")]
    except OSError:
        return names
    for task in tasks:
        if task in known or task == os.getpid():
            continue
        try:
            with open(f"/proc/self/task/{task}/comm", encoding="utf-8", errors="replace") as file:
                names.append(file.read().strip())
        except OSError:
            pass
    return names
