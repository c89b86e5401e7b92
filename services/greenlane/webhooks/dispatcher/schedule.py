"""When the next attempt is due: the retry delays, their jitter, and what `Retry-After` asks for (pure)."""

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0

DELAYS: tuple[float, ...] = (
    0.0,
    5.0,
    30.0,
    2 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    DAY,
)
"""Seconds to wait before attempt 1, 2, 3 …; about 71 hours altogether."""

JITTER = (0.8, 1.2)
"""Bounds of the random factor by which a delay is multiplied; the factor itself is passed in."""

LONGEST_HOLD = DAY
"""Seconds beyond which a receiver's `Retry-After` is not followed."""

_HTTP_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
_LONGEST_NUMBER = 12


def delay_after(attempt_no: int, jitter: float, *, endless: bool) -> float | None:
    """Seconds from the failure of attempt `attempt_no` (from 1) to the next one; None when the schedule is over.

    An `endless` schedule repeats its last delay.
    """
    if attempt_no < 1:
        raise ValueError(f"attempt_no: {attempt_no} is no attempt; attempts are numbered from 1")
    if attempt_no < len(DELAYS):
        return DELAYS[attempt_no] * jitter
    return DELAYS[-1] * jitter if endless else None


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Seconds a `Retry-After` header asks us to wait, between 0 and 24 hours; None if absent or not understood.

    Both forms of RFC 9110, 10.2.3 are read: whole seconds and an HTTP date.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER:
        return min(float(text), LONGEST_HOLD)
    moment = _http_date(text)
    if moment is None:
        return None
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_HOLD)


def _http_date(text: str) -> datetime | None:
    for form in _HTTP_DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
