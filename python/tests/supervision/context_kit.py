"""A gunicorn.conf.py with the hook ssl_context, and clients that shake hands with what it makes."""

from __future__ import annotations

import socket
import ssl
import subprocess
from pathlib import Path

from running import Running

#: With nothing but defaults.
PLAIN = 'certfile = "cert.pem"\nkeyfile = "key.pem"\nimport ssl\n'

HOOK = "def ssl_context(conf, default_ssl_context_factory):\n    "

#: A client that has not heard of TLS 1.3.
OLD = {"maximum_version": ssl.TLSVersion.TLSv1_2}


def hook(*lines: str) -> str:
    """A hook that does this with the default context `c`, and returns it."""
    return PLAIN + HOOK + "\n    ".join(["c = default_ssl_context_factory()", *lines, "return c"]) + "\n"


def encrypt(folder: Path, password: str, name: str = "secret") -> None:
    words = f"openssl pkcs8 -topk8 -in key.pem -out {name}.pem -passout pass:{password}"
    subprocess.run(words.split(), cwd=folder, check=True, capture_output=True)


def connect(server: Running, folder: Path, **wishes: object) -> ssl.SSLSocket:
    """A client after its handshake. Its wishes are attributes and methods of its context."""
    context = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    for name, wish in wishes.items():
        method = getattr(context, name)
        method(*wish) if callable(method) else setattr(context, name, wish)
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        return context.wrap_socket(plain, server_hostname="localhost")


def ask(server: Running, folder: Path, **wishes: object) -> tuple[str, str, str]:
    """What a client gets: version, cipher, body."""
    with connect(server, folder, **wishes) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        said = b"".join(iter(lambda: sock.recv(65536), b""))
        cipher = sock.cipher()
        assert said.startswith(b"HTTP/1.1 200 ") and cipher
        return sock.version() or "", cipher[0], said.rpartition(b"\r\n")[2].decode()


def protocol(server: Running, folder: Path) -> str | None:
    """What is spoken with a client that speaks HTTP/2 and HTTP/1.1."""
    with connect(server, folder, set_alpn_protocols=[["h2", "http/1.1"]]) as sock:
        return sock.selected_alpn_protocol()
