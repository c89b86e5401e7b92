"""A partition's lane: its order, what becomes one batch, when Faust is told, and who waits for whom."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

import greenlane.streaming.lane as lane_module
from greenlane.streaming.lane import Lane
from greenlane.streaming.scheduler import Chunk


class Arrival:
    """An event around so many records from an offset on."""

    def __init__(self, first: int, count: int, after: int | None = -1) -> None:
        records = [SimpleNamespace(offset=first + number) for number in range(count)]
        self.value = Chunk(records, first - 1 if after == -1 else after)
        self.acked = False

    def ack(self) -> bool:
        self.acked = True
        return True


class Place:
    """A partition that holds every batch until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.let_go = asyncio.Semaphore(0)
        self.closed = False

    async def process(self, chunk: Chunk) -> None:
        self.batches.append([record.offset for record in chunk.records])
        await self.let_go.acquire()

    async def close(self) -> None:
        self.closed = True


async def lane_of(place: Place, max_batch: int = 100) -> Lane:
    async def opened() -> Any:
        return place

    return Lane("t[0]", asyncio.ensure_future(opened()), max_batch)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_arrives_while_a_batch_is_processed_becomes_one_batch() -> None:
    place = Place()
    lane = await lane_of(place)
    events = [Arrival(0, 2), Arrival(2, 3), Arrival(5, 1)]
    for event in events:
        await lane.put(event)
        await settled()
    assert place.batches == [[0, 1]]
    place.let_go.release()
    await settled()
    assert place.batches == [[0, 1], [2, 3, 4, 5]]


async def test_a_lane_without_anything_waiting_rests_as_long_as_its_batch_took_and_one_with_it_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(lane_module, "LONGEST_REST", 3600.0)
    monkeypatch.setattr(lane_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    place = Place()
    lane = await lane_of(place)
    await lane.put(Arrival(0, 1))
    await settled()
    await lane.put(Arrival(1, 1))
    place.let_go.release()
    await settled()
    assert place.batches == [[0], [1]], "something was waiting"
    now[0] = 3600.0
    place.let_go.release()
    await settled()
    for first in (2, 3):
        await lane.put(Arrival(first, 1))
        await settled()
    assert place.batches == [[0], [1]], "it rests"
    await lane.close()
    assert place.closed


async def test_an_event_is_acknowledged_only_when_its_batch_is_processed() -> None:
    place = Place()
    lane = await lane_of(place)
    first, second = Arrival(0, 1), Arrival(1, 1)
    await lane.put(first)
    await settled()
    await lane.put(second)
    await settled()
    assert not first.acked
    place.let_go.release()
    await settled()
    assert first.acked
    assert not second.acked


async def test_chunks_with_something_fetched_between_them_stay_apart() -> None:
    place = Place()
    lane = await lane_of(place)
    for event in (Arrival(0, 1), Arrival(1, 1), Arrival(9, 1, after=7), Arrival(2, 1, after=None)):
        await lane.put(event)
    for _ in range(3):
        place.let_go.release()
        await settled()
    assert place.batches == [[0, 1], [9], [2]]


async def test_a_batch_never_holds_more_than_its_limit_and_the_reader_waits_for_room() -> None:
    place = Place()
    lane = await lane_of(place, max_batch=4)
    await lane.put(Arrival(0, 3))
    await settled()
    for first in (3, 6):
        await lane.put(Arrival(first, 3))
    waiting = asyncio.ensure_future(lane.put(Arrival(9, 3)))
    await settled()
    assert not waiting.done()
    place.let_go.release()
    await settled()
    assert waiting.done()
    assert place.batches == [[0, 1, 2], [3, 4, 5]]


async def test_closing_lets_go_of_a_reader_that_waits_for_room() -> None:
    place = Place()
    lane = await lane_of(place, max_batch=1)
    await lane.put(Arrival(0, 1))
    await settled()
    await lane.put(Arrival(1, 1))
    waiting = asyncio.ensure_future(lane.put(Arrival(2, 1)))
    closing = asyncio.ensure_future(lane.close())
    await settled()
    assert not waiting.done()
    place.let_go.release()
    await closing
    await settled()
    assert waiting.done()
    assert place.batches == [[0]]


async def test_closing_finishes_the_batch_in_hand_and_leaves_what_waits_unacknowledged() -> None:
    place = Place()
    lane = await lane_of(place)
    first, second = Arrival(0, 1), Arrival(1, 1)
    await lane.put(first)
    await settled()
    await lane.put(second)
    closing = asyncio.ensure_future(lane.close())
    await settled()
    assert not place.closed
    place.let_go.release()
    await closing
    await settled()
    assert (first.acked, second.acked) == (True, False)
    assert place.closed
    assert place.batches == [[0]]
