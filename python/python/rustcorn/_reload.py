"""What `reload` watches: the directories that modules come from, and the files that were imported."""

from __future__ import annotations

import os
import sys
import sysconfig

from ._app import search_path


def folders(
    app_dir: str | os.PathLike[str] | None, pythonpath: str | None, reload_dirs: list[str]
) -> list[str]:
    """The directories whose sources count."""
    chosen = [os.path.abspath(folder) for folder in reload_dirs] or search_path(app_dir, pythonpath)
    chosen = [folder for folder in chosen if reload_dirs or os.path.isdir(folder)]
    # A directory below another is watched with it.
    return [it for it in chosen if not any(it != other and it.startswith(other + os.sep) for other in chosen)]


def imported() -> list[str]:
    """The files of the modules that are neither the interpreter's nor installed."""
    paths = sysconfig.get_paths()
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    installed = tuple(os.path.realpath(paths[kind]) + os.sep for kind in kinds)
    own = os.path.dirname(os.path.abspath(__file__)) + os.sep
    found = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py"):
            continue
        file = os.path.abspath(file)
        if os.path.realpath(file).startswith(installed) or file.startswith(own):
            continue
        found.append(file)
    return found
