"""A receiver as a plain WSGI application: nothing but the standard library.

Run it with `GREENLANE_WEBHOOK_SECRET=whsec_… python wsgi_receiver.py`.
"""

import os
import time
from collections.abc import Iterable
from typing import Any
from wsgiref.simple_server import make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from greenlane.webhook_receiver import SeenIds, VerificationError, accept_if_newer, verify

MAX_BODY = 1_000_000


def build_app(keys: list[str], accepted: list[dict[str, Any]]) -> WSGIApplication:
    """An application that appends every event that is new to `accepted`."""
    seen = SeenIds()
    newest: dict[str, tuple[str, int]] = {}

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        if size > MAX_BODY:
            start_response("413 Content Too Large", [("Content-Length", "0")])
            return []
        body = environ["wsgi.input"].read(size)
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        try:
            webhook = verify(headers, body, keys, time.time())
            event = webhook.event()
        except VerificationError as error:
            start_response("401 Unauthorized", [("Content-Type", "text/plain")])
            return [str(error).encode()]
        first_time = seen.first_time(webhook.id, time.time())
        if first_time and event["type"] != "endpoint.test" and accept_if_newer(newest, event):
            accepted.append(event)
        start_response("204 No Content", [])
        return []

    return app


if __name__ == "__main__":
    with make_server("127.0.0.1", 8000, build_app(os.environ["GREENLANE_WEBHOOK_SECRET"].split(), [])) as server:
        server.serve_forever()
