"""The hook ssl_context of a gunicorn.conf.py, and `ssl_context_factory` of `run()`: seen by who shakes hands."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Running
from tls import Certificate, needs_openssl

APPS = Path(__file__).parent / "apps"

pytestmark = needs_openssl

#: With nothing but defaults.
PLAIN = 'certfile = "cert.pem"\nkeyfile = "key.pem"\nimport ssl\n'

HOOK = "def ssl_context(conf, default_ssl_context_factory):\n    "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The applications, and a certificate for localhost."""
    folder = tmp_path / "site"
    shutil.copytree(APPS, folder)
    Certificate(folder)
    return folder


@pytest.fixture
def serve(rustcorn, folder) -> Callable[[str], Running]:
    """A server with these settings."""

    def start(text: str) -> Running:
        (folder / "gunicorn.conf.py").write_text(text)
        return rustcorn("hello:app", cwd=folder)

    return start


def encrypt(folder: Path, password: str) -> None:
    words = f"openssl pkcs8 -topk8 -in key.pem -out secret.pem -passout pass:{password}"
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


OLD = {"maximum_version": ssl.TLSVersion.TLSv1_2}


def test_gunicorns_own_example(serve, folder):
    text = "import ssl\n    context = default_ssl_context_factory()\n    context.minimum_version = ssl.TLSVersion.TLSv1_3\n    return context\n"
    server = serve(PLAIN + HOOK + text)
    assert ask(server, folder)[0] == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        ask(server, folder, **OLD)


def test_the_default_context_changes_nothing(serve, folder):
    server = serve(PLAIN + HOOK + "return default_ssl_context_factory()\n")
    assert ask(server, folder)[0] == "TLSv1.3"
    assert ask(server, folder, **OLD, set_ciphers=["ECDHE+CHACHA20"])[1] == "ECDHE-ECDSA-CHACHA20-POLY1305"
    assert protocol(server, folder) == "h2"


def test_the_configuration_says_what_gunicorns_says(serve, folder):
    said = "(conf.certfile, conf.keyfile, conf.is_ssl, conf.ca_certs, conf.cert_reqs, conf.workers, conf.ssl_context is ssl_context)"
    server = serve(PLAIN + HOOK + f"print({said})\n    return default_ssl_context_factory()\n")
    assert "('cert.pem', 'key.pem', True, None, 0, 1, True)" in server.log


def test_a_context_of_its_own_with_an_encrypted_key(serve, folder):
    encrypt(folder, "opensesame")
    (folder / "key.pem").unlink()
    own = """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", keyfile="secret.pem", password=lambda: "opensesame")
    return context
"""
    # The setting has to be there so that the hook is called; the file need not.
    server = serve('import ssl\ncertfile = "marker"\n' + HOOK + own)
    assert ask(server, folder)[2].startswith("hello ")
    assert "opensesame" not in server.log


def test_openssls_words_for_ciphers(serve, folder):
    text = "context = default_ssl_context_factory()\n    context.set_ciphers('ECDHE+AES256:!CHACHA20')\n    return context\n"
    server = serve(PLAIN + HOOK + text)
    assert ask(server, folder, **OLD)[1] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    with pytest.raises(ssl.SSLError):
        ask(server, folder, **OLD, set_ciphers=["ECDHE+CHACHA20:ECDHE+AES128"])
    assert ask(server, folder)[0] == "TLSv1.3"


def test_ciphers_of_the_settings_are_the_defaults(serve, folder):
    server = serve(PLAIN + 'ciphers = "TLS_AES_128_GCM_SHA256"\n' + HOOK + "return default_ssl_context_factory()\n")
    assert ask(server, folder)[:2] == ("TLSv1.3", "TLS_AES_128_GCM_SHA256")
    with pytest.raises(ssl.SSLError):
        ask(server, folder, **OLD)


