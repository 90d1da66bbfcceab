"""Fails with every request. What is said of that is counted, as tools do it that collect failures."""

import logging
import logging.config
import os
import sys

if os.environ.get("SETS_UP") == "root":
    logging.basicConfig(format="root:%(message)s")
if os.environ.get("SETS_UP") == "named":
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("named:%(message)s"))
    logging.getLogger("rustcorn.error").addHandler(handler)
    logging.getLogger("rustcorn.error").propagate = False

original = logging.Logger.callHandlers


def listening(logger, record):
    if record.exc_info:
        print(f"collected {record.name} {record.levelname} {record.exc_info[1]!r}", file=sys.stderr)
    original(logger, record)


logging.Logger.callHandlers = listening


def wsgi(environ, start_response):
    if environ["PATH_INFO"] == "/silenced":
        # As it is done by those who do not know of the others.
        logging.config.dictConfig({"version": 1})
    raise ValueError("on purpose")


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    if scope["type"] == "http" and scope["path"] == "/silenced":
        logging.config.dictConfig({"version": 1})
    raise ValueError("on purpose")
