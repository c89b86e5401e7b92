"""The gateway as OpenAPI 3.1: what may be sent, and every answer."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from greenlane import __version__
from greenlane.contracts.events import EVENT_MODELS
from greenlane.publishing.adapters.document import MAX_DOCUMENT_BYTES
from greenlane.publishing.adapters.signatures import HEADERS
from greenlane.publishing.adapters.vocabularies import VOCABULARIES
from greenlane.publishing.gateway.bodies import ENCODINGS, MAX_BODY, MAX_DECODED
from greenlane.publishing.gateway.documents import ADAPTERS, QUESTIONS
from greenlane.publishing.gateway.forms import BATCH, LARGEST_EVENT, MAX_EVENTS, STRUCTURED
from greenlane.publishing.gateway.verdicts import Answer, DocumentAnswer
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
_WHEN_DOCUMENT = {
    401: "Neither a key nor a shop's signature of exactly this body opens this seller's shop.",
    403: "The key lacks the scope `events:write`, or is another marketplace's.",
    404: "There is no such vocabulary.",
    422: "The document becomes no event, or the query is wrong; `errors` has field, problem and remedy.",
    503: "Events cannot be taken now, or it is not known whether a shop's were. Send it again later.",
}
_QUERY = {
    "marketplace": "Whose events they are. A key says so by itself, a signature does not.",
    "seller": "Seller of the events.",
    "country": "Country where the parcels are packed, for example VN.",
    "origin": "Code of the place in that country where the parcels begin, for example 79.",
    "stated_by": "Who states what the document says, if it is not whom the vocabulary names.",
}
_DOCUMENTS = f"""A document of another vocabulary, or a shop's webhook, as events; the answer is that of
`greenlane convert`, and a verdict for each event. Nothing is guessed: `refusals` names each part that becomes no event,
`unused` each value that no event uses, `undeclared` each fact that is missing, with its cost in points.

At most {MAX_DOCUMENT_BYTES} bytes, also after decompression. Shops sign with {", ".join(HEADERS.values())}. A shop is
answered without costs, and with 200 unless sending the same again helps."""
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
            f"{ADAPTERS}{{vocabulary}}": {"post": _adapter()},
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
            "description": "In binary mode; beside a single structured event it may repeat the event's own.",
        }
        for name in names
    ]
    data = {"type": "object", "description": "The `data` of an event, whose attributes stand in `ce-` headers."}
    anything: dict[str, Any] = {"type": "array", "maxItems": MAX_EVENTS, "items": {}}
    anything["description"] = "Structured events; each is judged by itself."
    answered = {"application/json": {"schema": {"$ref": _REF.format("Answer")}}}
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
        | _problems(_WHEN),
    }


def _adapter() -> dict[str, Any]:
    document = {"type": "object", "description": "One document, as its vocabulary has it."}
    ping = {"type": "object", "properties": {"webhook_id": {"type": "integer"}}}
    answered = {"application/json": {"schema": {"$ref": _REF.format("DocumentAnswer")}}}
    partly = "A part was refused, or an event was not accepted: look at `refusals` and `verdicts`. Never for a shop."
    return {
        "operationId": "publish_document",
        "summary": "Publish what a document of another vocabulary says.",
        "description": _DOCUMENTS,
        "security": [{"key": []}, {}],
        "parameters": [
            {"name": "vocabulary", "in": "path", "required": True, "schema": {"enum": list(VOCABULARIES)}},
            *(
                {
                    "name": name,
                    "in": "query",
                    "required": name == "seller",
                    "schema": {"type": "string", "minLength": 1},
                    "description": _QUERY[name],
                }
                for name in QUESTIONS
            ),
            *(
                {"name": name, "in": "header", "schema": {"type": "string"}, "description": f"Signature of {shop}."}
                for shop, name in HEADERS.items()
            ),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": document},
                "application/x-www-form-urlencoded": {"schema": ping},
            },
        },
        "responses": {
            "200": {"description": "Every event was accepted; for a shop: all was read.", "content": answered},
            "207": {"description": partly, "content": answered},
        }
        | _problems(_WHEN | _WHEN_DOCUMENT),
    }


def _problems(when: Mapping[int, str]) -> dict[str, Any]:
    again = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return {
        str(status): _problem(text) | ({"headers": again} if status in {429, 503} else {})
        for status, text in when.items()
    }


def _health() -> dict[str, Any]:
    return _get("ready", "Whether events are taken.") | {
        "responses": {
            "200": {"description": "They are.", "content": {"application/json": {"schema": {"type": "object"}}}},
            "503": _problem("They are not, and why."),
        }
    }


def _check() -> dict[str, Any]:
    text = (
        "One structured event: what is wrong with it, or what the parcel scores by itself. Nothing is published. "
        "`warnings` names what is improbable: a place that no table has, a mass in kilograms, a side in centimetres."
    )
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
    _, components = msgspec.json.schema_components([Answer, DocumentAnswer], ref_template=_REF.format("{name}"))
    return dict(components)
