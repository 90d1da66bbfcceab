"""The settings file that is a program: gunicorn.conf.py."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import sys
import sysconfig
import types
from collections.abc import Callable
from typing import Any

from . import _around

#: The hooks, and how many arguments each may take.
HOOKS: dict[str, tuple[int, ...]] = {
    "on_starting": (1,),
    "on_reload": (1,),
    "when_ready": (1,),
    "pre_fork": (2,),
    "post_fork": (2,),
    "post_worker_init": (1,),
    "worker_int": (1,),
    "worker_abort": (1,),
    "pre_exec": (1,),
    "pre_request": (2,),
    "post_request": (2, 3, 4),
    "child_exit": (2,),
    "worker_exit": (2,),
    "nworkers_changed": (3,),
    "on_exit": (1,),
    "ssl_context": (2,),
}

#: Hooks of Gunicorn's that cannot be run, with the rest of the sentence that says why.
REFUSED = {
    "on_dirty_starting": "belongs to Gunicorn's pool of side processes, which rustcorn does not have; leave it out",
    "dirty_post_fork": "belongs to Gunicorn's pool of side processes, which rustcorn does not have; leave it out",
    "dirty_worker_init": "belongs to Gunicorn's pool of side processes, which rustcorn does not have; leave it out",
    "dirty_worker_exit": "belongs to Gunicorn's pool of side processes, which rustcorn does not have; leave it out",
}


class Config:
    """What a settings file has said."""

    def __init__(self, path: str, names: dict[str, Any], lines: dict[str, int]) -> None:
        self.path = path
        self.lines = lines
        self.hooks = {name: names[name] for name in HOOKS if callable(names.get(name))}
        self.logconfig_dict = names.get("logconfig_dict") or None

    def hook(self, name: str) -> Any:
        return self.hooks.get(name)


#: A name, its line, whether the file reads it, the kind of its value, and its texts.
Value = tuple[str, int, bool, str, list[str]]

#: A function that the settings depend on: its name, where it is, itself.
Hook = tuple[str, str, int, Callable[..., Any]]

#: `ssl_context_factory` of `run()`.
context_factory: Callable[..., Any] | None = None

#: The newest that was read, until the settings that came of it are in use.
newest: Config | None = None

#: Modules of the application's own that the file has imported: another reading takes them anew.
_imported: set[str] = set()


class Failed(Exception):
    """The file cannot be run: line, one sentence, traceback."""


def read(location: str, directory: str | os.PathLike[str]) -> tuple[str, list[Value], list[tuple[int, str, str]]]:
    """Runs the file: its path, its names with line, kind and value, and what is wrong with hooks."""
    global newest, _imported
    directory = os.fspath(directory)
    former = {name: sys.modules.pop(name) for name in _imported if name in sys.modules}
    known = set(sys.modules)
    try:
        with _around.keeping():
            path, names, lines, used = _run(location, directory)
    except BaseException:
        sys.modules.update(former)
        raise
    _imported = {name for name in set(sys.modules) - known if _is_own(sys.modules.get(name))}
    newest = Config(path, names, lines)
    values, problems = [], []
    for name, value in names.items():
        line = lines.get(name, 1)
        problem = _hook_problem(name, value)
        if problem is not None:
            problems.append((line, name, problem))
        elif name not in HOOKS and name not in REFUSED and not _is_private(name, value, lines):
            values.append((name, line, used is None or name in used, *_said(value)))
    return path, values, problems


#: What a hook makes of the settings: its name, its file, what is other, what is wrong, what is weaker, what to warn of.
Amendment = tuple[str, str, list[Value], list[tuple[int, str, str]], list[str], list[str]]


def amend(settings: dict[str, Any], directory: str | os.PathLike[str]) -> Amendment:
    """What `ssl_context` makes of the settings."""
    hook = _context_hook()
    if hook is None:
        return "", "", [], [], [], []
    name, path, line, _ = hook
    if name == "ssl_context" and not settings["certfile"]:
        # It is not called, as in Gunicorn, where people wonder why.
        return name, path, [], [], [], [f"{name} ({path}:{line}) has no effect without certfile"]
    # The module ssl takes its time.
    from . import _context

    return name, path, *_context.amend(hook, settings, directory), []


def _context_hook() -> Hook | None:
    if context_factory is not None:
        code = getattr(context_factory, "__code__", None)
        place = (code.co_filename, code.co_firstlineno) if code is not None else (repr(context_factory), 1)
        return "ssl_context_factory", *place, context_factory
    function = newest and newest.hook("ssl_context")
    return ("ssl_context", newest.path, newest.lines.get("ssl_context", 1), function) if newest and function else None


def _run(location: str, directory: str) -> tuple[str, dict[str, Any], dict[str, int], set[str] | None]:
    path = [directory] if directory not in sys.path else []
    sys.path[:0] = path
    try:
        importlib.invalidate_caches()
        if location.startswith("python:"):
            name = location.removeprefix("python:")
            sys.modules.pop(name, None)
            module = importlib.import_module(name)
            file = getattr(module, "__file__", None)
            tree = _tree(file) if file and file.endswith(".py") else None
            return file or name, vars(module), _lines(tree), _used(tree)
        file = os.path.join(directory, location)
        module = types.ModuleType("__config__")
        module.__file__ = file
        # What looks up its own module by name finds it.
        sys.modules["__config__"] = module
        if file.endswith(".pyc"):
            from importlib.machinery import SourcelessFileLoader

            code, tree = SourcelessFileLoader("__config__", file).get_code("__config__"), None
        else:
            tree = _tree(file)
            code = compile(tree, file, "exec", dont_inherit=True)
        exec(code, vars(module))
        return location, dict(vars(module)), _lines(tree), _used(tree)
    finally:
        for folder in path:
            if folder in sys.path:
                sys.path.remove(folder)


def _tree(file: str) -> ast.Module:
    with open(file, "rb") as stream:
        return ast.parse(stream.read(), file)


def _used(tree: ast.Module | None) -> set[str] | None:
    """The names that the file reads; None if that cannot be told."""
    if tree is None:
        return None
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Load)}


def _lines(tree: ast.Module | None) -> dict[str, int]:
    """Where each name of the module was last bound by an assignment or a definition."""
    lines: dict[str, int] = {}
    waiting: list[Any] = list(tree.body) if tree is not None else []
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            lines[node.name] = node.lineno
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        lines[name.id] = node.lineno
        else:
            for field in ("body", "orelse", "finalbody", "handlers"):
                waiting.extend(getattr(node, field, []))
    return lines


def _is_private(name: str, value: Any, lines: dict[str, int]) -> bool:
    """Whether a name is the file's own affair."""
    if name.startswith("_") or not name.islower():
        return True
    if isinstance(value, types.ModuleType) or callable(value):
        return True
    # What a loop, a `with` or an import has bound is no setting, unless it is called like one.
    return bool(lines) and name not in lines and not _is_known(name)


