"""Retry delays and `Retry-After`."""

from datetime import UTC, datetime, timedelta

import pytest

from greenlane.webhooks.dispatcher.schedule import DELAYS, delay_after, retry_after_seconds

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def test_twelve_attempts_span_71_hours() -> None:
    delays = [delay_after(attempt, 1.0, endless=False) for attempt in range(1, 12)]
    assert delays[:3] == [5.0, 30.0, 120.0]
    assert timedelta(seconds=sum(delay or 0.0 for delay in delays)) == timedelta(hours=70, minutes=42, seconds=35)


def test_the_schedule_ends_after_the_last_attempt_unless_it_is_endless() -> None:
    assert delay_after(len(DELAYS), 1.0, endless=False) is None
    assert delay_after(len(DELAYS), 1.0, endless=True) == 86_400.0
    assert delay_after(1_000, 0.8, endless=True) == pytest.approx(69_120.0)


def test_the_jitter_passed_in_scales_the_delay() -> None:
    assert delay_after(2, 0.8, endless=False) == pytest.approx(24.0)
    assert delay_after(2, 1.2, endless=False) == pytest.approx(36.0)


def test_attempts_are_numbered_from_one() -> None:
    with pytest.raises(ValueError, match="attempt_no"):
        delay_after(0, 1.0, endless=False)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("999999", 86_400.0),
        ("Wed, 01 Jul 2026 12:00:30 GMT", 30.0),
        ("Wednesday, 01-Jul-26 12:00:30 GMT", 30.0),
        ("Wed Jul  1 12:00:30 2026", 30.0),
        ("Wed, 01 Jul 2026 11:00:00 GMT", 0.0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1e3", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("9" * 400, None),
        ("Wed, 99 Jul 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_read_in_every_form_and_limited_to_a_day(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOW) == seconds
