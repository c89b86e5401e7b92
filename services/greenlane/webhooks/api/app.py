"""The application: routes, who may use them, and how it describes itself."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi

from greenlane import __version__
from greenlane.web.problems import ProblemDetails, answer_with_problems, documented
from greenlane.web.rates import Rate
from greenlane.web.slots import ConnectionLimits
from greenlane.webhooks.api import deliveries, endpoints, keys
from greenlane.webhooks.api.access import OF_STRANGERS, Access
from greenlane.webhooks.api.guard import HEALTH, Guard
from greenlane.webhooks.api.health import DatabaseCheck, Health
from greenlane.webhooks.management.administration import Administration

_SUMMARY = "Endpoints that receive scores and badge decisions, and what was dispatched to them."
_ALWAYS = documented(400, 401, 403, 408, 413, 422, 429, 500, 503)


def build_app(
    desk: Administration,
    rate: Rate | None = None,
    strangers: Rate = OF_STRANGERS,
    limits: ConnectionLimits | None = None,
) -> FastAPI:
    """The management of webhooks as an ASGI application on this desk, whose scope each key narrows to its own.

    `rate` is that of each key, `strangers` that of each address whose key opened nothing yet.
    """
    app = FastAPI(
        title="Greenlane webhooks",
        version=__version__,
        summary=_SUMMARY,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would name whatever host the request named
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.access = access = Access(desk, rate or Rate(), strangers)
    app.state.check = DatabaseCheck(desk.engine)
    for router in (endpoints.router, deliveries.router, keys.router):
        app.include_router(router, responses=_ALWAYS)
    app.add_api_route(HEALTH, _ready, methods=["GET"], responses=documented(503), tags=["health"])
    answer_with_problems(app)
    app.add_middleware(Guard, access=access, body_seconds=(limits or ConnectionLimits()).body)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign] # FastAPI's documented way to extend it
    return app


async def _ready(request: Request) -> Health:
    """Whether the process and its database answer."""
    check: DatabaseCheck = request.app.state.check
    await check.ask()
    return Health(ready=True)


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        described["components"]["schemas"] |= schema.pop("$defs") | {"Problem": schema}
        app.openapi_schema = described
    return app.openapi_schema
