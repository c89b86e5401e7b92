"""Reading files of events: every form a file may have, and every bad event by its line."""

import gzip
import io
import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.publishing.files import documents
from greenlane.publishing.files.reading import FileEvent, read_file

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


def problems(found: list[FileEvent]) -> list[tuple[int, str]]:
    return [(item.line, item.refusal.problems[0].message) for item in found if item.refusal is not None]


@pytest.mark.parametrize(
    ("end", "line", "said"),
    [
        (",\n", 1, "the array that begins here is not closed"),
        ("", 1, "the array that begins here is not closed"),
        (',\n{"specversion": "1.0", "ty', 4, "the file ends inside this event"),
        (',\n{"specversion": "1.0", "id": "]}', 4, "the file ends inside this event"),
        (",\n]", 4, "is an empty entry of the array"),
        ("]\nand more", 4, "not JSON"),
        ("] ]", 3, "not JSON"),
        (",\nnull]", 4, "a structured CloudEvent is a JSON object"),
        (',\n"a, b"]', 4, "a structured CloudEvent is a JSON object"),
        (",\n[{}, {}]]", 4, "a structured CloudEvent is a JSON object"),
    ],
)
def test_what_is_wrong_with_an_array_is_named_and_costs_none_of_its_events(end: str, line: int, said: str) -> None:
    found = read(f"[\n{json.dumps(event('a'))},\n{json.dumps(event('b'))}{end}")

    assert [item.event.id for item in found if item.event] == ["a", "b"]
    ((where, message),) = problems(found)
    assert where == line
    assert said in message


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize(
    "broken", ['{"specversion": "1.0", "data": {"a": 1', '{"id": "x}', "{{", "nonsense", '{"id": NaN}']
)
def test_a_broken_entry_of_an_array_damages_no_other(broken: str, indent: int | None) -> None:
    first = json.dumps(event("a"), indent=indent)
    last = [json.dumps(event(name)) for name in ("c", "d")]
    found = read("[" + ",\n".join([first, broken, *last]) + "]")

    assert [item.event.id if item.event else None for item in found] == ["a", None, "c", "d"]


def test_text_after_an_array_that_is_an_event_is_read() -> None:
    text = f"[{json.dumps(event('a'))}]\n[{json.dumps(event('b'))}]\n{json.dumps(event('c'))}\n"

    assert lines_and_ids(read(text)) == [(1, "a"), (2, "b"), (3, "c")]


def test_an_array_has_no_limit_and_is_read_as_it_is_needed() -> None:
    stream = io.BytesIO(json.dumps([event(str(number)) for number in range(20_000)]).encode())

    reading = read_file(stream, NOW)

    assert next(reading).event is not None
    assert stream.tell() <= 3 * MAX_EVENT_BYTES
    assert sum(item.event is not None for item in reading) == 19_999


def test_one_object_over_several_lines_is_one_event() -> None:
    assert lines_and_ids(read("\n" + json.dumps(event("a"), indent=2) + "\n")) == [(2, "a")]


@pytest.mark.parametrize("between", ["\n", "", "\r\n\r\n", ",\n", "\n\ufeff"])
def test_objects_one_after_the_other_are_events_each(between: str) -> None:
    names = ("a", "b", "c")

    found = read(between.join(json.dumps(event(name), indent=2) for name in names))

    assert [item.event.id if item.event else None for item in found] == list(names)


@pytest.mark.parametrize(
    "first",
    [
        "not JSON",
        "{",
        '{"specversion": "1.0",',
        "id;time;mass",
        '"text"',
        "[INFO] begun",
        "}",
        "\x00\x00",
        "\ufffd",
        "{}",
    ],
)
@pytest.mark.parametrize("good", [1, 2])
@pytest.mark.parametrize("last", ["", "\n", "\n}", '\n{"specver'])
def test_a_bad_first_line_and_a_bad_last_one_cost_none_between(first: str, good: int, last: str) -> None:
    names = [str(number) for number in range(good)]

    found = read("\n".join([first, *(json.dumps(event(name)) for name in names)]) + last)

    assert [item.event.id for item in found if item.event] == names
    assert [item.line for item in found if item.event] == list(range(2, good + 2))
    assert found[0].refusal is not None
    assert (found[-1].refusal is not None) == bool(last.strip())


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (gzip.compress(json.dumps(event()).encode()), "gzip -dc"),
        (b"PK\x03\x04" + bytes(100), "unzip -p"),
        (json.dumps(event()).encode("utf-16"), "save the file as UTF-8"),
        (json.dumps([event()]).encode("utf-16-be"), "save the file as UTF-8"),
        (json.dumps(event()).encode("utf-16-le"), "save the file as UTF-8"),
        (json.dumps(event()).replace("e1", "e\0").encode(), "NUL bytes"),
        (json.dumps(event(note="café"), ensure_ascii=False).encode("cp1252"), "is not UTF-8"),
    ],
    ids=["gzip", "zip", "utf-16", "utf-16-be", "utf-16-le", "nul", "cp1252"],
)
def test_what_is_no_text_in_utf_8_is_one_refusal_with_the_remedy(raw: bytes, said: str) -> None:
    ((_, message),) = problems(read(raw))

    assert said in message


