"""A receiver with FastAPI (or Starlette): verify, drop repeats, keep only what is newer.

Run it with `GREENLANE_WEBHOOK_SECRET=whsec_… uvicorn fastapi_receiver:app`.
"""

import os
import time
from typing import Any

from fastapi import FastAPI, Request, Response

from greenlane.webhook_receiver import SeenIds, VerificationError, accept_if_newer, verify


def build_app(keys: list[str], accepted: list[dict[str, Any]]) -> FastAPI:
    """An application that appends every event that is new to `accepted`."""
    app = FastAPI()
    seen = SeenIds()
    newest: dict[str, tuple[str, int]] = {}

    @app.post("/hooks")
    async def receive(request: Request) -> Response:
        body = await request.body()  # the bytes as they came: parsing and writing JSON again breaks the signature
        try:
            webhook = verify(request.headers, body, keys, time.time())
            event = webhook.event()
        except VerificationError as error:
            return Response(str(error), 401)
        first_time = seen.first_time(webhook.id, time.time())
        if first_time and event["type"] != "endpoint.test" and accept_if_newer(newest, event):
            accepted.append(event)
        return Response(status_code=204)

    return app


if "GREENLANE_WEBHOOK_SECRET" in os.environ:
    app = build_app(os.environ["GREENLANE_WEBHOOK_SECRET"].split(), [])
