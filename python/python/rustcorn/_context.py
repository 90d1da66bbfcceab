"""The hook `ssl_context`, and `ssl_context_factory` of `run()`: what they want of TLS becomes settings.

rustls speaks TLS here. The hook gets what Gunicorn documents, the settings and a function that makes the default context,
and runs in the arbiter, at the start and at each reload. What it wants is read from the context that it returns; what
cannot be had is told, and nothing starts.
"""

from __future__ import annotations

import contextlib
import logging
import os
import ssl
from collections.abc import Iterator
from typing import Any

from . import _around, _ciphers, _config, _notes, _rustcorn, _wishes
from ._config import Hook, Value
from ._errors import said, traceback
from ._server import Settings

#: What `amend` tells: the settings that the hook changes, what is wrong with it, the keys of what it weakens.
Amendment = tuple[list[Value], list[tuple[int, str, str]], list[str]]

#: Where what takes long belongs.
_ELSEWHERE = "what takes long belongs into whatever writes the files that the context loads"


class NoDefault(OSError):
    """The settings make no default context: the rest of a sentence."""


def amend(hook: Hook, settings: dict[str, Any], directory: str | os.PathLike[str]) -> Amendment:
    """Calls the hook in this directory."""
    name, _, line, function = hook

    def wrong(*sentences: str) -> Amendment:
        return [], [(line, name, sentence) for sentence in sentences], []

    if not (os.path.isdir(directory) and os.access(directory, os.X_OK)):
        # The arbiter will not get there either, and says so.
        return [], [], []
    try:
        with _inside(directory), _around.hook(name, _ELSEWHERE), _notes.noting():
            context = function(Settings(settings, _config.newest), lambda: _default(settings))
    except NoDefault as error:
        return wrong(f"wants the default context, which cannot be made: {error}")
    except BaseException as error:
        _rustcorn.log(logging.ERROR, f"The hook {name} failed\n{traceback(error).rstrip()}")
        return wrong(f"failed: {said(error)}")
    if not isinstance(context, _notes.CONTEXT):
        return wrong(f"must return an ssl.SSLContext, found {context!r:.60}")
    notes = _notes.of(context)
    if notes is None:
        return wrong(
            "returns a context that was made before it was called, so that nobody knows what was loaded into it; make the"
            " context in the hook"
        )
    beyond = _wishes.beyond(context, notes)
    if beyond:
        return wrong(*beyond)
    wanted = _wishes.wanted(context, notes, settings)
    values = [(key, line, False, *words) for key, words in wanted.items()]
    return values, [], _wishes.weakened(context, notes, settings)


@contextlib.contextmanager
def _inside(directory: str | os.PathLike[str]) -> Iterator[None]:
    """In the directory where the arbiter will read what the hook names."""
    before = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.chdir(directory)
        yield
    finally:
        os.fchdir(before)
        os.close(before)


def _default(settings: dict[str, Any]) -> ssl.SSLContext:
    """A context with all that the settings say."""
    certfiles, keyfiles = settings["certfile"], settings["keyfile"]
    if not certfiles:
        raise NoDefault("there is no certfile; load a certificate into a context of your own")
    if keyfiles and len(keyfiles) != len(certfiles):
        raise NoDefault(f"there must be one keyfile for each certfile, found {len(keyfiles)} for {len(certfiles)}")
    context = _notes.CONTEXT(ssl.PROTOCOL_TLS_SERVER)
    try:
        for certfile, keyfile in zip(certfiles, keyfiles or [None] * len(certfiles)):
            context.load_cert_chain(certfile, keyfile, settings["ssl_keyfile_password"])
        context.verify_mode = ssl.VerifyMode(settings["cert_reqs"])
        if settings["ca_certs"]:
            context.load_verify_locations(settings["ca_certs"])
        newest = settings["ssl_min_version"] == "1.3"
        context.minimum_version = ssl.TLSVersion.TLSv1_3 if newest else ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(_wishes.alpn(settings["http_protocols"]))
    except (OSError, ValueError) as error:
        raise NoDefault(getattr(error, "strerror", None) or str(error)) from None
    try:
        _ciphers.set_ciphers(context, settings["ciphers"])
    except ssl.SSLError:
        raise NoDefault(f"OpenSSL knows no suite of ciphers ({settings['ciphers']})") from None
    return context