def test_line_ends_of_windows_and_a_second_byte_order_mark_are_no_part_of_events() -> None:
    one = b"\xef\xbb\xbf" + json.dumps(event("a")).encode() + b"\r\n"

    assert lines_and_ids(read(one + one)) == [(1, "a"), (2, "a")]


class Endless(io.RawIOBase):
    """A good event, then a line without end: `size` bytes of it; then the disk fails if it is to."""

    def __init__(self, begin: bytes, size: int, *, fails: bool = False) -> None:
        self.left = size
        self.begin = begin
        self.fails = fails

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.begin:
            taken, self.begin = self.begin[: len(buffer)], self.begin[len(buffer) :]
        elif self.left <= 0 and self.fails:
            raise OSError(5, "Input/output error")
        else:
            taken = b"x" * min(len(buffer), self.left)
            self.left -= len(taken)
        buffer[: len(taken)] = taken
        return len(taken)


@pytest.mark.parametrize("begin", ["", "{", '{"note": "', "[", '[{"note": "', "[["])
def test_a_line_without_end_takes_bounded_memory(begin: str) -> None:
    good = json.dumps(event("a")).encode() + b"\n"
    stream = io.BufferedReader(Endless(good + begin.encode(), 40 * MAX_EVENT_BYTES))

    tracemalloc.start()
    found = read_file(stream, NOW)
    first, *others = found
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert first.event is not None
    assert others
    assert all(item.refusal is not None and len(item.raw) <= MAX_EVENT_BYTES + 1 for item in others)
    assert peak < 6 * MAX_EVENT_BYTES


def test_a_disk_that_fails_is_the_last_refusal() -> None:
    stream = io.BufferedReader(Endless(json.dumps(event("a")).encode() + b"\n", 0, fails=True))

    good, failed = read_file(stream, NOW)

    assert good.event is not None
    assert "Input/output error" in str(failed.refusal)


LINES = st.lists(
    st.one_of(
        st.just(json.dumps(event("good"))),
        st.just(json.dumps(event("good"), indent=1)),
        st.sampled_from(["[", "]", ",", "{", "}", '"', "\\", "\n", "null", '{"a": "\\"}"}', "\ufeff", "\0", " "]),
        st.text(max_size=5),
    ),
    max_size=12,
)


@given(LINES)
def test_any_file_is_read_to_its_end_and_nothing_of_it_is_dropped(parts: list[str]) -> None:
    raw = "\n".join(parts).encode()

    kept = b"".join(document.raw for document in documents.split(io.BytesIO(raw), MAX_EVENT_BYTES))

    assert set(raw) <= set(kept) | set(b"[], \t\r\n\xef\xbb\xbf")
    assert sum(item.event is not None for item in read(raw)) <= raw.count(b'"specversion"')


class Short(io.BytesIO):
    """Gives a line in pieces of a few bytes, as a line that is longer than a piece comes."""

    def readline(self, size: int | None = -1, /) -> bytes:
        return super().readline(min(7, size or 7))


@given(st.lists(st.sampled_from(["a", "b"]), max_size=6), st.sampled_from([None, 0, 1]), st.sampled_from(["[]", "\n"]))
def test_whatever_is_good_is_read_in_every_form(names: list[str], indent: int | None, form: str) -> None:
    one = [json.dumps(event(name), indent=indent) for name in names]
    text = json.dumps([event(name) for name in names], indent=indent) if form == "[]" else form.join(one)

    for found in (read(text), list(read_file(Short(text.encode()), NOW))):
        assert [item.event.id if item.event else None for item in found] == names


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
