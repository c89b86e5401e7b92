"""Faust's public scheduling setting, used to hand over whole runs of a partition instead of single records."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP

from greenlane.contracts.records import KafkaRecord

LAST_LONE_OFFSET = 1
"""Faust ignores gaps after offset 0, so a batch reaching back to it would never be committed."""


class Chunk(NamedTuple):
    """Consecutive fetched records of one partition.

    `after` is the offset fetched just before them; None for a partition's first fetch and after a seek backwards.
    """

    records: Sequence[KafkaRecord]
    after: int | None


class PseudoRecord(NamedTuple):
    """What Faust takes for one record: a chunk as the value, at the offset of the chunk's last record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    value: Chunk
    key: None = None
    headers: tuple[()] = ()
    checksum: None = None
    serialized_key_size: int = 0
    serialized_value_size: int = 0


def runs(records: Sequence[Any], max_batch: int) -> Iterator[Sequence[Any]]:
    """The records in runs of at most `max_batch`; a record at offset 0 or 1 goes alone."""
    start = 0
    while start < len(records):
        size = 1 if records[start].offset <= LAST_LONE_OFFSET else max_batch
        yield records[start : start + size]
        start += size


class BatchScheduler(DefaultSchedulingStrategy):
    """Makes each run of a partition one pseudo-record, taking partitions in turn."""

    def __init__(self, max_batch: int) -> None:
        self._max_batch = max_batch
        self._fetched: dict[TP, int] = {}

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, PseudoRecord]]:
        """Called by Faust with what one fetch returned: a list of records for each partition."""
        turns = zip_longest(*(self._chunks(tp, fetched) for tp, fetched in records.items()))
        return (item for item in chain.from_iterable(turns) if item is not None)

    def _chunks(self, tp: TP, fetched: list[Any]) -> Iterator[tuple[TP, PseudoRecord]]:
        for run in runs(fetched, self._max_batch):
            last = run[-1]
            after = self._fetched.get(tp)
            chunk = Chunk(run, after if after is not None and after < run[0].offset else None)
            self._fetched[tp] = last.offset
            yield tp, PseudoRecord(tp.topic, tp.partition, last.offset, last.timestamp, last.timestamp_type, chunk)
