"""A mapping laid on a header: which cells each event is made of; what it lacks is named with the line to add."""

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from greenlane.publishing.tables.cells import Moments, constant, moments, reader
from greenlane.publishing.tables.facts import COMMON, SHAPES, Fact, Named, Shape, Text, named
from greenlane.publishing.tables.faults import CellFault, MappingError
from greenlane.publishing.tables.groups import Group, Part, Step
from greenlane.publishing.tables.header_words import is_known
from greenlane.publishing.tables.heads import Common, Heads
from greenlane.publishing.tables.mapping import Mapping, Source
from greenlane.publishing.tables.rows.form import column_name

Cells = tuple[str, ...]

_EXAMPLES = {
    "country": "{value: VN}",
    "attempts": "{value: 1}",
    "role": "{value: outer}",
    "kind": "{value: box}",
    "distance_basis": "{value: actual}",
    "energy_carrier": "{value: diesel}",
    "seller_id": "{value: YOUR-SHOP}",
}
"""What the line to add looks like, where one value for all rows is usual."""


class Placed(NamedTuple):
    """A group in its event: how its cells are taken from a row, and the group before and since 2025-07-01."""

    cells: Callable[[Cells], Cells]
    old: Group
    new: Group


class Entries(NamedTuple):
    """The groups of one key of an event. `by_row`: each row of a parcel adds its entries to the list.

    `cells`, `old` and `new` make the same of a parcel of one row at once.
    """

    key: str
    groups: tuple[Placed, ...]
    by_row: bool
    cells: Callable[[Cells], Cells]
    old: Step
    new: Step


class EventPlan(NamedTuple):
    """How one event is made of a row. `once`: columns that must say the same in every row of a parcel."""

    word: str
    time_place: int
    times: Moments
    entries: tuple[Entries, ...]
    once: tuple[int, ...]


class Plan(NamedTuple):
    """How rows become events: the columns that are used, their names, and what a row says as a whole."""

    mapping: Mapping
    columns: tuple[int, ...]
    names: tuple[str, ...]
    parcel: Common
    event: Common
    heads: Heads
    events: tuple[EventPlan, ...]


class Used:
    """Collects the columns that a mapping uses, each once."""

    def __init__(self, header: Sequence[str], mapping: Mapping) -> None:
        self._header = [column_name(name) for name in header]
        known = {column_name(name) for name in mapping.names_columns()} & set(self._header)
        self._named = bool(known or mapping.file.header_line) or sum(map(is_known, self._header)) >= 2
        self._numbered = mapping.file.header_line == 0
        self.columns: list[int] = []
        self.names: list[str] = []

    def place(self, fact: str, source: Source) -> int:
        """The place of a fact's column among those used. Raises MappingError."""
        column = self._column(fact, source)
        if column not in self.columns:
            self.columns.append(column)
            self.names.append(self._header[column] or f"column {column + 1}")
        return self.columns.index(column)

    def _column(self, fact: str, source: Source) -> int:
        if isinstance(source.column, int):
            if source.column > len(self._header):
                raise MappingError(
                    f"facts.{fact}: there is no column {source.column}; the table has {len(self._header)}"
                )
            return source.column - 1
        name = column_name(str(source.column))
        places = [place for place, found in enumerate(self._header) if found == name]
        if len(places) == 1:
            return places[0]
        if places:
            numbers = " or ".join(str(place + 1) for place in places)
            raise MappingError(
                f"facts.{fact}: several columns are named {name!r}; write its number: {{column: {numbers}}}"
            )
        where = f"there are: {', '.join(repr(found) for found in self._header[:30] if found)}"
        if self._numbered:
            where = "the header is left out"
        elif not self._named:  # they may be a buyer's name and telephone number
            where = (
                f"it has {len(self._header)} columns, and the first line has no known name; say where the names stand: "
                "`file: {header_line: 2}`, or 0 and columns by their numbers"
            )
        raise MappingError(f"facts.{fact}: the table has no column {name!r}; {where}")


def plan(mapping: Mapping, header: Sequence[str], now: datetime) -> Plan:
    """The plan of a mapping for a table with this header; `now` judges times that lie in the future.

    Raises MappingError for a column that is not there, a constant that cannot be read, and a fact that is missing.
    """
    used = Used(header, mapping)
    facts = {name: found for name in mapping.facts if (found := named(name)) is not None}
    _refuse_missing(mapping, facts)
    common = {leaf: _common(leaf, mapping, used) for leaf in COMMON}
    events = tuple(_event(word, mapping, facts, used, now) for word in SHAPES if f"{word}.time" in facts)
    return Plan(
        mapping, tuple(used.columns), tuple(used.names), common["parcel_id"],
        common["event"], Heads(common["seller_id"], common["revision"], common["correction_reason"]), events,
    )  # fmt: skip


def _refuse_missing(mapping: Mapping, facts: dict[str, Named]) -> None:
    """Raises MappingError that names every fact that is needed and not mapped."""
    lacking = missing_facts(mapping, facts)
    if lacking:
        lines = "; ".join(f"`{name}: {example_of(name)}`" for name in lacking)
        raise MappingError(f"the mapping lacks what an event cannot be without; add below `facts`: {lines}")


def example_of(fact: str) -> str:
    """What the source of a missing fact may look like in the mapping."""
    return _EXAMPLES.get(fact.rpartition(".")[2], "{column: …}")


