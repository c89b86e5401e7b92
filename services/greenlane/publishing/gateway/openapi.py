"""The gateway as OpenAPI 3.1: what may be sent, and every answer."""

import json
from typing import Any

import msgspec

from greenlane import __version__
from greenlane.contracts.events import EVENT_MODELS
from greenlane.publishing.gateway.bodies import ENCODINGS, MAX_BODY, MAX_DECODED
from greenlane.publishing.gateway.forms import BATCH, LARGEST_EVENT, MAX_EVENTS, STRUCTURED
from greenlane.publishing.gateway.verdicts import Answer
from greenlane.web.problems import MEDIA_TYPE, ProblemDetails

EVENTS, CHECK, HEALTH, DESCRIPTION = "/v1/events", "/v1/check", "/healthz/ready", "/openapi.json"
_REF = "#/components/schemas/{}"
_WHEN = {
    400: "The body or a header cannot be read.",
    401: "No key that opens something was shown.",
    403: "The key lacks the scope `events:write`.",
    408: "The body took too long.",
    413: "The body, or a single event, is too large.",
    415: "The Content-Type or Content-Encoding is not offered.",
    422: "A single event breaks the contract, or a list is too long; `errors` has field, problem and remedy.",
    429: "Too much was sent; `Retry-After` says when to send again.",
    500: "Unexpected error.",
    503: "Events cannot be taken now, or it is not known whether a single event was taken. Send it again later.",
}
_HOW = f"""Events as CloudEvents 1.0: one in structured mode (`{STRUCTURED}`), one in binary mode (its data as the body,
its attributes in `ce-` headers), or a list (`{BATCH}`).

Each event has a verdict of its own. `accepted`: it stands in Kafka, on all in-sync replicas. `refused`: it breaks the
contract. `unknown`: Kafka did not answer in time. Any event may be sent again at any time: one that arrives twice
counts once. A bad event does not keep its neighbours out.

At most {MAX_EVENTS} events and {MAX_BODY} bytes a request, {MAX_DECODED} bytes after decompression, {LARGEST_EVENT}
bytes an event. `Content-Encoding` may be {" or ".join(ENCODINGS)}."""


def describe() -> dict[str, Any]:
    """The description as a JSON document."""
    problem = ProblemDetails.model_json_schema(ref_template=_REF.format("{model}"))
    schemas = problem.pop("$defs") | {"Problem": problem} | _events() | _answers()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Greenlane gateway",
            "version": __version__,
            "summary": "Events of parcels in, a verdict for each one out.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            EVENTS: {"post": _post()},
            HEALTH: {"get": _health()},
            CHECK: {"post": _check()},
            DESCRIPTION: {"get": _get("describe", "This description.")},
            "/": {"get": _page()},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of the marketplace: `greenlane webhooks keys add --scope events:write`.",
                }
            },
        },
    }


def published() -> dict[str, str]:
    """The description as the file that is published: its path below `schemas/` with its text."""
    return {"openapi/gateway.json": json.dumps(describe(), indent=2, ensure_ascii=False) + "\n"}


def _post() -> dict[str, Any]:
    text = {"type": "string"}
    names = ("specversion", "type", "source", "id", "subject", "time")
    headers = [
        {
            "name": f"ce-{name}",
            "in": "header",
            "required": False,
            "schema": text,
            "description": "In binary mode alone.",
        }
        for name in names
    ]
    data = {"type": "object", "description": "The `data` of an event, whose attributes stand in `ce-` headers."}
    anything: dict[str, Any] = {"type": "array", "maxItems": MAX_EVENTS, "items": {}}
    anything["description"] = "Structured events; each is judged by itself."
    answered = {"application/json": {"schema": {"$ref": _REF.format("Answer")}}}
    again = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return {
        "operationId": "publish_events",
        "summary": "Publish events.",
        "description": _HOW,
        "security": [{"key": []}],
        "parameters": headers,
        "requestBody": {
            "required": True,
            "content": {
                STRUCTURED: {"schema": {"$ref": _REF.format("Event")}},
                BATCH: {"schema": anything},
                "application/json": {"schema": data},
            },
        },
        "responses": {
            "200": {"description": "Every event was accepted.", "content": answered},
            "207": {"description": "An event of a list was not accepted: look at the verdicts.", "content": answered},
        }
        | {
            str(status): _problem(when) | ({"headers": again} if status in {429, 503} else {})
            for status, when in _WHEN.items()
        },
    }


def _health() -> dict[str, Any]:
    return _get("ready", "Whether events are taken.") | {
        "responses": {
            "200": {"description": "They are.", "content": {"application/json": {"schema": {"type": "object"}}}},
            "503": _problem("They are not, and why."),
        }
    }


def _check() -> dict[str, Any]:
    text = "One structured event: what is wrong with it, or what the parcel scores by itself. Nothing is published."
    body = {"required": True, "content": {STRUCTURED: {"schema": {"$ref": _REF.format("Event")}}}}
    answers = {str(status): _problem(_WHEN[status]) for status in (400, 408, 413, 422, 429, 500)}
    described = _get("check_event", "Check one event.")
    return described | {
        "description": text,
        "requestBody": body,
        "responses": described["responses"] | answers,
    }


def _page() -> dict[str, Any]:
    html = {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}
    return _get("page", "A page on which people check an event.") | {
        "responses": {"200": html, "429": _problem(_WHEN[429])}
    }


def _get(name: str, summary: str) -> dict[str, Any]:
    body = {"application/json": {"schema": {"type": "object"}}}
    answers = {"200": {"description": "So it is.", "content": body}, "429": _problem(_WHEN[429])}
    return {"operationId": name, "summary": summary, "responses": answers}


def _problem(when: str) -> dict[str, Any]:
    return {"description": when, "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format("Problem")}}}}


def _events() -> dict[str, Any]:
    found: dict[str, Any] = {}
    named = {}
    for name, model in EVENT_MODELS.items():
        schema = model.model_json_schema(ref_template=_REF.format("{model}"))
        found |= schema.pop("$defs")
        found[model.__name__] = schema
        named[name] = _REF.format(model.__name__)
    for part in found.values():
        if part.get("type") == "object":
            part["additionalProperties"] = False
    found["Event"] = {
        "oneOf": [{"$ref": place} for place in named.values()],
        "discriminator": {"propertyName": "type", "mapping": named},
    }
    return found


def _answers() -> dict[str, Any]:
    (_,), components = msgspec.json.schema_components([Answer], ref_template=_REF.format("{name}"))
    return dict(components)
