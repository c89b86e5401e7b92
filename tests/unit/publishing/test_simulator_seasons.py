"""Demand follows the calendar of a Vietnamese marketplace."""

from collections import Counter
from datetime import date, timedelta
from random import Random

import pytest

from greenlane.contracts.events import PackedEvent
from greenlane.publishing.history.timeline import Kind
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate
from greenlane.publishing.simulator.seasons import TET, demand
from greenlane.publishing.simulator.travel import pick_province, provinces, road_km


@pytest.mark.parametrize(("month", "day"), [(9, 9), (10, 10), (11, 11), (12, 12)])
def test_a_sale_day_has_more_orders_than_any_day_of_its_month(month: int, day: int) -> None:
    sale = date(2025, month, day)
    others = {date(2025, month, 1) + timedelta(days=number) for number in range(28)} - {sale}

    assert demand(sale) > max(demand(other) for other in others)
    assert demand(sale - timedelta(days=1)) < 1 < demand(sale + timedelta(days=1))


@pytest.mark.parametrize("tet", TET)
def test_the_weeks_before_tet_are_busy_and_the_holiday_is_quiet(tet: date) -> None:
    assert demand(tet - timedelta(days=14)) > 1.5
    assert demand(tet) < 0.2
    assert demand(tet + timedelta(days=3)) < 0.2
    assert 0.8 < demand(tet + timedelta(days=12)) <= 1


def test_the_simulated_marketplace_has_these_days() -> None:
    plan = SimulationPlan(sellers=30, days=14, start=date(2025, 11, 3), rate=2.0, malformed=0)
    days = Counter(
        item.payload.time.date()
        for item in simulate(plan)
        if isinstance(item.payload, PackedEvent) and item.kind is Kind.ORDINARY
    )

    assert days.most_common(1)[0][0] == date(2025, 11, 11)
    assert days[date(2025, 11, 11)] > 2 * days[date(2025, 11, 5)]


def test_parcels_go_between_all_provinces_by_the_distances_of_the_places_tables() -> None:
    rng = Random(1)  # noqa: S311 - repeatable on purpose
    found = Counter(pick_province(rng) for _ in range(3_000))

    assert len(provinces()) == len(found) == 34
    assert {"01", "79"} <= {code for code, _ in found.most_common(6)}, "most wards are in Hanoi and Ho Chi Minh City"
    assert road_km("01", "01") == 0
    assert 1_350 < road_km("01", "79") < 1_500
