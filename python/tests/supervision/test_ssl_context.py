"""What the hook ssl_context of a gunicorn.conf.py wants, seen by who shakes hands."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
from context_kit import HOOK, OLD, PLAIN, ask, connect, encrypt, hook, protocol
from running import Running
from tls import Certificate, needs_openssl

pytestmark = needs_openssl


def test_gunicorns_own_example(serve, site):
    text = """import ssl
    context = default_ssl_context_factory()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
"""
    server = serve(PLAIN + HOOK + text)
    assert ask(server, site)[0] == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        ask(server, site, **OLD)


def test_the_default_context_changes_nothing(serve, site):
    server = serve(PLAIN + HOOK + "return default_ssl_context_factory()\n")
    assert ask(server, site)[0] == "TLSv1.3"
    assert ask(server, site, **OLD, set_ciphers=["ECDHE+CHACHA20"])[1] == "ECDHE-ECDSA-CHACHA20-POLY1305"
    assert protocol(server, site) == "h2"


def test_the_configuration_says_what_gunicorns_says(serve, site):
    said = "conf.certfile, conf.keyfile, conf.is_ssl, conf.ca_certs, conf.cert_reqs, conf.workers, conf.ssl_context"
    server = serve(PLAIN + HOOK + f"print(({said} is ssl_context))\n    return default_ssl_context_factory()\n")
    assert "('cert.pem', 'key.pem', True, None, 0, 1, True)" in server.log


def test_a_context_of_its_own_with_an_encrypted_key(serve, site):
    encrypt(site, "opensesame")
    (site / "key.pem").unlink()
    own = """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", keyfile="secret.pem", password=lambda: "opensesame")
    return context
