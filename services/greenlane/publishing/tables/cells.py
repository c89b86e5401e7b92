"""Readers of cells: what a column says, as a piece of JSON, read once for each distinct cell."""

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from greenlane.publishing.tables.facts import Fact, Text
from greenlane.publishing.tables.faults import AmbiguousCell, CellFault, damage
from greenlane.publishing.tables.mapping import Mapping, Source
from greenlane.publishing.tables.rows.json_rows import NUMBER
from greenlane.publishing.tables.values.dates import EARLIEST, Clock, DateForm, Moment, day_of, moment, zone_of
from greenlane.publishing.tables.values.numbers import (
    UNIT_OF,
    Quantity,
    Sign,
    measure,
    plain_unit,
    sides,
    whole,
    written,
)
from greenlane.publishing.tables.values.words import Flag, Happening, word

REMEMBERED = 20_000
"""Distinct cells of a column that are remembered; then all are forgotten and remembered anew."""

LONG = 300
"""Characters of cells that are too long to be remembered."""

EMPTY = frozenset({"", "-", "--", "\u2013", "\u2014", "n/a", "na", "null", "none", "nan", "nat"})
"""What programs write where there is no value, in small letters."""

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_CUT_NUMBER = re.compile(r"[0-9](?:\.[0-9]+)?E[0-9]{1,3}|[0-9]+\.0")
_WRAPPED = re.compile(r'="(.*)"', re.DOTALL)
_SPACE = " \t\r\n\u00a0\u202f\u200b\ufeff"


def cleaned(cell: str) -> str:
    """A cell without spaces around its value, and without the `="…"` that keeps Excel from reading it."""
    text = cell.strip(_SPACE)
    if text.startswith('="'):
        found = _WRAPPED.fullmatch(text)
        return text if found is None else found[1].strip(_SPACE)
    return text


class Reader(dict[str, str]):
    """The JSON of a column's cells: `"mass_g":87` for `87 g`, empty for an empty cell. Raises CellFault."""

    __slots__ = ("_empty", "_key", "_read")

    def __init__(self, key: str, read: Callable[[str], str], empty: frozenset[str]) -> None:
        super().__init__()
        self._key = f'"{key}":' if key else ""
        self._read = read
        self._empty = empty

    def __missing__(self, cell: str) -> str:
        text = cleaned(cell)
        if text.lower() in self._empty:
            found = ""
        else:
            try:
                found = self._key + self._read(text)
            except CellFault as fault:
                raise (damage(text) or fault) from None
        if len(self) >= REMEMBERED:
            self.clear()
        if len(cell) <= LONG:
            self[cell] = found
        return found


_USUAL_DAY = re.compile(r"[0-9]{1,4}([-/.])[0-9]{1,2}\1[0-9]{1,4}")
_USUAL_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")


class Moments(dict[str, Moment | None]):
    """When the cells of a column say it happened; None for an empty cell. Raises CellFault."""

    __slots__ = ("_clock", "_clocks", "_days", "_empty", "_form", "_until")

    def __init__(self, form: DateForm | None, clock: Clock, until: datetime, empty: frozenset[str]) -> None:
        super().__init__()
        self._form, self._clock, self._until, self._empty = form, clock, until, empty
        self._days: dict[str, Moment] = {}
        self._clocks: dict[str, tuple[str, timedelta]] = {}

    def __missing__(self, cell: str) -> Moment | None:
        day_text, _, clock_text = cell.partition(" ")
        day, at = self._days.get(day_text), self._clocks.get(clock_text)
        if day is not None and at is not None:
            utc = day.utc + at[1]
            usual = EARLIEST <= utc <= self._until
            found = Moment(f"{day.text}{at[0]}", utc) if usual else self._read(cell)
        else:
            found = self._read(cell)
            self._learn(day_text, clock_text, found)
        if len(self) >= REMEMBERED:
            self.clear()
        if len(cell) <= LONG:
            self[cell] = found
        return found

    def _learn(self, day_text: str, clock_text: str, found: Moment | None) -> None:
        """Remember the two halves of a usual time, where the offset is always the same."""
        zone = self._clock.zone
        usual = _USUAL_DAY.fullmatch(day_text) and _USUAL_CLOCK.fullmatch(clock_text)
        if found is None or not usual or not isinstance(zone, timezone):
            return
        if len(self._days) >= REMEMBERED:
            self._days.clear()
        if len(self._clocks) >= 100_000:
            self._clocks.clear()
        clock = f"{clock_text:0>5}:00" if clock_text.count(":") == 1 else f"{clock_text:0>8}"
        hours, minutes, seconds = (int(part) for part in clock.split(":"))
        since = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        self._clocks[clock_text] = f"T{clock}{found.text[19:]}", since
        self._days[day_text] = Moment(found.text[:10], found.utc - since)

    def _read(self, cell: str) -> Moment | None:
        text = cleaned(cell).removeprefix(NUMBER)
        found = None
        if text.lower() not in self._empty:
            try:
                found = moment(text, self._form, self._clock)
            except CellFault as fault:
                raise (damage(text) or fault) from None
            if found.utc > self._until:
                raise CellFault("lies more than 24 hours in the future", "correct it, or `date` in the mapping")
        return found


