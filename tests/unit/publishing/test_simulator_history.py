"""The synthetic marketplace: repeatable, valid, labelled, and with exactly the oddities it says it has."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache

import pytest

from greenlane.contracts.assessments import Retraction
from greenlane.contracts.events import FulfilmentEvent, ParcelPacked
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.publishing.history.timeline import Kind, RawRecord, TimedEvent
from greenlane.publishing.simulator.habits import HABITS
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate


class Fate(StrEnum):
    """What the pipeline does with a record in the end."""

    ASSESSED = "assessed"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    LATE = "late"
    DEAD_LETTER = "dead_letter"


FATES: dict[Kind, Fate] = {
    Kind.ORDINARY: Fate.ASSESSED,
    Kind.DELAYED: Fate.ASSESSED,
    Kind.OUT_OF_ORDER: Fate.ASSESSED,
    Kind.CORRECTION: Fate.ASSESSED,
    Kind.CANCELLATION: Fate.ASSESSED,
    Kind.DUPLICATE: Fate.DUPLICATE,
    Kind.SUPERSEDED: Fate.SUPERSEDED,
    Kind.LATE: Fate.LATE,
    Kind.MALFORMED: Fate.DEAD_LETTER,
}
"""What becomes of each kind."""

PLAN = SimulationPlan(sellers=len(HABITS) * 2, days=40)


@cache
def history() -> tuple[TimedEvent, ...]:
    return tuple(simulate(PLAN))


def events(*kinds: Kind) -> list[tuple[TimedEvent, FulfilmentEvent]]:
    chosen = kinds or tuple(Kind)
    return [
        (item, item.payload) for item in history() if item.kind in chosen and not isinstance(item.payload, RawRecord)
    ]


def test_the_same_seed_tells_the_same_history() -> None:
    assert tuple(simulate(PLAN)) == history()


def test_another_seed_tells_another() -> None:
    other = SimulationPlan(seed=2, sellers=4, days=3)

    assert list(simulate(other)) != list(simulate(SimulationPlan(seed=1, sellers=4, days=3)))


def test_events_come_in_the_order_of_publication_within_the_days_of_the_plan() -> None:
    moments = [item.at for item in history()]

    assert moments == sorted(moments)
    assert moments[0].date() == PLAN.start
    assert moments[-1].date() <= PLAN.start + timedelta(days=PLAN.days - 1)


def test_every_event_is_valid_and_of_its_marketplace() -> None:
    for item, event in events():
        read = read_document(event.model_dump_json(exclude_none=True).encode(), item.at)
        assert read == event
        assert event.source == "/marketplaces/demo-vn"


def test_every_id_says_that_it_is_synthetic() -> None:
    for _, event in events():
        assert (event.subject[:4], event.id[:4], event.data.parcel_id[:4]) == ("sim-", "sim-", "sim-")


def test_nothing_is_published_before_it_happened() -> None:
    assert all(event.time <= item.at for item, event in events())


def test_every_kind_occurs() -> None:
    assert {item.kind for item in history()} == set(Kind) == set(FATES)


def test_a_duplicate_repeats_an_event_that_was_published_before() -> None:
    seen: list[FulfilmentEvent] = []
    for item, event in events():
        if item.kind is Kind.DUPLICATE:
            assert event in seen
        seen.append(event)


def test_late_events_are_older_than_is_accepted_however_days_are_closed() -> None:
    late = events(Kind.LATE)

    assert len(late) == PLAN.late
    for item, event in late:
        surely_closed = item.at.date() - timedelta(days=PLAN.close_every)
        assert PLAN.start <= surely_closed
        assert event.time.astimezone(UTC).date() <= surely_closed - timedelta(days=PLAN.lateness_days)


def test_all_others_are_young_enough() -> None:
    for item, event in events(*(set(Kind) - {Kind.LATE})):
        assert event.time.astimezone(UTC).date() > item.at.date() - timedelta(days=PLAN.lateness_days)


def test_delayed_events_come_after_their_day() -> None:
    assert all(event.time.astimezone(UTC).date() < item.at.date() for item, event in events(Kind.DELAYED))


def standing_after(kinds: Counter[Fate]) -> None:
    """What an account does, by its rule alone: the greatest version stands, whatever the order."""
    standing: dict[tuple[str, str], tuple[int, datetime, str]] = {}
    dimensions = {"packed": "packaging", "delivered": "delivery", "returned": "return", "recovered": "circularity"}
    for item, event in events():
        if item.kind is Kind.LATE:
            continue
        name = event.type.split(".")[2]
        revision = getattr(event.data, "revision", Retraction.model_fields["revision"].default)
        version = (revision, event.time, event.id)
        fates = set()
        for dimension in dimensions.values() if name == "cancelled" else (dimensions[name],):
            before = standing.get((event.data.parcel_id, dimension))
            if before is None or before < version:
                standing[event.data.parcel_id, dimension] = version
                fates.add(Fate.ASSESSED)
            else:
                fates.add(Fate.DUPLICATE if before == version else Fate.SUPERSEDED)
        kinds[Fate.ASSESSED if Fate.ASSESSED in fates else fates.pop()] += 1


def test_every_record_ends_as_its_kind_says() -> None:
    expected = Counter(FATES[item.kind] for item in history())
    found = Counter({Fate.LATE: expected[Fate.LATE], Fate.DEAD_LETTER: expected[Fate.DEAD_LETTER]})

    standing_after(found)

    assert found == expected


def test_nothing_is_published_of_a_cancelled_parcel_but_its_packing() -> None:
    after: dict[str, set[str]] = defaultdict(set)
    for _, event in events():
        after[event.data.parcel_id].add(event.type.split(".")[2])
    cancelled = [names for names in after.values() if "cancelled" in names]

    assert {frozenset(names - {"cancelled"}) for names in cancelled} == {
        frozenset({"packed"}), frozenset({"packed", "delivered"}),
    }  # fmt: skip


def test_the_standing_version_of_every_fact_is_the_one_that_counts_in_the_end() -> None:
    counting = {
        (event.type, event.data.parcel_id, event.id) for item, event in events() if item.counts and not item.until
    }
    versions: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for _, event in events(*(set(Kind) - {Kind.LATE})):
        revision = getattr(event.data, "revision", Retraction.model_fields["revision"].default)
        versions[event.type, event.data.parcel_id].append((revision, event.id))
    gone = {parcel for kind, parcel in versions if kind.split(".")[2] == "cancelled"}
    standing = {(kind, parcel, max(found)[1]) for (kind, parcel), found in versions.items() if parcel not in gone}

    assert counting == standing


def test_what_stops_counting_counted_until_it_was_corrected_or_cancelled() -> None:
    ended = [item for item, _ in events() if item.until is not None]
    causes = {item.at for item, _ in events(Kind.CORRECTION, Kind.CANCELLATION)}

    assert ended
    assert all(item.counts and item.until in causes for item in ended)


def test_every_habit_has_sellers_and_busy_ones_enough_parcels_for_a_badge() -> None:
    parcels: dict[str, int] = defaultdict(int)
    for _, event in events(Kind.ORDINARY):
        parcels[event.subject] += isinstance(event.data, ParcelPacked)

    assert len(parcels) == PLAN.sellers
    assert {seller.removeprefix("sim-")[:-4] for seller in parcels} == {habit.name for habit in HABITS}
    assert all(count < 50 for seller, count in parcels.items() if "small" in seller)
    assert sum(count >= 40 for count in parcels.values()) > PLAN.sellers * 0.8


def test_the_volume_follows_the_plan() -> None:
    few = sum(1 for _ in simulate(SimulationPlan(sellers=5, days=3, rate=1.0, malformed=0)))
    many = sum(1 for _ in simulate(SimulationPlan(sellers=5, days=3, rate=10.0, malformed=0)))
    none = sum(1 for _ in simulate(SimulationPlan(sellers=5, days=3, rate=0.0, malformed=7)))

    assert (none, few < many / 5) == (7, True)


@pytest.mark.parametrize(
    "wrong", [{"sellers": 0}, {"days": 0}, {"rate": -1.0}, {"lateness_days": 10}, {"close_every": 0}]
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"at least|more than"):
        SimulationPlan(start=date(2026, 1, 5), **wrong)  # type: ignore[arg-type] # a mixture of fields
