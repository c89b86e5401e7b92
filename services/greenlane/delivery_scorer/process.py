"""Wires the delivery scorer: fulfilment records in, assessments and dead letters out, nothing kept."""

import asyncio
import time
from typing import Final

from prometheus_client import CollectorRegistry

from greenlane import __version__
from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.quick_assessing import find
from greenlane.contracts.tables import load_method
from greenlane.contracts.topics import ASSESSMENTS, fulfilment_topic, group_of
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.tables import Method
from greenlane.operations.metrics import UNEXPECTED, EngineMetrics, ProcessMetrics, ScorerMetrics
from greenlane.settings import Settings
from greenlane.streaming import EachRecord, EngineSettings, Outcome, Output, Ready, SourceRecord, Stage, run_stateless

SERVICE: Final = "delivery_scorer"
STAGE = Stage("delivery-scoring", SERVICE, __version__, METHOD_VERSION)
IGNORED = Outcome("ignored")


class Scorer:
    """Scores one record at a time and counts what came of it."""

    def __init__(self, method: Method, metrics: ScorerMetrics, process: ProcessMetrics) -> None:
        self._method = method
        self._metrics = metrics
        self._process = process

    def score(self, record: SourceRecord) -> Outcome:
        """An assessment, or ignored when the other scorer owns the record's type. Raises Refusal."""
        try:
            found = find(record, SERVICE, self._method)
        except Refusal as refusal:
            self._process.dead_letter(refusal.code)
            raise
        except Exception:
            self._process.dead_letter(DeadLetterCode.UNEXPECTED_ERROR)
            self._process.error(UNEXPECTED)
            raise
        if found is None:
            return IGNORED
        key, value, assessment = found
        if assessment is not None:
            self._metrics.count(assessment)
        return Outcome("assessed", (Output(ASSESSMENTS, key, value),))


async def run(
    settings: Settings, registry: CollectorRegistry, process: ProcessMetrics, ready: Ready, stop: asyncio.Event
) -> None:
    """Score until `stop` is set. Raises TableError when a factor table is not sound."""
    scorer = Scorer(load_method(settings.factors_file), ScorerMetrics(registry, settings.marketplaces), process)
    topics = tuple(fulfilment_topic(marketplace) for marketplace in settings.marketplaces)
    engine = EngineSettings(
        group_id=group_of(SERVICE),
        bootstrap_servers=settings.kafka_bootstrap_servers,
        topics=topics,
        partitions=settings.partitions,
        stage=STAGE,
        instance=settings.instance,
    )
    observer = EngineMetrics(registry, topics, time.time)
    await run_stateless(engine, EachRecord(scorer.score, STAGE), observer, stop, ready)
