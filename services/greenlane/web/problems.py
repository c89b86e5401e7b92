"""Errors as problem details (RFC 9457): each names the field, the problem and the remedy."""

import math
import re
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from greenlane.errors import ConflictError, UnknownError, WrongUseError
from greenlane.settings import SettingsError

MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger("greenlane.webhook_dispatcher.api")

TITLES: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "A key is missing or opens nothing",
    403: "The key is for something else",
    404: "Not found",
    405: "The method is not offered here",
    408: "The request took too long",
    409: "It cannot be done in this state",
    413: "The request is too large",
    415: "The media type is not offered",
    422: "A field is wrong",
    429: "Too many requests",
    500: "Unexpected error",
    503: "The database does not answer",
}
REMEDIES: Mapping[str, str] = {
    "missing": "give it",
    "extra_forbidden": "leave it out; only the documented fields are read",
    "json_invalid": "send JSON in UTF-8",
}
_READ_THE_SCHEMA = "see /openapi.json for what is accepted"
_LONGEST_SHOWN = 100


class FieldProblem(BaseModel):
    """One field with what is wrong and what to do."""

    field: str
    problem: str
    remedy: str


class ProblemDetails(BaseModel):
    """What went wrong with a request."""

    type: str = "about:blank"
    title: str
    status: int
    errors: list[FieldProblem]


def problem_of(status: int, errors: list[FieldProblem], title: str | None = None) -> ProblemDetails:
    """What went wrong, under the title of its status unless there is another."""
    return ProblemDetails(title=title or TITLES.get(status, "The request failed"), status=status, errors=errors)


def answer(
    status: int, errors: list[FieldProblem], headers: Mapping[str, str] | None = None, title: str | None = None
) -> JSONResponse:
    """A problem as a response."""
    told = problem_of(status, errors, title).model_dump()
    return JSONResponse(told, status, dict(headers or {}), media_type=MEDIA_TYPE)


class TooOftenError(Exception):
    """Whoever asks must wait so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"ask again in {seconds:.1f} s")
        self.seconds = seconds


def too_often(seconds: float) -> JSONResponse:
    """The answer to whoever asks too often: when to ask again. The connection ends, and with it what stands behind."""
    wait = max(math.ceil(seconds), 1)
    problem = FieldProblem(field="request", problem="too many requests", remedy=f"ask again in {wait} s")
    return answer(429, [problem], {"retry-after": str(wait), "connection": "close"})


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses as OpenAPI responses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": TITLES[status], "content": content} for status in statuses}


def answer_with_problems(app: FastAPI) -> None:
    """Let every error leave the application as a problem."""
    app.add_exception_handler(WrongUseError, _wrong_use)
    app.add_exception_handler(TooOftenError, _wait)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for outage in (SQLAlchemyError, OSError, TimeoutError):
        app.add_exception_handler(outage, _outage)
    app.add_exception_handler(SettingsError, _failed)
    app.add_exception_handler(Exception, _failed)


async def _wrong_use(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WrongUseError)  # registered for it alone
    status = 404 if isinstance(error, UnknownError) else 409 if isinstance(error, ConflictError) else 422
    return answer(status, [FieldProblem(field=error.field, problem=error.problem, remedy=error.remedy)])


async def _wait(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TooOftenError)  # registered for it alone
    return too_often(error.seconds)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # registered for it alone
    return answer(422, [_field_problem(item) for item in error.errors()])


def _field_problem(item: Mapping[str, Any]) -> FieldProblem:
    field = ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0])
    kind = str(item["type"])
    return FieldProblem(field=field, problem=str(item["msg"]), remedy=REMEDIES.get(kind, _READ_THE_SCHEMA))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # registered for it alone
    title = TITLES.get(error.status_code, "The request failed").lower()
    problem = FieldProblem(field="request", problem=title, remedy=error.detail or _READ_THE_SCHEMA)
    headers = error.headers
    if error.status_code == 404:
        remedy = "use a path that /openapi.json lists, without a slash at its end"
        problem = FieldProblem(field="path", problem=f"{_shown(request.url.path)} is not offered", remedy=remedy)
    if error.status_code == 405:
        headers = {"allow": _allowed(request)}
        what = f"{request.method} is not offered for {_shown(request.url.path)}"
        problem = FieldProblem(field="path", problem=what, remedy=f"use {headers['allow']}")
    return answer(error.status_code, [problem], headers)


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _allowed(request: Request) -> str:
    """Every method that the path offers; the router alone names those of one route only."""
    methods = {
        method.upper()
        for template, operations in request.app.openapi()["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), request.url.path)
        for method in operations
    }
    return ", ".join(sorted(methods))


async def _outage(_: Request, error: Exception) -> JSONResponse:
    _log.warning("webhook database unavailable", kind=type(error).__name__)
    problem = FieldProblem(field="request", problem="the database does not answer", remedy="try again in a minute")
    return answer(503, [problem], {"retry-after": "30"})


async def _failed(_: Request, error: Exception) -> JSONResponse:
    _log.error("webhook management failed", kind=type(error).__name__, exc_info=error)
    remedy = "tell the operators when it was; their log has it"
    problem = FieldProblem(field="request", problem="unexpected error", remedy=remedy)
    return answer(500, [problem])
