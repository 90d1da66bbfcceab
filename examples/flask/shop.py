"""Flask behind a factory: a page, JSON, an upload and a streamed answer.

    pip install flask                                                          # beside rustcorn
    rustcorn 'shop:create_app("prod")' --threads 4 --bind 127.0.0.1:8000       # in this directory
    curl http://127.0.0.1:8000/
    curl --data-binary @shop.py http://127.0.0.1:8000/size

With `--threads 1` (the default) a worker handles one request at a time, which is the fastest for handlers that do not wait.
"""

from flask import Flask, request


def create_app(stage: str = "dev") -> Flask:
    app = Flask(__name__)
    prices = {"apple": 0.4, "melon": 2.5}

    @app.get("/")
    def home():
        return f"<p>The shop, {stage}.</p>\n"

    @app.get("/prices")
    def all_prices():
        return prices

    @app.get("/prices/<fruit>")
    def price(fruit):
        if fruit not in prices:
            return {"error": f"no {fruit} today"}, 404
        return {fruit: prices[fruit]}

    @app.post("/size")
    def size():
        """Reads the body in blocks: it may be larger than memory."""
        total = 0
        while block := request.stream.read(64 * 1024):
            total += len(block)
        return {"bytes": total}

    @app.get("/list")
    def listing():
        return app.response_class((f"{name}: {price}\n" for name, price in prices.items()), mimetype="text/plain")

    return app
