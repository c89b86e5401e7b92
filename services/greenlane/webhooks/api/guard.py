"""Around the whole application: who may ask at all, how large and slow a request may be, what is noted of changes."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greenlane.web.problems import FieldProblem, answer, too_often
from greenlane.webhooks.api.access import Access, Caller

MAX_BODY = 65_536
HEALTH = "/healthz/ready"
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_CLOSE = {"connection": "close"}
_UNCHANGING = frozenset({"GET", "HEAD", "OPTIONS"})
_ID = re.compile(r"(ep|msg|key)_[0-9a-f]{12,32}|[0-9a-f]{16}")
_log = structlog.get_logger("greenlane.webhook_dispatcher.api")


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, access: Access, body_seconds: float) -> None:
        self._app = app
        self._access = access
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole body, or refuse it; note what it changed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        stranger = None if scope["path"] == HEALTH else self._access.stranger(scope)
        wait = 0.0 if stranger is None else self._access.admit(stranger)
        if wait:
            await too_often(wait)(scope, receive, guarded)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        try:
            await self._with_body(scope, receive, guarded)
        finally:
            caller: Caller | None = state.get("caller")
            if caller is not None and stranger is not None:
                self._access.give_back(stranger)
            if caller is not None and scope["method"] not in _UNCHANGING:
                _note(scope, caller, status)

    async def _with_body(self, scope: Scope, receive: Receive, guarded: Send) -> None:
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await _read(receive)
        except TimeoutError:
            problem = FieldProblem(field="body", problem="took too long", remedy=f"send it in {self._body_seconds:g} s")
            await answer(408, [problem], _CLOSE)(scope, receive, guarded)
            return
        if body is None:
            return
        if len(body) > MAX_BODY:
            problem = FieldProblem(field="body", problem="is too large", remedy=f"send at most {MAX_BODY} bytes")
            await answer(413, [problem], _CLOSE)(scope, receive, guarded)
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replayed, guarded)


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or its beginning as soon as that is over the limit; None when the client has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY or not message.get("more_body", False):
            return bytes(body)


def _note(scope: Scope, caller: Caller, status: int) -> None:
    """One line for each change that was made or refused: who, what and with which outcome; never a secret."""
    client = scope.get("client") or ("", 0)
    about = {name: value for name, value in (scope.get("path_params") or {}).items() if _ID.fullmatch(value)}
    _log.info(
        "webhook management changed" if status < 400 else "webhook management change refused",
        action=scope["state"]["route"],
        status=status,
        key=caller.key.key_id,
        marketplace=caller.key.marketplace,
        client=client[0],
        about=_told(about),
        made=_told(caller.made),
    )


def _told(ids: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in ids.items())
