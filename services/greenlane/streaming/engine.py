"""Runs a service: Faust for membership, fetching and commits; each partition in a lane of its own."""

import asyncio
import logging
import time
from typing import Any, cast

from aiokafka.errors import KafkaError
from faust import Stream
from faust.types import TP, StreamT

from greenlane.streaming.engine_settings import EngineSettings, faust_settings
from greenlane.streaming.fatal import give_up
from greenlane.streaming.kafka.startup import wait
from greenlane.streaming.kafka.topic_ids import Sources, sources
from greenlane.streaming.kafka.transport import BatchConsumer, batch_app
from greenlane.streaming.lane import Lane
from greenlane.streaming.observer import EngineObserver, Ready
from greenlane.streaming.partitions import OpenPartition
from greenlane.streaming.scheduler import Chunk

logger = logging.getLogger(__name__)

WATCH_INTERVAL = 0.25
"""Seconds between two looks at Faust's health and readiness."""


class Engine:
    """One Faust app and the partitions it owns at the moment."""

    def __init__(
        self, settings: EngineSettings, sources: Sources, open_partition: OpenPartition, observer: EngineObserver
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._changed, self._joined = "", False
        self._started = time.monotonic()
        self._open_partition = open_partition
        self._observer = observer
        self._owned: dict[TP, Lane] = {}
        self._app = batch_app(faust_settings(settings), sources.read)
        self._app.on_partitions_assigned.connect(cast("Any", self._on_assigned))
        self._app.on_partitions_revoked.connect(cast("Any", self._on_revoked))
        source = self._app.topic(*sources.read, key_serializer="raw", value_serializer="raw")
        self._app.agent(source, name=f"{settings.group_id}.batches", concurrency=1)(self._consume)

    async def run(self, stop: asyncio.Event, ready: Ready) -> None:
        """Work until `stop` is set or the topics change, then finish the batch in hand, commit and leave the group.

        Whatever fails, a cancellation too, ends the process: Faust's thread would keep a half-stopped one alive.
        """
        try:
            self._observer.sources(dict.fromkeys(self._sources.read, "") | dict(self._sources.refused))
            await self._app.start()
            looking = asyncio.ensure_future(self._look())
            await self._watch(stop, ready)
            looking.cancel()
            ready(False, self._changed or "stopping")
            await self._stop()
        except BaseException as error:  # noqa: BLE001 - even a cancelled engine must not stop by halves
            give_up(f"the engine failed: {error!r}", error)

    async def _watch(self, stop: asyncio.Event, ready: Ready) -> None:
        state = (False, "")
        while not stop.is_set() and not self._changed:
            if self._app.crashed:
                give_up("Faust crashed", self._app.crash_reason)
            if (now := self._readiness()) != state:
                ready(*now)
                state = now
            await wait(stop, WATCH_INTERVAL)

    async def _look(self) -> None:
        """Compare the topics with those that were joined, until they differ."""
        settings = self._settings
        while not self._changed:
            await asyncio.sleep(settings.topics_interval)
            try:
                now = await sources(settings.bootstrap_servers, settings.topics, settings.partitions)
            except KafkaError as error:
                logger.warning("cannot compare the topics now: %s", type(error).__name__)
                continue
            self._changed = _difference(self._sources, now)
        logger.error("joining again: %s", self._changed)

    async def _stop(self) -> None:
        stopping = asyncio.ensure_future(self._app.stop())
        await asyncio.wait({stopping}, timeout=self._settings.stop_timeout)
        if not stopping.done():
            give_up(f"could not stop within {self._settings.stop_timeout} s")
        await stopping
        await self._close(set(self._owned))

    def _readiness(self) -> tuple[bool, str]:
        if self._app.rebalancing or not self._app.tables.actives_ready:
            return False, "the group is re-balancing"
        if not self._owned:
            return False, self._nothing_owned()
        loading = [tp for tp, lane in self._owned.items() if lane.loading]
        if loading:
            return False, "loading " + ", ".join(sorted(f"{tp.topic}[{tp.partition}]" for tp in loading))
        answered_ms = cast("BatchConsumer", self._app.consumer).last_answer_ms()
        silent = None if answered_ms is None else time.time() - answered_ms / 1000
        if silent is not None and silent > self._settings.session_timeout:
            return False, f"Kafka: no answer for {silent:.0f} s"
        if self._sources.refused:
            return False, "; ".join(self._sources.refused.values())
        return True, "processing"

    def _nothing_owned(self) -> str:
        if self._joined:
            return "owns no partition: the group has more workers than partitions, or its leader knows none yet"
        return f"joining the group for {time.monotonic() - self._started:.0f} s"

    async def _consume(self, chunks: StreamT[Chunk]) -> None:
        async for event in cast("Stream[Chunk]", chunks).noack().events():
            first = event.value.records[0]
            await self._lane(TP(first.topic, first.partition)).put(event)

    def _lane(self, tp: TP) -> Lane:
        lane = self._owned.get(tp)
        if lane is None:
            opening = asyncio.ensure_future(self._open_partition(tp.topic, tp.partition))
            lane = self._owned[tp] = Lane(f"{tp.topic}[{tp.partition}]", opening, self._settings.max_batch)
        return lane

    async def _on_assigned(self, _app: Any, assigned: set[TP], **_: Any) -> None:
        self._joined = True
        await self._close(set(self._owned) - assigned)
        for tp in assigned:
            self._lane(tp)
        self._observer.rebalanced(sorted((tp.topic, tp.partition) for tp in assigned))

    async def _on_revoked(self, _app: Any, revoked: set[TP], **_: Any) -> None:
        await self._close(revoked)

    async def _close(self, tps: set[TP]) -> None:
        for tp in tps & self._owned.keys():
            await self._owned.pop(tp).close()


def _difference(before: Sources, now: Sources) -> str:
    """What became of the topics, in words; empty if nothing did."""
    told: list[str] = []
    for topic, topic_id in before.read.items():
        if topic in now.refused:
            told.append(now.refused[topic])
        elif now.read[topic] != topic_id:
            told.append(f"{topic} was deleted and created anew")
    told += [f"{topic} can be read now" for topic in before.refused if topic in now.read]
    told += [now.refused[topic] for topic, why in before.refused.items() if now.refused.get(topic, why) != why]
    return "; ".join(told)
