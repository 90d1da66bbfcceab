"""What contexts have loaded, which they do not tell: noted while a hook makes them."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Callable, Iterator
from typing import Any

#: The class, as it was before any hook ran: one may put another into its place.
CONTEXT = ssl.SSLContext

#: Where a context has its notes.
_NAME = "_rustcorn_notes"


class Notes:
    """What was done to a context."""

    def __init__(self) -> None:
        #: Certificates with their keys (None: in the same file), in the order of loading, and the password that each key
        #: took. One that is loaded again is the later one: a context may be kept between reloads.
        self.chains: dict[str, tuple[str | None, str | None]] = {}
        #: The files with those who vouch for clients.
        self.authorities: list[str] = []
        #: Whoever vouches for clients, and is in no file.
        self.other_authorities = False
        #: What ALPN offers; None: nobody has said it.
        self.protocols: list[str] | None = None
        #: Methods that were called and have no counterpart here.
        self.called: set[str] = set()

    @property
    def pairs(self) -> list[tuple[str, str | None]]:
        return [(certfile, keyfile) for certfile, (keyfile, _) in self.chains.items()]

    @property
    def passwords(self) -> set[str]:
        return {password for _, password in self.chains.values() if password is not None}


def of(context: ssl.SSLContext) -> Notes | None:
    """What was noted of this context; None: it was made elsewhere, and may have loaded what nobody has noted."""
    return vars(context).get(_NAME)


@contextlib.contextmanager
def noting() -> Iterator[None]:
    """Meanwhile every context that is made keeps notes, whoever makes it."""
    own = dict(vars(CONTEXT))
    wrapped = {name: wrap(getattr(CONTEXT, name)) for name, wrap in _METHODS.items() if hasattr(CONTEXT, name)}
    for name, method in wrapped.items():
        setattr(CONTEXT, name, method)
    try:
        yield
    finally:
        for name, method in wrapped.items():
            if vars(CONTEXT).get(name) is not method:
                # Something that was imported meanwhile has put its own there, to stay.
                continue
            # Some of them are inherited from the part that is written in C.
            if name in own:
                setattr(CONTEXT, name, own[name])
            else:
                delattr(CONTEXT, name)


def _note(context: ssl.SSLContext) -> Notes:
    """Where to note; nobody reads that of a context that was made elsewhere."""
    return of(context) or Notes()


def _new(method: Callable[..., Any]) -> Any:
    def __new__(cls: type[ssl.SSLContext], *args: Any, **kwargs: Any) -> ssl.SSLContext:
        context = method(cls, *args, **kwargs)
        setattr(context, _NAME, Notes())
        return context

    return staticmethod(__new__)


def _load_cert_chain(method: Callable[..., Any]) -> Callable[..., Any]:
    def load_cert_chain(self: ssl.SSLContext, certfile: Any, keyfile: Any = None, password: Any = None) -> None:
        own, key = os.fsdecode(certfile), None if keyfile is None else os.fsdecode(keyfile)
        used: list[str] = []

        def asked() -> Any:
            if password is None:
                # OpenSSL would ask at the terminal, which a service has not.
                raise ValueError(f"the private key in {key or own} is encrypted, and no password given")
            said = password() if callable(password) else password
            try:
                used.append(said if isinstance(said, str) else bytes(said).decode())
            except UnicodeDecodeError:
                raise ValueError(f"the password of {key or own} is not UTF-8, as passwords have to be here") from None
            return said

        with _naming(own, key):
            try:
                method(self, certfile, keyfile, asked)
            except ssl.SSLError as error:
                # A key that was decrypted may still be another certificate's.
                if used and error.reason != "KEY_VALUES_MISMATCH":
                    error.strerror = f"{key or own} cannot be decrypted with this password"
                raise
        chains = _note(self).chains
        chains.pop(own, None)
        chains[own] = key, used[-1] if used else None

    return load_cert_chain


def _load_verify_locations(method: Callable[..., Any]) -> Callable[..., Any]:
    def load_verify_locations(self: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        file = None if cafile is None else os.fsdecode(cafile)
        with _naming(file):
            method(self, cafile, capath, cadata)
        notes = _note(self)
        if file is not None and file not in notes.authorities:
            notes.authorities.append(file)
        if capath is not None or cadata is not None:
            notes.other_authorities = True

    return load_verify_locations


@contextlib.contextmanager
def _naming(*files: str | None) -> Iterator[None]:
    """OpenSSL does not say which file is missing, or cannot be used."""
    named = [file for file in files if file is not None]
    try:
        yield
    except FileNotFoundError as error:
        gone = next((file for file in named if not os.path.exists(file)), None)
        error.strerror = f"there is no file {gone}" if gone else error.strerror
        raise
    except OSError as error:
        if not any(file in str(error) for file in named):
            error.strerror = f"{' with '.join(named)} cannot be loaded: {error.strerror or error}"
        raise


def _set_default_verify_paths(method: Callable[..., Any]) -> Callable[..., Any]:
    def set_default_verify_paths(self: ssl.SSLContext) -> None:
        method(self)
        _note(self).other_authorities = True

    return set_default_verify_paths


def _set_alpn_protocols(method: Callable[..., Any]) -> Callable[..., Any]:
    def set_alpn_protocols(self: ssl.SSLContext, alpn_protocols: Any) -> None:
        protocols = list(alpn_protocols)
        method(self, protocols)
        _note(self).protocols = protocols

    return set_alpn_protocols


def _called(method: Callable[..., Any]) -> Callable[..., Any]:
    def called(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> Any:
        _note(self).called.add(method.__name__)
        return method(self, *args, **kwargs)

    return called


_METHODS: dict[str, Callable[[Callable[..., Any]], Any]] = {
    "__new__": _new,
    "load_cert_chain": _load_cert_chain,
    "load_verify_locations": _load_verify_locations,
    "set_default_verify_paths": _set_default_verify_paths,
    "set_alpn_protocols": _set_alpn_protocols,
    "set_ecdh_curve": _called,
    "set_psk_server_callback": _called,
}
