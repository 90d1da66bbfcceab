"""What the hook ssl_context may want and cannot have: told, and nothing starts."""

from __future__ import annotations

import shutil

import pytest
from context_kit import HOOK, PLAIN, encrypt, hook
from tls import needs_openssl

pytestmark = needs_openssl

CLIENTS = "c.verify_mode = ssl.CERT_REQUIRED"

SEVERAL = "ssl_context has those who vouch for clients in several places"


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
            SEVERAL,
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
            "ssl_context returns a Own with a way of its own to wrap sockets, which is not used here",
        ),
        ("c.wrap_socket = print", "ssl_context returns a SSLContext with a way of its own to wrap sockets"),
        ("c.sslsocket_class = type('S', (ssl.SSLSocket,), {})", "with a way of its own to wrap sockets"),
        ("c.sslobject_class = type('O', (ssl.SSLObject,), {})", "with a way of its own to wrap sockets"),
        ("c.minimum_version = ssl.TLSVersion.TLSv1", "ssl_context wants TLSv1 (minimum_version), and TLS 1.2 is the oldest"),
        ("c.minimum_version = ssl.TLSVersion.TLSv1_1", "ssl_context wants TLSv1_1 (minimum_version)"),
        ("c.set_ciphers('ECDHE+AESGCM@SECLEVEL=3')", "ssl_context wants the security level 3 (@SECLEVEL)"),
        ("c.set_alpn_protocols(['http/1.0'])", "ssl_context offers the protocols ['http/1.0']"),
        ("c.load_cert_chain('gone.pem')", "there is no file gone.pem"),
        ("c.load_cert_chain('cert.pem', 'secret.pem', 'y')", "secret.pem cannot be decrypted with this password"),
        ("c.load_cert_chain('cert.pem', 'secret.pem', b'\\xff')", "the password of secret.pem is not UTF-8"),
        ("c.load_verify_locations('gone.pem')", "there is no file gone.pem"),
        (
            "c.load_cert_chain('cert.pem', 'secret.pem', 'x')\n    c.load_cert_chain('other.pem', 'secret-y.pem', 'y')",
            "ssl_context decrypts keys with different passwords",
        ),
        (f"{CLIENTS}; c.load_verify_locations('cert.pem'); c.load_verify_locations('other.pem')", SEVERAL),
        (f"{CLIENTS}; c.load_verify_locations(cadata=open('cert.pem').read())", SEVERAL),
        (f"{CLIENTS}; c.load_verify_locations(capath='.')", SEVERAL),
        (
            f"{CLIENTS}; c.load_verify_locations('cert.pem'); c.post_handshake_auth = True",
            "ssl_context asks for certificates after the handshake (post_handshake_auth)",
        ),
        ("c = OLDER", "ssl_context returns a context that was made before it was called"),
        ("raise AssertionError", "gunicorn.conf.py:4:1: ssl_context failed: AssertionError\n"),
    ],
)
def test_what_cannot_be_had_is_told(failing, site, body, said):
    encrypt(site, "x")
    encrypt(site, "y", "secret-y")
    shutil.copy(site / "cert.pem", site / "other.pem")
    text = hook(body) if body.startswith(("c.", "c =", "class")) else PLAIN + HOOK + body + "\n"
    older = "OLDER = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); OLDER.load_cert_chain('cert.pem', 'key.pem')\n"
    (site / "gunicorn.conf.py").write_text(text + older)
    code, log = failing("hello:app", cwd=site)
    assert code == 1 and said in log, log


def test_everything_is_told_at_once(failing, site):
    (site / "gunicorn.conf.py").write_text(hook("c.num_tickets = 0", "c.sni_callback = print"))
    code, log = failing("hello:app", cwd=site)
    assert code == 1 and "ssl_context wants no session tickets" in log and "ssl_context sets sni_callback" in log


def test_a_file_for_keys_of_the_environment_is_named(failing, site):
    own = "    c = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)\n    c.load_cert_chain('cert.pem', 'key.pem')\n"
    (site / "gunicorn.conf.py").write_text(PLAIN + HOOK + own.lstrip() + "    return c\n")
    code, log = failing("hello:app", cwd=site, env={"SSLKEYLOGFILE": str(site / "keys")})
    assert code == 1 and "(keylog_filename), which is not done here; unset SSLKEYLOGFILE" in log, log


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("certfile = ['cert.pem', 'other.pem']", "there must be one keyfile for each certfile, found 1 for 2"),
        ("certfile = 'gone.pem'", "there is no file gone.pem"),
        ("ciphers = 'nonsense'", "OpenSSL knows no suite of ciphers (nonsense)"),
        ("keyfile = 'secret.pem'", "the private key in secret.pem is encrypted, and no password given"),
        ("keyfile = 'secret.pem'; ssl_keyfile_password = 'y'", "secret.pem cannot be decrypted with this password"),
    ],
)
def test_settings_that_make_no_default_context(failing, site, setting, said):
    encrypt(site, "x")
    (site / "gunicorn.conf.py").write_text(hook() + setting + "\n")
    code, log = failing("hello:app", cwd=site)
    assert code == 1 and "ssl_context wants the default context, which cannot be made: " in log and said in log, log
    assert "Traceback" not in log
