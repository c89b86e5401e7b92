"""A scorer: fulfilment records in, assessments and dead letters out, nothing kept."""

import asyncio
import time
from collections.abc import Collection, Sequence

from prometheus_client import CollectorRegistry

from greenlane import __version__
from greenlane.contracts.assessing import Owner
from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.quick.assessing import Finding, find
from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.topics import ASSESSMENTS, fulfilment_topic, group_of
from greenlane.factors.loading import load_method
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.tables import Method
from greenlane.operations.metrics import UNEXPECTED, EngineMetrics, ProcessMetrics, ScorerMetrics
from greenlane.operations.rules import Registered, Wanted, work_under
from greenlane.settings import Settings
from greenlane.streaming import EachRecord, EngineSettings, Outcome, Output, Ready, Stage, run_stateless

IGNORED = Outcome("ignored")
SKIPPED = "GREENLANE_SKIP_RECORDS names the record, so it was not read; re-drive it once the fault is mended"


class Scorer:
    """Scores records of the types that its owner answers for, and counts what came of them."""

    def __init__(
        self,
        owner: Owner,
        method: Method,
        metrics: ScorerMetrics,
        process: ProcessMetrics,
        skipped: Collection[str] = (),
    ) -> None:
        """`skipped` (topic/partition/offset) become dead letters unread."""
        self._owner: Owner = owner
        self._skipped = frozenset(skipped)
        self._method = method
        self._metrics = metrics
        self._process = process
        self._findings: list[Finding] = []
        self._each = EachRecord(self.score, stage_of(owner))

    def handle(self, records: Sequence[KafkaRecord]) -> list[Outcome]:
        """One outcome per record, in the same order."""
        self._findings.clear()
        outcomes = self._each.handle(records)
        self._metrics.count([(found.marketplace, found.assessed) for found in self._findings if found.assessed])
        return outcomes

    def score(self, record: KafkaRecord) -> Outcome:
        """An assessment, or ignored when the other scorer owns the record's type. Raises Refusal."""
        if self._skipped and f"{record.topic}/{record.partition}/{record.offset}" in self._skipped:
            self._process.dead_letter(DeadLetterCode.SKIPPED)
            raise Refusal.because(DeadLetterCode.SKIPPED, "", SKIPPED)
        try:
            found = find(record, self._owner, self._method)
        except Refusal as refusal:
            self._process.dead_letter(refusal.code)
            raise
        except Exception:
            self._process.dead_letter(DeadLetterCode.UNEXPECTED_ERROR)
            self._process.error(UNEXPECTED)
            raise
        if found is None:
            return IGNORED
        if found.unknown:
            self._metrics.unknown_fields(found.marketplace, found.unknown)
        self._findings.append(found)
        return Outcome("assessed", (Output(ASSESSMENTS, found.key, found.value),))


def stage_of(owner: Owner) -> Stage:
    """The stage that the scorer's dead letters name."""
    return Stage(owner.replace("_scorer", "-scoring"), owner, __version__, METHOD_VERSION)


async def run_scorer(  # noqa: PLR0913, PLR0917 - the frame of every service, and which scorer it is
    owner: Owner,
    settings: Settings,
    registry: CollectorRegistry,
    process: ProcessMetrics,
    ready: Ready,
    stop: asyncio.Event,
) -> None:
    """Score what `owner` answers for until `stop` is set. Raises TableError when a factor table is not sound."""
    method = load_method(settings.factors_file)
    metrics = ScorerMetrics(registry, settings.marketplaces)
    scorer = Scorer(owner, method, metrics, process, settings.skip_records)
    topics = tuple(fulfilment_topic(marketplace) for marketplace in settings.marketplaces)
    engine = EngineSettings(
        group_id=group_of(owner),
        bootstrap_servers=settings.kafka_bootstrap_servers,
        topics=topics,
        partitions=settings.partitions,
        stage=stage_of(owner),
        instance=settings.instance,
    )
    observer = EngineMetrics(registry, topics, time.time)

    async def work(_: Registered, enough: asyncio.Event) -> None:
        await run_stateless(engine, scorer, observer, enough, ready)

    wanted = Wanted(METHOD_VERSION, factors=method.fingerprint, marketplaces=settings.marketplaces)
    await work_under(settings.kafka_bootstrap_servers, wanted, ready, stop, work)
