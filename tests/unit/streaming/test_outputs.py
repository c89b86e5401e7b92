"""From outcomes to records: partitions, sizes, dead letters, and one faulty record among good ones."""

import logging
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from greenlane.contracts.dead_letters import DeadLetter, DeadLetterCode, Refusal
from greenlane.contracts.topics import DEAD_LETTERS, MAX_EVENT_BYTES
from greenlane.streaming import EachRecord, KafkaRecord, Outcome, Output, Stage, StreamingError, partition_of
from greenlane.streaming.batches import outputs_of, size_of
from greenlane.streaming.kafka.offsets import Bounds
from greenlane.streaming.state.meta import Meta, decode_meta
from greenlane.streaming.stateful import first_unapplied

STAGE = Stage("toy", "toy_scorer", "0.1.0", "toy-1")


def record(value: bytes | None, offset: int = 7, headers: Sequence[tuple[str, bytes]] = ()) -> Any:
    return ConsumerRecord("t", 3, offset, 1_700_000_000_000, 1, b"key", value, None, 3, 1, headers)


def letter(output: Output) -> DeadLetter:
    assert output.value is not None
    return DeadLetter.model_validate_json(output.value)


@given(st.binary(min_size=1, max_size=40), st.integers(1, 64))
def test_a_key_goes_where_kafkas_other_clients_put_it(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == (murmur2(key) & 0x7FFFFFFF) % partitions


@pytest.mark.parametrize(
    ("key", "java"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hash_is_that_of_kafkas_java_client(key: bytes, java: int) -> None:
    assert partition_of(key, 1009) == (java & 0x7FFFFFFF) % 1009


def test_a_dead_letter_holds_the_record_its_place_and_the_reason() -> None:
    refusal = Refusal.because(DeadLetterCode.NOT_JSON, "value", "not JSON; send JSON")
    [output] = STAGE.refuse(record(b"\xff{", headers=[("h", b"\x00")]), refusal).outputs
    found = letter(output)
    assert (output.topic, output.key.decode()) == (DEAD_LETTERS, found.id)
    assert found.data.raw() == b"\xff{"
    assert found.data.origin.model_dump() == {
        "topic": "t",
        "partition": 3,
        "offset": 7,
        "timestamp_ms": 1_700_000_000_000,
        "key_b64": "a2V5",
        "headers": (("h", "AA=="),),
    }
    assert (found.data.failure.code, found.data.failure.retriable) == (DeadLetterCode.NOT_JSON, False)
    assert found.data.processor.model_dump() == {
        "service": "toy_scorer",
        "version": "0.1.0",
        "method_version": "toy-1",
    }


def test_the_same_record_and_stage_give_the_same_dead_letter_whatever_the_run() -> None:
    refusal = Refusal.because(DeadLetterCode.NOT_JSON, "value", "not JSON; send JSON")
    assert STAGE.refuse(record(b"x"), refusal) == STAGE.refuse(record(b"x"), refusal)
    other = STAGE.refuse(record(b"x", offset=8), refusal)
    assert other.outputs[0].key != STAGE.refuse(record(b"x"), refusal).outputs[0].key


def test_a_null_value_stays_null_and_a_redriven_record_keeps_its_count() -> None:
    refusal = Refusal.because(DeadLetterCode.NULL_VALUE, "", "there is no value; send an event")
    found = letter(STAGE.refuse(record(None, headers=[("greenlane-redrive", b"2")]), refusal).outputs[0])
    assert found.data.raw() is None
    assert found.data.redrive.count == 2


def test_a_record_too_large_to_copy_is_named_but_not_copied_so_its_dead_letter_always_fits() -> None:
    refusal = Refusal.because(DeadLetterCode.TOO_LARGE, "", "too large; send less")
    output = STAGE.refuse(record(bytes(MAX_EVENT_BYTES + 1)), refusal).outputs[0]
    found = letter(output)
    assert found.data.raw_b64 is None
    assert [problem.keyword for problem in found.data.failure.messages] == ["too_large", "raw_omitted"]
    whole = STAGE.refuse(record(bytes(MAX_EVENT_BYTES - 3)), refusal).outputs[0]
    assert size_of(output) < 2000 < size_of(whole) < MAX_EVENT_BYTES * 4 // 3 + 65_536


def test_one_faulty_record_leaves_its_neighbours_whole_and_its_text_unlogged(caplog: pytest.LogCaptureFixture) -> None:
    def one(item: KafkaRecord) -> Outcome:
        return Outcome("assessed", (Output("out", b"k", b"%d" % int(item.value or b"")),))

    with caplog.at_level(logging.ERROR):
        good, bad, last = EachRecord(one, STAGE).handle([record(b"1"), record(b"secret", 8), record(b"2", 9)])
    assert (good.name, bad.name, last.name) == ("assessed", "dead_lettered", "assessed")
    assert letter(bad.outputs[0]).data.failure.code == DeadLetterCode.UNEXPECTED_ERROR
    assert "t[3]@8" in caplog.text
    assert "secret" not in caplog.text + letter(bad.outputs[0]).data.failure.model_dump_json()


def test_outputs_keep_their_order_and_outcomes_are_counted() -> None:
    outcomes = [Outcome("assessed", (Output("a", b"1", b""), Output("b", b"2", b""))), Outcome("ignored")]
    outputs, counts = outputs_of([record(b"x"), record(b"y")], outcomes, STAGE, 1000)
    assert [output.key for output in outputs] == [b"1", b"2"]
    assert counts == {"assessed": 1, "ignored": 1}


def test_an_output_too_large_for_kafka_becomes_a_dead_letter_instead() -> None:
    outcomes = [Outcome("assessed", (Output("a", b"k", b"small"), Output("a", b"k", bytes(1000))))]
    [output], counts = outputs_of([record(b"x")], outcomes, STAGE, 1000)
    assert letter(output).data.failure.code == DeadLetterCode.OUTPUT_TOO_LARGE
    assert counts == {"dead_lettered": 1}


def test_a_handler_that_loses_a_record_is_an_error() -> None:
    with pytest.raises(StreamingError, match="2 records with 1 outcomes"):
        outputs_of([record(b"x"), record(b"y")], [Outcome("ignored")], STAGE, 1000)


def test_a_meta_row_reads_back_and_refuses_other_formats_and_partition_counts() -> None:
    meta = Meta(applied=41, partitions=4, store="one")
    assert decode_meta(meta.encode(), 4) == meta
    with pytest.raises(StreamingError, match="4 source partitions, there are 8"):
        decode_meta(meta.encode(), 8)
    with pytest.raises(StreamingError, match="format 2"):
        decode_meta(Meta(applied=41, partitions=4, store="one", format=2).encode(), 4)


def test_a_meta_row_of_a_release_without_stores_reads_as_of_none() -> None:
    assert decode_meta(b'{"applied": 41, "partitions": 4, "format": 1}', 4) == Meta(41, 4, "")


@pytest.mark.parametrize(
    ("applied", "bounds", "first"),
    [
        (None, Bounds(0, 50, None), 0),
        (None, Bounds(0, 50, 0), 0),
        (41, Bounds(0, 50, 42), 42),
        (41, Bounds(0, 50, 20), 42),
        (41, Bounds(0, 42, None), 42),
    ],
)
def test_processing_continues_after_what_the_state_contains(applied: int | None, bounds: Bounds, first: int) -> None:
    meta = None if applied is None else Meta(applied, 4, "one")
    assert first_unapplied(meta, bounds, place="t[0]", changelog="log") == first


@pytest.mark.parametrize(
    ("applied", "bounds", "reason"),
    [
        (None, Bounds(0, 50, 42), "the changelog was lost"),
        (None, Bounds(30, 50, None), "begins at offset 30"),
        (41, Bounds(0, 50, 43), "part of the changelog was lost"),
        (41, Bounds(0, 41, 41), "created anew"),
    ],
)
def test_a_state_that_does_not_fit_its_source_is_refused(applied: int | None, bounds: Bounds, reason: str) -> None:
    meta = None if applied is None else Meta(applied, 4, "one")
    with pytest.raises(StreamingError, match=reason):
        first_unapplied(meta, bounds, place="t[0]", changelog="log")
