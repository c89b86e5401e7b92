"""Whatever the bytes, reading them takes time in proportion to their number: the worst of each kind, every reader."""

import io
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.contracts.worst_bytes import BODY, WORST, many_headers

from greenlane.accounts.oracle.assess import expected_of
from greenlane.contracts.dead_letters import Refusal
from greenlane.contracts.quick.assessing import find
from greenlane.contracts.reading.fulfilment import read_document, read_event
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.factors.loading import load_method
from greenlane.publishing.files.reading import read_file

METHOD = load_method()
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ENOUGH_SECONDS = 2.0
"""Far above the 20 ms that the slowest takes on a quiet machine, far below what a quadratic one would take."""

FLOOR_SECONDS = 0.004
"""What is shorter is measured too badly for a ratio."""

BINARY = (
    ("ce_specversion", b"1.0"),
    ("ce_type", b"greenlane.parcel.packed.v1"),
    ("ce_source", b"/marketplaces/demo-vn"),
    ("ce_id", b"worst"),
    ("ce_time", b"2026-07-01T09:30:00+07:00"),
    ("ce_subject", b"seller-1"),
)


def record(value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> Any:
    place = {"topic": "greenlane.fulfilment.demo-vn.v1", "partition": 0, "offset": 1, "timestamp": 1_793_000_000_000}
    return SimpleNamespace(**place, key=b"seller-1", value=value, headers=headers)


def quickly(item: Any) -> None:
    for owner in ("packaging_scorer", "delivery_scorer"):
        with suppress(Refusal):
            find(item, owner, METHOD)


def validated(item: Any) -> None:
    # one event over several lines: an array or lines would be as many events
    with suppress(Refusal):
        list(read_file(io.BytesIO(b"{" + item.value.replace(b"\n", b" ")), NOW))


def before_publishing(item: Any) -> None:
    with suppress(Refusal):
        read_document(item.value, NOW)


READERS: dict[str, Callable[[Any], object]] = {
    "exact reader": read_event,
    "hot path": quickly,
    "oracle": lambda item: expected_of(item, METHOD),
    "publisher": before_publishing,
    "files": validated,
}


def seconds(read: Callable[[Any], object], item: Any) -> float:
    """Processor time of this thread, the least of three: others on the machine do not count."""
    best = float("inf")
    for _ in range(3):
        began = time.thread_time()
        read(item)
        best = min(best, time.thread_time() - began)
    return best


def assert_linear(read: Callable[[Any], object], half: Any, whole: Any) -> None:
    taken = seconds(read, whole)
    assert taken < ENOUGH_SECONDS
    assert taken <= 3 * max(seconds(read, half), FLOOR_SECONDS)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", WORST)
def test_twice_the_bytes_take_at_most_three_times_as_long(name: str, reader: str) -> None:
    half, whole = WORST[name](MAX_EVENT_BYTES // 2), WORST[name](MAX_EVENT_BYTES)
    assert len(whole) <= MAX_EVENT_BYTES
    assert_linear(READERS[reader], record(half), record(whole))


@pytest.mark.parametrize("name", WORST)
def test_the_same_holds_for_the_data_of_binary_mode(name: str) -> None:
    half, whole = WORST[name](MAX_EVENT_BYTES // 2), WORST[name](MAX_EVENT_BYTES)
    assert_linear(quickly, record(half, BINARY), record(whole, BINARY))


@pytest.mark.parametrize("reader", ["exact reader", "hot path", "oracle"])
def test_many_headers_take_time_in_proportion(reader: str) -> None:
    value = str(BODY).replace("'", '"').encode()
    half, whole = many_headers(30_000), many_headers(60_000)
    assert_linear(READERS[reader], record(value, half), record(value, whole))


@pytest.mark.parametrize("header", ["ce_type", "ce_id", "ce_time", "ce_source", "ce_subject", "content-type"])
@pytest.mark.parametrize("unit", [b"a", b"a+", b"/", b";", b"0", b"\xff", b" ", b"application/"])
def test_a_header_without_end_takes_time_in_proportion(header: str, unit: bytes) -> None:
    others = tuple((name, text) for name, text in BINARY if name != header)
    half, whole = (unit * (size // len(unit)) for size in (MAX_EVENT_BYTES // 2, MAX_EVENT_BYTES))
    assert_linear(quickly, record(b"{}", (*others, (header, half))), record(b"{}", (*others, (header, whole))))
