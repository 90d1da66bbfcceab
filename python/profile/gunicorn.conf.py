"""What makes a worker write its profile."""

import ctypes


def worker_exit(server, worker):
    # Workers leave by `_exit`. What counts is written by a handler of `exit`.
    ctypes.CDLL(None).exit(0)
