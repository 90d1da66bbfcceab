"""rustcorn: a prefork process manager for web applications."""

from ._rustcorn import __version__

__all__ = ["__version__"]
