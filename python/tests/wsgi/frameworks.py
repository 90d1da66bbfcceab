"""wsgiref's validator, Flask and Django, each with a hello."""

from __future__ import annotations

from wsgiref.validate import validator

import django
import flask
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path


def plain(environ, start_response):
    stream = environ["wsgi.input"]
    body = stream.read(1000) if environ.get("CONTENT_LENGTH") else b""
    environ["wsgi.errors"].write("seen\n")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"valid ", body]


def streamed(environ, start_response):
    def blocks():
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"written ")
        yield from (b"and ", b"yielded")

    return blocks()


def refuse_mistakes(app):
    checked = validator(app)

    def wrapped(environ, start_response):
        return checked(environ, start_response)

    return wrapped


def route(environ, start_response):
    app = streamed if environ["PATH_INFO"] == "/streamed" else plain
    return app(environ, start_response)


validated = refuse_mistakes(route)

hello_flask = flask.Flask("hello")


@hello_flask.route("/")
def index():
    return "Hello, Flask!"


@hello_flask.post("/echo")
def echo():
    return flask.request.get_data()


@hello_flask.get("/stream")
def stream():
    return flask.Response((f"line {number}\n" for number in range(3)), mimetype="text/plain")


@hello_flask.get("/file")
def file():
    return flask.send_file(__file__)


def django_index(request):
    return HttpResponse("Hello, Django!")


def django_echo(request):
    return HttpResponse(request.body)


def django_stream(request):
    return StreamingHttpResponse([b"one ", b"two"])


settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="a", DEBUG=False)
urlpatterns = [path("", django_index), path("echo", django_echo), path("stream", django_stream)]
django.setup()
hello_django = get_wsgi_application()
