"""Groups of facts as one JSON object each, made once for each distinct set of cells, or the faults of its cells."""

from typing import NamedTuple

from greenlane.publishing.tables.cells import LONG, Reader
from greenlane.publishing.tables.facts import Shape
from greenlane.publishing.tables.faults import CellFault, damage
from greenlane.publishing.tables.values.places import place_code, province_code, ward_code

_REMEMBERED = 20_000
_PLACE = ("province", "ward", "code")
_ONE_WRONG = "correct one of the two"
_ALONE = frozenset({"stated_by"})


class Part(NamedTuple):
    """A fact of a group that a column tells: its leaf, the column's place among those used, and its reader."""

    leaf: str
    place: int
    reader: Reader


class CellFaults(Exception):  # noqa: N818 - they are the answer to a row
    """What is wrong with the cells of a group: index of the column, cell and fault of each."""

    def __init__(self, found: list[tuple[int, str, CellFault]]) -> None:
        super().__init__()
        self.found = found


class Group(dict[tuple[str, ...], str]):
    """The object of a group by its cells: `{"role":"outer","mass_g":87}`; empty where the row tells nothing of it.

    Raises CellFaults. `new` says whether names of places are those since 2025-07-01.
    """

    __slots__ = ("_always", "_begin", "_fixed", "_needed", "_new", "_parts", "_shape", "_simple", "constant", "places")

    def __init__(self, shape: Shape, fixed: dict[str, str], parts: tuple[Part, ...], *, new: bool = False) -> None:
        super().__init__()
        self._shape, self._fixed, self._parts, self._new = shape, fixed, parts, new
        self._always = not shape.listed and shape.key in {"", "origin", "destination"}
        self.places = tuple(part.place for part in parts)
        leaves = fixed.keys() | {part.leaf for part in parts}
        inner = {leaf for need in shape.inner for leaf in (need.trigger, *need.idle)}
        twice = fixed.keys() & {part.leaf for part in parts}
        self._simple = not (
            twice or leaves & {*inner, *_PLACE, *_ALONE} or any(shape.facts[leaf].within for leaf in leaves)
        )
        self._begin = ([shape.fixed] if shape.fixed else []) + list(fixed.values())
        self._needed = tuple(n for n, part in enumerate(parts) if part.leaf in shape.needs)
        self.constant = not any(part.leaf not in _ALONE for part in parts)
        """Whether no column tells anything of it, so that it is the same in every event."""

    def __missing__(self, cells: tuple[str, ...]) -> str:
        found = self.made(cells)
        if len(self) >= _REMEMBERED:
            self.clear()
        if sum(map(len, cells)) <= LONG:
            self[cells] = found
        return found

    def made(self, cells: tuple[str, ...]) -> str:
        """The object, made anew. Raises CellFaults."""
        if self._simple:
            try:
                read = [part.reader[cell] for part, cell in zip(self._parts, cells, strict=False)]
            except CellFault:
                read = []  # all of them are collected below
            if any(read) and all(read[place] for place in self._needed):
                body = ",".join([*self._begin, *filter(None, read)])
                return f"{{{body}}}" if self._shape.key else body
        told: dict[str, str] = {}
        faults: list[tuple[int, str, CellFault]] = []
        for part, cell in zip(self._parts, cells, strict=False):
            try:
                if fragment := part.reader[cell]:
                    told[part.leaf] = fragment
            except CellFault as fault:
                faults.append((part.place, cell, fault))
        if faults:
            raise CellFaults(faults)
        if self._always or self.constant or told.keys() - _ALONE:
            return self._object(told, cells)
        return ""

    def within_event(self, entries: list[str]) -> str:
        """Objects of this group's key, as they stand in the event."""
        key = self._shape.key
        if self._shape.listed:
            return f',"{key}":[{",".join(entries)}]'
        return f',"{key}":{entries[0]}' if key else f",{entries[0]}"

    def _object(self, told: dict[str, str], cells: tuple[str, ...]) -> str:
        facts = self._fixed | told
        if self._shape.key in {"origin", "destination"}:
            facts = self._with_code(facts, cells)
        for leaf in self._shape.needs:
            if leaf not in facts:
                raise self._missing(leaf, "is empty", cells)
        self._check_inner(facts, cells)
        plain = [self._shape.fixed] if self._shape.fixed else []
        inner: dict[str, list[str]] = {}
        for leaf, fragment in facts.items():
            within = self._shape.facts[leaf].within
            (inner.setdefault(within, []) if within else plain).append(fragment)
        plain += [f'"{key}":{{{",".join(fragments)}}}' for key, fragments in inner.items()]
        body = ",".join(plain)
        return body if not self._shape.key else f"{{{body}}}"

    def _check_inner(self, facts: dict[str, str], cells: tuple[str, ...]) -> None:
        """Take out what means nothing alone. Raises CellFaults for what lacks its partner."""
        for key in {need.key for need in self._shape.inner}:
            needs = [need for need in self._shape.inner if need.key == key]
            there = [need for need in needs if need.trigger in facts]
            for need in there:
                for leaf in need.needs:
                    if leaf not in facts:
                        raise self._missing(leaf, f"is empty and {need.trigger} is not", cells)
            if not there:
                for need in needs:
                    for leaf in need.idle:
                        facts.pop(leaf, None)
                left = [leaf for leaf in facts if key and self._shape.facts[leaf].within == key]
                if left:
                    raise self._missing(needs[0].trigger, f"is empty and {left[0]} is not", cells)
            if key == "energy" and there:
                self._check_carrier(facts, cells)

    def _check_carrier(self, facts: dict[str, str], cells: tuple[str, ...]) -> None:
        if "fuel" in facts and "electricity" in facts:
            raise self._missing(
                "electricity", "has a value and fuel has one too", cells, "an element has one energy: empty one"
            )
        electric = facts.get("energy_carrier", "") == '"carrier":"electricity"'
        if "electricity" in facts:
            if "energy_carrier" in facts and not electric:
                raise self._missing("energy_carrier", "is a fuel, and the amount is electricity", cells, _ONE_WRONG)
            facts["energy_carrier"] = '"carrier":"electricity"'
        elif electric:
            raise self._missing("energy_carrier", "is electricity, and the amount is a fuel", cells, _ONE_WRONG)

    def _with_code(self, facts: dict[str, str], cells: tuple[str, ...]) -> dict[str, str]:
        """The facts with the code of the place that its columns name. Raises CellFaults."""
        told = {leaf: facts[leaf] for leaf in _PLACE if leaf in facts}
        rest = {leaf: fragment for leaf, fragment in facts.items() if leaf not in _PLACE}
        country = facts.get("country", "").removeprefix('"country":').strip('"')
        if not country or not told:
            leaf = (
                "country" if not country else next((part.leaf for part in self._parts if part.leaf in _PLACE), "code")
            )
            raise self._missing(leaf, "is empty", cells)
        leaf = next(leaf for leaf in ("code", "ward", "province") if leaf in told)
        try:
            if "code" in told:
                code = place_code(told["code"], country)
            elif country == "VN":
                leaf = "province"
                code = province_code(told["province"], new=self._new) if "province" in told else ""
                if "ward" in told:
                    leaf = "ward"
                    code = ward_code(told["ward"], code, new=self._new)
            else:
                code = place_code(told[leaf], country)
        except CellFault as fault:
            raise CellFaults([self._located(leaf, damage(told[leaf]) or fault, cells)]) from None
        return rest | {"code": f'"code":"{code}"'}

    def _missing(self, leaf: str, problem: str, cells: tuple[str, ...], remedy: str = "") -> CellFaults:
        fault = CellFault(problem, remedy or f"{leaf} is needed: fill it in")
        return CellFaults([self._located(leaf, fault, cells)])

    def _located(self, leaf: str, fault: CellFault, cells: tuple[str, ...]) -> tuple[int, str, CellFault]:
        """A fault at the column of a leaf; where no column tells the leaf, at the first column of the group."""
        for part, cell in zip(self._parts, cells, strict=False):
            if part.leaf == leaf:
                return part.place, cell, fault
        return -1, "", CellFault(f"{leaf} {fault.problem}", fault.remedy)


class Step(dict[tuple[str, ...], str]):
    """All groups of one key of an event, for a parcel of one row: `,"items":[{"mass_g":450}]`; else empty.

    Raises CellFaults.
    """

    __slots__ = ("_groups",)

    def __init__(self, groups: tuple[Group, ...]) -> None:
        super().__init__()
        self._groups = groups

    def __missing__(self, cells: tuple[str, ...]) -> str:
        found, begin = [], 0
        for group in self._groups:
            end = begin + len(group.places)
            if entry := group.made(cells[begin:end]):
                found.append(entry)
            begin = end
        text = self._groups[0].within_event(found) if found else ""
        if len(self) >= _REMEMBERED:
            self.clear()
        if sum(map(len, cells)) <= LONG:
            self[cells] = text
        return text
