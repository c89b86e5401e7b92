"""Batches as Faust sees them: what is cut where, and what the engine learns about continuity."""

import inspect
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.structs import ConsumerRecord
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as KafkaConsumer
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from greenlane.streaming import StreamingError
from greenlane.streaming.continuity import Continuity
from greenlane.streaming.kafka.transport import BatchConsumer, ReadOffsets
from greenlane.streaming.scheduler import BatchScheduler, Chunk, runs

A, B = TP("t", 0), TP("t", 1)


def record(offset: int, partition: int = 0) -> Any:
    return ConsumerRecord("t", partition, offset, 1000 + offset, 0, b"k", b"v", None, 1, 1, ())


def records(*offsets: int) -> list[Any]:
    return [record(offset) for offset in offsets]


def offsets(run: Any) -> list[int]:
    return [item.offset for item in run]


def test_records_at_offsets_0_and_1_go_alone_because_faust_ignores_gaps_there() -> None:
    assert [offsets(run) for run in runs(records(0, 1, 2, 3, 4), 100)] == [[0], [1], [2, 3, 4]]
    assert [offsets(run) for run in runs(records(1, 2), 100)] == [[1], [2]]


@given(st.lists(st.integers(0, 500), unique=True).map(sorted), st.integers(1, 60))
def test_runs_keep_every_record_in_order_and_none_is_longer_than_allowed(places: list[int], longest: int) -> None:
    cut = [offsets(run) for run in runs(records(*places), longest)]
    assert [offset for run in cut for offset in run] == places
    assert all(1 <= len(run) <= longest for run in cut)


def test_a_batch_stands_at_the_offset_and_time_of_its_last_record() -> None:
    [(tp, pseudo)] = BatchScheduler(10).iterate({A: records(5, 6, 9)})
    assert (tp, pseudo.topic, pseudo.partition, pseudo.offset, pseudo.timestamp) == (A, "t", 0, 9, 1009)
    assert (pseudo.key, pseudo.headers, offsets(pseudo.value.records)) == (None, (), [5, 6, 9])


def test_partitions_take_turns() -> None:
    fetched = {A: records(5, 6, 7), B: [record(3, 1)]}
    assert [(tp, pseudo.offset) for tp, pseudo in BatchScheduler(2).iterate(fetched)] == [(A, 6), (B, 3), (A, 7)]


def test_a_batch_knows_what_was_fetched_before_it_until_the_reader_goes_back() -> None:
    scheduler = BatchScheduler(2)
    first = [pseudo.value.after for _, pseudo in scheduler.iterate({A: records(5, 6, 7)})]
    later = [pseudo.value.after for _, pseudo in scheduler.iterate({A: records(9)})]
    again = [pseudo.value.after for _, pseudo in scheduler.iterate({A: records(6, 7, 9)})]
    assert (first, later, again) == ([None, 6], [7], [None, 7])


def strict(expected: int | None) -> Continuity:
    return Continuity("t[0]", expected, holes_allowed=False)


def lenient(expected: int | None) -> Continuity:
    return Continuity("t[0]", expected, holes_allowed=True)


def test_continuous_records_and_replays_have_no_hole() -> None:
    for continuity in (strict(5), lenient(5)):
        assert continuity.holes(Chunk(records(5, 6), 4)) == 0
        continuity.done(6)
        assert continuity.holes(Chunk(records(3, 4, 5, 6, 7), None)) == 0
        continuity.done(4)
        assert continuity.expected == 7


@pytest.mark.parametrize("chunk", [Chunk(records(6), 4), Chunk(records(5, 7), 4), Chunk(records(6), None)])
def test_where_holes_cannot_be_any_hole_is_an_error(chunk: Chunk) -> None:
    with pytest.raises(StreamingError, match=r"t\[0\]: expected offset"):
        strict(5).holes(chunk)


def test_where_holes_can_be_they_are_counted() -> None:
    assert lenient(5).holes(Chunk(records(7, 8, 12), 4)) == 5
    assert lenient(5).holes(Chunk(records(7), None)) == 2
    assert lenient(None).holes(Chunk(records(7), None)) == 0


def test_records_that_were_fetched_but_never_handed_over_are_an_error_everywhere() -> None:
    with pytest.raises(StreamingError, match="expected offset 5, got 8"):
        lenient(5).holes(Chunk(records(8), 7))


def test_a_full_buffer_sets_no_partition_aside_because_faust_would_sleep_for_a_second() -> None:
    consumer = BatchConsumer.__new__(BatchConsumer)
    consumer._active_partitions, consumer._buffered_partitions = {A}, set()
    consumer.on_buffer_full(A)
    consumer.on_buffer_drop(A)
    assert (consumer._active_partitions, consumer._buffered_partitions) == ({A}, set())


def test_offset_0_was_read_and_is_not_nothing_so_what_is_missing_behind_it_is_a_gap() -> None:
    read = ReadOffsets()
    assert read[A] is None
    read[A] = 0
    assert read[A]
    assert (read[A] or 7) + 1 == 1
    read[A] = None
    assert read[A] is None


def test_faust_and_aiokafka_still_have_the_private_parts_the_transport_relies_on() -> None:
    assert list(inspect.signature(Consumer._add_gap).parameters) == ["self", "tp", "offset_from", "offset_to"]
    draining = inspect.getsource(Consumer._drain_messages)
    assert "self._add_gap(tp, r_offset + 1, offset)" in draining
    assert "gap > 1 and r_offset:" in draining
    assert "set_read_offset = self._read_offset.__setitem__" in draining
    assert "_new_consumer_thread" in vars(KafkaConsumer)
    assert list(inspect.signature(AIOKafkaConsumerThread._create_worker_consumer).parameters) == ["self", "transport"]
    for name in ("isolation_level", "fetch_min_bytes", "fetch_max_wait_ms"):
        assert f"{name}=self._{name}" in inspect.getsource(AIOKafkaConsumer.start)
    assert "tp_state.timestamp = now_ms" in inspect.getsource(fetcher)
    assert "subscription.assignment" in inspect.getsource(AIOKafkaConsumer.last_poll_timestamp)
