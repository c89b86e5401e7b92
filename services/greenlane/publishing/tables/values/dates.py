"""Reads days and times as people and spreadsheets write them; 01/02/2026 is refused until its order is said."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from greenlane.publishing.tables.faults import AmbiguousCell, CellFault

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""The contract takes no earlier time."""

LONGEST = 48
"""Characters of the longest time."""


class DateForm(StrEnum):
    """How a column writes days; a time of day may stand before or behind it."""

    YEAR_FIRST = "YYYY-MM-DD"
    DAY_FIRST = "DD/MM/YYYY"
    MONTH_FIRST = "MM/DD/YYYY"
    SHORT_DAY_FIRST = "DD/MM/YY"
    SHORT_MONTH_FIRST = "MM/DD/YY"
    COMPACT = "YYYYMMDD"
    EXCEL = "excel"
    EXCEL_1904 = "excel-1904"
    UNIX = "unix"
    UNIX_MS = "unix-ms"


_NUMBERS = (DateForm.COMPACT, DateForm.EXCEL, DateForm.EXCEL_1904, DateForm.UNIX, DateForm.UNIX_MS)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
            "sep sept september", "oct october", "nov november", "dec december",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_BEGINS_WITH_YEAR = re.compile(r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?![0-9])")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_NAMED = re.compile(r"([0-9]{1,2})[-/. ]+([a-z]+)[-/., ]+([0-9]{4})")
_NAMED_FIRST = re.compile(r"([a-z]+)\.? ([0-9]{1,2}),? ([0-9]{4})")
_VIETNAMESE = re.compile(r"(?:ngay )?([0-9]{1,2}) (?:thang|thg) ?([0-9]{1,2}),? (?:nam )?([0-9]{4})")
_CLOCK = re.compile(
    r"(?<![0-9:+-])([0-9]{1,2})(?::|h| gio )([0-9]{2})(?:(?::|m)([0-9]{2})(?:[.,]([0-9]{1,6})[0-9]*)?)?"
    r"(?: phut)?(?: ?(am|pm|sa|ch)\b)?(?: ?(z|utc|gmt|[+-][0-9]{2}:?[0-9]{2})(?![0-9]))?"
)
_BETWEEN = re.compile(r"(?<=[0-9])t(?= |\Z)")
_SERIAL = re.compile(r"([0-9]{1,10})(?:[.,]([0-9]{1,12}))?")
_EXCEL_FROM, _EXCEL_TO = 36_526, 73_050
"""Serial numbers of 2000-01-01 and 2099-12-31 in Excel's 1900 system."""

_WRITE = "write it like 2026-07-01 09:30"


class Moment(NamedTuple):
    """When something happened: as RFC 3339 writes it, and in UTC."""

    text: str
    utc: datetime


class Clock(NamedTuple):
    """The zone of times without an offset (None: unknown), and the time of day of days without one."""

    zone: timezone | ZoneInfo | None
    noon: time = time(12)


@lru_cache(maxsize=64)
def zone_of(text: str) -> timezone | ZoneInfo:
    """A zone from `+07:00`, `Z` or a name like Asia/Ho_Chi_Minh. Raises ValueError."""
    found = re.fullmatch(r"([+-])([01][0-9]|2[0-3]):?([0-5][0-9])", text)
    if found:
        distance = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-distance if found[1] == "-" else distance)
    if text in {"Z", "UTC"}:
        return UTC
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {text[:40]!r}") from error


def moment(text: str, form: DateForm | None, clock: Clock) -> Moment:
    """The instant of a cell. Raises CellFault; AmbiguousCell when only the mapping can say what it means."""
    if len(text) > LONGEST:
        raise CellFault("is too long for a time", _WRITE)
    if form in _NUMBERS:
        if not _BEGINS_WITH_YEAR.match(text):
            return _placed(*_from_number(text, form), None, clock)
        form = DateForm.YEAR_FIRST  # a text among numbers, and certain
    line = _folded(text)
    found = _CLOCK.search(line)
    at, offset = (None, "") if found is None else _time_of(found)
    rest = line if found is None else f"{line[: found.start()]} {line[found.end() :]}"
    rest = _BETWEEN.sub(" ", rest) if found is not None else rest
    day = _day_of(" ".join(rest.split()).strip(" ,-"), form)
    return _placed(day, at, offset, clock)


