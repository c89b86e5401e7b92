"""Instants and days exactly as RFC 3339 writes them, which is what the formats `date-time` and `date` mean."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

DATE_TIME_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
DATE_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))?"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LEAP_SECOND = 60
_ZULU = ("Z", "z")


def _instant_of(value: Any) -> Any:
    """A text as an aware datetime; what is no text is left to the field's own type."""
    return parse_date_time(value) if isinstance(value, str) else value


def _day_of(value: Any) -> Any:
    """A text as a date; what is no text is left to the field's own type."""
    if not isinstance(value, str):
        return value
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("date_parsing", "is no RFC 3339 date")


RFC3339_DATE = BeforeValidator(_day_of)

Instant = Annotated[
    AwareDatetime, BeforeValidator(_instant_of), Field(json_schema_extra={"pattern": DATE_TIME_PATTERN})
]
"""An aware time. Digits of a second beyond microseconds are cut off."""

Day = Annotated[date, RFC3339_DATE]
"""A day of the calendar."""


def parse_date_time(text: str) -> datetime:
    """The instant that an RFC 3339 `date-time` names. Raises PydanticCustomError, for a naive one too.

    A leap second is read as the last microsecond before it: it belongs to the day that it ends. RFC 3339 has it only
    where UTC is 23:59:60 at the end of a month.
    """
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        raise _no_time()
    year, month, day, hour, minute, second = (int(found[place]) for place in range(1, 7))
    microsecond = int((found[7] or "")[:6].ljust(6, "0"))
    leap = second == _LEAP_SECOND
    if leap:
        second, microsecond = 59, 999_999
    try:
        local = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
    except ValueError:
        raise _no_time() from None
    if found[8] is None and not text.endswith(_ZULU):
        raise PydanticCustomError("timezone_aware", "has no offset")
    instant = local.replace(tzinfo=_offset(found))
    if leap and not _ends_a_month(instant):
        raise PydanticCustomError("leap_second", "is no leap second")
    return instant


def _offset(found: re.Match[str]) -> timezone:
    if found[8] is None:
        return UTC
    hours, minutes = int(found[9]), int(found[10])
    if hours > 23 or minutes > 59:
        raise _no_time()
    distance = timedelta(hours=hours, minutes=minutes)
    return timezone(-distance if found[8] == "-" else distance)


def _ends_a_month(instant: datetime) -> bool:
    try:
        following = instant.astimezone(UTC) + timedelta(microseconds=1)
    except OverflowError:
        return False
    return (following.day, following.hour, following.minute) == (1, 0, 0)


def _no_time() -> PydanticCustomError:
    return PydanticCustomError("datetime_parsing", "is no RFC 3339 date-time")
