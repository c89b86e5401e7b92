"""Before anything is parsed: a limit on the size of a request; and answers that nobody keeps or reinterprets."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greenlane.webhook_dispatcher.api.problems import FieldProblem, answer

MAX_BODY = 65_536
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, at most 64 kB, and pass the request on, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        body = await _read(receive)
        if body is None:
            problem = FieldProblem(field="body", problem="is too large", remedy=f"send at most {MAX_BODY} bytes")
            await answer(413, [problem], {"connection": "close"})(scope, receive, guarded)
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replayed, guarded)


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None as soon as it is over the limit."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return bytes(body)