"""
    # The setting has to be there so that the hook is called; the file need not.
    server = serve('import ssl\ncertfile = "marker"\n' + HOOK + own)
    assert ask(server, site)[2].startswith("hello ")
    assert "opensesame" not in server.log


def test_openssls_words_for_ciphers(serve, site):
    text = "context = default_ssl_context_factory()\n    context.set_ciphers('ECDHE+AES256:!CHACHA20')\n    return context\n"
    server = serve(PLAIN + HOOK + text)
    assert ask(server, site, **OLD)[1] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    with pytest.raises(ssl.SSLError):
        ask(server, site, **OLD, set_ciphers=["ECDHE+CHACHA20:ECDHE+AES128"])
    assert ask(server, site)[0] == "TLSv1.3"


def test_ciphers_of_the_settings_are_the_defaults(serve, site):
    server = serve(PLAIN + 'ciphers = "TLS_AES_128_GCM_SHA256"\n' + HOOK + "return default_ssl_context_factory()\n")
    assert ask(server, site)[:2] == ("TLSv1.3", "TLS_AES_128_GCM_SHA256")
    with pytest.raises(ssl.SSLError):
        ask(server, site, **OLD)


def test_clients_must_show_a_certificate(serve, site):
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
        subprocess.run(words.split(), cwd=site, check=True, capture_output=True)
    server = serve(PLAIN + HOOK + text)
    pair = {name: (str(site / f"{name}.pem"), str(site / f"{name}.key")) for name in ("somebody", "stranger")}
    with pytest.raises(OSError):
        ask(server, site)
    with pytest.raises(OSError):
        ask(server, site, load_cert_chain=pair["stranger"])
    assert ask(server, site, load_cert_chain=pair["somebody"])[2].startswith("hello ")


def test_an_encrypted_key_and_its_password(rustcorn, failing, site):
    encrypt(site, "opensesame")
    words = ["hello:app", "--ssl-certfile", "cert.pem", "--ssl-keyfile", "secret.pem"]
    server = rustcorn(*words, "--ssl-keyfile-password", "opensesame", cwd=site)
    assert ask(server, site)[2].startswith("hello ")
    assert "opensesame" not in Path(f"/proc/{server.pid}/cmdline").read_text() and "opensesame" not in server.log
    code, log = failing(*words, cwd=site)
    assert code == 1 and "the private key in secret.pem (option `keyfile`) is encrypted; set ssl_keyfile_password" in log
    code, log = failing(*words, "--ssl-keyfile-password", "sesame", cwd=site)
    assert code == 1 and "is not decrypted by that password (option `ssl_keyfile_password`)" in log and "sesame" not in log


def test_the_password_in_the_environment_is_not_told(failing, site):
    encrypt(site, "x")
    words = ["hello:app", "--ssl-certfile", "cert.pem", "--ssl-keyfile", "secret.pem"]
    code, log = failing(*words, cwd=site, env={"RUSTCORN_SSL_KEYFILE_PASSWORD": b"open\xe4sesame"})
    assert code == 1 and "RUSTCORN_SSL_KEYFILE_PASSWORD=a value that is not shown: must be UTF-8" in log, log
    assert "sesame" not in log


def test_passwords_as_bytes(serve, site):
    encrypt(site, "opensesame")
    load = "c.load_cert_chain('cert.pem', 'secret.pem', bytearray(b'opensesame'))"
    server = serve(hook("c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)", load))
    assert ask(server, site)[2].startswith("hello ")


NAMES = ["cert", "second", "third"]


def shown(server: Running, site: Path) -> str:
    """Which of the certificates a client gets, by its file."""
    authorities = "".join((site / f"{name}.pem").read_text() for name in NAMES)
    with connect(server, site, load_verify_locations=[None, None, authorities]) as sock:
        der = sock.getpeercert(True)
    assert der is not None
    return next(name for name in NAMES if ssl.PEM_cert_to_DER_cert((site / f"{name}.pem").read_text()) == der)


@pytest.mark.parametrize(
    ("load", "first"),
    [
        # As the settings have it: the first is for whoever asks for no other.
        ([], "cert"),
        # Of two for the same name, OpenSSL has the later one.
        (["c.load_cert_chain('third.pem', 'third-key.pem')"], "third"),
        (["c.load_cert_chain('third.pem', 'third-key.pem')", "c.load_cert_chain('second.pem', 'second-key.pem')"], "second"),
    ],
)
def test_several_chains_and_their_order(serve, site, load, first):
    for name in NAMES[1:]:
        (site / name).mkdir()
        made = Certificate(site / name)
        made.file.rename(site / f"{name}.pem")
        made.key.rename(site / f"{name}-key.pem")
    both = "certfile = ['cert.pem', 'second.pem']\nkeyfile = ['key.pem', 'second-key.pem']\n"
    assert shown(serve(hook(*load).replace(PLAIN, f"import ssl\n{both}")), site) == first


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [
        (["http/1.1"], "http/1.1"),
        (["http/1.1", "http/1.0"], "http/1.1"),
        (["h2", "http/1.1", "http/1.0"], "h2"),
        ([], "http/1.1"),
    ],
)
def test_protocols(serve, site, offered, spoken):
    assert protocol(serve(hook(f"c.set_alpn_protocols({offered})")), site) == spoken


@pytest.mark.parametrize("ciphers", ["HIGH:!MD5", "ECDHE+AESGCM:ECDHE+CHACHA20"])
def test_openssls_words_in_the_setting(serve, site, ciphers):
    server = serve(hook("c.minimum_version = ssl.TLSVersion.TLSv1_3") + f"ciphers = '{ciphers}'\n")
    assert ask(server, site)[0] == "TLSv1.3" and "overruled" not in server.log
    server.end()
    server = serve(hook() + f"ciphers = '{ciphers}'\n")
    assert ask(server, site, **OLD)[0] == "TLSv1.2" and "overruled" not in server.log


def test_a_hook_that_asks_for_less_than_the_settings_is_told(rustcorn, site):
    own = [
        "c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)",
        "c.load_cert_chain('cert.pem', 'key.pem')",
        "c.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED",
    ]
    text = hook(*own) + "cert_reqs = 2\nca_certs = 'cert.pem'\nciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384'\n"
    (site / "gunicorn.conf.py").write_text(text)
    server = rustcorn("hello:app", "--ssl-min-version", "1.3", cwd=site)
    by = r"is overruled by ssl_context \(gunicorn\.conf\.py:4\), which makes it"
    server.wait_for(rf'WARNING\] ssl_min_version \(the command line\) {by} "1\.2"')
    server.wait_for(rf"WARNING\] cert_reqs \(gunicorn\.conf\.py:10\) {by} 0")
    server.wait_for(rf"WARNING\] ciphers \(gunicorn\.conf\.py:12\) {by} ")
    assert "certfile (" not in server.log and server.log.count("overruled") == 3
    assert ask(server, site, **OLD)[0] == "TLSv1.2"


def test_a_hook_that_asks_for_more_than_the_settings_is_not_told(serve, site):
    text = "ssl_min_version = '1.2'\nciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256'\n"
    server = serve(hook("c.set_ciphers('ECDHE-ECDSA-AES256-GCM-SHA384')") + text)
    assert ask(server, site, **OLD)[1] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    assert "overruled" not in server.log
