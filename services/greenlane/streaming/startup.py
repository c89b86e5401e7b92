"""Before a service starts: Kafka answers, and its topics are the ones the settings speak of."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, for_code

from greenlane.streaming.engine_settings import EngineSettings
from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.observer import Ready

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


async def topics_ready(settings: EngineSettings, topics: Sequence[str], stop: asyncio.Event, ready: Ready) -> bool:
    """Return True once a broker answers, False if `stop` is set first: an absent Kafka is no reason to crash.

    Raises `StreamingError` unless every topic exists with as many partitions as the settings say.
    """
    while not stop.is_set():
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
        try:
            await admin.start()
            _check(await admin.describe_topics(list(topics)), settings.partitions)
        except KafkaConnectionError as error:
            ready(False, f"no Kafka answers at {settings.bootstrap_servers}")
            logger.warning("no Kafka answers at %s, trying again: %s", settings.bootstrap_servers, error)
            await wait(stop, RETRY_SECONDS)
        else:
            return True
        finally:
            await admin.close()
    return False


def _check(described: Sequence[dict[str, Any]], partitions: int) -> None:
    for topic in described:
        found = len(topic["partitions"])
        if topic["error_code"]:
            error = for_code(topic["error_code"]).__name__
            raise StreamingError(f"{topic['topic']}: {error}; `greenlane topics plan` shows what is missing")
        if found != partitions:
            raise StreamingError(
                f"{topic['topic']} has {found} partitions, the settings say {partitions}; make them agree"
            )


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set, at the latest after these seconds."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