def day_of(text: str, form: DateForm | None) -> str:
    """A day of the calendar as RFC 3339 writes it. Raises CellFault, AmbiguousCell."""
    if len(text) > LONGEST:
        raise CellFault("is too long for a day", _WRITE)
    if form in _NUMBERS:
        day = _from_number(text, form)[0]
    else:
        line = _folded(text)
        found = _CLOCK.search(line)
        if found is not None:
            line = line[: found.start()].rstrip(" t,") + line[found.end() :]
        day = _day_of(" ".join(line.split()), form)
    if day < EARLIEST.date():
        raise CellFault("lies before the year 2000", f"correct it; {_WRITE}")
    return day.isoformat()


def _folded(text: str) -> str:
    marks = unicodedata.normalize("NFKD", text.casefold().replace("đ", "d"))
    return " ".join("".join(mark for mark in marks if not unicodedata.combining(mark)).split())


def _time_of(found: re.Match[str]) -> tuple[time, str]:
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[5]:
        if not 1 <= hour <= 12:
            raise CellFault("has an hour that no clock of twelve hours has", _WRITE)
        hour = hour % 12 + (12 if found[5] in {"pm", "ch"} else 0)
    try:
        at = time(hour, minute, second, int((found[4] or "").ljust(6, "0")))
    except ValueError:
        raise CellFault("has a time of day that no clock shows", _WRITE) from None
    offset = found[6] or ""
    if offset in {"z", "utc", "gmt"}:
        return at, "+00:00"
    return at, offset if ":" in offset or not offset else f"{offset[:3]}:{offset[3:]}"


def _day_of(text: str, form: DateForm | None) -> date:
    if found := _YEAR_FIRST.fullmatch(text):
        return _calendar(int(found[1]), int(found[3]), int(found[4]))  # certain, whatever form the column has
    if found := _VIETNAMESE.fullmatch(text):
        return _calendar(int(found[3]), int(found[2]), int(found[1]))
    if found := _NAMED.fullmatch(text):
        return _calendar(int(found[3]), _MONTHS.get(found[2], 0), int(found[1]))
    if found := _NAMED_FIRST.fullmatch(text):
        return _calendar(int(found[3]), _MONTHS.get(found[1], 0), int(found[2]))
    if found := _YEAR_LAST.fullmatch(text):
        return _year_last(int(found[1]), int(found[3]), found[4], form)
    if _SERIAL.fullmatch(text):
        raise AmbiguousCell(
            "is a number, not a day",
            "say in the mapping what it counts: `date: excel`, `excel-1904`, `unix`, `unix-ms` or `YYYYMMDD`",
        )
    raise CellFault("is no day", _WRITE)


def _year_last(first: int, second: int, year: str, form: DateForm | None) -> date:
    if form is DateForm.YEAR_FIRST:
        raise CellFault(f"is not {form}, as the mapping says", "correct it, or `date` in the mapping")
    short = len(year) == 2
    if short and form not in {DateForm.SHORT_DAY_FIRST, DateForm.SHORT_MONTH_FIRST}:
        raise AmbiguousCell(
            "has a year of two digits", "say in the mapping what it means: `date: DD/MM/YY` or `date: MM/DD/YY`"
        )
    if not short and form in {DateForm.SHORT_DAY_FIRST, DateForm.SHORT_MONTH_FIRST}:
        raise CellFault(f"is not {form}, as the mapping says", "correct it, or `date` in the mapping")
    years = int(year) + (2000 if short else 0)
    if form in {DateForm.DAY_FIRST, DateForm.SHORT_DAY_FIRST}:
        return _calendar(years, second, first)
    if form in {DateForm.MONTH_FIRST, DateForm.SHORT_MONTH_FIRST}:
        return _calendar(years, first, second)
    if first <= 12 and second <= 12 and first != second:
        raise AmbiguousCell(
            "has two meanings: day or month first",
            "say in the mapping which one: `date: DD/MM/YYYY` or `date: MM/DD/YYYY`",
        )
    return _calendar(years, second, first) if second <= 12 else _calendar(years, first, second)


def _calendar(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise CellFault("is no day of the calendar", f"correct it; {_WRITE}") from None


def _from_number(text: str, form: DateForm | None) -> tuple[date, time | None]:
    found = _SERIAL.fullmatch(text.strip()) if form is not DateForm.UNIX_MS else re.fullmatch("([0-9]{1,14})()", text)
    if found is None or (form is DateForm.COMPACT and (len(found[1]) != 8 or found[2])):
        raise CellFault(f"is not {form}, as the mapping says", "correct it, or `date` in the mapping")
    if form is DateForm.COMPACT:
        return _calendar(int(text[:4]), int(text[4:6]), int(text[6:8])), None
    if form in {DateForm.UNIX, DateForm.UNIX_MS}:
        seconds = Decimal(f"{found[1]}.{found[2] or 0}") / (1000 if form is DateForm.UNIX_MS else 1)
        try:
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 1_000_000))
        except OverflowError:
            raise CellFault("is no time", f"correct it; {_WRITE}") from None
        return at.date(), at.timetz()
    return _excel(int(found[1]), Decimal(f"0.{found[2] or 0}"), form)


