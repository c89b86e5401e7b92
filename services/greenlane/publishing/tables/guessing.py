"""A mapping guessed from names and values of columns; what is not certain is asked, with the line to write."""

import json
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from greenlane.publishing.tables.cells import cleaned, empties, readable
from greenlane.publishing.tables.facts import SHAPES, Named, Text, named
from greenlane.publishing.tables.faults import AmbiguousCell, CellFault, shortened
from greenlane.publishing.tables.header_words import BY_NAME, EITHER, split_unit
from greenlane.publishing.tables.mapping import FileForm, Mapping, Source
from greenlane.publishing.tables.plan import example_of, missing_facts
from greenlane.publishing.tables.rows.json_rows import NUMBER
from greenlane.publishing.tables.values.dates import Clock, DateForm, form_of, moment
from greenlane.publishing.tables.values.numbers import Quantity, sign_of
from greenlane.publishing.tables.values.places import is_province

_SHARE = 0.9
_LOOKED_AT = 1_000


class Guessed(NamedTuple):
    """A column and the fact it seems to tell: in which form, how sure that is, and why."""

    column: str
    fact: str
    form: str
    confidence: str
    reason: str


class Guess(NamedTuple):
    """A guessed mapping, a line for each column that it uses, and what must be answered before it can be used."""

    mapping: Mapping
    lines: tuple[Guessed, ...]
    questions: tuple[str, ...]


class Told(NamedTuple):
    """What the caller knows already."""

    marketplace: str | None = None
    country: str | None = None


Wanted = Callable[[str], bool]
"""Whether a fact is wanted, by its name."""


def guess(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    file: FileForm,
    told: Told,
    wanted: Wanted | None = None,
) -> Guess:
    """The mapping that names and values of a table's beginning suggest.

    With `wanted` it has these facts alone, asks of nothing else, and misses none but the parcel's id.
    """
    return _Guessing(header, rows, file, told, wanted).guess()


