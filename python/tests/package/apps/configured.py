"""Sets up its logging itself, as many do, after the import of others."""

import logging
import sys

logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="mine:%(levelname)s:%(message)s")


def app(environ, start_response):
    logging.info("hello from here")
    logging.debug("not this")
    logging.getLogger("gunicorn.error").warning("and this")
    start_response("204 No Content", [])
    return []
