"""The application: routes, who may use them, and how it describes itself."""

import time
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from greenlane import __version__
from greenlane.webhook_dispatcher.api import deliveries, endpoints, keys
from greenlane.webhook_dispatcher.api.access import Buckets, Rate
from greenlane.webhook_dispatcher.api.guard import Guard
from greenlane.webhook_dispatcher.api.problems import Problem, answer_with_problems, documented
from greenlane.webhook_dispatcher.management import Administration

_SUMMARY = "Endpoints that receive scores and badge decisions, and what was dispatched to them."
_ALWAYS = documented(400, 401, 413, 422, 429, 500, 503)


class Health(BaseModel):
    """Whether requests can be answered."""

    ready: bool


def build_app(desk: Administration, rate: Rate | None = None) -> FastAPI:
    """The management of webhooks as an ASGI application on this desk, whose scope each key narrows to its own."""
    app = FastAPI(
        title="Greenlane webhooks",
        version=__version__,
        summary=_SUMMARY,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would name whatever host the request named
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.desk = desk
    app.state.buckets = Buckets(rate or Rate(), time.monotonic)
    for router in (endpoints.router, deliveries.router, keys.router):
        app.include_router(router, responses=_ALWAYS)
    app.add_api_route("/healthz/ready", _ready, methods=["GET"], responses=documented(503), tags=["health"])
    answer_with_problems(app)
    app.add_middleware(Guard)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign] # FastAPI's documented way to extend it
    return app


async def _ready(request: Request) -> Health:
    """Whether the process and its database answer."""
    desk: Administration = request.app.state.desk
    async with desk.engine.connect() as connection:
        await connection.execute(sa.text("SELECT 1"))
    return Health(ready=True)


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        described["components"]["schemas"] |= schema.pop("$defs") | {"Problem": schema}
        app.openapi_schema = described
    return app.openapi_schema
