"""Python's logging, warnings and standard streams in a worker."""

from __future__ import annotations

import atexit
import json
import logging
import logging.config
import os
import sys
import threading
import warnings
from typing import Any

from . import _printing, _rustcorn
from ._errors import described, traceback

#: What the operator wants to see; set when the worker begins.
_level = logging.INFO

#: A configuration for logging.config.dictConfig that the program has given, instead of a file.
given: dict[str, Any] | None = None


#: The operator has said how logging is to be.
_is_configured = False

#: What is said of applications that fail with a request.
_FAILURES = "rustcorn.error"


class OperatorLog(logging.Handler):
    """Writes records to rustcorn's log, which adds time, process and level."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            _rustcorn.log(record.levelno, text if record.name in ("root", _FAILURES) else f"{record.name}: {text}")
        except RecursionError:
            raise
        except Exception:
            self.handleError(record)


class _Words(logging.Formatter):
    """A failure as other lines of the operator log have it."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        return text if error is None else f"{text}: {described(error)}"


_failures = OperatorLog()
_failures.setFormatter(_Words())


def failed(error: BaseException | None, what: str, *args: object) -> None:
    """An application has failed: told by a logger, so that those hear of it who listen to logging.

    As in uvicorn, what an application sets up for all loggers does not say it a second time; what it sets up for this one, or
    what the operator sets up for all, has it instead of the operator log.
    """
    logger = logging.getLogger(_FAILURES)
    if not (_is_configured or logger.handlers or logging.getLogger("rustcorn").handlers):
        logger.addHandler(_failures)
        logger.propagate = False
        logger.setLevel(logger.level or logging.ERROR)
    if logger.disabled or logging.root.manager.disable >= logging.ERROR:
        # By a configuration that was not about failures (`disable_existing_loggers`): they are not to be lost.
        why = "" if error is None else f": {described(error)}"
        _rustcorn.log(logging.ERROR, f"{what % args}{why}")
    else:
        logger.error(what, *args, exc_info=error)


def enter_worker(
    *,
    level: int,
    config: str | os.PathLike[str] | None,
    config_json: str | os.PathLike[str] | None,
    config_dict: dict[str, Any] | None,
    inherits_output: bool,
) -> None:
    """Before the application is imported."""
    global _level, _is_configured
    _level = level
    _is_configured = any(said is not None for said in (given, config, config_json, config_dict))
    # What is printed shall be seen now, not when a buffer is full.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)
    # Until the application has been imported only the handler of last resort is ours: whatever the application sets up,
    # it finds a root logger without handlers, as it expects.
    logging.lastResort = OperatorLog(level)
    if not inherits_output:
        _printing.enter_worker(level)
    warnings.showwarning = _show_warning
    threading.excepthook = _thread_failed
    if given is not None:
        logging.config.dictConfig(given)
    if config is not None:
        configure(config)
    if config_json is not None:
        logging.config.dictConfig(_read_json(config_json))
    if config_dict is not None:
        logging.config.dictConfig(config_dict)


def settle() -> None:
    """After the import: an application that has set up no logging at all gets the operator's, in all its loggers."""
    root = logging.getLogger()
    if root.handlers or any(_is_set_up(logger) for logger in root.manager.loggerDict.values()):
        return
    ours = OperatorLog()
    root.addHandler(ours)
    if root.level == logging.WARNING:
        root.setLevel(_level)
    original = logging.basicConfig

    def basic_config(**options: Any) -> None:
        # Who sets something up later, at the start of the lifespan for example, has the last word. Without options it is
        # logging.error() and the like that call, to have any handler at all.
        if options and root.handlers == [ours]:
            root.removeHandler(ours)
        original(**options)

    logging.basicConfig = basic_config


def _is_set_up(logger: object) -> bool:
    handlers = logger.handlers if isinstance(logger, logging.Logger) else []
    return any(not isinstance(handler, logging.NullHandler) for handler in handlers)


def leave_worker() -> None:
    """What Python does at the end of a program, but for the wait for threads."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            # It is closed, or whoever read it is gone.
            pass


def configure(path: str | os.PathLike[str]) -> None:
    """Takes a configuration of logging in any of the formats that uvicorn and Gunicorn take."""
    name = os.fspath(path)
    if name.endswith(".json"):
        logging.config.dictConfig(_read_json(name))
    elif name.endswith((".yaml", ".yml")):
        try:
            import yaml
        except ImportError:
            raise RuntimeError(f"{name} is YAML, which takes the package PyYAML: pip install pyyaml") from None
        with open(name, encoding="utf-8") as file:
            logging.config.dictConfig(yaml.safe_load(file))
    else:
        if not os.path.exists(name):
            raise FileNotFoundError(f"{name} does not exist")
        logging.config.fileConfig(name, disable_existing_loggers=False)


def _read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    if file is not None:
        file.write(warnings.formatwarning(message, category, filename, lineno, line))
        return
    _rustcorn.log(logging.WARNING, f"{filename}:{lineno}: {category.__name__}: {message}")


def _thread_failed(args: Any) -> None:
    if args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread is not None else "a thread"
    _rustcorn.log(logging.ERROR, f"Exception in thread {name}\n{traceback(args.exc_value)}".rstrip())