def test_clients_must_show_a_certificate(serve, folder):
    text = """
    context = default_ssl_context_factory()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile="authority.pem")
    return context
"""
    req = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN"
    signed = "-CA authority.pem -CAkey authority.key -addext basicConstraints=critical,CA:FALSE"
    for words in (
        f"{req}=authority -keyout authority.key -out authority.pem",
        f"{req}=somebody {signed} -keyout somebody.key -out somebody.pem",
        f"{req}=stranger -addext basicConstraints=critical,CA:FALSE -keyout stranger.key -out stranger.pem",
    ):
        subprocess.run(words.split(), cwd=folder, check=True, capture_output=True)
    server = serve(PLAIN + HOOK + text)
    pair = {name: (str(folder / f"{name}.pem"), str(folder / f"{name}.key")) for name in ("somebody", "stranger")}
    with pytest.raises(OSError):
        ask(server, folder)
    with pytest.raises(OSError):
        ask(server, folder, load_cert_chain=pair["stranger"])
    assert ask(server, folder, load_cert_chain=pair["somebody"])[2].startswith("hello ")


def test_protocols(serve, folder):
    text = "context = default_ssl_context_factory()\n    context.set_alpn_protocols(['http/1.1'])\n    return context\n"
    assert protocol(serve(PLAIN + HOOK + text), folder) == "http/1.1"


def test_files_are_found_where_the_service_works(rustcorn, folder, tmp_path):
    own = "context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)\n    context.load_cert_chain('cert.pem', 'key.pem')\n"
    text = f'import ssl\nchdir = "site"\ncertfile = "cert.pem"\n{HOOK}{own}    return context\n'
    (tmp_path / "conf.py").write_text(text)
    server = rustcorn("hello:app", "-c", "conf.py", cwd=tmp_path)
    assert ask(server, folder)[2].startswith("hello ")
    server.signal(signal.SIGHUP)
    server.wait_for("Reload done")
    assert ask(server, folder)[2].startswith("hello ")


def test_a_reload_calls_it_again(serve, folder):
    server = serve(PLAIN + HOOK + "return default_ssl_context_factory()\n")
    assert ask(server, folder, **OLD)[0] == "TLSv1.2"
    newer = "context = default_ssl_context_factory()\n    context.options |= ssl.OP_NO_TLSv1_2\n    return context\n"
    (folder / "gunicorn.conf.py").write_text(PLAIN + HOOK + newer)
    server.signal(signal.SIGHUP)
    server.wait_for("Reload done")
    with pytest.raises(ssl.SSLError):
        ask(server, folder, **OLD)
    (folder / "gunicorn.conf.py").write_text(PLAIN + HOOK + "return 1 / 0\n")
    server.signal(signal.SIGHUP)
    server.wait_for(r"ssl_context failed: ZeroDivisionError: division by zero")
    assert ask(server, folder)[0] == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        ask(server, folder, **OLD)


