"""kafka-python's consumers go around what they cannot decode, as the workers do.

The only place that touches kafka-python's inner parts; `tests/unit/fetching/test_fetching.py` fails when they change.
"""

from collections.abc import Iterator
from typing import Any

from kafka.record import memory_records
from kafka.record.default_records import DefaultRecordBatch

from greenlane.fetching.record_batches import header_of, readable, unreadable


class CarefulBatch(DefaultRecordBatch):  # type: ignore[misc] # kafka-python has no types
    """A batch whose records are read with bounds; what cannot be read is one `Unreadable` record."""

    def __init__(self, buffer: bytes) -> None:
        super().__init__(buffer)
        self._sound = True

    def validate_crc(self) -> bool:
        """Asked by a consumer that checks; a wrong checksum is told by the records."""
        self._sound = self.is_control_batch or super().validate_crc()
        return True

    def __iter__(self) -> Iterator[Any]:
        raw = bytes(self._buffer)
        if self._sound:
            return iter(readable(raw))
        return iter([unreadable(header_of(raw), self.base_offset, "the checksum of the batch is wrong")])


def read_with_care() -> None:
    """Have every kafka-python consumer of this process read so; repeated calls change nothing."""
    memory_records.DefaultRecordBatch = CarefulBatch
