"""Applications of every kind, each answering with its name."""

import functools


def answer(name, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [name.encode()]


async def reply(name, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": name.encode()})


def wsgi_function(environ, start_response):
    return answer("wsgi_function", start_response)


class WsgiObject:
    def __call__(self, environ, start_response):
        return answer("wsgi_object", start_response)


wsgi_object = WsgiObject()


class wsgi_class:
    def __init__(self, environ, start_response):
        self.body = answer("wsgi_class", start_response)

    def __iter__(self):
        return iter(self.body)


async def asgi_function(scope, receive, send):
    assert scope["type"] == "http"
    await reply("asgi_function", send)


class AsgiObject:
    async def __call__(self, scope, receive, send):
        assert scope["type"] == "http"
        await reply("asgi_object", send)


asgi_object = AsgiObject()


async def _named(name, scope, receive, send):
    assert scope["type"] == "http"
    await reply(name, send)


asgi_partial = functools.partial(_named, "asgi_partial")


def asgi_wrapper(scope, receive, send):
    return _named("asgi_wrapper", scope, receive, send)


class asgi_class:
    def __init__(self, scope, receive, send):
        assert scope["type"] == "http"
        self.send = send

    def __await__(self):
        return reply("asgi_class", self.send).__await__()


class asgi2_class:
    def __init__(self, scope):
        assert scope["type"] == "http"

    async def __call__(self, receive, send):
        await reply("asgi2_class", send)


def asgi2_function(scope):
    assert scope["type"] == "http"

    async def instance(receive, send):
        await reply("asgi2_function", send)

    return instance
