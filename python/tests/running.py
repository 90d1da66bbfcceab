"""A running command, as the tests see it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

#: How long anything may take on a machine that does other things too.
PATIENCE = 30.0

#: The console script of the environment that the tests run in.
SCRIPT = Path(sys.executable).with_name("rustcorn")


def asked_workers(words: Sequence[str]) -> int:
    """How many workers a command line asks for: the last word about it counts."""
    numbers = [number for option, number in zip(words, words[1:]) if option in ("-w", "--workers")]
    return int(numbers[-1]) if numbers else 1


def until(what: str, condition: Callable[[], object], log: Callable[[], str] = str) -> object:
    """Waits for something that is true; what it is."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"never: {what}\n{log()}")
        time.sleep(0.01)
    return found


class Running:
    """One process with its log. Not waited for yet."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        program: Sequence[str | os.PathLike[str]] = (SCRIPT,),
        port: bool = True,
    ) -> None:
        """With `port` the command is told to take a free one, unless its words say where to listen."""
        words = list(words)
        self._workers = asked_workers(words)
        told = {"--bind", "-b", "--port", "--uds", "--host", "--fd"}
        if port and not told.intersection(words):
            words += ["--bind", "127.0.0.1:0"]
        environment = {name: text for name, text in os.environ.items() if not name.startswith(("RUSTCORN_", "PYTHON"))}
        environment |= {name: text for name, text in (env or {}).items() if text is not None}
        for name in (name for name, text in (env or {}).items() if text is None):
            environment.pop(name, None)
        self._log = log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                [*program, *words],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                # Whatever it starts can be told by its session, even when it has lost its parent.
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    @property
    def url(self) -> str:
        return str(self.wait_for(r"Listening at: (http\S+) ")[1])

    @property
    def pid(self) -> int:
        return self.process.pid

    def workers(self) -> list[int]:
        """The workers that have said that they are ready, oldest first."""
        return [int(pid) for pid in re.findall(r"ready \(pid:(\d+)", self.log)]

    def wait_for(self, pattern: str, count: int = 1) -> re.Match[str]:
        """Waits until the log has this, `count` times; the last match."""

        def found() -> re.Match[str] | None:
            matches = list(re.finditer(pattern, self.log))
            if len(matches) < count and self.process.poll() is not None:
                # Written between the look at the log and the end?
                matches = list(re.finditer(pattern, self.log))
                assert len(matches) >= count, f"it ended ({self.process.returncode}) without {pattern!r}:\n{self.log}"
            return matches[count - 1] if len(matches) >= count else None

        match = until(f"{pattern!r} in the log", found, lambda: self.log)
        assert isinstance(match, re.Match)
        return match

    def serving(self) -> Running:
        """Waits until it listens, and until all workers of its command line are there: what is sent to them then finds them all."""
        self.wait_for(r"Listening at: ")
        self.wait_for(r" ready \(pid", self._workers)
        return self

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def reload(self) -> None:
        """Sends HUP and waits until the new workers serve and those of before have gone: who leaves still takes who waits."""
        before, done = self.workers(), self.log.count("Reload done")
        self.signal(signal.SIGHUP)
        self.wait_for("Reload done", done + 1)
        until("the workers of before have gone", lambda: not any(Path(f"/proc/{pid}").exists() for pid in before), lambda: self.log)

    def ended(self) -> int:
        """Waits until it ends by itself."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.log}") from None

    def end(self) -> None:
        """Ends it as a service manager does, and sees that nothing of it is left."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE)
            until("all its processes are gone", lambda: not self._left(), lambda: f"{self._left()}\n{self.log}")
        finally:
            for pid in self._left():
                os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def _left(self) -> list[int]:
        return [pid for pid, session, state in _processes() if session == self.pid and state not in "ZX"]


def _processes() -> list[tuple[int, int, str]]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        found.append((int(folder.name), int(fields[3]), fields[0]))
    return found
