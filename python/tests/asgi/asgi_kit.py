"""What the tests of this directory share: the server of the WSGI tests, with an application from here."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "wsgi"))

from server import PATIENCE, Client, Response, Server  # noqa: E402

__all__ = ["PATIENCE", "Asgi", "Client", "Response", "eventually"]


class Asgi(Server):
    """One running `rustcorn` with one worker."""

    #: The loop of the workers that are started from now on.
    loop = "auto"

    def __init__(self, app: str = "asgi_app:app", *options: str, **keywords) -> None:
        words = ("--app-dir", str(HERE), "--workers", "1", "--loop", self.loop, *options)
        super().__init__(app, *words, **keywords)

    def told(self, key: str) -> str:
        """What the application remembers under this key."""
        return self.ask(f"/told/{key}").text


def eventually(look: Callable[[], object], patience: float = PATIENCE) -> object:
    """Looks until it sees something."""
    deadline = time.monotonic() + patience
    while not (seen := look()):
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.01)
    return seen
