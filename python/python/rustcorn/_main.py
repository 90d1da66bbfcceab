"""The ways in: the command `rustcorn`, and `rustcorn.run`."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, NoReturn

from . import _config, _logging, _rustcorn


def main() -> NoReturn:
    """The command `rustcorn`: serves what its arguments say, and leaves with the exit code."""
    sys.exit(_start(sys.argv[1:]))


def run(app: Any, **settings: Any) -> None:
    """Serves an application, as `uvicorn.run` does, until it is told to stop.

    `app` is what the command line takes: "main:app". The application itself is taken too, with one worker and without
    reload: others would have nothing to import it from.

    The settings are those of the command line, by key (`max_requests=1000`) or by their names in uvicorn
    (`limit_max_requests=1000`). None leaves a setting as it is.

    `ssl_context_factory` is called with the settings and a function that makes the default context, at the start and at
    each reload; it returns the ssl.SSLContext that TLS is to be set up as, as the hook `ssl_context` of a gunicorn.conf.py
    does.

    Returns when the server has stopped, and raises SystemExit with its exit code if it failed. It forks, so it must not
    be called from a running event loop. Where the process has other threads already, as some libraries start when they
    are imported, the program `rustcorn` takes the place of the process, and run() does not return. An application that is
    not given by name, a `log_config` that is a dictionary and an `ssl_context_factory` cannot be handed over to it: with
    them, run() raises RuntimeError where there are other threads.
    """
    if isinstance(settings.get("log_config"), dict):
        # Workers are forked, and so find it where it is.
        _logging.given = settings.pop("log_config")
    _config.context_factory = settings.pop("ssl_context_factory", None)
    words = _words(settings)
    if not isinstance(app, str):
        if settings.get("reload") or int(settings.get("workers") or os.environ.get("WEB_CONCURRENCY") or 1) > 1:
            print(
                'rustcorn: reload and more than one worker take the application by name, as in run("main:app"):'
                " an object cannot be imported anew",
                file=sys.stderr,
            )
            sys.exit(1)
        if not callable(app):
            raise TypeError(f'run() takes "module:name" or an application, not {type(app).__name__}')
    if _loop_is_running():
        raise RuntimeError("rustcorn.run() forks, and so cannot be called from a running event loop")
    if isinstance(app, str):
        if _has_threads() and not _is_given() and sys.executable:
            _replace_process([*words, "--", app])
        code = _start([*words, "--", app])
    else:
        code = _start([*words, "--", _name(app)], app)
    if code:
        sys.exit(code)


def _start(words: list[str], application: Any = None) -> int:
    # Workers must not write again what is still in a buffer here.
    sys.stdout.flush()
    sys.stderr.flush()
    return _rustcorn.start(words, object=application, command=_command())


def _has_threads() -> bool:
    return len(os.listdir("/proc/self/task")) > 1


def _is_given() -> bool:
    """Whether there is something that no command line can say."""
    return _logging.given is not None or _config.context_factory is not None


def _replace_process(words: list[str]) -> NoReturn:
    """Begins anew, without the threads, which no fork would take along. Modules are found where they are found here."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    variables = {f"--{flag}": hidden for flag, *_, hidden in _rustcorn.options().values() if hidden is not None}
    shown = []
    for word in words:
        flag, _, value = word.partition("=")
        if flag in variables:
            # Everybody may read a command line.
            os.environ[variables[flag]] = value
        else:
            shown.append(word)
    os.execv(sys.executable, [sys.executable, "-m", "rustcorn", *shown])


def _command() -> list[str] | None:
    """What starts this program again: its interpreter, with the arguments that the interpreter got.

    By its full path: an interpreter finds its virtual environment by the name that it is called by.
    """
    if not sys.executable or not sys.orig_argv:
        return None
    return [sys.executable, *sys.orig_argv[1:]]


# What None switches off, as for uvicorn. Of other settings it means the default.
_OFF = {"ws_ping_interval", "ws_ping_timeout"}

# uvicorn has one below logging's own.
_TRACE = 5


def _level(number: int) -> str:
    """One of logging's numbers, as a word of the command line."""
    return "trace" if number == _TRACE else logging.getLevelName(number).lower()


def _words(settings: dict[str, Any]) -> list[str]:
    """The settings as words of a command line."""
    table = _rustcorn.options()
    words = []
    for name, value in settings.items():
        if name not in table:
            raise TypeError(f"run() got an unexpected keyword argument {name!r}")
        if value is None and name in _OFF:
            value = 0
        if value is None:
            continue
        if name == "log_level" and isinstance(value, int) and not isinstance(value, bool):
            value = _level(value)
        flag, opposite, repeats, takes_value, _ = table[name]
        if isinstance(value, bool) and opposite is not None:
            words.append(f"--{flag}" if value else f"--{opposite}")
        elif repeats and not isinstance(value, str):
            pairs = value.items() if hasattr(value, "items") else None
            each = value if pairs is None else (f"{name}={text}" for name, text in pairs)
            # uvicorn's headers are pairs.
            texts = (":".join(element) if isinstance(element, (tuple, list)) else element for element in each)
            words.extend(f"--{flag}={text}" for text in texts)
        elif takes_value:
            words.append(f"--{flag}={os.fspath(value) if hasattr(value, '__fspath__') else value}")
        else:
            raise TypeError(f"run() takes True or False for {name}, not {value!r}")
    return words


def _name(app: Any) -> str:
    """What logs and process titles call an application that has no name of its own."""
    module = getattr(app, "__module__", None) or type(app).__module__
    return f"{module}:{getattr(app, '__name__', None) or type(app).__name__}"


def _loop_is_running() -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None
