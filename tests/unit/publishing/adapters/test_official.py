"""Every official example of the vocabularies becomes events or a refusal by name; what is invalid is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.publishing.adapters.samples import ROOT, converted

VOCAB = ROOT / ".." / "shared" / "data" / "vocab"
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