def missing_facts(mapping: Mapping, facts: dict[str, Named]) -> list[str]:
    """The facts that are needed and not mapped."""
    lacking = [name for name in ("seller_id", "parcel_id") if name not in facts]
    if not any(f"{word}.time" in facts for word in SHAPES):
        lacking.append("delivered.time")
    groups: dict[tuple[str, str, int], set[str]] = {}
    for found in facts.values():
        if found.event and found.leaf != "time":
            groups.setdefault((found.event, found.group, found.number), set()).add(found.leaf)
    for event in {found.event for found in facts.values() if found.event}:
        if f"{event}.time" not in facts:
            lacking.append(f"{event}.time")
        for group in ("", "origin", "destination"):
            if group in SHAPES[event]:
                groups.setdefault((event, group, 1), set())
    for (event, group, number), leaves in sorted(groups.items()):
        prefix = ".".join(part for part in (event, group, str(number) if number > 1 else "") if part)
        lacking += [f"{prefix}.{leaf}" for leaf in _needed(SHAPES[event][group], leaves, mapping.country)]
    return list(dict.fromkeys(lacking))


def _needed(shape: Shape, leaves: set[str], country: str | None) -> list[str]:
    lacking = [leaf for leaf in shape.needs if leaf not in leaves and not (leaf == "country" and country)]
    if shape.key in {"origin", "destination"} and not leaves & {"province", "ward", "code"}:
        lacking.append("province")
    for need in shape.inner:
        if need.trigger in leaves:
            lacking += [leaf for leaf in need.needs if leaf not in leaves]
    return lacking


def _common(leaf: str, mapping: Mapping, used: Used) -> Common:
    source = mapping.facts.get(leaf)
    if source is None:
        return Common(-1, None, "")
    fact = COMMON[leaf]
    bare = fact._replace(key="" if leaf in {"seller_id", "revision", "parcel_id"} else fact.key)
    if source.column is not None:
        return Common(used.place(leaf, source), reader(bare, mapping, leaf), "")
    return Common(-1, None, _constant(bare, mapping, leaf))


def _constant(fact: Fact, mapping: Mapping, name: str) -> str:
    try:
        return constant(fact, mapping, name)
    except CellFault as fault:
        raise MappingError(f"facts.{name}.value: {fault}") from fault


def _event(word: str, mapping: Mapping, facts: dict[str, Named], used: Used, now: datetime) -> EventPlan:
    name = f"{word}.time"
    source = mapping.facts[name]
    if source.column is None:
        raise MappingError(f"facts.{name}: needs a column; events of one file do not all happen at one time")
    keys = sorted(
        {(found.group, found.number) for found in facts.values() if found.event == word and found.leaf != "time"}
        | {("", 1)},
        key=lambda key: (list(SHAPES[word]).index(key[0]), key[1]),
    )
    shapes = SHAPES[word]
    by_key: dict[str, list[tuple[Placed, bool]]] = {}
    for group, number in keys:
        placed = _group(word, (group, number), mapping, used)
        by_key.setdefault(shapes[group].key, []).append((placed, shapes[group].by_row))
    time_place = used.place(name, source)
    entries = tuple(_entries(word, key, [placed for placed, _ in found], found[0][1]) for key, found in by_key.items())
    once = [place for part in entries if not part.by_row for placed in part.groups for place in placed.old.places]
    return EventPlan(
        word, time_place, moments(mapping, source, now), entries, tuple(dict.fromkeys((time_place, *once)))
    )


MOST_OF = {"items": 200, "components": 50, "transport_chain": 20, "hubs": 20}
"""The most entries that the contract takes of a list."""


def _entries(word: str, key: str, groups: list[Placed], by_row: bool) -> Entries:
    if len(groups) > MOST_OF.get(key, 1):
        raise MappingError(f"facts: {word} has {len(groups)} {key}, and {MOST_OF[key]} are the most")
    if by_row:  # of several rows, what no column tells is in the list once, before the rows' entries
        groups = sorted(groups, key=lambda placed: not placed.old.constant)
    cutter = _cutter(tuple(place for placed in groups for place in placed.old.places))
    old, new = (Step(tuple(placed.old for placed in groups)), Step(tuple(placed.new for placed in groups)))
    if all(placed.old is placed.new for placed in groups):
        new = old
    return Entries(key, tuple(groups), by_row, cutter, old, new)


def _group(word: str, key: tuple[str, int], mapping: Mapping, used: Used) -> Placed:
    group, number = key
    shape = SHAPES[word][group]
    fixed: dict[str, str] = {}
    parts: list[Part] = []
    if "country" in shape.facts and mapping.country:
        fixed["country"] = f'"country":"{mapping.country}"'
    for name, source in mapping.facts.items():
        found = named(name)
        if found is None or found.leaf == "time" or (found.event, found.group, found.number) != (word, group, number):
            continue
        if source.column is None:
            fixed[found.leaf] = _constant(found.fact, mapping, name)
        else:
            parts.append(Part(found.leaf, used.place(name, source), reader(found.fact, mapping, name)))
    leaves = fixed.keys() | {part.leaf for part in parts}
    if "size" in leaves and leaves & {"length", "width", "height"}:
        raise MappingError(f"facts.{word}.{group}: maps size and a side too; keep one of the two")
    if "code" in leaves and leaves & {"province", "ward"}:
        raise MappingError(f"facts.{word}.{group}: maps code and province or ward too; keep one of the two")
    old = Group(shape, fixed, tuple(parts))
    new = (
        Group(shape, fixed, tuple(parts), new=True) if Text.PROVINCE in {f.kind for f in shape.facts.values()} else old
    )
    return Placed(_cutter(old.places), old, new)


def _cutter(places: tuple[int, ...]) -> Callable[[Cells], Cells]:
    if not places:
        return lambda _: ()
    if len(places) == 1:
        return itemgetter(places[0], places[0])
    return itemgetter(*places)
