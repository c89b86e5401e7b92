"""The rows of one parcel become its events, or the faults that refuse them."""

from collections.abc import Sequence
from typing import NamedTuple

from greenlane.publishing.tables.faults import CellFault, Fault, shortened
from greenlane.publishing.tables.groups import CellFaults
from greenlane.publishing.tables.heads import Head
from greenlane.publishing.tables.plan import MOST_OF, Cells, Entries, EventPlan, Placed, Plan
from greenlane.publishing.tables.values.dates import Moment
from greenlane.publishing.tables.values.places import NEW_CODES_FROM
from greenlane.publishing.tables.values.words import Happening

CANCELLED = "cancelled"


class Line(NamedTuple):
    """A row that is used: its line and the cells of the mapped columns."""

    line: int
    cells: Cells


class Made(NamedTuple):
    """An event of a parcel: its word, whose it is, when it happened, and its body as JSON."""

    word: str
    event_id: str
    seller: str
    time: str
    data: str
    line: int


class Outcome(NamedTuple):
    """What the rows of a parcel came to: events, faults, and how many events were refused."""

    made: list[Made]
    faults: list[Fault]
    refused: int


def outcome(plan: Plan, parcel_id: str, lines: Sequence[Line]) -> Outcome:
    """The events of a parcel, each complete or refused with every fault that was found."""
    made: list[Made] = []
    faults: list[Fault] = []
    spread = _by_event(plan, lines)
    if spread.unclear:
        return Outcome([], spread.unclear, len(spread.unclear) + len(spread.told))
    try:
        head = _head(plan, lines)
    except _Refused as refusal:
        return Outcome([], refusal.faults, max(1, len(spread.told)))
    for word, own in spread.told.items():
        event = next((event for event in plan.events if event.word == word), None)
        if event is None:
            faults += [_fault(plan, [line], plan.event.place, _cell(plan, line), _untimed(word)) for line in own]
            continue
        try:
            made.append(_event(plan, event, parcel_id, own, head))
        except _Refused as refusal:
            faults += refusal.faults
    return Outcome(made, faults, len(spread.told) - len(made))


class _Refused(Exception):  # noqa: N818 - it is the answer to a parcel, raised within this module
    def __init__(self, faults: list[Fault]) -> None:
        super().__init__()
        self.faults = faults


def _head(plan: Plan, lines: Sequence[Line]) -> Head:
    heads = plan.heads
    cells = lines[0].cells if len(lines) == 1 else _merged(plan, lines, heads.places)
    try:
        return heads.of(cells)
    except CellFaults as found:
        raise _Refused([_fault(plan, lines, place, cell, fault) for place, cell, fault in found.found]) from None


class _Spread(NamedTuple):
    """The rows by the event that they tell, in the plan's order, and faults of rows whose event cannot be known."""

    told: dict[str, Sequence[Line]]
    unclear: list[Fault]


def _by_event(plan: Plan, lines: Sequence[Line]) -> _Spread:
    """Where a column names the event, the rows of each; else all rows for each event whose time one of them tells.

    A row without an event beside rows that have one may belong to any of them.
    """
    if plan.event.reader is None:
        return _Spread({event.word: lines for event in plan.events if _tells(event, lines)}, [])
    spread: dict[str, list[Line]] = {}
    unclear: list[Fault] = []
    for line in lines:
        cell = _cell(plan, line)
        try:
            word = plan.event.reader[cell].strip('"')
        except CellFault as fault:
            unclear.append(_fault(plan, [line], plan.event.place, cell, fault))
        else:
            spread.setdefault(word, []).append(line)
    silent = spread.pop("", [])
    spread.pop(Happening.NONE, None)
    if spread or unclear:
        unclear += [_fault(plan, [line], plan.event.place, _cell(plan, line), _NO_EVENT) for line in silent]
    words = [*(event.word for event in plan.events), *spread]
    return _Spread({word: spread[word] for word in dict.fromkeys(words) if word in spread}, unclear)


_NO_EVENT = CellFault(
    "is empty, and another row of the parcel tells an event", "say which event the row belongs to, or write none"
)


def _untimed(word: str) -> CellFault:
    """The fault of a row that tells an event of which the mapping has no time."""
    return CellFault(
        f"tells {word}, and the mapping does not say when that happened",
        f"add `{word}.time: {{column: …}}` with what {word} needs, or say in `words` of `event` that it is `none`",
    )


def _cell(plan: Plan, line: Line) -> str:
    return line.cells[plan.event.place]


def _tells(event: EventPlan, lines: Sequence[Line]) -> bool:
    """Whether a row says, rightly or not, when an event happened."""
    for line in lines:
        try:
            if event.times[line.cells[event.time_place]] is not None:
                return True
        except CellFault:
            return True
    return False


def quick(plan: Plan, parcel_id: str, line: Line) -> list[Made] | None:
    """The events of a parcel of one row, as `outcome` gives them; None where anything is out of the ordinary."""
    cells = line.cells
    if plan.event.reader is not None:
        return None
    made = []
    try:
        head = plan.heads.of(cells)
        for event in plan.events:
            when = event.times[cells[event.time_place]]
            if when is None:
                continue
            if when.utc >= NEW_CODES_FROM:
                parts = [part.new[part.cells(cells)] for part in event.entries]
            else:
                parts = [part.old[part.cells(cells)] for part in event.entries]
            word = event.word
            if word == CANCELLED:
                made.append(
                    Made(
                        word, f"{parcel_id}.{word}", head.seller, when.text, f'{{"parcel_id":"{parcel_id}"}}', line.line
                    )
                )
                continue
            data = f'{{"parcel_id":"{parcel_id}"{head.body}{"".join(parts)}}}'
            made.append(Made(word, f"{parcel_id}.{word}{head.suffix}", head.seller, when.text, data, line.line))
    except (CellFault, CellFaults):
        return None
    return made


