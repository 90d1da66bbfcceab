"""The hook `ssl_context`, and `ssl_context_factory` of `run()`: what they want of TLS becomes settings.

rustls speaks TLS here. The hook gets what Gunicorn documents, the settings and a function that makes the default context,
and runs in the arbiter, at the start and at each reload. What it wants is read from the context that it returns; what
cannot be had is told, and nothing starts.
"""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Callable
from typing import Any

from . import _config, _notes, _rustcorn, _wishes
from ._config import Hook, Value
from ._errors import traceback

#: What `amend` tells: where the hook is, the settings that it changes, what is wrong with it.
Amendment = tuple[str, list[Value], list[tuple[int, str, str]]]


def amend(hook: Hook, settings: dict[str, Any], directory: str | os.PathLike[str]) -> Amendment:
    """Calls the hook in this directory."""
    name, path, line, function = hook

    def wrong(why: str) -> Amendment:
        return path, [], [(line, name, why)]

    try:
        context = _call(function, settings, directory)
    except BaseException as error:
        _rustcorn.log(logging.ERROR, f"The hook {name} failed\n{traceback(error).rstrip()}")
        return wrong(f"failed: {type(error).__name__}: {error}")
    if not isinstance(context, ssl.SSLContext):
        return wrong(f"must return an ssl.SSLContext, found {context!r:.60}")
    for why in _wishes.beyond(context):
        return wrong(why)
    wanted = _wishes.wanted(context, settings)
    return path, [(key, line, False, *said) for key, said in wanted.items()], []


def _call(hook: Callable[..., Any], settings: dict[str, Any], directory: str | os.PathLike[str]) -> Any:
    from ._hooks import Settings

    before = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Where the arbiter will read what the hook names.
        os.chdir(directory)
        with _notes.noting():
            return hook(Settings(settings, _config.newest), lambda: _default(settings))
    finally:
        os.fchdir(before)
        os.close(before)


def _default(settings: dict[str, Any]) -> ssl.SSLContext:
    """A context with all that the settings say."""
    if not settings["certfile"]:
        raise RuntimeError("there is no default context without certfile: load a certificate into one of your own")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for number, certfile in enumerate(settings["certfile"]):
        keyfile = settings["keyfile"][number] if settings["keyfile"] else None
        try:
            context.load_cert_chain(certfile, keyfile, settings["ssl_keyfile_password"])
        except OSError as error:
            key = f" with keyfile {keyfile}" if keyfile else ""
            raise OSError(f"certfile {certfile}{key} cannot be loaded: {error}") from None
    context.verify_mode = ssl.VerifyMode(settings["cert_reqs"])
    if settings["ca_certs"]:
        context.load_verify_locations(settings["ca_certs"])
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if settings["ssl_min_version"] == "1.3" else ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(_wishes.alpn(settings["http_protocols"]))
    _wishes.set_ciphers(context, settings["ciphers"])
    return context
