"""What contexts have loaded, which they do not tell: noted while a hook makes them."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Callable, Iterator
from typing import Any

#: Where a context has its notes.
_NAME = "_rustcorn_notes"


class Notes:
    """What was done to a context."""

    def __init__(self) -> None:
        #: Certificates with their keys (None: in the same file), in the order of loading.
        self.chains: list[tuple[str, str | None]] = []
        #: The passwords that keys were decrypted with.
        self.passwords: set[str] = set()
        #: The files with those who vouch for clients.
        self.authorities: list[str] = []
        #: Whoever vouches for clients, and is in no file.
        self.other_authorities = False
        #: What ALPN offers; None: nobody has said it.
        self.protocols: list[str] | None = None
        #: Methods that were called and have no counterpart here.
        self.called: set[str] = set()


def of(context: ssl.SSLContext) -> Notes:
    """What was noted of this context; nothing, if it was made elsewhere."""
    return vars(context).setdefault(_NAME, Notes())


@contextlib.contextmanager
def noting() -> Iterator[None]:
    """Meanwhile every context keeps notes, whoever makes it."""
    own = dict(vars(ssl.SSLContext))
    noted = {name: noted for name, noted in _METHODS.items() if hasattr(ssl.SSLContext, name)}
    for name, method in noted.items():
        setattr(ssl.SSLContext, name, method(getattr(ssl.SSLContext, name)))
    try:
        yield
    finally:
        for name in noted:
            # Some of them are inherited from the part that is written in C.
            if name in own:
                setattr(ssl.SSLContext, name, own[name])
            else:
                delattr(ssl.SSLContext, name)


def _load_cert_chain(method: Callable[..., Any]) -> Callable[..., Any]:
    def load_cert_chain(self: ssl.SSLContext, certfile: Any, keyfile: Any = None, password: Any = None) -> None:
        used: list[str] = []

        def asked() -> Any:
            if password is None:
                # OpenSSL would ask at the terminal, which a service has not.
                raise ValueError(f"the private key in {os.fsdecode(keyfile or certfile)} is encrypted, and no password given")
            said = password() if callable(password) else password
            used.append(said if isinstance(said, str) else bytes(said).decode())
            return said

        method(self, certfile, keyfile, asked)
        notes = of(self)
        notes.chains.append((os.fsdecode(certfile), None if keyfile is None else os.fsdecode(keyfile)))
        notes.passwords.update(used)

    return load_cert_chain


def _load_verify_locations(method: Callable[..., Any]) -> Callable[..., Any]:
    def load_verify_locations(self: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        method(self, cafile, capath, cadata)
        notes = of(self)
        if cafile is not None and os.fsdecode(cafile) not in notes.authorities:
            notes.authorities.append(os.fsdecode(cafile))
        if capath is not None or cadata is not None:
            notes.other_authorities = True

    return load_verify_locations


def _set_default_verify_paths(method: Callable[..., Any]) -> Callable[..., Any]:
    def set_default_verify_paths(self: ssl.SSLContext) -> None:
        method(self)
        of(self).other_authorities = True

    return set_default_verify_paths


def _set_alpn_protocols(method: Callable[..., Any]) -> Callable[..., Any]:
    def set_alpn_protocols(self: ssl.SSLContext, alpn_protocols: Any) -> None:
        protocols = list(alpn_protocols)
        method(self, protocols)
        of(self).protocols = protocols

    return set_alpn_protocols


def _called(method: Callable[..., Any]) -> Callable[..., Any]:
    def called(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> Any:
        of(self).called.add(method.__name__)
        return method(self, *args, **kwargs)

    return called


_METHODS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "load_cert_chain": _load_cert_chain,
    "load_verify_locations": _load_verify_locations,
    "set_default_verify_paths": _set_default_verify_paths,
    "set_alpn_protocols": _set_alpn_protocols,
    "set_ecdh_curve": _called,
    "set_psk_server_callback": _called,
}
