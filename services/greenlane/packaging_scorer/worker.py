"""Wires the packaging scorer: fulfilment records in, assessments and dead letters out, nothing kept."""

import asyncio

from greenlane import __version__
from greenlane.contracts.assessing import assess_record, output_key
from greenlane.contracts.tables import load_method
from greenlane.contracts.topics import ASSESSMENTS, fulfilment_topic, group_of
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.tables import Method
from greenlane.settings import Settings
from greenlane.streaming import (
    EachRecord,
    EngineObserver,
    EngineSettings,
    Outcome,
    Output,
    Ready,
    SourceRecord,
    Stage,
    run_stateless,
)

SERVICE = "packaging_scorer"
STAGE = Stage("packaging-scoring", SERVICE, __version__, METHOD_VERSION)
IGNORED = Outcome("ignored")


def score(record: SourceRecord, method: Method) -> Outcome:
    """One record's outcome: an assessment, or ignored when the other scorer owns its type; raises Refusal."""
    message = assess_record(record, SERVICE, method)
    if message is None:
        return IGNORED
    return Outcome("assessed", (Output(ASSESSMENTS, output_key(message), message.model_dump_json().encode()),))


async def run(settings: Settings, observer: EngineObserver, stop: asyncio.Event, ready: Ready) -> None:
    """Score until `stop` is set. Raises TableError when a factor table is not sound."""
    method = load_method(settings.factors_file)
    engine = EngineSettings(
        group_id=group_of(SERVICE),
        instance=settings.instance,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        topics=tuple(fulfilment_topic(marketplace) for marketplace in settings.marketplaces),
        partitions=settings.partitions,
        stage=STAGE,
    )
    await run_stateless(engine, EachRecord(lambda record: score(record, method), STAGE), observer, stop, ready)
