"""Reading files of events: every form a file may have, and every bad event by its line."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.publisher import files
from greenlane.publisher.files import FileEvent, read_file

NOW = datetime(2026, 1, 10, tzinfo=UTC)


def event(event_id: str = "e1", **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": "greenlane.parcel.cancelled.v1",
        "source": "/marketplaces/demo-vn",
        "id": event_id,
        "subject": "seller-1",
        "time": "2026-01-05T10:00:00+07:00",
        "data": {"parcel_id": "p1"} | data,
    }


def read(text: str | bytes) -> list[FileEvent]:
    return list(read_file(io.BytesIO(text.encode() if isinstance(text, str) else text), NOW))


def lines_and_ids(found: list[FileEvent]) -> list[tuple[int, str | None]]:
    return [(item.line, item.event.id if item.event else None) for item in found]


def test_json_lines_are_numbered_as_in_the_file_and_blank_lines_skipped() -> None:
    text = f"\n{json.dumps(event('a'))}\n\n{json.dumps(event('b'))}"

    assert lines_and_ids(read(text)) == [(2, "a"), (4, "b")]


def test_a_bad_line_leaves_its_neighbours_alone() -> None:
    text = "\n".join([json.dumps(event("a")), '{"specversion": "1.0",', json.dumps(event("c"))])

    found = read(text)

    assert lines_and_ids(found) == [(1, "a"), (2, None), (3, "c")]
    assert found[1].refusal is not None
    assert found[1].refusal.code is DeadLetterCode.NOT_JSON


def test_a_bad_first_line_does_not_hide_the_others() -> None:
    text = "\n".join(['{"specversion": "1.0"', json.dumps(event("b"))])

    assert lines_and_ids(read(text)) == [(1, None), (2, "b")]


def test_an_array_tells_the_line_on_which_each_element_begins() -> None:
    text = json.dumps([event("a"), event("b", note="[{,"), event("c")], indent=1)

    found = read(text)

    assert [item.line for item in found] == [2, 13, 25]
    assert [item.event.id if item.event else None for item in found] == ["a", None, "c"]
    assert all(text.splitlines()[item.line - 1].strip() == "{" for item in found)


def test_an_array_on_one_line_works_too() -> None:
    assert lines_and_ids(read(json.dumps([event("a"), event("b")]))) == [(1, "a"), (1, "b")]


def test_an_array_that_is_cut_short_is_refused_after_its_events() -> None:
    reading = read_file(io.BytesIO(f"[{json.dumps(event('a'))},".encode()), NOW)

    assert next(reading).event is not None
    with pytest.raises(Refusal, match="does not end"):
        next(reading)


def test_an_array_too_large_to_be_held_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ARRAY_BYTES", 1_000)

    with pytest.raises(Refusal, match="one event a line"):
        read("[" + " " * 1_000 + "]")


def test_one_object_over_several_lines_is_one_event() -> None:
    assert lines_and_ids(read("\n" + json.dumps(event("a"), indent=2) + "\n")) == [(2, "a")]


def test_two_objects_over_several_lines_are_not_one_event() -> None:
    found = read(json.dumps(event("a"), indent=2) + json.dumps(event("b"), indent=2))

    assert all(item.event is None for item in found)


def test_a_byte_order_mark_is_no_part_of_the_event() -> None:
    assert lines_and_ids(read(b"\xef\xbb\xbf" + json.dumps(event("a")).encode())) == [(1, "a")]


def test_an_unknown_field_is_named_with_the_remedy() -> None:
    (found,) = read(json.dumps(event("a", buyer="Lan")))

    assert found.refusal is not None
    (problem,) = found.refusal.problems
    assert problem.path == "data.buyer"
    assert "remove it" in problem.message
    assert "Lan" not in problem.message


def test_an_event_from_the_future_is_refused() -> None:
    (found,) = read(json.dumps(event("a") | {"time": "2026-01-12T10:00:00Z"}))

    assert found.refusal is not None
    assert found.refusal.code is DeadLetterCode.FUTURE_TIME


def test_a_line_too_long_to_be_an_event_is_refused_and_the_next_one_read() -> None:
    long = json.dumps(event("a", note="x" * (3 * MAX_EVENT_BYTES)))

    found = read(f"{long}\n{json.dumps(event('b'))}\n{long}\n{json.dumps(event('d'))}")

    assert lines_and_ids(found) == [(1, None), (2, "b"), (3, None), (4, "d")]
    assert found[0].refusal is not None
    assert found[0].refusal.code is DeadLetterCode.TOO_LARGE
    assert len(found[0].raw) < 3 * MAX_EVENT_BYTES


def test_lines_are_read_as_they_are_needed() -> None:
    stream = io.BytesIO("\n".join(json.dumps(event(str(number))) for number in range(20_000)).encode())

    reading = read_file(stream, NOW)
    first = next(reading)

    assert first.event is not None
    assert stream.tell() <= 2 * MAX_EVENT_BYTES
    assert sum(1 for _ in reading) == 19_999


def test_an_empty_file_has_no_events() -> None:
    assert read("") == read("\n \n") == []
