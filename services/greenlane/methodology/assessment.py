"""What an assessment is: the integers it contributes, how well they are founded, and, on demand, every step."""

from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Struct, field

from greenlane.methodology.sums import Sums
from greenlane.methodology.vocabulary import (
    ChainRole,
    DataCategory,
    DefaultUsed,
    DistanceBasis,
    ImplausibleFact,
    Vehicle,
)


class Assessed(Struct, frozen=True, gc=False):
    """One parcel in one dimension.

    `defaults` and `implausible` hold the stable codes of DefaultUsed and ImplausibleFact: which defaults stood in for
    undeclared facts, and which declared facts were outside the plausible and therefore counted as undeclared.
    """

    sums: Sums
    data_category: DataCategory
    factor_ids: tuple[str, ...]
    defaults: tuple[str, ...]
    implausible: tuple[str, ...]


class Leg(NamedTuple):
    """The transport chain element behind a step; `distance_m` is the parcel's: of a round, its share.

    `basis` tells how the distance is known; an estimate by road stands as the shortest feasible one.
    """

    role: ChainRole
    vehicle: Vehicle | None
    distance_m: int
    basis: DistanceBasis


POINTS_MILLI = "thousandths of a point"
"""Unit of a step that is itself a score."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an explanation: a figure, the formula with its numbers, and the factors behind it.

    `reference` is of a part of a chain what that part is compared with; 0 for any other figure.
    """

    label: str
    formula: str
    value: int
    unit: str
    factor_ids: tuple[str, ...] = ()
    category: DataCategory | None = None
    leg: Leg | None = None
    reference: int = 0


class Notes(Struct, gc=False):
    """What is written down while one parcel is assessed; `steps` is None on the hot path."""

    steps: list[Step] | None
    factors: list[str] = field(default_factory=list)
    defaults: list[DefaultUsed] = field(default_factory=list)
    implausible: list[ImplausibleFact] = field(default_factory=list)

    def assessed(self, sums: Sums, category: DataCategory) -> Assessed:
        """The assessment, each code and factor id once, in the order of first use."""
        return Assessed(
            sums,
            category,
            tuple(dict.fromkeys(self.factors)),
            tuple(dict.fromkeys(self.defaults)) if len(self.defaults) > 1 else tuple(self.defaults),
            tuple(dict.fromkeys(self.implausible)) if self.implausible else (),
        )
