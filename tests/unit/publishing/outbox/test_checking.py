"""A row becomes the record that the SDK would send, or a refusal that names the column; whatever stands in it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlane.contracts.dead_letters import Refusal
from greenlane.contracts.events import EVENT_MODELS
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.outbox.checking import LARGEST_RECORD, checked, reason_of
from greenlane.publishing.outbox.ddl import DIALECTS, ddl
from greenlane.publishing.outbox.relay import first_of, unovertaken
from greenlane.publishing.outbox.table import Row, Waiting
from greenlane.publishing.sdk.encoding import encode, size_of

EXAMPLES = sorted((Path(__file__).parents[4] / "schemas" / "examples").glob("greenlane.pa*/*.json"))
NOW_MS = 1_800_000_000_000


def row(position: int = 1, payload: str | None = '{"parcel_id": "p-1"}', **changed: str) -> Row:
    written = {
        "id": "p-1.cancelled",
        "type": "greenlane.parcel.cancelled.v1",
        "aggregatetype": "demo-vn",
        "aggregateid": "s-1",
        "time": "2026-07-01T09:30:00+07:00",
    }
    return Row(position=position, payload=payload, **(written | changed))


@pytest.mark.parametrize("path", EXAMPLES, ids=[f"{path.parent.name}/{path.stem}" for path in EXAMPLES])
def test_every_example_becomes_the_record_that_the_sdk_sends(path: Path) -> None:
    document = json.loads(path.read_bytes())
    event = EVENT_MODELS[document["type"]].model_validate_json(path.read_bytes())
    written = Row(
        1,
        document["id"],
        document["type"],
        document["source"].removeprefix("/marketplaces/"),
        document["subject"],
        document["time"],
        json.dumps(document["data"]),
    )
    record = checked(written, written.aggregatetype, NOW_MS).record
    sent = encode(event)
    assert record.key == sent.key
    headers, theirs = dict(record.headers), dict(sent.headers)
    assert headers.pop("ce_time") in {document["time"].encode(), theirs["ce_time"]}
    del theirs["ce_time"]
    assert headers == theirs
    model = type(event.data)
    assert model.model_validate_json(record.value or b"") == event.data
    assert checked(written, written.aggregatetype, NOW_MS).record == record, "the same row, the same bytes"


@given(
    payload=st.one_of(st.none(), st.text(), st.just('{"parcel_id": "p"}, "subject": "other"')),
    aggregateid=st.text(),
    event_id=st.text(),
    time=st.text(),
)
def test_no_row_gives_anything_but_its_own_sellers_record_or_a_refusal(
    payload: str | None, aggregateid: str, event_id: str, time: str
) -> None:
    written = row(payload=payload, aggregateid=aggregateid, id=event_id, time=time)
    record = record_or_refusal(written)
    if isinstance(record, Refusal):
        assert len(reason_of(record)) <= 4_000
        return
    assert record.key == aggregateid.encode()
    assert dict(record.headers)["ce_source"] == b"/marketplaces/demo-vn"


def record_or_refusal(written: Row) -> RawRecord | Refusal:
    try:
        return checked(written, "demo-vn", NOW_MS).record
    except Refusal as refusal:
        return refusal


def test_a_row_at_the_limit_is_taken_and_one_above_it_is_named() -> None:
    empty = size_of(checked(row(), "demo-vn", NOW_MS).record)
    spaces = LARGEST_RECORD - empty
    assert size_of(checked(row(payload='{"parcel_id": "p-1"' + " " * spaces + "}"), "demo-vn", NOW_MS).record) > 0
    with pytest.raises(Refusal, match="payload: the row is over"):
        checked(row(payload=None), "demo-vn", NOW_MS)
    assert LARGEST_RECORD < MAX_EVENT_BYTES


def test_a_round_leaves_out_no_row_before_one_of_the_same_seller() -> None:
    seen = [Waiting(number, f"s-{number % 2}", 10) for number in range(1, 7)]
    rows = [row(number, aggregateid=f"s-{number % 2}") for number in (1, 2, 5, 6)]
    assert [one.position for one in unovertaken(seen, rows)] == [1, 2]
    assert [one.position for one in unovertaken(seen, [row(n, aggregateid=f"s-{n % 2}") for n in range(1, 7)])] == [
        *range(1, 7)
    ]
    assert unovertaken(seen, []) == []


def test_a_round_holds_bounded_bytes_and_one_row_at_least() -> None:
    large = [Waiting(number, "s", 200_000) for number in range(100)]
    assert len(first_of(large)) == 20
    assert len(first_of([Waiting(number, "s", 1_000_000_000) for number in range(100)])) == 100, "never fetched"
    assert len(first_of(large[:1])) == 1


def test_the_table_is_the_same_on_every_database() -> None:
    texts = {dialect: ddl(dialect, "shop-vn") for dialect in DIALECTS}
    for text in texts.values():
        assert "DEFAULT 'shop-vn'" in text
        assert all(f"    {column} " in text for column in Row._fields)
