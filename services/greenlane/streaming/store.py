"""The partition store: reads a partition's rows back from its compacted changelog before it is used."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

from greenlane.streaming.engine_settings import FETCH_BYTES
from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.meta import META_KEY, Meta, decode_meta
from greenlane.streaming.records import PartitionState

ROWS_A_TURN = 5_000
"""Rows restored before other tasks get the event loop."""


class Row(NamedTuple):
    """The latest value of a key, and where in the changelog it stands."""

    offset: int
    value: bytes


class Loaded(NamedTuple):
    """What a load found: the meta row if the partition was ever written, rows restored, seconds it took."""

    meta: Meta | None
    rows: int
    seconds: float


async def load(
    bootstrap_servers: str, changelog: str, partition: int, partitions: int, state: PartitionState
) -> Loaded:
    """Restore every live row of one partition, latest values only; `StreamingError` names a row that cannot be."""
    started = time.perf_counter()
    rows = await _latest_rows(bootstrap_servers, changelog, partition)
    meta_row = rows.pop(META_KEY, None)
    meta = None if meta_row is None else decode_meta(meta_row.value, partitions)
    if meta is None and rows:
        raise StreamingError(
            f"{changelog}[{partition}] has {len(rows)} rows but does not say how far they have come; make "
            "the state anew with `greenlane rebuild`"
        )
    for count, (key, row) in enumerate(rows.items(), 1):
        try:
            state.restore(key, row.value)
        except Exception as error:
            raise StreamingError(
                f"{changelog}[{partition}]@{row.offset} key {key!r}: the row cannot be read back "
                f"({type(error).__name__}: {error}); make the state anew with `greenlane rebuild`"
            ) from error
        if count % ROWS_A_TURN == 0:
            await asyncio.sleep(0)
    _check_whole(state, changelog, partition)
    return Loaded(meta, len(rows), time.perf_counter() - started)


def _check_whole(state: PartitionState, changelog: str, partition: int) -> None:
    """An empty batch: the state may now look at its rows together, before anyone is told it is ready."""
    try:
        state.handle([])
    except Exception as error:
        raise StreamingError(f"{changelog}[{partition}]: the rows do not belong together ({error})") from error


async def _latest_rows(bootstrap_servers: str, changelog: str, partition: int) -> dict[bytes, Row]:
    rows: dict[bytes, Row] = {}
    async for records in _committed_records(bootstrap_servers, changelog, partition):
        for record in records:
            if record.value is None:
                rows.pop(record.key, None)
            else:
                rows[record.key] = Row(record.offset, record.value)
    return rows


async def _committed_records(
    bootstrap_servers: str, changelog: str, partition: int
) -> AsyncIterator[list[ConsumerRecord]]:
    place = TopicPartition(changelog, partition)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            fetched = await consumer.getmany(place, timeout_ms=200)
            yield fetched.get(place, [])
    finally:
        await consumer.stop()
