"""Batches that were made to do harm, and the private parts of the client libraries that the cure holds on to."""

import gzip
import inspect
import struct
import zlib

import pytest
from aiokafka.consumer import fetcher
from hypothesis import given
from hypothesis import strategies as st
from kafka.record import memory_records
from kafka.record.default_records import DefaultRecordBatch
from tests.integration.streaming.hand_made_batches import COMPRESSORS, batch, compressed, record, records

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.unreadable import Unreadable, refuse_unreadable
from greenlane.fetching import record_batches, with_aiokafka, with_kafka_python
from greenlane.fetching.record_batches import MAX_DECODED_BYTES, UndecodableError, decompress, failing_codecs, readable
from greenlane.fetching.with_aiokafka import CarefulBatches
from greenlane.operations.diagnosis import CheckResult
from greenlane.operations.doctor import check_codecs

VALUES = [b"%d" % number for number in range(50)]


def values(data: bytes) -> list[bytes | None]:
    found = CarefulBatches(data)
    out: list[bytes | None] = []
    while found.has_next():
        out += [item.value for item in found.next_batch()]
    return out


def test_the_clients_still_ask_the_classes_that_are_replaced() -> None:
    """An upgrade that fails here needs a look at `fetching/` before it may come in."""
    assert "records = MemoryRecords(part_data[-1])" in inspect.getsource(fetcher.Fetcher._proc_fetch_request)
    asked = inspect.getsource(fetcher.PartitionRecords._unpack_records)
    for part in ("has_next()", "next_batch()", "validate_crc()", "producer_id", "base_offset", "next_offset"):
        assert part in asked
    assert "DefaultRecordBatch(next_slice)" in inspect.getsource(memory_records.MemoryRecords.next_batch)
    assert DefaultRecordBatch.HEADER_STRUCT.size == 61


def test_both_clients_are_given_the_careful_classes() -> None:
    with_aiokafka.read_with_care()
    with_kafka_python.read_with_care()
    assert fetcher.MemoryRecords is CarefulBatches
    assert memory_records.DefaultRecordBatch is with_kafka_python.CarefulBatch


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
def test_every_compression_is_read_by_both(codec: int) -> None:
    made = compressed(VALUES, codec)
    assert values(made) == VALUES
    assert [item.value for item in with_kafka_python.CarefulBatch(made)] == VALUES


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_nothing_is_decompressed_beyond_the_bound(codec: int) -> None:
    assert len(decompress(codec, COMPRESSORS[codec](bytes(MAX_DECODED_BYTES)))) == MAX_DECODED_BYTES
    with pytest.raises(UndecodableError, match="more than 16777216 bytes"):
        decompress(codec, COMPRESSORS[codec](bytes(MAX_DECODED_BYTES + 1)))


@pytest.mark.parametrize("codec", [1, 2, 3, 4, 5, 6, 7])
def test_data_that_does_not_decompress_is_one_unreadable_record(codec: int) -> None:
    (lost,) = values(batch(b"garbage garbage", 7, codec, base=30))
    assert isinstance(lost, Unreadable)
    assert (lost.first_offset, lost.last_offset) == (30, 36)
    with pytest.raises(Refusal, match="offsets 30 to 36 cannot be read") as refused:
        refuse_unreadable(lost)
    assert refused.value.code is DeadLetterCode.UNREADABLE_BATCH


def test_one_damaged_record_takes_no_neighbour_along() -> None:
    bad = bytearray(record(1, b"2", [(b"name", b"content")]))
    bad[8] = 0x7F  # the value's length now leads beyond the record
    found = values(batch(record(0, b"1") + bytes(bad) + record(2, b"3"), 3))
    assert [item for item in found if not isinstance(item, Unreadable)] == [b"1", b"3"]
    (lost,) = (item for item in found if isinstance(item, Unreadable))
    assert (lost.first_offset, lost.last_offset) == (1, 1)


def test_a_wrong_checksum_is_fetched_three_times_before_it_is_given_up() -> None:
    good, bad = compressed(VALUES, 4), batch(records(VALUES), 50, base=50, spoil=1)
    for _ in range(with_aiokafka.READ_AGAIN - 1):
        again = CarefulBatches(bad)
        assert not again.has_next()
        assert again.size_in_bytes() == 0, "or aiokafka would call the batch too large to be fetched"
    found = values(good + bad)
    assert found[:50] == VALUES
    assert [type(item) for item in found[50:]] == [Unreadable]


def test_a_compressed_message_of_an_old_format_is_named() -> None:
    body = struct.pack(">bbq", 1, 1, 0) + struct.pack(">i", -1) + struct.pack(">i", 3) + b"abc"
    message = struct.pack(">I", zlib.crc32(body)) + body
    (lost,) = values(struct.pack(">qi", 9, len(message)) + message)
    assert isinstance(lost, Unreadable)
    assert "older than Kafka 0.11" in lost.reason


def test_doctor_says_which_compressions_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert failing_codecs() == []
    assert check_codecs().verdict is CheckResult.OK
    monkeypatch.setitem(record_batches._CODECS, 4, ("zstd", gzip.decompress))
    assert failing_codecs() == ["zstd"]
    assert (check_codecs().verdict, check_codecs().found) == (CheckResult.FAILED, "cannot be read: zstd")


@given(st.binary(max_size=300), st.integers(0, 7), st.integers(-5, 70_000))
def test_no_bytes_raise(payload: bytes, codec: int, count: int) -> None:
    made = batch(payload, count, codec)
    for item in values(made):
        assert item is None or isinstance(item, bytes)
    assert all(0 <= item.offset <= max(count - 1, 0) for item in readable(made))


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("size", range(12, 60))
@pytest.mark.parametrize("fill", [0x00, 0x7F, 0xFF])
def test_a_cut_off_message_of_an_old_format_is_one_unreadable_record(magic: int, size: int, fill: int) -> None:
    message = bytearray([fill]) * size
    message[4:6] = magic, 0  # behind the offset and the length: the checksum, the format, no codec
    assert values(struct.pack(">qi", 3, size) + bytes(message)) == [b""]


@given(st.binary(max_size=400))
def test_no_bytes_at_all_raise(data: bytes) -> None:
    values(data)
    values(struct.pack(">qi", 3, len(data)) + data)