def _event(plan: Plan, event: EventPlan, parcel_id: str, lines: Sequence[Line], head: Head) -> Made:
    """One event of the rows that tell it. Raises _Refused."""
    cells = lines[0].cells if len(lines) == 1 else _merged(plan, lines, event.once)
    when = _time(plan, event, lines, cells)
    making = _Making(plan, lines, when.utc >= NEW_CODES_FROM)
    parts = [making.told_once(part, cells) if not part.by_row else making.told_by_row(part) for part in event.entries]
    if making.faults:
        raise _Refused(making.faults)
    cancelled = event.word == CANCELLED
    event_id = f"{parcel_id}.{event.word}{'' if cancelled else head.suffix}"
    data = f'{{"parcel_id":"{parcel_id}"{"" if cancelled else head.body}{"".join(parts)}}}'
    return Made(event.word, event_id, head.seller, when.text, data, lines[0].line)


class _Making:
    """Makes the parts of an event of several rows, and collects what is wrong with their cells."""

    def __init__(self, plan: Plan, lines: Sequence[Line], new: bool) -> None:
        self.faults: list[Fault] = []
        self._plan, self._lines, self._new = plan, lines, new

    def told_once(self, part: Entries, cells: Cells) -> str:
        """Objects that the rows tell together."""
        return self._part(part, [self._entry(placed, cells, self._lines) for placed in part.groups])

    def told_by_row(self, part: Entries) -> str:
        """A list to which each row adds its entries; what no column tells is in it once."""
        lines, same_rows = self._lines, self._plan.mapping.same_rows
        entries = [self._entry(placed, lines[0].cells, lines) for placed in part.groups if placed.old.constant]
        seen: dict[tuple[str, ...], int] = {}
        for line in lines:
            own = tuple(self._entry(placed, line.cells, (line,)) for placed in part.groups if not placed.old.constant)
            before = seen.setdefault(own, line.line) if any(own) else line.line
            if before != line.line and same_rows == "refuse":
                self.faults.append(_told_twice(part.key, line.line, before))
            if before == line.line or same_rows == "each":
                entries += own
        return self._part(part, entries)

    def _part(self, part: Entries, entries: list[str]) -> str:
        told = [entry for entry in entries if entry]
        if len(told) > MOST_OF.get(part.key, 1):
            problem = f"the parcel has {len(told)} {part.key}, and {MOST_OF[part.key]} are the most"
            self.faults.append(Fault(self._lines[0].line, "", "", problem, "put like ones into one row"))
        return part.groups[0].old.within_event(told) if told else ""

    def _entry(self, placed: Placed, cells: Cells, lines: Sequence[Line]) -> str:
        group = placed.new if self._new else placed.old
        try:
            return group[placed.cells(cells)]
        except CellFaults as found:
            self.faults += [_fault(self._plan, lines, place, cell, fault) for place, cell, fault in found.found]
            return ""


def _time(plan: Plan, event: EventPlan, lines: Sequence[Line], cells: Cells) -> Moment:
    cell = cells[event.time_place]
    try:
        found = event.times[cell]
    except CellFault as fault:
        raise _Refused([_fault(plan, lines, event.time_place, cell, fault)]) from None
    if found is None:
        raise _Refused([_fault(plan, lines, event.time_place, cell, _NO_TIME)])
    return found


_NO_TIME = CellFault("is empty, and the row tells this event", "fill in when it happened, or say that it is no event")


def _merged(plan: Plan, lines: Sequence[Line], indexes: tuple[int, ...]) -> Cells:
    """The first row with its empty cells filled from the others; a column that must agree and does not is a fault."""
    cells = list(lines[0].cells)
    faults: list[Fault] = []
    for index in indexes:
        for line in lines[1:]:
            other = line.cells[index].strip()
            if not cells[index].strip():
                cells[index] = line.cells[index]
            elif other and other != cells[index].strip():
                first = next(one.line for one in lines if one.cells[index] == cells[index])
                problem = f"differs from line {first} of the same parcel"
                fault = CellFault(
                    problem, "the rows of a parcel differ in their items and components only: correct one"
                )
                faults.append(_fault(plan, (line,), index, line.cells[index], fault))
                break
    if faults:
        raise _Refused(faults)
    return tuple(cells)


def _told_twice(key: str, line: int, before: int) -> Fault:
    """The fault of a row that says the same of a list as one before: two equal items or one repeated, nobody knows."""
    problem = f"says the same of {key} as line {before} of the same parcel"
    remedy = "delete it, or say in the mapping whether such rows count: `same_rows: once` or `same_rows: each`"
    return Fault(line, "", "", problem, remedy)


def _fault(plan: Plan, lines: Sequence[Line], index: int, cell: str, fault: CellFault) -> Fault:
    line = next((one.line for one in lines if index >= 0 and one.cells[index] == cell), lines[0].line)
    column = plan.names[index] if index >= 0 else ""
    return Fault(line, column, shortened(cell), fault.problem, fault.remedy)
