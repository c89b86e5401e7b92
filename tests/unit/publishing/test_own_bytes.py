"""Events in their own bytes: the same record to every reader as by the model, or none at all."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from greenlane.contracts.events import EVENT_MODELS
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.topics import fulfilment_topic
from greenlane.publishing.sdk.encoding import encode
from greenlane.publishing.sdk.own_bytes import in_own_bytes

EXAMPLES = sorted((Path(__file__).parents[3] / "schemas" / "examples").glob("greenlane.pa*/*.json"))
NOW_MS = 1_800_000_000_000
Mode = Literal["binary", "structured"]


@dataclass(frozen=True)
class Record:
    """A record as a consumer meets it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    partition: int = 0
    offset: int = 0
    timestamp: int = NOW_MS


@pytest.mark.parametrize("mode", ["binary", "structured"])
@pytest.mark.parametrize("path", EXAMPLES, ids=[f"{path.parent.name}/{path.stem}" for path in EXAMPLES])
def test_every_example_reads_back_as_by_the_model(path: Path, mode: Mode) -> None:
    raw = path.read_bytes()
    event = EVENT_MODELS[json.loads(raw)["type"]].model_validate_json(raw)
    market = event.source.removeprefix("/marketplaces/")
    given = in_own_bytes(raw, market, NOW_MS, mode)
    assert given is not None
    assert given.event_id == event.id
    topic, by_model = fulfilment_topic(market), encode(event, mode)
    read = read_event(Record(topic, given.record.key, given.record.value, given.record.headers))
    assert read == read_event(Record(topic, by_model.key, by_model.value, by_model.headers))
    assert read.event == event
    if mode == "structured":
        assert given.record.value == raw


def test_what_only_the_model_can_judge_is_left_to_it() -> None:
    raw = EXAMPLES[0].read_bytes()
    event = json.loads(raw)
    market = event["source"].removeprefix("/marketplaces/")
    for changed in (
        b"{",
        b"",
        json.dumps(event | {"source": "/marketplaces/another"}).encode(),
        json.dumps(event | {"unknown": 1}).encode(),
        json.dumps(event | {"datacontenttype": None}).encode(),
        json.dumps(event | {"time": "2027-07-01T00:00:00Z"}).encode(),
        json.dumps(event | {"time": "2026-07-01T00:00:00"}).encode(),
        raw.rstrip()[:-1] + b', "id": "again"}',
    ):
        assert in_own_bytes(changed, market, NOW_MS, "binary") is None
    assert in_own_bytes(raw, market, NOW_MS, "binary") is not None
