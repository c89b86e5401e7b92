"""Every official example of the vocabularies becomes events or a refusal by name; what is invalid is refused."""

import json
import re
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.publishing.adapters.samples import ROOT, converted

from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.reading.fulfilment import Reading, read_event
from greenlane.publishing.files.documents import split

VOCAB = ROOT / ".." / "shared" / "data" / "vocab"
OURS = {
    "type": "greenlane.parcel.packed.v1",
    "source": "/marketplaces/demo-vn",
    "subject": "seller-0042",
    "time": "2026-07-01T09:30:00+07:00",
    "data": {"parcel_id": "VN-1", "country": "VN"},
}
OFFICIAL = {
    "ucp": "ucp/examples/*.json",
    "ileap": "ileap/examples/*.json",
    "shopify": "shopify/*.json",
    "epcis": "epcis/openepcis/**/*.json",
}


def _files() -> list[tuple[str, Path]]:
    return [(name, path) for name, pattern in OFFICIAL.items() for path in sorted(VOCAB.glob(pattern))]


def _leaves(value: Any) -> int:
    children = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return sum(map(_leaves, children)) if children else 1


@pytest.mark.foreign_file("data/vocab")
def test_every_official_example_is_events_or_a_refusal_and_every_unused_value_is_named() -> None:
    made: dict[str, int] = {}
    for name, path in _files():
        document = json.loads(path.read_text(encoding="utf-8"))
        document = document.get("example", document)
        found = converted(name, document)
        made[name] = made.get(name, 0) + len(found.events)
        where = str(path)
        assert found.events or found.refusals, where
        assert all(refused.problem and refused.remedy for refused in found.refusals), where
        used = _leaves(document) - len(found.unused)
        assert used == 0 if not found.events else used > 0, where
        assert all(refused.path or refused.problem for refused in found.refusals), where
        if "Invalid" in path.parts:
            assert found.refusals, where
    assert set(made) == set(OFFICIAL), "examples are missing"


@pytest.mark.foreign_file("data/vocab")
def test_every_official_cloud_event_is_refused_for_its_type_alone_and_read_with_ours() -> None:
    examples = _cloud_events()
    assert len(examples) >= 12

    for where, example in examples:
        foreign = _read(example)
        assert foreign.refusal is not None, where
        assert foreign.refusal.code in {DeadLetterCode.UNKNOWN_TYPE, DeadLetterCode.NOT_A_CLOUD_EVENT}, where
        assert all(problem.message for problem in foreign.refusal.problems), where

        ours = {name: value for name, value in example.items() if name not in {"data", "data_base64"}} | OURS
        read = _read(ours)
        wanted = None if _is_json(example) else DeadLetterCode.NOT_A_CLOUD_EVENT
        assert (None if read.refusal is None else read.refusal.code) == wanted, where


def _read(document: dict[str, Any]) -> Reading:
    record: Any = SimpleNamespace(
        topic="greenlane.fulfilment.demo-vn.v1",
        partition=0,
        offset=0,
        timestamp=1_790_000_000_000,
        key=b"seller-0042",
        value=json.dumps(document).encode(),
        headers=(("content-type", b"application/cloudevents+json; charset=UTF-8"),),
    )
    return read_event(record)


def _is_json(example: dict[str, Any]) -> bool:
    return "json" in (example.get("datacontenttype") or "json")


def _cloud_events() -> list[tuple[str, dict[str, Any]]]:
    """The events in the blocks of code of the specification, alone or in a batch."""
    found = []
    for path in sorted((VOCAB / "cloudevents").glob("*.md")):
        for block in re.findall(r"```(?:json|JSON)\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            events = [json.loads(one.raw) for one in split(BytesIO(block.encode()), 100_000)]
            found += [(path.name, event) for event in events if "specversion" in event]
    feature = (VOCAB / "cloudevents" / "conformance" / "kafka-protocol-binding.feature").read_text(encoding="utf-8")
    blocks = re.findall(r'"""\n(.*?)"""', feature, re.DOTALL)
    return found + [("conformance", event) for block in blocks if "specversion" in (event := json.loads(block))]
