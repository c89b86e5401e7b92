"""Wires the aggregator: assessments and closed days in, scores and badge decisions out, accounts kept."""

import asyncio
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from prometheus_client import CollectorRegistry

from greenlane import __version__
from greenlane.accounts.aggregator.entries import PackedEntries
from greenlane.accounts.aggregator.state import Accounts
from greenlane.accounts.aggregator.stored_entries import EntryPlaces, StoredEntries
from greenlane.accounts.aggregator.telemetry import Gauges
from greenlane.contracts.topics import AGGREGATOR_CHANGELOG, ASSESSMENTS, group_of
from greenlane.factors.loading import load_policy
from greenlane.factors.rows import PolicyFile
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.metrics import AggregatorMetrics, EngineMetrics, ProcessMetrics
from greenlane.operations.rules import Registered, Wanted, work_under
from greenlane.settings import Settings, SettingsError
from greenlane.streaming import DiskRows, EngineSettings, Ready, Stage, Store, run_stateful

SERVICE: Final = "aggregator"
FETCH_BYTES = 2 * 1024 * 1024
"""Most bytes one fetch takes from one partition: 8 MiB would be up to a tenth faster and take 85 MB more."""

STAGE = Stage("aggregation", SERVICE, __version__, METHOD_VERSION)


class Observer(EngineMetrics):
    """The engine's metrics, and word to the gauges when partitions go elsewhere."""

    def __init__(self, registry: CollectorRegistry, gauges: Gauges) -> None:
        super().__init__(registry, (ASSESSMENTS,), time.time)
        self._gauges = gauges

    def rebalanced(self, assigned: Sequence[tuple[str, int]]) -> None:
        """The group gave this process these partitions."""
        super().rebalanced(assigned)
        self._gauges.keep([partition for _, partition in assigned])


async def run(
    settings: Settings, registry: CollectorRegistry, process: ProcessMetrics, ready: Ready, stop: asyncio.Event
) -> None:
    """Keep the accounts until `stop` is set. Raises TableError when the badge policy is not sound."""
    if settings.state_dir is not None and find_spec("rocksdict") is None:
        raise SettingsError(
            "GREENLANE_STATE_DIR needs the package rocksdict: install greenlane[disk], or unset the variable to keep "
            "the accounts in memory"
        )
    policy = load_policy(settings.policy_file)
    gauges = Gauges(AggregatorMetrics(registry, settings.marketplaces))
    engine = EngineSettings(
        group_id=group_of(SERVICE),
        bootstrap_servers=settings.kafka_bootstrap_servers,
        topics=(ASSESSMENTS,),
        partitions=settings.partitions,
        stage=STAGE,
        instance=settings.instance,
        fetch_bytes=FETCH_BYTES,
    )

    async def work(registered: Registered, enough: asyncio.Event) -> None:
        before = registered.policy_before(policy)

        def accounts(partition: int, disk: DiskRows | None) -> Accounts:
            entries = PackedEntries() if disk is None else StoredEntries(disk)
            return Accounts(partition, entries, before, STAGE, gauges, process.dead_letter)

        store = Store(AGGREGATOR_CHANGELOG, accounts, settings.state_dir, EntryPlaces())
        await run_stateful(engine, store, Observer(registry, gauges), enough, ready)

    own = PolicyFile.model_validate(policy, from_attributes=True)
    await work_under(settings.kafka_bootstrap_servers, Wanted(METHOD_VERSION, own), ready, stop, work)
