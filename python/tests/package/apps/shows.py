"""Shows what it finds in its environment, and prints what it is asked for."""

import os
import sys


def app(environ, start_response):
    name = environ["PATH_INFO"].lstrip("/")
    print(f"printed {name}")
    print(f"complained {name}", file=sys.stderr)
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Frame-Options", "SAMEORIGIN")])
    return [os.environ.get(name, "nothing").encode()]
