"""A certificate for localhost, and connections that trust it."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

#: For tests that need one.
needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl to make a certificate")


class Certificate:
    def __init__(self, folder: Path) -> None:
        self.key, self.file = folder / "key.pem", folder / "cert.pem"
        words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
        names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(self.key), "-out", str(self.file)]
        subprocess.run([*words.split(), *names], check=True, capture_output=True)
        #: What makes a server show it.
        self.options = ["--certfile", str(self.file), "--keyfile", str(self.key)]

    def connect(self, port: int) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.file))
        sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        return context.wrap_socket(sock, server_hostname="localhost")
