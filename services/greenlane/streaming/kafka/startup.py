"""Before a service starts: Kafka answers, and its topics are the ones the settings speak of."""

import asyncio
import logging
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from greenlane.streaming.engine_settings import EngineSettings
from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.kafka.topic_ids import Sources, sources
from greenlane.streaming.observer import Ready

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


async def topics_ready(
    settings: EngineSettings, topics: Sequence[str], stop: asyncio.Event, ready: Ready
) -> Sources | None:
    """The topics, once a broker answers; None if `stop` is set first: an absent Kafka is no reason to crash.

    Raises `StreamingError` unless every topic exists with as many partitions as the settings say.
    """
    found = await _asked(settings, topics, stop, ready)
    if found is not None and found.refused:
        raise StreamingError("; ".join(found.refused.values()))
    return found


async def some_topics_ready(
    settings: EngineSettings, topics: Sequence[str], stop: asyncio.Event, ready: Ready
) -> Sources | None:
    """The same for topics that are independent of one another: waits until at least one can be read."""
    while (found := await _asked(settings, topics, stop, ready)) is not None:
        for reason in found.refused.values():
            logger.error("this topic is not read: %s", reason)
        if found.read:
            return found
        ready(False, "; ".join(found.refused.values()))
        await wait(stop, settings.topics_interval)
    return None


async def _asked(settings: EngineSettings, topics: Sequence[str], stop: asyncio.Event, ready: Ready) -> Sources | None:
    while not stop.is_set():
        try:
            return await sources(settings.bootstrap_servers, topics, settings.partitions)
        except KafkaError as error:
            ready(False, f"no Kafka answers at {settings.bootstrap_servers}")
            logger.warning("no Kafka answers at %s, trying again: %s", settings.bootstrap_servers, error)
            await wait(stop, RETRY_SECONDS)
    return None


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set, at the latest after these seconds."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
