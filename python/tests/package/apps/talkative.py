"""Says something in every way that Python knows."""

import logging
import os
import sys
import threading
import warnings

logger = logging.getLogger("talkative")
logger.debug("debug at import")
logger.info("info at import")
logger.warning("warning at import")


def app(environ, start_response):
    print("printed at a request")
    print("printed to stderr", file=sys.stderr)
    logger.info("info at a request")
    logger.debug("debug at a request")
    # Python has no name for what is below debug; uvicorn's is this number.
    logger.log(5, "traced at a request")
    try:
        raise ValueError("caught")
    except ValueError:
        logger.exception("it failed")
    logging.error("from the root")
    warnings.warn("careful", DeprecationWarning, stacklevel=1)
    warnings.warn("be warned", stacklevel=1)

    def fail():
        raise RuntimeError("in a thread")

    thread = threading.Thread(target=fail, name="helper")
    thread.start()
    thread.join()
    start_response("200 OK", [("content-type", "text/plain")])
    facts = [os.environ.get("COLOUR"), os.environ.get("NOTIFY_SOCKET"), os.environ["SERVER_SOFTWARE"], sys.path[0]]
    return [repr(facts).encode()]
