"""Counts problems, days and declared facts of many events; memory is bounded whatever the events are."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import NamedTuple

from greenlane.contracts.dead_letters import Refusal
from greenlane.contracts.declarations import Version, declaration_of, version_of
from greenlane.contracts.events import CancelledEvent, FulfilmentEvent
from greenlane.methodology.seller.account import Judged, assess
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import DefaultUsed, Dimension
from greenlane.publishing.files.plausibility import Doubt

MOST_GROUPS = 500
MOST_DAYS = 4_000
MOST_KEPT = 5_000
"""Kinds of problems and days that are told apart, and parcels whose accounts are computed; the rest is counted."""

_NUMBER = re.compile("[0-9]+")


class Problem(NamedTuple):
    """Problems of one kind: which, of which field (`*` stands for any number), an example, how many, and the first.

    `severity`: 2 refuses the event, 1 cannot be right, 0 is improbable. `first` is where the first one stands.
    """

    code: str
    path: str
    example: str
    severity: int
    events: int
    first: int


@dataclass(slots=True)
class _Group:
    example: str
    severity: int
    first: int
    events: int = 0


@dataclass(slots=True)
class Survey:
    """Looks at every event in turn. `kept` are the newest declarations of the first parcels, by seller."""

    method: Method
    accepted: int = 0
    refused: int = 0
    types: Counter[str] = field(default_factory=Counter)
    days: Counter[date] = field(default_factory=Counter)
    assessed: Counter[Dimension] = field(default_factory=Counter)
    lacking: Counter[tuple[Dimension, DefaultUsed]] = field(default_factory=Counter)
    implausible: Counter[str] = field(default_factory=Counter)
    beyond: int = 0
    _groups: dict[tuple[str, str], _Group] = field(default_factory=dict)
    _kept: dict[tuple[str, str, Dimension], tuple[Version, Judged | None]] = field(default_factory=dict)

    def refuse(self, position: int, refusal: Refusal) -> None:
        """An event that is refused."""
        self.refused += 1
        for problem in refusal.problems[:1]:
            self._group(str(refusal.code), problem.path, problem.message, 2, position)

    def accept(self, position: int, event: FulfilmentEvent, doubts: list[Doubt]) -> None:
        """An event that is accepted, and what is improbable about it."""
        self.accepted += 1
        self.types[event.type] += 1
        day = event.time.astimezone(UTC).date()
        if day in self.days or len(self.days) < MOST_DAYS:
            self.days[day] += 1
        for doubt in doubts:
            self.doubt(position, doubt)
        self._keep(event)

    def doubt(self, position: int, doubt: Doubt) -> None:
        """Something improbable; position 0 is the file as a whole."""
        self._group(str(doubt.code), doubt.path, doubt.message, int(doubt.refused_when_strict), position)

    @property
    def problems(self) -> list[Problem]:
        """Every kind of problem: what refuses first, and of those the most frequent first."""
        found = [
            Problem(code, path, group.example, group.severity, group.events, group.first)
            for (code, path), group in self._groups.items()
        ]
        return sorted(found, key=lambda item: (-item.severity, -item.events, item.code, item.path))

    @property
    def accounts(self) -> dict[str, tuple[Judged, ...]]:
        """What stands of each seller among the parcels that were kept."""
        found: dict[str, list[Judged]] = {}
        for (seller, _, _), (_, judged) in self._kept.items():
            if judged is not None:
                found.setdefault(seller, []).append(judged)
        return {seller: tuple(rows) for seller, rows in found.items()}

    def _group(self, code: str, path: str, example: str, severity: int, position: int) -> None:
        key = code, _NUMBER.sub("*", path)[:120]
        if key not in self._groups and len(self._groups) >= MOST_GROUPS:
            key = code, "…"
        group = self._groups.setdefault(key, _Group(example[:500], severity, position))
        group.severity = max(group.severity, severity)
        group.events += 1

    def _keep(self, event: FulfilmentEvent) -> None:
        seller = f"{event.source.removeprefix('/marketplaces/')}/{event.subject}"
        judged = None
        if not isinstance(event, CancelledEvent):
            declaration = declaration_of(event)
            judged = Judged(declaration, assess(declaration, self.method))
            dimension = declaration.dimension
            self.assessed[dimension] += 1
            self.lacking.update((dimension, DefaultUsed(code)) for code in judged.assessed.defaults)
            self.implausible.update(map(str, judged.assessed.implausible))
        for dimension in Dimension if judged is None else (judged.declaration.dimension,):
            self._stand((seller, event.data.parcel_id, dimension), (version_of(event), judged))

    def _stand(self, key: tuple[str, str, Dimension], found: tuple[Version, Judged | None]) -> None:
        earlier = self._kept.get(key)
        if earlier is None and len(self._kept) >= MOST_KEPT:
            self.beyond += found[1] is not None
        elif earlier is None or earlier[0] < found[0]:
            self._kept[key] = found


class Share(NamedTuple):
    """In how many of a dimension's events no default stood in for a fact, and how many there are."""

    default: DefaultUsed
    dimension: Dimension
    declared: int
    events: int


def shares(survey: Survey) -> Iterator[Share]:
    """Every fact that was undeclared somewhere, the one that lacks most often first."""
    for (dimension, default), lacking in survey.lacking.most_common():
        events = survey.assessed[dimension]
        yield Share(default, dimension, events - lacking, events)
