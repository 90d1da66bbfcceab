"""From the application's name to the application, and what it is called with."""

from __future__ import annotations

import ast
import asyncio
import functools
import importlib
import importlib.machinery
import inspect
import os
import sys
from typing import Any

#: What is looked for when no name stands behind the module: Gunicorn's, then uvicorn's.
DEFAULT_NAMES = ("application", "app")


class AppError(Exception):
    """The module is there, and the application is not; the text is for the operator."""


def load(
    *,
    app: str,
    app_dir: str | os.PathLike[str] | None,
    pythonpath: str | None,
    factory: bool,
    protocol: str,
    object: Any = None,  # noqa: A002
) -> tuple[Any, str]:
    """The application that `app` names, and its interface: "asgi" or "wsgi"."""
    extend_path(app_dir, pythonpath)
    found = object if object is not None else find(app, factory)
    if object is not None and factory:
        found = _call(found, (), {}, app)
    if not callable(found):
        raise AppError(f"{app} is {_a(found)}, which cannot be called; name the application itself")
    return choose(found, protocol, app)


# === where modules are ===


def extend_path(app_dir: str | os.PathLike[str] | None, pythonpath: str | None) -> None:
    """Puts the directories of the settings, and the working directory, in front of `sys.path`."""
    for folder in reversed(search_path(app_dir, pythonpath)):
        if folder in sys.path:
            sys.path.remove(folder)
        sys.path.insert(0, folder)


def search_path(app_dir: str | os.PathLike[str] | None, pythonpath: str | None) -> list[str]:
    folders = [os.fspath(app_dir)] if app_dir else []
    folders += [folder.strip() for folder in (pythonpath or "").split(",") if folder.strip()]
    folders.append(os.getcwd())
    # Each once, at its first place.
    return list(dict.fromkeys(os.path.abspath(folder) for folder in folders))


def is_module(name: str, app_dir: str | os.PathLike[str] | None, pythonpath: str | None) -> bool:
    """Whether an import of this name would find something. Nothing of it runs."""
    if name in sys.builtin_module_names:
        return True
    path = [*search_path(app_dir, pythonpath), *sys.path]
    importlib.invalidate_caches()
    spec = importlib.machinery.PathFinder.find_spec(name, path)
    # A folder without __init__.py is a package by name only, and the folder of a Rust application looks the same.
    return spec is not None and spec.origin is not None


# === the name ===


def find(app: str, factory: bool) -> Any:
    """Imports the module and takes the application out of it."""
    module_name, _, expression = app.partition(":")
    if not module_name:
        raise AppError(f"{app!r} names no application: write MODULE:NAME, for example main:app")
    if module_name.endswith(".py") or "/" in module_name:
        module = module_name.removesuffix(".py").strip("./").replace("/", ".")
        raise AppError(f"{module_name} is a file; name the module, as in {module}:{expression or 'app'}")
    module = importlib.import_module(module_name)
    if not expression:
        return _finish(_default(module, module_name), factory, app)
    names, arguments = parse(expression)
    found: Any = module
    for index, name in enumerate(names):
        try:
            found = getattr(found, name)
        except AttributeError:
            owner = ".".join([module_name, *names[:index]])
            raise AppError(f"{owner} has no attribute {name}{_hint(found, name)}") from None
    if arguments is not None:
        if factory:
            raise AppError(f"{expression!r} is a call already; leave --factory out")
        return _call(found, *arguments, expression)
    return _finish(found, factory, expression)


def parse(expression: str) -> tuple[list[str], tuple[tuple[Any, ...], dict[str, Any]] | None]:
    """`app`, `app.sub` and `create("prod", debug=True)`: the attributes to follow, and what to call the last with."""
    wanted = "write a name, as in main:app, or a call with literals, as in main:create(\"prod\")"
    try:
        node = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise AppError(f"{expression!r} is neither a name nor a call; {wanted}") from None
    arguments = None
    if isinstance(node, ast.Call):
        try:
            if any(keyword.arg is None for keyword in node.keywords):
                raise ValueError("**")
            positional = tuple(ast.literal_eval(argument) for argument in node.args)
            named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
        except ValueError:
            raise AppError(f"the arguments in {expression!r} are no literals; {wanted}") from None
        arguments = (positional, named)
        node = node.func
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise AppError(f"{expression!r} is neither a name nor a call; {wanted}")
    return [node.id, *names], arguments


