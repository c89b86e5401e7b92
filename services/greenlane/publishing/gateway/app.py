"""The application: events go the short way, everything else the framework's."""

import time
from collections.abc import Callable, Coroutine
from importlib.resources import files
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from greenlane import __version__
from greenlane.contracts.dead_letters import Refusal
from greenlane.methodology.tables import Method
from greenlane.publishing.gateway import bodies
from greenlane.publishing.gateway.admission import NOT_NOW, RefusedError, refusal
from greenlane.publishing.gateway.bodies import Inbound
from greenlane.publishing.gateway.checking import refused_as
from greenlane.publishing.gateway.documents import ADAPTERS, Documents
from greenlane.publishing.gateway.forms import LARGEST_EVENT
from greenlane.publishing.gateway.intake import Intake, problem_of
from greenlane.publishing.gateway.openapi import CHECK, DESCRIPTION, EVENTS, HEALTH, describe
from greenlane.publishing.gateway.trying import tried
from greenlane.web.problems import FieldProblem, TooOftenError, answer, answer_with_problems, too_often
from greenlane.web.rates import Buckets, Rate

OF_CHECKS = Rate(20.0, 40)
"""Events that are tried for everybody together: scoring one with its explanation costs as much as taking many."""
_log = structlog.get_logger("greenlane.gateway")
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_PAGE = {
    "/": ("index.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


class Gateway:
    """ASGI: posted events are answered here, by the shortest way; strangers are charged before anything else is."""

    def __init__(
        self, intake: Intake, method: Method, documents: Documents, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._intake = intake
        self._method = method
        self._documents = documents
        self._checks = Buckets(OF_CHECKS, monotonic)
        self._others = _others(intake)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._others(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        asked = (scope["method"], scope["path"])
        inbound = Inbound(receive)
        taking = self._taking(asked, scope, inbound)
        if taking is not None:
            response = await self._answered(taking, inbound, scope)
            if response is not None:
                self._intake.metrics.answered(response.status_code)
                await response(scope, receive, guarded)
            return
        try:
            if scope["path"] != HEALTH:
                self._intake.admission.stranger(scope.get("client"))
        except RefusedError as refused:
            await refused.response(scope, receive, guarded)
            return
        if asked == ("POST", CHECK):
            response = await self._answered(self._tried(inbound), inbound, scope)
            if response is not None:
                await response(scope, receive, guarded)
            return
        await self._others(scope, receive, guarded)

    def _taking(
        self, asked: tuple[str, str], scope: Scope, inbound: Inbound
    ) -> Coroutine[Any, Any, Response | None] | None:
        """What takes events in; None if something else is asked for."""
        if asked == ("POST", EVENTS):
            return self._intake.take(scope, inbound)
        if asked[0] == "POST" and asked[1].startswith(ADAPTERS):
            return self._documents.take(scope, inbound)
        return None

    async def _tried(self, receive: Inbound) -> Response | None:
        wait = self._checks.take("everybody")
        if wait:
            raise TooOftenError(wait)
        try:
            body = await bodies.read(receive, self._intake.body_seconds)
        except TimeoutError:
            raise refusal(408, "body", "took too long", f"send it in {self._intake.body_seconds:g} s") from None
        except bodies.TooLargeError as error:
            raise refusal(413, "body", "is too large", str(error)) from None
        if body is None:
            return None
        if len(body) > LARGEST_EVENT:
            raise refusal(413, "body", "is too large", f"send at most {LARGEST_EVENT} bytes")
        try:
            return JSONResponse(tried(body, self._method, int(self._intake.now() * 1000)))
        except Refusal as refused:
            return problem_of(refused_as(0, body, refused))

    async def _answered(
        self, taking: Coroutine[Any, Any, Response | None], receive: Inbound, scope: Scope
    ) -> Response | None:
        """The response, also when it is an error; who still sends can read it."""
        reads = True
        try:
            response = await taking
        except RefusedError as refused:
            response, reads = refused.response, refused.worth_reading
        except TooOftenError as error:
            response = too_often(error.seconds)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and answered
            _log.error("a request failed", kind=type(error).__name__, exc_info=error)
            remedy = "tell the operators when it was; their log has it"
            response = answer(500, [FieldProblem(field="request", problem="unexpected error", remedy=remedy)])
        if response is None:
            return None
        if reads and not receive.complete and response.status_code != 408 and not _waits_to_send(scope):
            await receive.drop()
        if receive.complete and "connection" in response.headers:
            del response.headers["connection"]
        return response


def _waits_to_send(scope: Scope) -> bool:
    """Whether the client sends its body only when it is asked to go on; it is not, once there is an answer."""
    return any(name == b"expect" for name, _ in scope["headers"])


def _others(intake: Intake) -> ASGIApp:
    app = FastAPI(
        title="Greenlane gateway",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would name whatever host the request named
    )
    description = describe()

    async def ready(_: Request) -> Response:
        """Whether events are taken, and why not."""
        obstacle = intake.obstacle()
        if obstacle:
            problem = FieldProblem(field="request", problem=obstacle, remedy="ask again in some seconds")
            return answer(503, [problem], {"retry-after": "5"}, NOT_NOW)
        return JSONResponse({"ready": True})

    async def shown(_: Request) -> Response:
        """This description."""
        return JSONResponse(description)

    async def never(_: Request) -> Response:
        """For the other methods' answers alone: what is posted here has been answered before."""
        raise AssertionError("posted events and checks do not come to the framework")

    app.add_api_route(HEALTH, ready, methods=["GET"])
    app.add_api_route(DESCRIPTION, shown, methods=["GET"])
    for path in (EVENTS, CHECK, f"{ADAPTERS}{{vocabulary}}"):
        app.add_api_route(path, never, methods=["POST"])
    for path, (name, media_type) in _PAGE.items():
        app.add_api_route(path, _file(name, media_type), methods=["GET"])
    app.openapi = lambda: description  # type: ignore[method-assign] # FastAPI's documented way to replace it
    answer_with_problems(app)
    return app


def _file(name: str, media_type: str) -> Callable[[], Response]:
    text = files("greenlane.publishing.gateway.page").joinpath(name).read_text(encoding="utf-8")

    def served() -> Response:
        return Response(text, headers=_PAGE_HEADERS, media_type=media_type)

    return served
