"""A replay keeps its pace and closes each day once everything before has arrived."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest

from greenlane.contracts.events import ParcelCancelled
from greenlane.publishing.history.replay import MALFORMED_TYPE, Pace, ReplayReport, replay
from greenlane.publishing.history.timeline import Kind, RawRecord, TimedEvent
from greenlane.publishing.sdk.envelope import Address, enveloped
from greenlane.publishing.sdk.publisher import Publisher
from greenlane.publishing.sdk.receipts import NotDelivered, Receipt, ReceiptOutcome, Tally

FIRST = date(2026, 1, 5)


class Diary:
    """Stands where a publisher stands and writes down the calls; `lost` events never arrive."""

    marketplace = "demo-vn"

    def __init__(self, *, lost: int = 0) -> None:
        self.calls: list[str] = []
        self.lost = lost

    def publish(self, _: object) -> None:
        self.calls.append("event")

    def publish_raw(self, _: RawRecord, *, name: str) -> None:
        assert name
        self.calls.append("raw")

    def flush(self) -> Tally:
        self.calls.append("flush")
        return Tally(delivered=0, failed=0, unknown=0, pending=self.lost)

    def close(self) -> tuple[Receipt, ...]:
        return (Receipt("e1", ReceiptOutcome.UNKNOWN, reason="silence"),) * self.lost

    def close_days(self, marketplace: str, first: date, last: date) -> None:
        self.calls.append(f"close {marketplace} {(first - FIRST).days}-{(last - FIRST).days}")


class Watch:
    """A timer on which only waiting takes time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.waits.append(seconds)
        self.now += seconds


def on(day: int, kind: Kind = Kind.ORDINARY) -> TimedEvent:
    at = datetime(2026, 1, 5, 12, tzinfo=UTC) + timedelta(days=day)
    event = enveloped(Address("demo-vn", "s1"), f"e{day}", at, ParcelCancelled(parcel_id="p1"))
    return TimedEvent(at, RawRecord(b"s1", b"") if kind is Kind.MALFORMED else event, kind)


def run(events: Iterable[TimedEvent], pace: Pace, diary: Diary) -> ReplayReport:
    return replay(events, cast("Publisher", diary), pace, diary.close_days)


def test_closes_each_day_when_the_next_begins_and_the_last_at_the_end() -> None:
    diary = Diary()

    report = run([on(0), on(0), on(1)], Pace(), diary)

    assert diary.calls == ["event", "event", "flush", "close demo-vn 0-0", "event", "flush", "close demo-vn 1-1"]
    assert report.closed == [(FIRST, FIRST), (FIRST + timedelta(days=1), FIRST + timedelta(days=1))]


def test_a_gap_is_closed_in_one_run() -> None:
    diary = Diary()

    run([on(0), on(40)], Pace(), diary)

    assert [call for call in diary.calls if "close" in call] == ["close demo-vn 0-39", "close demo-vn 40-40"]


def test_days_gather_before_a_closing() -> None:
    diary = Diary()

    run([on(day) for day in range(8)], Pace(close_every=3), diary)

    assert [call for call in diary.calls if "close" in call] == [
        *("close demo-vn 0-2", "close demo-vn 3-5"),
        "close demo-vn 6-7",
    ]


def test_runs_leave_no_gap_and_no_overlap() -> None:
    report = run([on(day) for day in (0, 3, 4, 11, 12, 13, 30)], Pace(close_every=2), Diary())

    ends = [last for _, last in report.closed]
    assert [first for first, _ in report.closed][1:] == [last + timedelta(days=1) for last in ends][:-1]


def test_nothing_is_closed_when_something_did_not_arrive() -> None:
    diary = Diary(lost=1)

    with pytest.raises(NotDelivered, match=r"e1.*silence"):
        run([on(0), on(1)], Pace(), diary)

    assert diary.calls == ["event", "flush"]


def test_an_empty_history_closes_nothing() -> None:
    diary = Diary()

    assert run([], Pace(), diary).published == 0
    assert diary.calls == []


def test_counts_what_was_published_by_kind_and_type() -> None:
    report = run([on(0), on(0, Kind.DUPLICATE), on(0, Kind.MALFORMED), on(1, Kind.LATE), on(1)], Pace(), Diary())

    assert report.published == 5
    assert report.by_kind == {Kind.ORDINARY: 2, Kind.DUPLICATE: 1, Kind.MALFORMED: 1, Kind.LATE: 1}
    assert report.by_type == {"greenlane.parcel.cancelled.v1": 4, MALFORMED_TYPE: 1}
    assert report.sellers == {"s1"}


def test_keeps_the_rate() -> None:
    watch = Watch()

    run([on(0)] * 5, Pace(rate=4, timer=watch), Diary())

    assert watch.waits == [0, 0.25, 0.25, 0.25, 0.25]


def test_catches_up_after_a_delay() -> None:
    watch = Watch()

    def slow() -> Iterable[TimedEvent]:
        yield on(0)
        watch.now += 10
        yield on(0)
        yield on(0)

    run(slow(), Pace(rate=1, timer=watch), Diary())

    assert watch.waits == [0, 0, 0]


def test_without_a_rate_it_never_waits() -> None:
    watch = Watch()

    run([on(0)] * 5, Pace(timer=watch), Diary())

    assert watch.waits == []


def test_progress_is_told_after_each_event() -> None:
    heard: list[int] = []

    replay([on(0), on(0)], cast("Publisher", Diary()), Pace(), None, lambda report: heard.append(report.published))

    assert heard == [1, 2, 2]


@pytest.mark.parametrize("wrong", [{"rate": -1.0}, {"close_every": 0}])
def test_a_pace_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Pace(**wrong)  # type: ignore[arg-type] # a mixture of fields
