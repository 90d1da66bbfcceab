"""A context in the words of the settings, and what of it cannot be said in them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

from . import _notes, _rustcorn

#: A setting's kind and texts, as the settings take them.
Said = tuple[str, list[str]]

#: Gunicorn's names for protocols, by those of ALPN.
_PROTOCOLS = {"h2": "h2", "http/1.1": "h1"}

_ANY_VERSION = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.MAXIMUM_SUPPORTED)

_REVOKED = ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_CRL_CHECK_CHAIN


def beyond(context: ssl.SSLContext) -> list[str]:
    """What the context has and rustls cannot do: sentences that begin with the hook."""
    return list(_beyond(context, _notes.of(context)))


def _beyond(context: ssl.SSLContext, notes: _notes.Notes) -> Iterator[str]:
    if context.protocol not in (ssl.PROTOCOL_TLS, ssl.PROTOCOL_TLS_SERVER):
        yield f"must return a context for servers of any version (ssl.PROTOCOL_TLS_SERVER), found {context.protocol!r}"
    elif context.maximum_version not in _ANY_VERSION or context.options & ssl.OP_NO_TLSv1_3:
        yield "leaves out TLS 1.3, which is always spoken here; leave maximum_version and OP_NO_TLSv1_3 as they are"
    if not notes.chains:
        yield "loads no certificate: call load_cert_chain, in the hook, on the context that it returns"
    if len(notes.passwords) > 1:
        yield "decrypts keys with different passwords; encrypt them with the same"
    if context.sni_callback is not None:
        yield (
            "sets sni_callback, which is not called here; load all certificates, or name them in certfile: a client gets"
            " that for the name that it asks for"
        )
    if type(context).wrap_socket is not ssl.SSLContext.wrap_socket or type(context).wrap_bio is not ssl.SSLContext.wrap_bio:
        yield f"returns a {type(context).__name__}, whose way of wrapping sockets is not used here; return an ssl.SSLContext"
    if context.options & ssl.OP_NO_TICKET or context.num_tickets == 0:
        yield "wants no session tickets; leave OP_NO_TICKET and num_tickets as they are: the keys of tickets change every few hours"
    if "set_ecdh_curve" in notes.called:
        yield "chooses the curve (set_ecdh_curve), which is the client's choice of X25519, P-256 and P-384 here; leave it out"
    if "set_psk_server_callback" in notes.called:
        yield "sets a callback for keys that are shared before (set_psk_server_callback), which are not spoken; leave it out"
    if context.keylog_filename:
        yield "has the keys of sessions written into a file (keylog_filename), which is not done here; leave it out"
    if notes.protocols is not None and not (set(notes.protocols) and set(notes.protocols) <= _PROTOCOLS.keys()):
        yield f"offers the protocols {notes.protocols!r} (set_alpn_protocols); known are 'h2' and 'http/1.1'"
    if _minimum(context) == "1.2" and not _older(context):
        yield (
            "has no cipher for TLS 1.2 that is spoken here (ECDHE with AES-GCM or ChaCha20); add some, or set minimum_version"
            " to ssl.TLSVersion.TLSv1_3"
        )
    if context.verify_mode != ssl.CERT_NONE:
        yield from _beyond_clients(context, notes)


def _beyond_clients(context: ssl.SSLContext, notes: _notes.Notes) -> Iterator[str]:
    if context.verify_flags & _REVOKED:
        yield "has lists of revoked certificates looked at (verify_flags), which is not done here; leave it out"
    if notes.other_authorities or len(notes.authorities) > 1:
        yield "has those who vouch for clients in several places; put all of them into one file, and load that as cafile"
    if context.post_handshake_auth:
        yield "asks for certificates after the handshake (post_handshake_auth), which HTTP/2 forbids; leave it out"


def wanted(context: ssl.SSLContext, settings: dict[str, Any]) -> dict[str, Said]:
    """The settings that are other than before."""
    notes = _notes.of(context)
    minimum = _minimum(context)
    said: dict[str, Said] = {}
    chains = list(zip(settings["certfile"], settings["keyfile"] or [None] * len(settings["certfile"])))
    if notes.chains != chains:
        # Of two for the same name, OpenSSL has the later one.
        newest = list(dict.fromkeys(reversed(notes.chains)))
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
        said["http_protocols"] = "text", [",".join(dict.fromkeys(_PROTOCOLS[name] for name in notes.protocols))]
    if minimum == "1.2":
        ciphers = _ciphers(context, settings["ciphers"])
        if set(_split(ciphers)) != set(_iana(settings["ciphers"])):
            said["ciphers"] = "text", [ciphers]
    return said


def _minimum(context: ssl.SSLContext) -> str:
    is_newest = context.minimum_version in _ANY_VERSION or context.options & ssl.OP_NO_TLSv1_2
    return "1.3" if is_newest else "1.2"


# === protocols ===


def alpn(http_protocols: str) -> list[str]:
    """The names in ALPN of what `http_protocols` lists."""
    listed = [name.strip() for name in http_protocols.split(",")]
    return [theirs for name in listed for theirs, ours in _PROTOCOLS.items() if ours == name]


# === ciphers ===

# OpenSSL's lists are of suites for TLS 1.2; those of TLS 1.3 have the same name there as at IANA.


def set_ciphers(context: ssl.SSLContext, ciphers: str | None) -> None:
    """Gives a context the suites that the setting names; OpenSSL's groups are understood too."""
    suites = _rustcorn.cipher_suites()
    names = {name: openssl for iana, openssl in suites for name in (iana, openssl)}
    listed = _split(ciphers)
    if not all(name.upper() in names for name in listed):
        context.set_ciphers(ciphers or "")
        return
    chosen = [names[name.upper()] for name in listed] or list(names.values())
    older = [openssl for iana, openssl in suites if openssl != iana and openssl in chosen]
    if older:
        context.set_ciphers(":".join(older))
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_3


def _ciphers(context: ssl.SSLContext, before: str | None) -> str:
    """The suites of the context, as the setting; empty: all."""
    suites = _rustcorn.cipher_suites()
    newer = [iana for iana, openssl in suites if iana == openssl and iana in _iana(before)]
    all_older = {iana for iana, openssl in suites if iana != openssl}
    older = _older(context)
    return "" if not newer and set(older) == all_older else ":".join(newer + older)


def _older(context: ssl.SSLContext) -> list[str]:
    has = {cipher["name"] for cipher in context.get_ciphers()}
    return [iana for iana, openssl in _rustcorn.cipher_suites() if iana != openssl and openssl in has]


def _iana(ciphers: str | None) -> list[str]:
    listed = {name.upper() for name in _split(ciphers)}
    return [iana for iana, openssl in _rustcorn.cipher_suites() if iana in listed or openssl in listed]


def _split(ciphers: str | None) -> list[str]:
    return [name for name in (ciphers or "").replace(",", ":").replace(" ", ":").split(":") if name]
