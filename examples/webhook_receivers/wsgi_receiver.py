"""A receiver as a plain WSGI application: nothing but the standard library.

Run it with `GREENLANE_WEBHOOK_SECRET=whsec_… python wsgi_receiver.py`.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterable
from typing import Any
from wsgiref.simple_server import make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from greenlane.webhook_receiver import Effect, Inbox, Receiver

MAX_BODY = 1_000_000
REASONS = {
    204: "No Content",
    401: "Unauthorized",
    413: "Content Too Large",
    422: "Unprocessable Content",
    503: "Service Unavailable",
}


def keep(event: dict[str, Any], database: sqlite3.Connection) -> None:
    """The effect: the newest event of each kind and seller, kept in the same transaction as the mark."""
    kind, data = event["type"].partition(".")[0], event["data"]
    database.execute("CREATE TABLE IF NOT EXISTS standing (seller TEXT PRIMARY KEY, event TEXT NOT NULL)")
    seller = f"{kind}:{data['marketplace']}/{data['seller_id']}"
    database.execute("INSERT OR REPLACE INTO standing VALUES (?, ?)", (seller, json.dumps(event)))


def build_app(keys: list[str], effect: Effect, inbox: Inbox) -> WSGIApplication:
    """An application that does `effect` once for every event that is new."""
    receiver = Receiver(keys, effect, inbox)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        size = int(length) if length.isascii() and length.isdigit() and len(length) < 10 else MAX_BODY + 1
        if size > MAX_BODY:
            start_response(f"413 {REASONS[413]}", [("Content-Length", "0")])
            return []
        body = environ["wsgi.input"].read(size)
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        reply = receiver.reply(headers, body, time.time())
        text = reply.text.encode()
        fields = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text)))] if text else []
        start_response(f"{reply.status} {REASONS[reply.status]}", fields)
        return [text]

    return app


if __name__ == "__main__":
    secrets = os.environ["GREENLANE_WEBHOOK_SECRET"].split()
    with make_server("127.0.0.1", 8000, build_app(secrets, keep, Inbox("webhooks.sqlite3"))) as server:
        server.serve_forever()
