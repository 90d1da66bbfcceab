"""Looking at an arbiter's processes, and at an application that tells which of them it runs in."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

APPS = Path(__file__).parent / "apps"


def pss(pid: int) -> int:
    """The memory of a process in KiB, shared pages counted by the part that is its own."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", rollup, re.M)[1])


def children(server) -> dict[int, bytes]:
    """The titles of the arbiter's children that live."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
            state, parent = (folder / "stat").read_text().rpartition(") ")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == server.pid and state not in "ZX":
            found[int(folder.name)] = title
    return found


def zygotes(server) -> list[int]:
    return [pid for pid, title in children(server).items() if title.startswith(b"rustcorn: zygote")]


def answer(server, **options) -> list[str]:
    """Who has imported the application, who has answered, whose child that is, and a word from the environment."""
    return httpx.get(server.url, **options).text.split(" ")
