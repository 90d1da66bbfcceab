"""A context in the words of the settings, and what of it cannot be said in them."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from typing import Any

from . import _ciphers
from ._notes import CONTEXT, Notes

#: A setting's kind and texts, as the settings take them.
Said = tuple[str, list[str]]

#: Gunicorn's names for protocols, by those of ALPN.
_PROTOCOLS = {"h2": "h2", "http/1.1": "h1"}

_REVOKED = ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_CRL_CHECK_CHAIN

#: What a context has sockets wrapped by.
_WRAPPING = ("wrap_socket", "wrap_bio", "sslsocket_class", "sslobject_class")


def beyond(context: ssl.SSLContext, notes: Notes) -> list[str]:
    """What the context has and rustls cannot do: sentences that begin with the hook."""
    if context.protocol not in (ssl.PROTOCOL_TLS, ssl.PROTOCOL_TLS_SERVER):
        return [f"must return a context for servers of any version (ssl.PROTOCOL_TLS_SERVER), found {context.protocol!r}"]
    return [*_beyond_versions(context), *_beyond(context, notes)]


def _beyond_versions(context: ssl.SSLContext) -> Iterator[str]:
    if context.maximum_version not in _ciphers.NEWEST or context.options & ssl.OP_NO_TLSv1_3:
        yield "leaves out TLS 1.3, which is always spoken here; leave maximum_version and OP_NO_TLSv1_3 as they are"
    # The least that a build of Python knows is a number below.
    if 0 < context.minimum_version < ssl.TLSVersion.TLSv1_2:
        yield (
            f"wants {context.minimum_version.name} (minimum_version), and TLS 1.2 is the oldest that is spoken here; set"
            " minimum_version to ssl.TLSVersion.TLSv1_2"
        )
    if context.security_level > 2:
        yield (
            f"wants the security level {context.security_level} (@SECLEVEL), and what is done here is that of 2; leave it"
            " out, and name the ciphers and versions that you want"
        )


def _beyond(context: ssl.SSLContext, notes: Notes) -> Iterator[str]:
    if not notes.chains:
        yield "loads no certificate: call load_cert_chain, in the hook, on the context that it returns"
    if len(notes.passwords) > 1:
        yield "decrypts keys with different passwords; encrypt them with the same"
    if context.sni_callback is not None:
        yield (
            "sets sni_callback, which is not called here; load all certificates, or name them in certfile: a client gets"
            " that for the name that it asks for"
        )
    kind = type(context)
    if any(name in vars(context) or getattr(kind, name) is not getattr(CONTEXT, name) for name in _WRAPPING):
        yield f"returns a {kind.__name__} with a way of its own to wrap sockets, which is not used here; leave it out"
    if context.options & ssl.OP_NO_TICKET or context.num_tickets == 0:
        advice = "leave OP_NO_TICKET and num_tickets as they are: the keys of tickets change every few hours"
        yield f"wants no session tickets; {advice}"
    if "set_ecdh_curve" in notes.called:
        yield "chooses the curve (set_ecdh_curve), which the client chooses of X25519, P-256 and P-384 here; leave it out"
    if "set_psk_server_callback" in notes.called:
        yield "sets a callback for keys that are shared before (set_psk_server_callback), which are not spoken; leave it out"
    if context.keylog_filename:
        inherited = context.keylog_filename == os.environ.get("SSLKEYLOGFILE")
        advice = "unset SSLKEYLOGFILE, an environment variable" if inherited else "leave it out"
        yield f"has the keys of sessions written into a file (keylog_filename), which is not done here; {advice}"
    if notes.protocols is not None and not set(_offered(notes.protocols)) <= _PROTOCOLS.keys():
        yield f"offers the protocols {notes.protocols!r} (set_alpn_protocols); known are 'h2' and 'http/1.1'"
    if _ciphers.oldest_version(context) == "1.2" and not _ciphers.older(context):
        yield (
            "has no cipher for TLS 1.2 that is spoken here (ECDHE with AES-GCM or ChaCha20); add some, or set"
            " minimum_version to ssl.TLSVersion.TLSv1_3"
        )
    if context.verify_mode != ssl.CERT_NONE:
        yield from _beyond_clients(context, notes)


def _beyond_clients(context: ssl.SSLContext, notes: Notes) -> Iterator[str]:
    if context.verify_flags & _REVOKED:
        yield "has lists of revoked certificates looked at (verify_flags), which is not done here; leave it out"
    if notes.other_authorities or len(notes.authorities) > 1:
        yield "has those who vouch for clients in several places; put all of them into one file, and load that as cafile"
    if context.post_handshake_auth:
        yield "asks for certificates after the handshake (post_handshake_auth), which HTTP/2 forbids; leave it out"


def wanted(context: ssl.SSLContext, notes: Notes, settings: dict[str, Any]) -> dict[str, Said]:
    """The settings that are other than before."""
    minimum = _ciphers.oldest_version(context)
    said: dict[str, Said] = {}
    chains = list(zip(settings["certfile"], settings["keyfile"] or [None] * len(settings["certfile"])))
    if notes.pairs != chains:
        # Of two for the same name, OpenSSL has the later one.
        newest = notes.pairs[::-1]
        said["certfile"] = "list", [certfile for certfile, _ in newest]
        said["keyfile"] = "list", [keyfile or certfile for certfile, keyfile in newest]
    password = next(iter(notes.passwords), None)
    if password is not None and password != settings["ssl_keyfile_password"]:
        said["ssl_keyfile_password"] = "text", [password]
    if context.verify_mode != settings["cert_reqs"]:
        said["cert_reqs"] = "number", [str(int(context.verify_mode))]
    authorities = next(iter(notes.authorities), None)
    if context.verify_mode != ssl.CERT_NONE and authorities != settings["ca_certs"]:
        said["ca_certs"] = "text", [authorities or ""]
    if minimum != settings["ssl_min_version"]:
        said["ssl_min_version"] = "text", [minimum]
    if notes.protocols is not None and notes.protocols != alpn(settings["http_protocols"]):
        said["http_protocols"] = "text", [",".join(dict.fromkeys(_PROTOCOLS[name] for name in _offered(notes.protocols)))]
    ciphers = _ciphers.said(context, settings["ciphers"])
    others = minimum == "1.2" and not _ciphers.are_same(ciphers, settings["ciphers"])
    if others or not _ciphers.are_known(settings["ciphers"]):
        said["ciphers"] = "text", [ciphers]
    return said


def weakened(context: ssl.SSLContext, notes: Notes, settings: dict[str, Any]) -> list[str]:
    """The settings that ask for more than the context does, or that trust others."""
    minimum = _ciphers.oldest_version(context)
    is_weaker = {
        "ssl_min_version": minimum < settings["ssl_min_version"],
        "ciphers": minimum == "1.2" and not set(_ciphers.older(context)) <= _ciphers.meant(settings["ciphers"]),
        "cert_reqs": context.verify_mode < settings["cert_reqs"],
        "ca_certs": context.verify_mode != ssl.CERT_NONE and notes.authorities != [settings["ca_certs"]],
    }
    return [key for key in is_weaker if is_weaker[key]]


# === protocols ===


def alpn(http_protocols: str) -> list[str]:
    """The names in ALPN of what `http_protocols` lists."""
    listed = [name.strip() for name in http_protocols.split(",")]
    return [theirs for name in listed for theirs, ours in _PROTOCOLS.items() if ours == name]


def _offered(protocols: list[str]) -> list[str]:
    """HTTP/1.0 is spoken wherever HTTP/1.1 is, which is what is spoken where nothing is agreed on."""
    offered = [name for name in protocols if name != "http/1.0" or "http/1.1" not in protocols]
    return offered or ["http/1.1"]
