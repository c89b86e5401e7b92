"""What is improbable about a whole file: medians far from the usual, and events that contradict one another."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from hashlib import blake2b
from math import exp, log

from greenlane.contracts.events import CancelledEvent, DeliveredEvent, FulfilmentEvent, PackedEvent, ReturnedEvent
from greenlane.publishing.files.plausibility import Doubt, DoubtCode, litres_of

MOST_REMEMBERED = 1_000_000
"""Events of a file that are compared with one another; more would take more memory than a laptop spares."""

LEAST_COUNT = 20
"""Values from which on a median says something about a file."""

_STEPS = 50
"""Steps of the natural logarithm in which values are counted: a median is known to 2 %."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Where the median of a file usually lies: between the 5th and the 95th percentile of single products."""

    what: str
    unit: str
    least: float
    most: float
    factor: float
    mistaken: str


MEDIANS = {
    "mass": Usual("mass of a product", "g", 105, 10_850, 1_000, "kilograms"),
    "side": Usual("longest side of a product", "mm", 160, 690, 10, "centimetres"),
    "volume": Usual("volume of a product", "l", 0.83, 63.4, 1_000, "centimetres"),
    "parcel": Usual("mass of a delivered parcel", "g", 105, 20_000, 1_000, "kilograms"),
}
"""By 32,951 products of the public Olist data set (Brazil, 2016-2018); parcels may hold several of them."""


@dataclass(slots=True)
class FileChecks:
    """Looks at every good event of a file in turn; memory is bounded."""

    repeated: int = 0
    _values: dict[str, Counter[int]] = field(default_factory=lambda: {name: Counter() for name in MEDIANS})
    _versions: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    _ids: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)

    def look(self, line: int, event: FulfilmentEvent, where: Callable[[int], str]) -> list[Doubt]:
        """What contradicts an earlier event; `where` says in words where that stands."""
        self._measure(event)
        return self._compare(line, event, where)

    def finish(self) -> Iterator[Doubt]:
        """What is improbable about the file as a whole."""
        for name, usual in MEDIANS.items():
            values = self._values[name]
            count = values.total()
            if count < LEAST_COUNT:
                continue
            median = _median(values)
            if usual.least <= median <= usual.most:
                continue
            meant = ""
            if median < usual.least and usual.least <= median * usual.factor <= usual.most:
                declared = "millimetres" if usual.mistaken == "centimetres" else "grams"
                meant = f"; were {usual.mistaken} meant? They are declared in {declared}"
            shown = float(f"{median:.2g}")
            message = (
                f"the median {usual.what} is {shown:,.6g} {usual.unit} over {count:,} values, usual are "
                f"{usual.least:,.4g} to {usual.most:,.5g} {usual.unit}{meant}"
            )
            yield Doubt("", DoubtCode.MEDIAN, message)

    def _measure(self, event: FulfilmentEvent) -> None:
        if isinstance(event, PackedEvent):
            for item in event.data.items:
                self._count("mass", item.mass_g)
                self._count("volume", litres_of(item))
                sides = (item.length_mm, item.width_mm, item.height_mm)
                self._count("side", max((side for side in sides if side is not None), default=None))
        elif isinstance(event, DeliveredEvent | ReturnedEvent):
            self._count("parcel", event.data.mass_g)

    def _count(self, name: str, value: float | None) -> None:
        if value is not None:
            self._values[name][round(log(value) * _STEPS)] += 1

    def _compare(self, line: int, event: FulfilmentEvent, where: Callable[[int], str]) -> list[Doubt]:
        revision = "" if isinstance(event, CancelledEvent) else event.data.revision
        version = _digest(event.source, event.data.parcel_id, event.type, str(revision))
        event_id = _digest(event.source, event.id)
        moment = event.time.astimezone(UTC).isoformat()
        content = _digest(event.type, event.subject, moment, event.data.model_dump_json())
        same_version, same_id = self._versions.get(version), self._ids.get(event_id)
        if len(self._ids) < MOST_REMEMBERED:
            self._versions.setdefault(version, (content, line))
            self._ids.setdefault(event_id, (content, line))
        if same_id is not None and same_id[0] != content:
            message = (
                f"is also on {where(same_id[1])}, with other content: of two events with one id, one may be dropped; "
                "give each its own id, and a correction a higher revision"
            )
            return [Doubt("id", DoubtCode.SAME_ID, message)]
        if same_version is not None and same_version[0] != content:
            message = (
                f"{where(same_version[1])} has the same parcel, type and revision with other content: only one counts, "
                "the later one by time or else by id; publish a correction with a higher revision"
            )
            return [Doubt("data.revision", DoubtCode.SAME_VERSION, message)]
        self.repeated += same_version is not None
        return []


def _digest(*parts: str) -> bytes:
    return blake2b("\n".join(parts).encode(), digest_size=12).digest()


def _median(values: Counter[int]) -> float:
    half, seen = values.total() / 2, 0
    for step in sorted(values):
        seen += values[step]
        if seen >= half:
            return exp(step / _STEPS)
    return 0.0
