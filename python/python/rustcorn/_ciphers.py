"""The versions and cipher suites of a context, in the words of the settings.

OpenSSL's lists are of suites for TLS 1.2; those of TLS 1.3 have the same name there as at IANA.
"""

from __future__ import annotations

import ssl

from . import _rustcorn
from ._notes import CONTEXT

#: Every suite that is spoken here: its names at IANA and in OpenSSL.
_SUITES = _rustcorn.cipher_suites()

#: Those for TLS 1.2.
_OLDER = {iana: openssl for iana, openssl in _SUITES if iana != openssl}

#: TLS 1.3, as contexts have it.
NEWEST = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.MAXIMUM_SUPPORTED)


def oldest_version(context: ssl.SSLContext) -> str:
    """As `ssl_min_version` has it."""
    is_newest = context.minimum_version in NEWEST or context.options & ssl.OP_NO_TLSv1_2
    return "1.3" if is_newest else "1.2"


def set_ciphers(context: ssl.SSLContext, ciphers: str | None) -> None:
    """Gives a context the suites that the setting names; OpenSSL's groups are understood too."""
    if not are_known(ciphers):
        context.set_ciphers(ciphers or "")
        return
    chosen = _iana(ciphers) if _split(ciphers) else list(_OLDER)
    chosen_older = [_OLDER[iana] for iana in chosen if iana in _OLDER]
    if chosen_older:
        context.set_ciphers(":".join(chosen_older))
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_3


def said(context: ssl.SSLContext, before: str | None) -> str:
    """The suites of the context, as the setting; empty: all."""
    newer = [iana for iana in _iana(before) if iana not in _OLDER]
    if oldest_version(context) == "1.3":
        return ":".join(newer)
    has = older(context)
    return "" if not newer and len(has) == len(_OLDER) else ":".join(newer + has)


def are_same(ciphers: str, others: str | None) -> bool:
    return set(_split(ciphers)) == set(_iana(others))


def meant(ciphers: str | None) -> set[str]:
    """The suites for TLS 1.2 that the setting allows."""
    context = CONTEXT(ssl.PROTOCOL_TLS_SERVER)
    try:
        set_ciphers(context, ciphers)
    except ssl.SSLError:
        return set()
    return set(older(context)) if oldest_version(context) == "1.2" else set()


def are_known(ciphers: str | None) -> bool:
    """Whether all are names of suites, and none is one of OpenSSL's groups."""
    names = {name for suite in _SUITES for name in suite}
    return all(name.upper() in names for name in _split(ciphers))


def older(context: ssl.SSLContext) -> list[str]:
    """The suites for TLS 1.2 that the context has and that are spoken here."""
    has = {cipher["name"] for cipher in context.get_ciphers()}
    return [iana for iana, openssl in _OLDER.items() if openssl in has]


def _iana(ciphers: str | None) -> list[str]:
    listed = {name.upper() for name in _split(ciphers)}
    return [iana for iana, openssl in _SUITES if iana in listed or openssl in listed]


def _split(ciphers: str | None) -> list[str]:
    return [name for name in (ciphers or "").replace(",", ":").replace(" ", ":").split(":") if name]
