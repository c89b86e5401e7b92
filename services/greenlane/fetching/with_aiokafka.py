"""What aiokafka's consumers make records of: batches that cannot be decoded become records that say so.

The only place that touches aiokafka's private parts; `tests/unit/fetching/test_fetching.py` fails when they change.
"""

import logging
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.structs import OffsetAndMetadata

from greenlane.fetching.record_batches import (
    FORMAT,
    HEADER_BYTES,
    BatchHeader,
    RawRecord,
    UndecodableError,
    header_of,
    plain,
    readable,
    unreadable,
)

logger = logging.getLogger(__name__)

READ_AGAIN = 3
"""A batch whose checksum is wrong is fetched this often before it is given up: the fault may be on its way to us."""

_PREFIX = struct.Struct(">qi")
_MAGIC_AT = 16
_SHORTEST_OLD = 26
_OLD_CODEC_AT, _OLD_CODECS = 17, 0x07
_MOST_SUSPECTS = 1_000


class CarefulBatch:
    """One batch of format 2, decoded as a whole when it is iterated; never raises."""

    def __init__(self, batch: Any, raw: memoryview, reason: str = "") -> None:
        self._batch, self._raw, self._reason = batch, raw, reason
        self.base_offset: int = batch.base_offset
        self.next_offset: int = max(batch.next_offset, batch.base_offset + 1)
        self.producer_id: int | None = batch.producer_id
        self.is_transactional: bool = batch.is_transactional
        self.is_control_batch = False

    def validate_crc(self) -> bool:
        """The checksum was looked at before."""
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(self._records())

    def _records(self) -> Sequence[Any]:
        header = header_of(self._raw)
        if self._reason:
            return [unreadable(header, self.base_offset, self._reason)]
        try:
            uncompressed = plain(self._raw)
        except UndecodableError as error:
            return [unreadable(header, self.base_offset, str(error))]
        try:
            records = list(DefaultRecordBatch(uncompressed))
        except Exception:  # noqa: BLE001 - whatever the parser stumbled over, the slow one below goes around it
            return readable(uncompressed)
        if records and not self.base_offset <= records[0].offset <= records[-1].offset < self.next_offset:
            return readable(uncompressed)
        return records


class NoBatch:
    """Stands for bytes that are no batch: one unreadable record at the offset that they begin with."""

    producer_id = None
    is_transactional = is_control_batch = False

    def __init__(self, base_offset: int, reason: str) -> None:
        self.base_offset, self.next_offset, self._reason = base_offset, base_offset + 1, reason

    def validate_crc(self) -> bool:
        """Nothing to check."""
        return True

    def __iter__(self) -> Iterator[RawRecord]:
        header = BatchHeader(self.base_offset, 0, 0, FORMAT, 0, 0, 0, -1, -1, -1, -1, -1, 0)
        return iter([unreadable(header, self.base_offset, self._reason)])


class CarefulBatches:
    """The batches of one fetched partition; takes the place of aiokafka's own `MemoryRecords`."""

    _suspects: dict[tuple[int, int, int], int] = {}  # noqa: RUF012 - one for the process: each fetch is a new object

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._position = 0
        self._waiting_for_another_fetch = False
        self._next = self._look()

    def size_in_bytes(self) -> int:
        """Bytes fetched; aiokafka takes bytes without a batch for a batch that is too large to be fetched."""
        return 0 if self._waiting_for_another_fetch else len(self._data)

    def has_next(self) -> bool:
        """Whether there is another whole batch."""
        return self._next is not None

    def next_batch(self) -> Any:
        """The next whole batch, None behind the last."""
        batch, self._next = self._next, None
        if batch is not None:
            self._next = self._look()
        return batch

    def _look(self) -> Any:
        data, start = self._data, self._position
        if len(data) - start < _PREFIX.size:
            return None
        base_offset, length = _PREFIX.unpack_from(data, start)
        end = start + _PREFIX.size + length
        if length < 0 or end > len(data):
            return None
        raw = data[start:end]
        batch = self._batch(base_offset, raw)
        if batch is not None:
            self._position = end
        return batch

    def _batch(self, base_offset: int, raw: memoryview) -> Any:
        if len(raw) > _MAGIC_AT and raw[_MAGIC_AT] < FORMAT:
            return _old(base_offset, raw)
        if len(raw) < HEADER_BYTES:
            return NoBatch(base_offset, "the batch is shorter than its header")
        batch = DefaultRecordBatch(raw)
        if not batch.validate_crc():
            return self._given_up(batch, raw)
        return batch if batch.is_control_batch else CarefulBatch(batch, raw)

    def _given_up(self, batch: Any, raw: memoryview) -> CarefulBatch | None:
        """None while the batch is worth another fetch, which begins where this one stops."""
        suspect, suspects = (batch.base_offset, batch.crc, len(raw)), self._suspects
        if len(suspects) > _MOST_SUSPECTS:
            suspects.clear()
        suspects[suspect] = suspects.get(suspect, 0) + 1
        if suspects[suspect] < READ_AGAIN:
            logger.warning("the checksum of the batch at offset %d is wrong; fetching it again", batch.base_offset)
            self._waiting_for_another_fetch = True
            return None
        return CarefulBatch(batch, raw, "the checksum of the batch is wrong")


def _old(base_offset: int, raw: memoryview) -> Any:
    """A message of the formats before Kafka 0.11, which no broker since 4.0 takes."""
    if len(raw) < _SHORTEST_OLD:
        return NoBatch(base_offset, "the message is shorter than its header")
    if raw[_OLD_CODEC_AT] & _OLD_CODECS:
        return NoBatch(base_offset, "it is compressed in a message format older than Kafka 0.11")
    try:
        batch = LegacyRecordBatch(raw, raw[_MAGIC_AT])
    except Exception:  # noqa: BLE001 - the parser raises what it stumbles over, such as a length beyond the end
        return NoBatch(base_offset, "the message is damaged")
    return batch if batch.validate_crc() else NoBatch(base_offset, "the checksum of the message is wrong")


async def committed(consumer: Any, places: Sequence[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
    """What the consumer's group committed, with the note of each commit; aiokafka's own method leaves the note out."""
    found = await consumer._coordinator.fetch_committed_offsets(list(places))  # noqa: SLF001 - see above
    return {place: at for place, at in found.items() if at.offset >= 0}


def read_with_care() -> None:
    """Have every aiokafka consumer of this process go around what it cannot decode; repeated calls change nothing."""
    fetcher.MemoryRecords = CarefulBatches
