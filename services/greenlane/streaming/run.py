"""The two ways to run a service on the engine."""

import asyncio

from greenlane.streaming.engine import Engine
from greenlane.streaming.engine_settings import EngineSettings
from greenlane.streaming.fatal import StreamingError, give_up
from greenlane.streaming.kafka.offsets import OffsetReader
from greenlane.streaming.kafka.startup import some_topics_ready, topics_ready
from greenlane.streaming.kafka.topic_ids import Sources
from greenlane.streaming.kafka.writer import BatchWriter
from greenlane.streaming.observer import EngineObserver, Ready
from greenlane.streaming.partitions import Partition, PartitionContext
from greenlane.streaming.records import StatelessHandler
from greenlane.streaming.state.store import Store
from greenlane.streaming.stateful import StatefulPartition
from greenlane.streaming.stateless import StatelessPartition


async def run_stateless(
    settings: EngineSettings,
    handler: StatelessHandler,
    observer: EngineObserver,
    stop: asyncio.Event,
    ready: Ready,
) -> None:
    """Pass records through a handler until `stop` is set.

    A topic that is missing or has other partitions than the settings say is not read until that is mended; the others
    are. A topic that is deleted and created anew is read from its beginning. Any other failure ends the process with
    code 70.
    """
    while (found := await some_topics_ready(settings, settings.topics, stop, ready)) is not None:
        await _pass_through(settings, found, handler, observer, stop, ready)


async def _pass_through(  # noqa: PLR0913, PLR0917 - as above, and what was found
    settings: EngineSettings,
    found: Sources,
    handler: StatelessHandler,
    observer: EngineObserver,
    stop: asyncio.Event,
    ready: Ready,
) -> None:
    """One membership of the group, until `stop` is set or the topics change."""
    async with OffsetReader(settings.bootstrap_servers, settings.group_id) as offsets:
        writer = BatchWriter(settings.bootstrap_servers, settings.group_id)

        async def open_partition(topic: str, partition: int) -> Partition:
            context = PartitionContext(settings, observer, topic, partition, found.read[topic])
            return await StatelessPartition.opened(context, handler, writer, offsets)

        try:
            await writer.start()
            await Engine(settings, found, open_partition, observer).run(stop, ready)
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

    Raises `StreamingError` if the topics do not fit the settings or stop doing so, or when the source was created
    anew; any other failure ends the process with code 70.
    """
    if len(settings.topics) != 1:
        raise StreamingError(f"a state follows exactly one source topic, not {len(settings.topics)}")
    if (both := await topics_ready(settings, (*settings.topics, store.changelog), stop, ready)) is None:
        return
    found = Sources({topic: both.read[topic] for topic in settings.topics}, {})
    loading = asyncio.Lock()  # one after the other takes as long as all at once, and the memory of one load
    async with OffsetReader(settings.bootstrap_servers, settings.group_id) as offsets:

        async def open_partition(topic: str, partition: int) -> Partition:
            identity = f"{settings.group_id}-{partition}"
            writer = BatchWriter(settings.bootstrap_servers, identity, transactional_id=identity)
            context = PartitionContext(settings, observer, topic, partition, found.read[topic])
            async with loading:
                return await StatefulPartition.opened(context, store, writer, offsets)

        await Engine(settings, found, open_partition, observer).run(stop, ready)
    if not stop.is_set():
        await topics_ready(settings, (*settings.topics, store.changelog), stop, ready)
        give_up(f"{settings.topics[0]} changed while it was read; the next start says whether a state fits it")
