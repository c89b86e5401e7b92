"""What the aggregator reports: sums of windows and holders of badges over every partition this process owns."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from greenlane.accounts.aggregator.ledger import Market
from greenlane.accounts.aggregator.seller_days import RANKS, Contribution
from greenlane.methodology.sums import DeliverySums, PackagingSums, ReturnSums
from greenlane.methodology.vocabulary import BadgeLevel, DataCategory, Dimension
from greenlane.operations.metrics import AggregatorMetrics


class Figures(NamedTuple):
    """One marketplace in one partition: its window's sums by rank of dimension, its sellers by level."""

    window: tuple[Contribution, ...]
    levels: Counter[BadgeLevel]


class Gauges:
    """Adds up the partitions of this process, and takes out those that go elsewhere."""

    def __init__(self, metrics: AggregatorMetrics) -> None:
        self.metrics = metrics
        self._partitions: dict[int, dict[str, Figures]] = {}

    def report(self, partition: int, marketplace: str, market: Market) -> None:
        """The marketplace's figures in this partition changed."""
        figures = Figures(tuple(market.window), Counter(market.levels))
        self._replace(partition, marketplace, figures)

    def keep(self, partitions: Collection[int]) -> None:
        """Only these partitions are this process's from now on."""
        for partition in self._partitions.keys() - set(partitions):
            for marketplace in list(self._partitions[partition]):
                self._replace(partition, marketplace, None)
            del self._partitions[partition]

    def _replace(self, partition: int, marketplace: str, figures: Figures | None) -> None:
        markets = self._partitions.setdefault(partition, {})
        before = markets.pop(marketplace, None)
        if figures is not None:
            markets[marketplace] = figures
        for level in BadgeLevel:
            change = (figures.levels[level] if figures else 0) - (before.levels[level] if before else 0)
            if change:
                self.metrics.sellers(marketplace, level, change)
        self._report_windows(marketplace)

    def _report_windows(self, marketplace: str) -> None:
        windows = [markets[marketplace].window for markets in self._partitions.values() if marketplace in markets]
        packaging = PackagingSums(*_sum(windows, Dimension.PACKAGING))
        delivery = DeliverySums(*_sum(windows, Dimension.DELIVERY))
        returns = ReturnSums(*_sum(windows, Dimension.RETURN))
        self.metrics.window_plastic(marketplace, packaging.plastic_mass_mg / 1000)
        for dimension, whole, parts in (
            (
                Dimension.PACKAGING,
                packaging.packaging_co2e_mg,
                (packaging.measured_co2e_mg, packaging.declared_co2e_mg, 0),
            ),
            (
                Dimension.DELIVERY,
                delivery.delivery_co2e_mg,
                (delivery.measured_co2e_mg, delivery.declared_co2e_mg, delivery.modelled_co2e_mg),
            ),
            (
                Dimension.RETURN,
                returns.return_co2e_mg,
                (returns.measured_co2e_mg, returns.declared_co2e_mg, returns.modelled_co2e_mg),
            ),
        ):
            for category, grams in zip(_STATED, parts, strict=True):
                self.metrics.window(marketplace, dimension, category, grams / 1000)
            self.metrics.window(marketplace, dimension, DataCategory.DEFAULT, (whole - sum(parts)) / 1000)


_STATED = (DataCategory.MEASURED, DataCategory.DECLARED, DataCategory.MODELLED)


def _sum(windows: Sequence[tuple[Contribution, ...]], dimension: Dimension) -> Contribution:
    rank = RANKS[dimension]
    return tuple(map(sum, zip(*(window[rank] for window in windows), strict=True)))
