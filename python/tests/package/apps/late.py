"""Sets up its logging when it is called for the first time."""

import logging
import sys


def app(environ, start_response):
    logging.warning("before")
    logging.basicConfig(stream=sys.stderr, format="late:%(message)s")
    logging.warning("after")
    start_response("204 No Content", [])
    return []