def _is_known(name: str) -> bool:
    from . import _rustcorn

    return name in _rustcorn.options() or name in ("wsgi_app", "bind")


def _hook_problem(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if name in REFUSED:
        return REFUSED[name] if callable(value) else None
    if name not in HOOKS:
        return None
    if not callable(value):
        return f"must be a function, found {value!r:.60}"
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    for count in HOOKS[name]:
        try:
            signature.bind(*[None] * count)
            return None
        except TypeError:
            continue
    wanted = " or ".join(str(count) for count in HOOKS[name])
    return f"must be a function of {wanted} argument{'s' if wanted != '1' else ''}"


def _said(value: Any) -> tuple[str, list[str]]:
    if value is None:
        return "none", []
    if isinstance(value, bool):
        return "switch", [str(value).lower()]
    if isinstance(value, int):
        return "number", [str(int(value))]
    if isinstance(value, float):
        return "number", [f"{value:f}"]
    if isinstance(value, str):
        return "text", [value]
    if isinstance(value, os.PathLike):
        return "text", [os.fspath(value)]
    if isinstance(value, dict) and all(_is_plain(it) for pair in value.items() for it in pair):
        return "list", [f"{name}={text}" for name, text in value.items()]
    if isinstance(value, (list, tuple, set, frozenset)) and all(_is_plain(it) for it in value):
        return "list", [os.fspath(it) if isinstance(it, os.PathLike) else str(it) for it in value]
    return "other", [repr(value)]


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float, os.PathLike)) and not isinstance(value, bool)


def _is_own(module: Any) -> bool:
    """Whether a module is the application's, and neither the interpreter's nor installed."""
    file = getattr(module, "__file__", None)
    if not file:
        return False
    paths = sysconfig.get_paths()
    installed = {os.path.realpath(paths[kind]) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
    file = os.path.realpath(file)
    return not any(file.startswith(folder + os.sep) for folder in installed)