def _default(module: Any, name: str) -> Any:
    for attribute in DEFAULT_NAMES:
        if hasattr(module, attribute):
            return getattr(module, attribute)
    raise AppError(f"{name} has neither {' nor '.join(DEFAULT_NAMES)}; name the application, as in {name}:NAME")


def _finish(found: Any, factory: bool, name: str) -> Any:
    return _call(found, (), {}, name) if factory else found


def _call(factory: Any, positional: tuple[Any, ...], named: dict[str, Any], name: str) -> Any:
    if not callable(factory):
        raise AppError(f"{name} is {_a(factory)}, which cannot be called; name a function that makes the application")
    try:
        inspect.signature(factory).bind(*positional, **named)
    except TypeError as error:
        raise AppError(f"{name} cannot be called like this: {error}") from None
    except ValueError:
        # It does not tell its signature.
        pass
    app = factory(*positional, **named)
    if inspect.iscoroutine(app):
        app.close()
        raise AppError(f"{name} is an async function; a factory has to be an ordinary one")
    if app is None:
        raise AppError(f"{name} returned None instead of an application")
    return app


def _hint(owner: Any, name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, [known for known in dir(owner) if not known.startswith("_")], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _a(value: Any) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


# === the interface ===


def choose(app: Any, protocol: str, name: str) -> tuple[Any, str]:
    """The application as it will be called, and "asgi" or "wsgi"."""
    found = detect(app)
    if protocol == "auto":
        interface = found or "wsgi"
    elif protocol == "asgi":
        interface = found if found in ("asgi2", "asgi3") else "asgi3"
    else:
        interface = protocol
    if found is not None and (found == "wsgi") != (interface == "wsgi"):
        kind, wanted = ("a WSGI", "ASGI") if found == "wsgi" else ("an ASGI", "WSGI")
        raise AppError(
            f"{name} is {kind} application, and the settings say {wanted}; leave worker_class (-k) and interface out"
        )
    if interface == "asgi2":
        return _asgi3(app), "asgi"
    return app, "wsgi" if interface == "wsgi" else "asgi"


def detect(app: Any) -> str | None:
    """ "asgi3", "asgi2" or "wsgi"; None if it cannot be told."""
    if inspect.isclass(app):
        if hasattr(app, "__await__"):
            return "asgi3"
        return "asgi2" if _is_async(getattr(app, "__call__", None)) else "wsgi"
    if _is_async(app) or _is_async(getattr(app, "__call__", None)):
        return "asgi3"
    # Ordinary functions may be wrappers around anything; how many arguments they need tells most of them apart.
    return {1: "asgi2", 2: "wsgi", 3: "asgi3"}.get(_required(app))


def _is_async(function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    if function is None:
        return False
    # asyncio's own question is deprecated and knows marks of libraries that inspect does not know before 3.12.
    mark = getattr(function, "_is_coroutine", None)
    return inspect.iscoroutinefunction(function) or (
        mark is not None and mark is getattr(asyncio.coroutines, "_is_coroutine", mark)
    )


def _required(function: Any) -> int | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [it for it in parameters if it.kind in positional and it.default is it.empty]
    return len(needed)


def _asgi3(app: Any) -> Any:
    """The older form, `app(scope)(receive, send)`, as the newer one."""

    async def asgi3(scope: Any, receive: Any, send: Any) -> None:
        await app(scope)(receive, send)

    return functools.update_wrapper(asgi3, app, updated=()) if hasattr(app, "__name__") else asgi3