def test_without_a_certificate_it_is_not_called(rustcorn, folder):
    (folder / "gunicorn.conf.py").write_text(HOOK + "return 1 / 0\n")
    server = rustcorn("hello:app", cwd=folder)
    assert "ssl_context (gunicorn.conf.py:1) has no effect without certfile" in server.log


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("1 / 0", "gunicorn.conf.py:4:1: ssl_context failed: ZeroDivisionError: division by zero"),
        ("raise SystemExit('enough')", "gunicorn.conf.py:4:1: ssl_context failed: SystemExit: enough"),
        ("pass", "ssl_context must return an ssl.SSLContext, found None"),
        ("return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)", "ssl_context loads no certificate"),
        ("return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)", "ssl_context must return a context for servers"),
        ("c.maximum_version = ssl.TLSVersion.TLSv1_2", "ssl_context leaves out TLS 1.3"),
        ("c.options |= ssl.OP_NO_TLSv1_3", "ssl_context leaves out TLS 1.3"),
        ("c.sni_callback = print", "ssl_context sets sni_callback"),
        ("c.options |= ssl.OP_NO_TICKET", "ssl_context wants no session tickets"),
        ("c.num_tickets = 0", "ssl_context wants no session tickets"),
        ("c.set_ecdh_curve('prime256v1')", "ssl_context chooses the curve (set_ecdh_curve)"),
        ("c.keylog_filename = '/dev/null'", "ssl_context has the keys of sessions written into a file"),
        ("c.set_alpn_protocols(['spdy/3'])", "ssl_context offers the protocols ['spdy/3']"),
        ("c.set_ciphers('DHE+AES')", "ssl_context has no cipher for TLS 1.2 that is spoken here"),
        ("c.set_ciphers('nonsense')", "ssl_context failed: SSLError: ('No cipher can be selected.',)"),
        ("c.verify_mode = ssl.CERT_REQUIRED", "ca_certs must say who vouches for them"),
        (
            "c.verify_mode = ssl.CERT_OPTIONAL\n    c.load_default_certs(ssl.Purpose.CLIENT_AUTH)",
            "ssl_context has those who vouch for clients in several places",
        ),
        (
            "c.verify_mode = ssl.CERT_OPTIONAL\n    c.load_verify_locations('cert.pem')\n"
            "    c.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF",
            "ssl_context has lists of revoked certificates looked at (verify_flags)",
        ),
        ("c.load_cert_chain('cert.pem', 'none.pem')", "ssl_context failed: FileNotFoundError"),
        ("c.load_cert_chain('cert.pem', 'secret.pem')", "secret.pem is encrypted, and no password given"),
        (
            "class Own(ssl.SSLContext):\n        def wrap_socket(self, *a, **k): pass\n"
            "    c = Own(ssl.PROTOCOL_TLS_SERVER)\n    c.load_cert_chain('cert.pem', 'key.pem')",
            "ssl_context returns a Own, whose way of wrapping sockets is not used here",
        ),
    ],
)
def test_what_cannot_be_had_is_told(failing, folder, body, said):
    encrypt(folder, "x")
    lines = ["c = default_ssl_context_factory()", body, "return c"] if body.startswith(("c.", "class")) else [body]
    (folder / "gunicorn.conf.py").write_text(PLAIN + HOOK + "\n    ".join(lines) + "\n")
    code, log = failing("hello:app", cwd=folder)
    assert code == 1 and said in log, log


def test_run_takes_a_factory_as_uvicorn_does(rustcorn, folder):
    program = folder / "serve.py"
    program.write_text(
        """
import ssl
import rustcorn


def context(config, default):
    print("before:", config.ssl_certfile, config.limit_concurrency)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", "key.pem")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


if __name__ == "__main__":
    rustcorn.run("hello:app", host="127.0.0.1", port=0, limit_concurrency=77, ssl_context_factory=context)
"""
    )
    server = rustcorn(str(program), cwd=folder, program=(sys.executable,), port=False)
    assert "before: None 77" in server.log
    assert ask(server, folder)[2].startswith("hello ")
    with pytest.raises(ssl.SSLError):
        ask(server, folder, **OLD)


def test_the_default_context_of_run_wants_a_certificate(failing, folder):
    program = folder / "serve.py"
    program.write_text("import rustcorn\nrustcorn.run('hello:app', port=0, ssl_context_factory=lambda config, default: default())")
    code, log = failing(str(program), cwd=folder, program=(sys.executable,), port=False)
    assert code == 1 and f"{program}:2:1: ssl_context_factory failed: RuntimeError: there is no default context" in log, log


def test_an_encrypted_key_and_its_password(rustcorn, failing, folder):
    encrypt(folder, "opensesame")
    words = ["hello:app", "--ssl-certfile", "cert.pem", "--ssl-keyfile", "secret.pem"]
    server = rustcorn(*words, "--ssl-keyfile-password", "opensesame", cwd=folder)
    assert ask(server, folder)[2].startswith("hello ")
    assert "opensesame" not in Path(f"/proc/{server.pid}/cmdline").read_text() and "opensesame" not in server.log
    code, log = failing(*words, cwd=folder)
    assert code == 1 and "the private key in secret.pem (option `keyfile`) is encrypted; set ssl_keyfile_password" in log
    code, log = failing(*words, "--ssl-keyfile-password", "sesame", cwd=folder)
    assert code == 1 and "is not decrypted by that password (option `ssl_keyfile_password`)" in log and "sesame" not in log