def _excel(serial: int, share: Decimal, form: DateForm | None) -> tuple[date, time | None]:
    """A day of Excel; without a fraction, or with one of zero, it has no time of day.

    Its 1900 system counts a 29 February 1900 that never was (60), so all later days are one on.
    """
    if form is DateForm.EXCEL_1904:
        first, days = date(1904, 1, 1), serial
    else:
        if serial == 60:
            raise CellFault("is Excel's 29 February 1900, a day that never was", f"correct it; {_WRITE}")
        first, days = date(1899, 12, 31), serial if serial < 60 else serial - 1
    seconds = int((share * 86_400).to_integral_value())
    try:
        day = first + timedelta(days=days + seconds // 86_400)
    except OverflowError:
        raise CellFault("is no day", f"correct it; {_WRITE}") from None
    seconds %= 86_400
    at = time(seconds // 3600, seconds // 60 % 60, seconds % 60)
    return day, at if share else None


def _placed(day: date, at: time | None, offset: str | None, clock: Clock) -> Moment:
    naive = datetime.combine(day, clock.noon if at is None else at)
    if naive.tzinfo is not None:
        aware = naive
    elif offset:
        aware = naive.replace(tzinfo=_offset(offset))
    else:
        aware = _local(naive, clock)
    try:
        utc = aware.astimezone(UTC)
    except OverflowError:
        raise CellFault("is no time", f"correct it; {_WRITE}") from None
    if utc < EARLIEST:
        raise CellFault("lies before the year 2000", f"correct it; {_WRITE}")
    return Moment(aware.isoformat(), utc)


def _offset(text: str) -> timezone | ZoneInfo:
    try:
        return zone_of(text)
    except ValueError:
        raise CellFault("has an offset that no zone has", "write it like 2026-07-01T09:30:00+07:00") from None


def _local(naive: datetime, clock: Clock) -> datetime:
    if clock.zone is None:
        raise AmbiguousCell(
            "has no time zone", 'say in the mapping which one: `zone: "+07:00"` or `zone: Europe/Berlin`'
        )
    aware = naive.replace(tzinfo=clock.zone)
    if isinstance(clock.zone, ZoneInfo):
        try:
            other = aware.replace(fold=1)
            same = aware.utcoffset() == other.utcoffset()
        except OverflowError:
            raise CellFault("is no time", f"correct it; {_WRITE}") from None
        if not same:
            raise CellFault("stands twice or never on the clock, because it changes in that hour", "write its offset")
        offset = aware.utcoffset() or timedelta()
        aware = naive.replace(tzinfo=timezone(offset))
    return aware


def form_of(values: Iterable[str]) -> tuple[DateForm | None, tuple[str, ...]]:
    """How a column writes its days, as its values show, and values that have two meanings without it.

    A form is shown by a value that reads in one way only, and only where no value contradicts it.
    """
    fits = set(DateForm) - {DateForm.EXCEL_1904}
    shown, unclear, count = False, dict[str, None](), 0
    for text in values:
        count += 1
        possible = {form for form in fits if _reads(text, form)}
        neutral = {form for form in possible if form not in _NUMBERS}
        if len(neutral) == len([form for form in DateForm if form not in _NUMBERS]):
            continue  # a month by name fits every form
        fits = possible
        shown = True
        if {DateForm.DAY_FIRST, DateForm.MONTH_FIRST} & possible or {DateForm.SHORT_DAY_FIRST} & possible:
            unclear[text] = None
    if fits & {DateForm.SHORT_DAY_FIRST, DateForm.SHORT_MONTH_FIRST} and shown:
        return None, tuple(unclear)  # 13/07/26 may begin with the year too
    if not shown or len(fits) == 1:
        return (fits.pop() if shown else None), ()
    return None, tuple(unclear)


def _reads(text: str, form: DateForm) -> bool:
    if form is DateForm.EXCEL:
        found = _SERIAL.fullmatch(text.strip())
        return found is not None and _EXCEL_FROM <= int(found[1]) <= _EXCEL_TO
    if form is DateForm.UNIX and not 946_684_800 <= _leading(text) <= 4_102_444_800:
        return False
    if form is DateForm.UNIX_MS and not 946_684_800_000 <= _leading(text) <= 4_102_444_800_000:
        return False
    try:
        moment(text, form, Clock(UTC))
    except CellFault:
        return False
    return True


def _leading(text: str) -> int:
    found = re.match("[0-9]{1,14}", text)
    return int(found[0]) if found else 0
