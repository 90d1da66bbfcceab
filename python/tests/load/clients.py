"""Clients in numbers, at a pace: keep-alive connections and one connection per request together. Counts what is lost.

Lost is what a client of a healthy server never sees: refused, reset, closed before the answer, truncated, a timeout, a
5xx. A server may end a connection after an answer that said so; the client then connects anew. No client idles as long
as the server's keep-alive time, so there is no other clean end.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from running import until

#: Each sends a request every 50 ms: 360 requests/s.
KEEP_ALIVE = 12
ONE_SHOT = 6
PACE = 0.05
PATIENCE = 20.0

#: What is asked, in turn: the body that is sent, the bytes that come back (none: any number).
ASKED = [
    ("/", None, None),
    ("/slow", None, None),
    ("/pid", None, None),
    ("/large", None, 20_000),
    ("/stream", None, 5_000),
    ("/echo", b"x" * 5_000, 5_000),
]


class Load:
    """Load that runs until it is stopped."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url)
        self.answered = 0
        self.lost: list[str] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._begun = time.monotonic()
        numbers = range(KEEP_ALIVE + ONE_SHOT)
        self._threads = [threading.Thread(target=self._client, args=(number,), daemon=True) for number in numbers]
        for thread in self._threads:
            thread.start()

    def stop(self) -> float:
        """Lets every client finish its request; the answers in a second."""
        rate = self.answered / (time.monotonic() - self._begun)
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a client hangs"
        return rate

    def goes_on(self, count: int, log: Callable[[], str]) -> None:
        """Waits for so many answers more. A slow machine does what is tested more slowly too: counted, load is the same."""
        enough = self.answered + count
        until(f"{count} more answers", lambda: self.answered >= enough or self.lost, log)

    def lossless(self, what: str) -> None:
        """Stops; not one request was lost."""
        rate = self.stop()
        print(f"{what}: {self.answered} answered, {len(self.lost)} lost, {rate:.0f} requests/s")
        assert not self.lost, f"{what}: {len(self.lost)} of {self.answered} lost: {self.lost[:10]}"

    def _client(self, number: int) -> None:
        keep_alive = number < KEEP_ALIVE
        connection: http.client.HTTPConnection | None = None
        # Spread over the pace, so that the requests do not come in volleys.
        following = time.monotonic() + PACE * number / len(self._threads)
        turn = number
        while not self._stop.is_set():
            time.sleep(max(0.0, following - time.monotonic()))
            # A client that had to wait for a slow answer catches up: the rate is a total, not a hope.
            following += PACE
            turn += 1
            asked = ASKED[turn % len(ASKED)]
            reused = connection is not None
            try:
                connection = self._ask(connection, asked, keep_alive)
            except (OSError, http.client.HTTPException, AssertionError) as error:
                connection = None
                kind = "keep-alive" if keep_alive else "one-shot"
                with self._lock:
                    self.lost.append(f"{kind} client {number}, {asked[0]}, reused connection: {reused}: {error!r}")
            else:
                with self._lock:
                    self.answered += 1

    def _ask(
        self,
        connection: http.client.HTTPConnection | None,
        asked: tuple[str, bytes | None, int | None],
        keep_alive: bool,
    ) -> http.client.HTTPConnection | None:
        """One request; the connection if it can be used again."""
        path, body, length = asked
        if connection is None:
            connection = http.client.HTTPConnection(str(self.address.hostname), self.address.port, timeout=PATIENCE)
            connection.connect()
        headers = {} if keep_alive else {"Connection": "close"}
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, f"status {answer.status}: {content[:200]!r}"
        assert length is None or len(content) == length, f"{len(content)} bytes"
        # The client has closed its side by itself if the answer said so.
        if connection.sock is not None and keep_alive:
            return connection
        connection.close()
        return None