class _Guessing:
    """Collects facts, reasons and questions column by column."""

    def __init__(
        self,
        header: Sequence[str],
        rows: Sequence[Sequence[str]],
        file: FileForm,
        told: Told,
        wanted: Wanted | None,
    ) -> None:
        self._wanted = wanted
        self._header = header
        self._rows = rows[:_LOOKED_AT]
        self._file = file
        self._told = told
        self._facts: dict[str, dict[str, Any]] = {}
        self._lines: dict[str, Guessed] = {}
        self._questions: list[str] = []
        self._country = told.country
        self._zone: str | None = None

    def guess(self) -> Guess:
        """Everything, in the order of the table's columns."""
        self._name_columns()
        self._keep_told_events()
        self._find_country()
        self._keep_wanted()
        for fact, source in list(self._facts.items()):
            found = named(fact)
            assert found is not None, "header_words has names of facts only"
            self._read_values(fact, found, source)
        if self._wanted is None:
            self._mirror_returns()
        self._ask_missing()
        mapping = Mapping(
            marketplace=self._told.marketplace,
            country=self._country,
            zone=self._zone,
            file=self._file,
            facts={fact: Source(**source) for fact, source in self._facts.items()},
        )
        return Guess(mapping, tuple(self._lines.values()), tuple(dict.fromkeys(self._questions)))

    def _keep_wanted(self) -> None:
        """Leave out the facts that nobody wants; the country was found by them."""
        for fact in [fact for fact in self._facts if not self._asked_for(fact)]:
            del self._facts[fact], self._lines[fact]

    def _asked_for(self, fact: str) -> bool:
        return self._wanted is None or self._wanted(fact)

    def _name_columns(self) -> None:
        claims: dict[str, list[tuple[str, int]]] = {}
        either: list[tuple[str, tuple[str, ...]]] = []
        for place, name in enumerate(self._header):
            words, _ = split_unit(name)
            if words in BY_NAME:
                fact, level = BY_NAME[words]
                claims.setdefault(fact, []).append((level, place))
            elif words in EITHER and any(row[place].strip() for row in self._rows if place < len(row)):
                either.append((name, EITHER[words]))
        for fact, claimed in claims.items():
            sure = [place for level, place in claimed if level == "sure"]
            places = sure or [place for _, place in claimed]
            if len(places) > 1 and not self._asked_for(fact):
                continue
            if len(places) > 1:
                lines = " or ".join(f"`{fact}: {{column: {self._reference(place)}}}`" for place in places)
                self._questions.append(f"several columns seem to tell {fact}; write {lines}")
                continue
            level = "sure" if sure else "likely"
            self._facts[fact] = {"column": self._key(places[0])}
            reason = "its name" if sure else "its name, which other tables use for other things too"
            self._lines[fact] = Guessed(self._header[places[0]], fact, "", level, reason)
        for name, meanings in either:
            facts = tuple(filter(self._asked_for, meanings))
            if facts and not self._facts.keys() & set(facts):
                lines = " or ".join(f"`{fact}: {{column: {_quoted(name)}}}`" for fact in facts)
                self._questions.append(f"column {name} may tell two things; write {lines}, or leave it out")

    def _key(self, place: int) -> str | int:
        """How the mapping names a column: by its name, by its number where the name stands twice or is missing."""
        name = self._header[place]
        return name if name and list(self._header).count(name) == 1 else place + 1

    def _reference(self, place: int) -> str:
        key = self._key(place)
        return str(key) if isinstance(key, int) else _quoted(key)

    def _keep_told_events(self) -> None:
        """Leave out facts of events of which no column says when they happened."""
        for event in SHAPES:
            if f"{event}.time" in self._facts or (event == "delivered" and "returned.time" in self._facts):
                continue
            for fact in [fact for fact in self._facts if fact.startswith(f"{event}.")]:
                if self._wanted is not None:  # no event is made, so nothing is lost with it
                    continue
                line = self._lines.pop(fact)
                del self._facts[fact]
                self._questions.append(
                    f"column {line.column} seems to tell {fact}, and no column says when that happened; "
                    f"add `{event}.time: {{column: …}}` with both, or leave this column out of the mapping"
                )

    def _values(self, source: dict[str, Any]) -> list[str]:
        column = source["column"]
        place = column - 1 if isinstance(column, int) else list(self._header).index(column)
        empty = empties(Mapping(facts={}))
        texts = (cleaned(row[place]) for row in self._rows if place < len(row))
        return [text for text in texts if text.lower() not in empty]

    def _find_country(self) -> None:
        if self._country is not None:
            return
        for fact, source in self._facts.items():
            values = self._values(source) if fact.endswith(".province") else []
            if values and sum(map(is_province, values)) >= _SHARE * len(values):
                self._country = "VN"
                line = self._lines[fact]
                self._lines[fact] = line._replace(reason=f"{line.reason}; its values are provinces of Vietnam")
                return

    def _read_values(self, fact: str, found: Named, source: dict[str, Any]) -> None:
        kind = found.fact.kind
        values = self._values(source)
        if kind in {Text.TIME, Text.DAY}:
            self._time(fact, source, values, timed=kind is Text.TIME)
        elif isinstance(kind, Quantity) or kind is Text.SIZE:
            quantity = Quantity.LENGTH if kind is Text.SIZE else kind
            assert isinstance(quantity, Quantity), "sizes are lengths"
            self._number(fact, source, values, quantity)
        elif isinstance(kind, type) and issubclass(kind, StrEnum):
            self._words(fact, found, source, values)

    def _time(self, fact: str, source: dict[str, Any], values: list[str], *, timed: bool) -> None:
        bare = [value.removeprefix(NUMBER) for value in values]
        form, unclear = form_of(bare)
        if form is None and bare and unclear:
            year = "YYYY" if re.search("[0-9]{4}", unclear[0]) else "YY"
            self._ask(fact, source, unclear, "day or month first", f"date: DD/MM/{year}", f"date: MM/DD/{year}")
        elif form is None and bare and not any(_is_time(value) for value in bare):
            problem = f"the values of column {source['column']}, such as {_shown(bare)}, are no times"
            self._questions.append(f"{problem}; correct them, or map another column as `{fact}: {{column: …}}`")
        if form is not None:
            source["date"] = form
            self._note(fact, form="Excel serial numbers (1900 system)" if form == "excel" else str(form))
        if timed and self._zone is None and any(_lacks_zone(value, form) for value in bare):
            if self._country == "VN":
                self._zone = "+07:00"
                self._note(fact, reason="times without an offset are Vietnam's, +07:00")
            else:
                self._questions.append(
                    f'the times of column {source["column"]} have no time zone; write `zone: "+07:00"` or the zone of '
                    "the marketplace, for example `zone: Europe/Berlin`"
                )

    def _number(self, fact: str, source: dict[str, Any], values: list[str], quantity: Quantity) -> None:
        unit = split_unit(str(source["column"]))[1] if isinstance(source["column"], str) else ""
        known = bool(unit) and unit in quantity.factors
        if known:
            source["unit"] = unit
            self._note(fact, form=unit, reason="the unit stands in its name")
        sign, unclear = sign_of(value for value in values if not value.startswith(NUMBER))
        if sign is not None:
            source["decimal"] = sign
            self._note(fact, form=f"decimal {'comma' if sign == ',' else 'point'}")
        elif unclear:
            self._ask(fact, source, unclear, "the sign before three digits", 'decimal: ","', 'decimal: "."')
        if known:
            return
        if quantity not in {Quantity.COUNT, Quantity.PERCENT} and values:
            trial = Mapping(facts={fact: Source(**source | ({} if source.get("decimal") else {"decimal": "."}))})
            found = named(fact)
            assert found is not None, "it was found before"
            _, fault = readable(values, found.fact, trial, fact)
            if isinstance(fault, AmbiguousCell):
                units = [f"unit: {name}" for name in list(quantity.factors)[:2]]
                self._ask(fact, source, values, "no unit", *units)
            elif fault is None:
                self._note(fact, form="unit in each cell")

    def _words(self, fact: str, found: Named, source: dict[str, Any], values: list[str]) -> None:
        mapping = Mapping(facts={fact: Source(**source)})
        unknown = [
            value for value in dict.fromkeys(values) if readable([value], found.fact, mapping, fact)[1] is not None
        ]
        if unknown:
            kind = found.fact.kind
            options = ", ".join(str(word.value) for word in kind) if isinstance(kind, type) else ""
            words = ", ".join(f"{_quoted(shortened(value))}: …" for value in unknown[:3])
            self._questions.append(
                f"column {source['column']} has words that no list has, such as {_shown(unknown)}; write "
                f"`{fact}: {{column: {_quoted(str(source['column']))}, words: {{{words}}}}}` with one of: {options}"
            )

    def _ask(self, fact: str, source: dict[str, Any], examples: Sequence[str], what: str, *lines: str) -> None:
        column = source["column"] if isinstance(source["column"], int) else _quoted(source["column"])
        told = [f"{key}: {_yaml(value)}" for key, value in source.items() if key != "column"]
        written = [f"`{fact}: {{{', '.join([f'column: {column}', *told, line])}}}`" for line in lines]
        self._questions.append(
            f"column {source['column']} has two meanings ({what}), such as {_shown(examples)}; "
            f"write {' or '.join(written)}"
        )

    def _note(self, fact: str, *, form: str = "", reason: str = "") -> None:
        line = self._lines[fact]
        forms = ", ".join(part for part in (line.form, form) if part)
        reasons = "; ".join(part for part in (line.reason, reason) if part)
        self._lines[fact] = line._replace(form=forms, reason=reasons)

    def _mirror_returns(self) -> None:
        """A return goes the way of the delivery back: its facts are those of the delivery, with the ends exchanged."""
        if "returned.time" not in self._facts:
            return
        ends = {"origin": "destination", "destination": "origin"}
        for fact, source in list(self._facts.items()):
            event, _, leaf = fact.partition(".")
            group, _, rest = leaf.partition(".")
            if event == "delivered" and group in {"mass", "attempts", *ends} and rest != "kind":
                mirrored = f"returned.{ends.get(group, group)}{'.' if rest else ''}{rest}"
                self._facts[mirrored] = dict(source)
                reason = "a return goes the way of the delivery back"
                self._lines[mirrored] = self._lines[fact]._replace(fact=mirrored, confidence="likely", reason=reason)
        if "delivered.time" not in self._facts:
            for fact in [fact for fact in self._facts if fact.startswith("delivered.")]:
                del self._facts[fact], self._lines[fact]

    def _ask_missing(self) -> None:
        facts = {fact: found for fact in self._facts if (found := named(fact)) is not None}
        mapping = Mapping(country=self._country, facts={})
        lacking = missing_facts(mapping, facts)
        if self._wanted is not None:
            lacking = [fact for fact in lacking if fact == "parcel_id"]
        if any(fact.endswith(".country") for fact in lacking):
            self._questions.append(
                "no column tells the country; write `country: VN`, or the country of the marketplace"
            )
        for fact in lacking:
            if not fact.endswith(".country"):
                self._questions.append(f"no column tells {fact}, which is needed; write `{fact}: {example_of(fact)}`")


def _is_time(text: str) -> bool:
    try:
        moment(text, None, Clock(None))
    except AmbiguousCell:
        return True
    except CellFault:
        return False
    return True


def _lacks_zone(text: str, form: DateForm | None) -> bool:
    try:
        moment(text, form or DateForm.DAY_FIRST, Clock(None))
    except AmbiguousCell as fault:
        return "zone" in fault.problem
    except CellFault:
        return False
    return False


def _shown(values: Sequence[str]) -> str:
    return " and ".join(repr(shortened(value.removeprefix(NUMBER))) for value in list(dict.fromkeys(values))[:2])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _yaml(value: Any) -> str:
    return _quoted(str(value)) if str(value) in {",", "."} else str(value)
