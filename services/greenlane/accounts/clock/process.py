"""The clock process: a heartbeat a minute, and each live marketplace's day closed when it is over everywhere."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta

import structlog
from kafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from greenlane.accounts.clock.day_closer import ClosingError, DayCloser
from greenlane.accounts.clock.lag import LagMeter
from greenlane.operations.metrics import ClockMetrics, ProcessMetrics
from greenlane.operations.rules import adopt_missing
from greenlane.settings import Settings
from greenlane.streaming import Ready

BEAT_SECONDS = 60.0
RETRY_SECONDS = 2.0
"""After Kafka did not say how far the groups are: a cluster that has just started takes moments to know."""

NOT_CLOSED, LAG_UNKNOWN = "day_not_closed", "lag_unknown"

log = structlog.get_logger("greenlane.clock")


async def run(
    settings: Settings, registry: CollectorRegistry, process: ProcessMetrics, ready: Ready, stop: asyncio.Event
) -> None:
    """Beat and close days until `stop` is set. A marketplace that is replayed closes its own days and is left alone."""
    await asyncio.to_thread(adopt_missing, settings)
    metrics = ClockMetrics(registry, settings.marketplaces)
    closer = await asyncio.to_thread(DayCloser, settings.kafka_bootstrap_servers)
    meter = await asyncio.to_thread(LagMeter, settings.kafka_bootstrap_servers)
    closed: dict[str, date] = {}
    try:
        while not stop.is_set():
            answered = await _measure(meter, settings.marketplaces, metrics, process)
            ready(answered, "beating" if answered else "Kafka does not answer")
            if not answered:
                await _pause(stop, RETRY_SECONDS)
                continue
            for marketplace in settings.live_marketplaces:
                try:
                    await _beat(closer, marketplace, closed, metrics, stop)
                except (ClosingError, KafkaError) as error:
                    process.error(NOT_CLOSED)
                    log.warning(NOT_CLOSED, marketplace=marketplace, reason=str(error))
            await _pause(stop, BEAT_SECONDS)
    finally:
        ready(False, "stopping")
        await asyncio.to_thread(closer.close_connections)
        await asyncio.to_thread(meter.close_connections)


async def _measure(
    meter: LagMeter, marketplaces: Sequence[str], metrics: ClockMetrics, process: ProcessMetrics
) -> bool:
    """The lag before each beat: right behind one, every reading would count the beat itself. False if Kafka failed."""
    try:
        lag, reason = await asyncio.to_thread(meter.records, marketplaces), "the broker cannot say so yet"
    except KafkaError as error:
        lag, reason = None, str(error)
    if lag is None:
        process.error(LAG_UNKNOWN)
        log.warning(LAG_UNKNOWN, reason=reason)
        return False
    for (group, topic, partition), standing in lag.items():
        metrics.group_standing(group, topic, partition, offset=standing.offset, lag=standing.records)
    return True


async def _beat(
    closer: DayCloser, marketplace: str, closed: dict[str, date], metrics: ClockMetrics, stop: asyncio.Event
) -> None:
    """One heartbeat; when the broker's clock says a day has ended since, that day is closed behind it."""
    barrier = await asyncio.to_thread(closer.barrier, marketplace)
    yesterday = barrier.today - timedelta(days=1)
    if closed.get(marketplace) == yesterday:
        return
    await asyncio.to_thread(
        lambda: closer.close(
            marketplace,
            yesterday,
            yesterday,
            timeout_seconds=BEAT_SECONDS,  # the next beat tries again, and the lag that holds this up is told meanwhile
            barrier=barrier,
            keep_waiting=lambda: not stop.is_set(),
        )
    )
    closed[marketplace] = yesterday
    metrics.day_closed(marketplace, yesterday)
    log.info("day_closed", marketplace=marketplace, day=str(yesterday))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
