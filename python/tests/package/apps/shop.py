"""A Flask application that a factory makes."""

from flask import Flask


def create_app(stage="dev", *, debug=False):
    app = Flask(__name__)

    @app.get("/")
    def index():
        return f"{stage} {debug}"

    return app


def needs_one(stage):
    return create_app(stage)


def fails():
    raise ValueError("the database is not there")


def returns_nothing():
    return None


number = 7


class Holder:
    inner = create_app("inner")


holder = Holder()
