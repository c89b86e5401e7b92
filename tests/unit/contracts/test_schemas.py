"""The published schemas and examples: current, complete, and agreeing with the models."""

import base64
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from deploy import asyncapi_html
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import best_match

from greenlane.contracts.dead_letters import Refusal
from greenlane.contracts.events import EVENT_MODELS
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.contracts.schemas import MESSAGES
from greenlane.contracts.topics import declared_topics
from greenlane.publishing.sdk.encoding import encode
from greenlane.reports.published_files import render, write

SCHEMAS = Path(__file__).parents[3] / "schemas"
EXAMPLES = sorted((SCHEMAS / "examples").glob("*/*.json"))
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def _schema(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SCHEMAS / "json-schema" / f"{name}.json").read_text(encoding="utf-8"))
    return document


def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(_schema(name), format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_the_published_schemas_are_those_of_the_models() -> None:
    stale = [name for name, text in render().items() if (SCHEMAS / name).read_text(encoding="utf-8") != text]
    assert not stale, "run `make schemas` and commit the result"
    published = {f"json-schema/{path.name}" for path in (SCHEMAS / "json-schema").glob("*.json")}
    assert published == {name for name in render() if name.startswith("json-schema/")}, "a schema nothing renders"


def test_rendering_writes_what_differs_and_removes_what_is_gone(tmp_path: Path) -> None:
    first = write(tmp_path)
    (tmp_path / "json-schema" / "forgotten.json").write_text("{}")
    changed = write(tmp_path)
    assert len(first) == len(render())
    assert [path.name for path in changed] == ["forgotten.json"]


@pytest.mark.parametrize("name", MESSAGES)
def test_every_schema_is_valid_json_schema_2020_12(name: str) -> None:
    Draft202012Validator.check_schema(_schema(name))


def test_every_message_stands_on_a_topic_and_every_topic_carries_messages_that_exist() -> None:
    assert {name for topic in declared_topics(["demo-vn"]) for name in topic.carries} == set(MESSAGES)


def test_every_message_has_examples_and_every_example_a_message() -> None:
    assert {path.parent.name for path in EXAMPLES} == set(MESSAGES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_example_satisfies_its_schema_and_its_model(path: Path) -> None:
    error = best_match(_validator(path.parent.name).iter_errors(json.loads(path.read_bytes())))
    assert error is None, error
    if path.parent.name in EVENT_MODELS:
        assert read_document(path.read_bytes(), NOW).type == path.parent.name
    else:
        model = MESSAGES[path.parent.name].model_validate_json(path.read_bytes())
        document, dumped = json.loads(path.read_bytes()), json.loads(model.model_dump_json())
        assert _without_later(dumped, document) == document


def _without_later(dumped: Any, document: Any) -> Any:
    """What a model writes of a document that is older than some of its optional fields."""
    if isinstance(dumped, list) and isinstance(document, list) and len(dumped) == len(document):
        return [_without_later(one, other) for one, other in zip(dumped, document, strict=True)]
    if not isinstance(dumped, dict) or not isinstance(document, dict):
        return dumped
    return {
        name: _without_later(value, document.get(name))
        for name, value in dumped.items()
        if value is not None or name in document
    }


def _packed() -> dict[str, Any]:
    path = SCHEMAS / "examples" / "greenlane.parcel.packed.v1" / "average-vietnamese-parcel.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _delivered() -> dict[str, Any]:
    path = SCHEMAS / "examples" / "greenlane.parcel.delivered.v1" / "diesel-van-with-measured-fuel.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _without_reason() -> dict[str, Any]:
    document = _packed()
    document["data"]["revision"] = 1
    return document


def _fuel_in_kilowatt_hours() -> dict[str, Any]:
    document = _delivered()
    document["data"]["transport_chain"][0]["energy"] = {"carrier": "diesel", "kwh": 3.0, "parcels": 10}
    return document


def _distance_without_basis() -> dict[str, Any]:
    document = _delivered()
    document["data"]["transport_chain"][0]["distance_km"] = 12.0
    return document


def _extra_attribute() -> dict[str, Any]:
    return _packed() | {"receivername": "Lan"}


def _extra_field() -> dict[str, Any]:
    document = _packed()
    document["data"]["receiver_name"] = "Lan"
    return document


def _extra_field_of_an_item() -> dict[str, Any]:
    document = _packed()
    document["data"]["items"][0]["gift_note"] = "for Lan"
    return document


def _data_twice() -> dict[str, Any]:
    return _encoded() | {"data": _packed()["data"]}


def _no_data() -> dict[str, Any]:
    return {name: value for name, value in _packed().items() if name != "data"}


def _encoded() -> dict[str, Any]:
    return _no_data() | {"data_base64": base64.b64encode(json.dumps(_packed()["data"]).encode()).decode()}


def test_data_in_base64_is_taken_by_the_schema_and_by_the_model() -> None:
    assert read_document(json.dumps(_encoded()).encode(), NOW).type == _encoded()["type"]
    assert _validator(_encoded()["type"]).is_valid(_encoded())


@pytest.mark.parametrize("make", [_extra_attribute, _extra_field, _extra_field_of_an_item, _data_twice, _no_data])
def test_the_schema_refuses_the_fields_that_the_reader_refuses(make: Any) -> None:
    document = make()
    with pytest.raises(Refusal):
        read_document(json.dumps(document).encode(), NOW)
    assert not _validator(document["type"]).is_valid(document)


@pytest.mark.parametrize("make", [_without_reason, _fuel_in_kilowatt_hours, _distance_without_basis])
def test_the_schema_refuses_what_the_model_refuses_across_fields(make: Any) -> None:
    document = make()
    with pytest.raises(Exception, match="data"):
        read_document(json.dumps(document).encode(), NOW)
    assert not _validator(document["type"]).is_valid(document)


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = json.loads((SCHEMAS / "asyncapi.json").read_text(encoding="utf-8"))
    references = [value for key, value in _walk(document) if key == "$ref"]
    assert references
    for reference in references:
        if reference.startswith("#/"):
            target: Any = document
            for part in reference.removeprefix("#/").split("/"):
                target = target[part]
        else:
            file, _, pointer = reference.partition("#/")
            target = json.loads((SCHEMAS / file).read_text(encoding="utf-8"))
            for part in pointer.split("/") if pointer else ():
                target = target[part]


@pytest.mark.parametrize("name", EVENT_MODELS)
def test_the_asyncapi_document_says_how_an_event_stands_in_a_record_of_either_mode(name: str) -> None:
    document = json.loads((SCHEMAS / "asyncapi.json").read_text(encoding="utf-8"))
    messages = document["components"]["messages"]
    structured, binary = messages[name], messages[f"{name}.binary"]
    example = read_document(next(path for path in EXAMPLES if path.parent.name == name).read_bytes(), NOW)
    sent = dict(encode(example, "binary").headers)

    assert set(binary["headers"]["required"]) == set(binary["headers"]["properties"]) == set(sent)
    assert binary["payload"] == {"$ref": f"./json-schema/{name}.json#/properties/data"}
    assert structured["contentType"] == "application/cloudevents+json"
    assert set(dict(encode(example, "structured").headers)) == set(structured["headers"]["properties"])
    for message in (structured, binary):
        assert message["bindings"]["kafka"]["key"] == {
            "allOf": [{"$ref": f"./json-schema/{name}.json#/properties/subject"}]
        }
    (channel,) = (one for one in document["channels"].values() if name in one["messages"])
    assert f"{name}.binary" in channel["messages"]


def test_every_message_of_the_asyncapi_document_has_a_key() -> None:
    document = json.loads((SCHEMAS / "asyncapi.json").read_text(encoding="utf-8"))

    assert all(message["bindings"]["kafka"]["key"] for message in document["components"]["messages"].values())


def test_the_asyncapi_document_keeps_asyncapis_own_schema() -> None:
    # schemas/3.0.0.json of @asyncapi/specs 6.11.1, Apache-2.0
    with gzip.open(Path(__file__).with_name("asyncapi-3.0.0.schema.json.gz")) as packed:
        judge = Draft7Validator(json.load(packed))
    document = json.loads((SCHEMAS / "asyncapi.json").read_text(encoding="utf-8"))
    assert [error.json_path for error in judge.iter_errors(document)] == []
    document["components"]["messages"]["badge.decision"]["bindings"]["kafka"]["key"] = {"$ref": "#/nowhere"}
    assert [error.json_path for error in judge.iter_errors(document)] == ["$.components.messages['badge.decision']"]


def test_the_bundle_of_the_page_refers_to_nothing_outside_it() -> None:
    document = asyncapi_html.bundled()
    references = [value for key, value in _walk(document) if key == "$ref"]
    assert references
    for reference in references:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def _walk(node: Any) -> Any:
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)
