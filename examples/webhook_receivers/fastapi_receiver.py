"""A receiver with FastAPI (or Starlette).

Run it with `GREENLANE_WEBHOOK_SECRET=whsec_… uvicorn fastapi_receiver:app`.
"""

import json
import os
import sqlite3
import time
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from greenlane.webhook_receiver import Effect, Inbox, Receiver


def keep(event: dict[str, Any], database: sqlite3.Connection) -> None:
    """The effect: the newest event of each kind and seller, kept in the same transaction as the mark."""
    kind, data = event["type"].partition(".")[0], event["data"]
    database.execute("CREATE TABLE IF NOT EXISTS standing (seller TEXT PRIMARY KEY, event TEXT NOT NULL)")
    seller = f"{kind}:{data['marketplace']}/{data['seller_id']}"
    database.execute("INSERT OR REPLACE INTO standing VALUES (?, ?)", (seller, json.dumps(event)))


def build_app(keys: list[str], effect: Effect, inbox: Inbox) -> FastAPI:
    """An application that does `effect` once for every event that is new."""
    app = FastAPI()
    receiver = Receiver(keys, effect, inbox)

    @app.post("/hooks")
    async def receive(request: Request) -> Response:
        body = await request.body()  # the bytes as they came: parsing and writing JSON again breaks the signature
        # in a thread, because the effect and the database make their caller wait
        reply = await run_in_threadpool(receiver.reply, request.headers, body, time.time())
        return Response(reply.text or None, reply.status, media_type="text/plain" if reply.text else None)

    return app


if "GREENLANE_WEBHOOK_SECRET" in os.environ:
    app = build_app(os.environ["GREENLANE_WEBHOOK_SECRET"].split(), keep, Inbox("webhooks.sqlite3"))
