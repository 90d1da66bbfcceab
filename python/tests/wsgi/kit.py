"""What the cases have in common."""

from __future__ import annotations

import threading

TEXT = [("Content-Type", "text/plain")]
#: What happened in earlier requests, for requests that ask.
SEEN: dict[str, int] = {}
OPEN: dict[str, threading.Event] = {}
KEPT: list[object] = []


def seen(what: str) -> None:
    SEEN[what] = SEEN.get(what, 0) + 1


class Closing:
    """An iterable that counts how often it is closed."""

    def __init__(self, name, blocks, length=None):
        self.name = name
        self.blocks = iter(blocks)
        self.length = length

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.blocks)

    def close(self):
        seen(self.name)


class Sized(Closing):
    def __len__(self):
        return self.length
