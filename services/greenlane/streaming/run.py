"""The two ways to run a service on the engine."""

import asyncio

from greenlane.streaming.engine import Engine
from greenlane.streaming.engine_settings import EngineSettings
from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.observer import EngineObserver, Ready
from greenlane.streaming.offsets import OffsetReader
from greenlane.streaming.partitions import Desk, Partition
from greenlane.streaming.records import StatelessHandler
from greenlane.streaming.startup import topics_ready
from greenlane.streaming.stateful import StatefulPartition
from greenlane.streaming.stateless import StatelessPartition
from greenlane.streaming.store import Store
from greenlane.streaming.writer import BatchWriter


async def run_stateless(
    settings: EngineSettings,
    handler: StatelessHandler,
    observer: EngineObserver,
    stop: asyncio.Event,
    ready: Ready,
) -> None:
    """Pass records through a handler until `stop` is set.

    Raises `StreamingError` if the topics do not fit the settings; any later failure ends the process with code 70.
    """
    if not await topics_ready(settings, settings.topics, stop, ready):
        return
    async with OffsetReader(settings.bootstrap_servers, settings.group_id) as offsets:
        writer = BatchWriter(settings.bootstrap_servers, settings.group_id)

        async def open_partition(topic: str, partition: int) -> Partition:
            desk = Desk(settings, observer, topic, partition)
            return await StatelessPartition.opened(desk, handler, writer, offsets)

        try:
            await writer.start()
            await Engine(settings, open_partition, observer).run(stop, ready)
        finally:
            await writer.stop()


async def run_stateful(
    settings: EngineSettings,
    store: Store,
    observer: EngineObserver,
    stop: asyncio.Event,
    ready: Ready,
) -> None:
    """Fold one topic into the partition states of a store until `stop` is set.

    Raises `StreamingError` if the topics do not fit the settings; any later failure ends the process with code 70.
    """
    if len(settings.topics) != 1:
        raise StreamingError(f"a state follows exactly one source topic, not {len(settings.topics)}")
    if not await topics_ready(settings, (*settings.topics, store.changelog), stop, ready):
        return
    loading = asyncio.Lock()  # one after the other takes as long as all at once, and the memory of one load
    async with OffsetReader(settings.bootstrap_servers, settings.group_id) as offsets:

        async def open_partition(topic: str, partition: int) -> Partition:
            identity = f"{settings.group_id}-{partition}"
            writer = BatchWriter(settings.bootstrap_servers, identity, transactional_id=identity)
            desk = Desk(settings, observer, topic, partition)
            async with loading:
                return await StatefulPartition.opened(desk, store, writer, offsets)

        await Engine(settings, open_partition, observer).run(stop, ready)