def empties(mapping: Mapping) -> frozenset[str]:
    """Every text that says nothing, by this mapping."""
    return EMPTY | {cleaned(text).lower() for text in mapping.empty}


def moments(mapping: Mapping, source: Source, until: datetime) -> Moments:
    """The reader of a column of times."""
    zone = source.zone or mapping.zone
    noon = datetime.strptime(mapping.time_of_day, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone
    clock = Clock(None if zone is None else zone_of(zone), noon)
    return Moments(source.date or mapping.date, clock, until + timedelta(hours=24), empties(mapping))


def reader(fact: Fact, mapping: Mapping, name: str) -> Reader:
    """The reader of a fact's column; its source stands in the mapping by that name."""
    source = mapping.facts[name]
    empty = empties(mapping)
    if fact.kind is Text.COUNTRY:
        empty -= {"na"}  # Namibia
    if fact.kind is Happening:
        empty -= {Happening.NONE}
    key = "" if fact.kind in {Text.PROVINCE, Text.WARD, Text.CODE, Text.SIZE} else fact.key
    return Reader(key, _read(fact, source, mapping, name), empty)


def _read(fact: Fact, source: Source, mapping: Mapping, name: str) -> Callable[[str], str]:
    kind, sign = fact.kind, source.decimal or mapping.decimal
    unit = UNIT_OF.get(plain_unit(source.unit), "") if source.unit else ""
    if isinstance(kind, Quantity):
        return lambda text: _amount(text, fact, kind, unit, sign)
    if isinstance(kind, type):
        own, known = mapping.words(name), frozenset(str(word.value) for word in kind)
        return lambda text: _word(text, kind, own, known)
    if kind is Text.SIZE:
        return lambda text: _size(text, fact, unit, sign)
    if kind is Text.DAY:
        return lambda text: f'"{day_of(text.removeprefix(NUMBER), source.date or mapping.date)}"'
    return _TEXTS[kind]


def _amount(text: str, fact: Fact, quantity: Quantity, unit: str, sign: Sign | None) -> str:
    if quantity is Quantity.PERCENT:
        unit = "%" if "%" in text or "percent" in text.lower() or "phần trăm" in text.lower() else unit
    exact = text.startswith(NUMBER)
    value = _exact(text) * _factor(quantity, unit) if exact else measure(text, quantity, unit, sign)
    if quantity is Quantity.PERCENT and not unit and 0 < value <= 1:
        raise AmbiguousCell(f"has two meanings: a share, {written(value * 100)} %, or {written(value)} %", _PERCENT)
    if fact.whole:
        if quantity is Quantity.COUNT and value != value.to_integral_value():
            raise CellFault("is no whole number", "write a number of pieces without decimals")
        value = Decimal(whole(value))
    if not fact.least <= value <= fact.most:
        raise CellFault(
            f"is outside {written(fact.least)} to {written(fact.most)} {quantity.unit}".rstrip(),
            "correct it or its unit, or leave it empty if it is unknown",
        )
    return written(value)


_PERCENT = 'write the sign in the cell, or say in the mapping that these are percent: `unit: "%"`'


def _exact(text: str) -> Decimal:
    try:
        value = Decimal(text.removeprefix(NUMBER))
    except InvalidOperation:
        raise CellFault("is no number", "write it like 1234.5") from None
    if not value.is_finite() or abs(value.adjusted()) > 30:
        raise CellFault("is no number", "write it like 1234.5")
    return value


def _factor(quantity: Quantity, unit: str) -> Decimal:
    """The factor of a number of JSON, which never has a unit of its own. Raises CellFault where none is known."""
    return measure("1", quantity, unit, None)


def _size(text: str, fact: Fact, unit: str, sign: Sign | None) -> str:
    found = [whole(side) for side in sides(text, unit, sign)]
    if not all(fact.least <= side <= fact.most for side in found):
        raise CellFault(f"has a side outside {fact.least} to {fact.most} mm", "correct it or its unit")
    return '"length_mm":{},"width_mm":{},"height_mm":{}'.format(*found)


def _word(text: str, kind: type[StrEnum], own: dict[str, str], known: frozenset[str]) -> str:
    found = word(text.removeprefix(NUMBER), kind, own)
    if found not in known:
        options = ", ".join(sorted(known))
        raise CellFault(f"means {found!r} in the mapping, which is none of {options}", "correct `words` there")
    return found if kind is Flag else f'"{found}"'


def identifier(text: str) -> str:
    """An id as the contract takes it, as JSON. Raises CellFault; a number that a spreadsheet cut is no id."""
    bare = text.removeprefix(NUMBER)
    if ID.fullmatch(bare) is None:
        raise CellFault("is no id", "an id has letters, digits and . _ : - only, at most 64, no accent and no space")
    if _CUT_NUMBER.fullmatch(bare):
        raise CellFault("is an id that a program read as a number", "export the column as text")
    return f'"{bare}"'


def _country(text: str) -> str:
    if not re.fullmatch("[A-Z]{2}", text):
        found = {"vietnam": "VN", "việt nam": "VN", "viet nam": "VN", "brasil": "BR", "brazil": "BR"}.get(
            text.casefold()
        )
        if found is None:
            raise CellFault("is no country", "write two capital letters (ISO 3166-1), for example VN")
        text = found
    return f'"{text}"'


_TEXTS: dict[Text, Callable[[str], str]] = {
    Text.IDENTIFIER: identifier,
    Text.COUNTRY: _country,
    Text.PROVINCE: lambda text: text.removeprefix(NUMBER),
    Text.WARD: lambda text: text.removeprefix(NUMBER),
    Text.CODE: lambda text: text.removeprefix(NUMBER),
}


def constant(fact: Fact, mapping: Mapping, name: str) -> str:
    """The JSON of a fact's constant. Raises CellFault."""
    value = mapping.facts[name].value
    if isinstance(value, str):
        text = value
    elif isinstance(fact.kind, Quantity) and not isinstance(value, bool):
        text = f"{NUMBER}{value!r}"
    elif fact.kind is Flag and isinstance(value, bool):
        text = "true" if value else "false"
    else:
        raise CellFault("is a text, and YAML reads it as a number or as true or false", "put it in quotation marks")
    found = reader(fact, mapping, name)[text]
    if not found:
        raise CellFault("says nothing", "give a value, or a column")
    return found


def unquoted(fragment: str) -> str:
    """The value of a fragment without its key: the text of a string, the digits of a number."""
    value = json.loads("{" + fragment + "}") if fragment.startswith('"') and ":" in fragment else fragment
    return str(next(iter(value.values()))) if isinstance(value, dict) else str(value)


def readable(texts: Iterable[str], fact: Fact, mapping: Mapping, name: str) -> tuple[int, CellFault | None]:
    """How many cells are readable, and the first fault."""
    read, first, count = reader(fact, mapping, name), None, 0
    for text in texts:
        try:
            read[text]
            count += 1
        except CellFault as fault:
            first = first or fault
    return count, first
