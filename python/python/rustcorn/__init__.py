"""rustcorn: a prefork process manager for web applications: ASGI, WSGI and Rust.

The command line is `rustcorn main:app`; from a program, `rustcorn.run("main:app", host="0.0.0.0", port=8000)` does the
same.
"""

from ._main import main, run
from ._rustcorn import __version__

__all__ = ["__version__", "main", "run"]
