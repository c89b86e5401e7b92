"""JSON Schema 2020-12 and AsyncAPI 3, rendered from the models and the topics."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from greenlane import __version__
from greenlane.contracts.assessments import Assessment, DayClosed, Retraction, SellerErased
from greenlane.contracts.dead_letters import DeadLetter
from greenlane.contracts.events import EVENT_MODELS
from greenlane.contracts.rules import RulesAdopted
from greenlane.contracts.scores import BadgeDecision, SellerScore
from greenlane.contracts.topics import (
    Topic,
    declared_topics,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"

MESSAGES: dict[str, type[BaseModel]] = {
    **EVENT_MODELS,
    "greenlane.assessment.v1": Assessment,
    "greenlane.retraction.v1": Retraction,
    "greenlane.day-closed.v1": DayClosed,
    "greenlane.rules-adopted.v1": RulesAdopted,
    "greenlane.seller-erased.v1": SellerErased,
    "seller.score.updated": SellerScore,
    "badge.decision": BadgeDecision,
    "greenlane.dead-letter.v1": DeadLetter,
}
"""Every message by the name of its schema file."""

_NO_HEADER = frozenset({"data", "datacontenttype"})
"""Fields of an event that are no `ce_` header in binary mode: the value, and the header `content-type`."""


def render_schemas() -> dict[str, str]:
    """Each schema's path below `schemas/` with its text."""
    files = {f"json-schema/{name}.json": _text(_json_schema(name, model)) for name, model in MESSAGES.items()}
    return files | {"asyncapi.json": _text(_asyncapi())}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _json_schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    head = {"$schema": DIALECT, "$id": f"urn:greenlane:schema:{name}"}
    if name not in EVENT_MODELS:
        return head | model.model_json_schema(mode="serialization")
    schema = model.model_json_schema(mode="validation")
    for part in (schema, *schema["$defs"].values()):
        if part["type"] == "object":
            part["additionalProperties"] = False
    return head | _with_encoded_data(schema)


def _with_encoded_data(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an event whose data may also stand as the text of its JSON in base64 (CloudEvents 1.0.2, 3.1.1)."""
    encoded = {
        "type": "string",
        "description": "The data as base64 of its JSON text, in place of `data`.",
        "contentEncoding": "base64",
        "contentMediaType": "application/json",
        "contentSchema": schema["properties"]["data"],
    }
    return schema | {
        "properties": schema["properties"] | {"data_base64": encoded},
        "required": [field for field in schema["required"] if field != "data"],
        "oneOf": [{"required": ["data"]}, {"required": ["data_base64"]}],
    }


def _asyncapi() -> dict[str, Any]:
    channels = {topic.name: topic for topic in _channel_topics()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Greenlane",
            "version": __version__,
            "description": "Fulfilment events in; assessments, seller scores, badge decisions and dead letters out.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_channel_id(topic): _channel(topic) for topic in channels.values()},
        "operations": dict(_operations(channels.values())),
        "components": {
            "messages": {name: _message(name) for name in MESSAGES}
            | {_binary_id(name): _binary_message(name) for name in EVENT_MODELS}
        },
    }


def _channel_topics() -> Iterator[Topic]:
    for topic in declared_topics(("{marketplace}",)):
        if topic.carries:
            yield topic


def _channel_id(topic: Topic) -> str:
    return topic.name.removeprefix("greenlane.").removesuffix(".v1").replace(".{marketplace}", "")


def _channel(topic: Topic) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": topic.name,
        "description": f"Keyed by {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _messages(topic)},
        "bindings": {"kafka": {"topicConfiguration": {"cleanup.policy": [topic.cleanup]}, "bindingVersion": "0.5.0"}},
    }
    if "{marketplace}" in topic.name:
        channel["parameters"] = {"marketplace": {"description": "id of the marketplace that publishes here"}}
    return channel


def _operations(topics: Iterable[Topic]) -> Iterator[tuple[str, dict[str, Any]]]:
    for topic in topics:
        channel = {"$ref": f"#/channels/{_channel_id(topic)}"}
        for service in topic.producers:
            yield f"{service} sends to {_channel_id(topic)}", {"action": "send", "channel": channel}
        for service in topic.consumers:
            yield f"{service} receives from {_channel_id(topic)}", {"action": "receive", "channel": channel}


def _messages(topic: Topic) -> Iterator[str]:
    """What a topic carries; events of a marketplace in structured mode and in binary mode."""
    for name in topic.carries:
        yield name
        if name in EVENT_MODELS:
            yield _binary_id(name)


def _binary_id(name: str) -> str:
    return f"{name}.binary"


def _message(name: str) -> dict[str, Any]:
    """A message whose value is the whole document: for an event, CloudEvents structured mode."""
    model = MESSAGES[name]
    summary = (model.__doc__ or name).splitlines()[0]
    message = {"name": name, "summary": summary, "payload": {"$ref": f"./json-schema/{name}.json"}}
    if name not in EVENT_MODELS:
        return message | {"bindings": _key({"type": "string", "description": _keyed_by(name)})}
    headers = {"content-type": {"type": "string", "pattern": "^application/cloudevents\\+json"}}
    return message | {
        "summary": f"{summary} In structured mode: the value is the whole CloudEvent.",
        "contentType": "application/cloudevents+json",
        "headers": {"type": "object", "required": ["content-type"], "properties": headers},
        "bindings": _key({"allOf": [_attribute(name, "subject")]}),
    }


def _binary_message(name: str) -> dict[str, Any]:
    """An event in CloudEvents binary mode: the attributes are headers, each a text in UTF-8; the value is the data."""
    attributes = [attribute for attribute in EVENT_MODELS[name].model_fields if attribute not in _NO_HEADER]
    properties = {f"ce_{attribute}": _attribute(name, attribute) for attribute in attributes}
    summary = (EVENT_MODELS[name].__doc__ or name).splitlines()[0]
    return {
        "name": name,
        "summary": f"{summary} In binary mode: headers carry the attributes, the value is the data alone.",
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": [*properties, "content-type"],
            "properties": properties | {"content-type": _attribute(name, "datacontenttype")},
        },
        "payload": _attribute(name, "data"),
        "bindings": _key({"allOf": [_attribute(name, "subject")]}),
    }


def _attribute(name: str, attribute: str) -> dict[str, str]:
    return {"$ref": f"./json-schema/{name}.json#/properties/{attribute}"}


def _key(schema: dict[str, Any]) -> dict[str, Any]:
    """A bare reference would be no key: AsyncAPI's schema takes it for a Reference and for a Schema, of which one."""
    return {"kafka": {"key": schema, "bindingVersion": "0.5.0"}}


def _keyed_by(name: str) -> str:
    keys = {topic.key for topic in _channel_topics() if name in topic.carries}
    return " or ".join(sorted(keys))
