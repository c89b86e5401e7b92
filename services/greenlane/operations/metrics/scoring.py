"""What the scorers and the aggregator count."""

from collections import defaultdict
from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from greenlane.methodology.assessment import Assessed
from greenlane.methodology.sums import SUMS, Sums
from greenlane.methodology.vocabulary import BadgeLevel, DataCategory, Dimension
from greenlane.operations.metrics.definitions import AGGREGATOR, SCORERS
from greenlane.operations.metrics.series import OTHER, Series, bounded

_CO2E = ("packaging_co2e_mg", "delivery_co2e_mg", "return_co2e_mg")
_PLASTIC = ("plastic_mass_mg",)
_CATEGORIES = tuple(category for category in DataCategory if category is not DataCategory.PRIMARY)
"""What this method says of its data; `primary` stands in records of method 1.0.0 alone."""


def _place(sums: type[Sums], names: tuple[str, ...]) -> int | None:
    return next((place for place, name in enumerate(sums._fields) if name in names), None)


_PLACES = {sums: (_place(sums, _CO2E), _place(sums, _PLASTIC)) for sums in SUMS.values()}
"""Where CO2e and plastic stand in the sums of each dimension, if it has them."""


class ScorerMetrics:
    """What a scorer wrote. A repeat after a restart is counted again; `recompute` is the exact check."""

    def __init__(self, registry: CollectorRegistry, marketplaces: Iterable[str]) -> None:
        series = Series(registry, SCORERS)
        self._marketplaces = frozenset(marketplaces)
        self._assessments = series.counter("assessments_total")
        self._implausible = series.counter("implausible_facts_total")
        self._co2e = series.counter("co2e_grams_total")
        self._plastic = series.counter("plastic_grams_total")
        self._unknown = series.counter("unknown_fields_total")
        known = [*sorted(self._marketplaces), OTHER]
        series.start_at_zero("assessments_total", ((shop, data) for shop in known for data in _CATEGORIES))
        series.start_at_zero("co2e_grams_total", ((shop,) for shop in known))
        series.start_at_zero("plastic_grams_total", ((shop,) for shop in known))
        series.start_at_zero("unknown_fields_total", ((shop,) for shop in known))

    def unknown_fields(self, marketplace: str, count: int) -> None:
        """So many fields of an event that was assessed are not in the contract: they were dropped."""
        self._unknown.labels(bounded(marketplace, self._marketplaces)).inc(count)

    def count(self, assessments: Iterable[tuple[str, Assessed]]) -> None:
        """Assessments of these marketplaces were written: how many, with their CO2e and plastic in grams."""
        tallies: defaultdict[tuple[str, DataCategory], list[int]] = defaultdict(lambda: [0, 0, 0])
        for marketplace, assessed in assessments:
            sums = assessed.sums
            tally = tallies[marketplace, assessed.data_category]
            tally[0] += 1
            co2e, plastic = _PLACES[type(sums)]
            if co2e is not None:
                tally[1] += sums[co2e]
            if plastic is not None:
                tally[2] += sums[plastic]
            for fact in assessed.implausible:
                self._implausible.labels(fact).inc()
        for (marketplace, category), (count, co2e_mg, plastic_mg) in tallies.items():
            shop = bounded(marketplace, self._marketplaces)
            self._assessments.labels(shop, category).inc(count)
            self._co2e.labels(shop).inc(co2e_mg / 1000)
            self._plastic.labels(shop).inc(plastic_mg / 1000)


class AggregatorMetrics:
    """Where the accounts stand, kept up by the aggregator as they change: nothing is scanned at a scrape."""

    def __init__(self, registry: CollectorRegistry, marketplaces: Iterable[str]) -> None:
        series = Series(registry, AGGREGATOR)
        self._marketplaces = frozenset(marketplaces)
        self._window_co2e = series.gauge("window_co2e_grams")
        self._window_plastic = series.gauge("window_plastic_grams")
        self._sellers = series.gauge("badge_sellers")
        self._transitions = series.counter("badge_transitions_total")
        self._scores = series.histogram("seller_score")
        known = [*sorted(self._marketplaces), OTHER]
        series.start_at_zero("badge_sellers", ((shop, level) for shop in known for level in BadgeLevel))
        series.start_at_zero(
            "badge_transitions_total",
            ((shop, old, new) for shop in known for old in BadgeLevel for new in BadgeLevel if old is not new),
        )

    def window(self, marketplace: str, dimension: Dimension, data: DataCategory, co2e_grams: float) -> None:
        """CO2e of all windows of the marketplace now."""
        self._window_co2e.labels(bounded(marketplace, self._marketplaces), dimension, data).set(co2e_grams)

    def window_plastic(self, marketplace: str, grams: float) -> None:
        """Plastic of all windows of the marketplace now."""
        self._window_plastic.labels(bounded(marketplace, self._marketplaces)).set(grams)

    def sellers(self, marketplace: str, level: BadgeLevel, change: int) -> None:
        """So many more sellers (fewer when negative) are at this level."""
        self._sellers.labels(bounded(marketplace, self._marketplaces), level).inc(change)

    def transition(self, marketplace: str, old: BadgeLevel, new: BadgeLevel) -> None:
        """A seller's level changed."""
        self._transitions.labels(bounded(marketplace, self._marketplaces), old, new).inc()

    def closed_day_score(self, dimension: str, points: float) -> None:
        """A seller's score at the end of a closed day; `dimension` is green, packaging or delivery."""
        self._scores.labels(dimension).observe(points)
