"""`preload_app` together with what else a worker is given: certificates, a lane of its own, another user."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from preload_kit import APPS, answer, children, zygotes
from running import until


def certificate(folder: Path) -> tuple[str, str]:
    """A new one, for localhost; the certificate and its key."""
    key, made = folder / "key.pem", folder / "cert.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)]
    subprocess.run([*words.split(), *names], check=True, capture_output=True)
    return str(made), str(key)


@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl to make a certificate")
def test_certificates_and_renewed_ones(rustcorn, tmp_path):
    made, key = certificate(tmp_path)
    words = ("--preload", "-w", "2", "--lifespan", "off", "--certfile", made, "--keyfile", key)
    server = rustcorn("shared:app", *words, cwd=APPS)
    server.wait_for(r" ready \(pid", count=2)
    (zygote,) = zygotes(server)
    before = ssl.create_default_context(cafile=made)
    assert answer(server, verify=before)[0] == str(zygote)
    # A worker that is forked after a renewal has the new one, like those that are there already.
    certificate(tmp_path)
    renewed = ssl.create_default_context(cafile=made)
    server.wait_for("Certificate .* renewed")
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for(r" ready \(pid", count=3)
    assert zygotes(server) == [zygote]

    def all_have_it() -> bool:
        try:
            return {int(answer(server, verify=renewed)[1]) for _ in range(20)} == set(server.workers()[1:])
        except httpx.ConnectError:
            return False

    until("all have the new one", all_have_it, lambda: server.log)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        answer(server, verify=before)


def listening(port: int) -> int:
    """How many sockets listen there."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def test_every_worker_has_its_own_lane(rustcorn):
    server = rustcorn("shared:app", "--preload", "-w", "2", "--reuse-port", "--lifespan", "off", cwd=APPS)
    assert listening(int(server.url.rpartition(":")[2])) == 2

    def answering() -> set[int]:
        return {int(answer(server)[1]) for _ in range(20)}

    victim, survivor = server.workers()
    until("both answer", lambda: answering() == {victim, survivor}, lambda: server.log)
    # Its lane is not left alone, and is its successor's then.
    os.kill(victim, signal.SIGKILL)
    server.wait_for(r" ready \(pid", count=3)
    successor = server.workers()[2]
    until("both answer again", lambda: answering() == {survivor, successor}, lambda: server.log)


def user_of(pid: int) -> set[str]:
    """Its user: the real one, the effective one, the saved one and that of the file system."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Uid:")]
    return {pwd.getpwuid(int(number)).pw_name for number in line.split()[1:]}


def may_run_python(user: str) -> bool:
    try:
        tried = subprocess.run([sys.executable, "-c", "import asyncio"], user=user, capture_output=True, check=False)
    except OSError:
        return False
    return tried.returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
@pytest.mark.skipif(
    os.geteuid() == 0 and not may_run_python("nobody"), reason=f"nobody may not read the library of {sys.executable}"
)
def test_another_user(rustcorn):
    server = rustcorn("shared:app", "--preload", "-w", "2", "--user", "nobody", "--lifespan", "off", cwd=APPS)
    assert user_of(server.pid) == {"root"}
    (zygote,) = zygotes(server)
    assert len(children(server)) == 3 and all(user_of(pid) == {"nobody"} for pid in children(server))
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for(r" ready \(pid", count=3)
    assert user_of(server.workers()[2]) == {"nobody"} and answer(server)[0] == str(zygote)
    server.reload()
    until("the old ones are gone", lambda: len(children(server)) == 3, lambda: server.log)
    assert answer(server)[0] == str(zygotes(server)[0]) != str(zygote)
    # Neither the signals of root's arbiter nor its end are hindered by that.
    server.signal(signal.SIGTERM)
    assert server.ended() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
@pytest.mark.skipif(
    os.geteuid() == 0 and not may_run_python("nobody"), reason=f"nobody may not read the library of {sys.executable}"
)
def test_nothing_of_another_user_outlives_an_arbiter_that_is_killed(rustcorn):
    words = ("--preload", "-w", "2", "--user", "nobody", "--lifespan", "off", "--graceful-timeout", "1")
    server = rustcorn("shared:app", *words, cwd=APPS)
    server.wait_for(r" ready \(pid", count=2)
    server.signal(signal.SIGKILL)
    server.ended()
    until("all are gone", lambda: not server._left(), lambda: f"{server._left()}\n{server.log}")
