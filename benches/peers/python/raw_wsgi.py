"""WSGI without a framework: what is left is the server's."""

BODY = b"Hello, world!\n"
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", "14")]


def app(environ, start_response):
    start_response("200 OK", list(HEADERS))
    return [BODY]
