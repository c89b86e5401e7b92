"""The published description of the gateway is the one that it serves, and says what can happen."""

import json
from pathlib import Path

from greenlane.publishing.adapters.signatures import HEADERS
from greenlane.publishing.gateway.documents import ADAPTERS, QUESTIONS
from greenlane.publishing.gateway.forms import BATCH, STRUCTURED
from greenlane.publishing.gateway.openapi import EVENTS, describe, published

SCHEMAS = Path(__file__).parents[4] / "schemas"


def test_the_published_file_is_the_rendered_one() -> None:
    for name, text in published().items():
        assert (SCHEMAS / name).read_text(encoding="utf-8") == text, "run `make schemas`"


def test_every_reference_leads_somewhere_and_every_answer_is_there() -> None:
    described = describe()
    schemas = described["components"]["schemas"]
    text = json.dumps(described)
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.partition('"')[0] in schemas
    post = described["paths"][EVENTS]["post"]
    assert set(post["requestBody"]["content"]) == {STRUCTURED, BATCH, "application/json"}
    wanted = {"200", "207", "400", "401", "403", "408", "413", "415", "422", "429", "500", "503"}
    assert set(post["responses"]) == wanted
    adapter = describe()["paths"][f"{ADAPTERS}{{vocabulary}}"]["post"]
    assert set(adapter["responses"]) == wanted | {"404"}
    named = {one["name"] for one in adapter["parameters"]}
    assert named == {"vocabulary", *QUESTIONS, *HEADERS.values()}
