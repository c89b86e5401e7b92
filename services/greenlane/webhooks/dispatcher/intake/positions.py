"""How far each partition was accepted: kept in PostgreSQL, moved in the transaction that accepts, the only truth.

Kafka's commits follow behind it. They alone would lose records when the database is restored to an earlier state, and
could belong to a topic of the same name that is no more.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from greenlane.database.direct import Direct


class SourcePartition(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Mark(NamedTuple):
    """The next offset of a partition, and the id of the topic in which it is."""

    topic_id: str
    next_offset: int


class Committed(NamedTuple):
    """What the group committed: the next offset, and whether of a topic of the same name that is no more."""

    next_offset: int
    of_another: bool


_MOVE = sa.text("""
    INSERT INTO intake_position AS p (topic, partition, topic_id, next_offset)
    SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS integer[]), CAST(:ids AS text[]),
                         CAST(:offsets AS bigint[])) ORDER BY 1, 2
    ON CONFLICT (topic, partition) DO UPDATE SET
      before = CASE WHEN p.topic_id = excluded.topic_id THEN p.next_offset ELSE 0 END,
      next_offset = CASE WHEN p.topic_id = excluded.topic_id THEN greatest(p.next_offset, excluded.next_offset)
                         ELSE excluded.next_offset END,
      topic_id = excluded.topic_id
    RETURNING topic, partition, before""")
_FIND = sa.text("SELECT topic, partition, topic_id, next_offset FROM intake_position WHERE topic = ANY(:topics)")
_LOWER = sa.text("UPDATE intake_position SET next_offset = :offset WHERE topic = :topic AND partition = :partition")


async def move(connection: Direct, marks: Mapping[SourcePartition, Mark]) -> dict[SourcePartition, int]:
    """Move the positions on, never back; the offsets below which each partition had been accepted before.

    The rows stay locked until the transaction ends, so two dispatchers never accept from one partition together.
    """
    found = await connection.execute(
        _MOVE,
        {
            "topics": [place.topic for place in marks],
            "partitions": [place.partition for place in marks],
            "ids": [mark.topic_id for mark in marks.values()],
            "offsets": [mark.next_offset for mark in marks.values()],
        },
    )
    return {SourcePartition(row["topic"], row["partition"]): row["before"] for row in found}


async def find(connection: Direct, topics: Iterable[str]) -> dict[SourcePartition, Mark]:
    """The positions of the topics' partitions that were accepted from before."""
    found = await connection.execute(_FIND, {"topics": list(topics)})
    return {SourcePartition(row["topic"], row["partition"]): Mark(row["topic_id"], row["next_offset"]) for row in found}


async def lower(connection: Direct, place: SourcePartition, next_offset: int) -> None:
    """Set a position back to the end of a partition that has lost its last records."""
    values = {"topic": place.topic, "partition": place.partition, "offset": next_offset}
    await connection.execute(_LOWER, values)


def start_of(topic_id: str, mark: Mark | None, committed: Committed | None) -> int:
    """The offset to read from: the earlier of both, so that nothing is lost; 0 when there is none for this topic.

    What is read again below the position in PostgreSQL is left out by `move`, except for dead letters, which follow
    that transaction and have the same id each time.
    """
    if mark is not None and mark.topic_id != topic_id:
        return 0
    if committed is None or committed.of_another:
        return 0
    return committed.next_offset if mark is None else min(mark.next_offset, committed.next_offset)
