"""`python -m rustcorn`: the same as the command `rustcorn`."""

from ._main import main

main()
