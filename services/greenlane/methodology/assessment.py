"""What an assessment is: the integers it contributes, how well they are founded, and, on demand, every step."""

from dataclasses import dataclass
from typing import NamedTuple

from greenlane.methodology.sums import Sums
from greenlane.methodology.vocabulary import DataCategory


class Assessed(NamedTuple):
    """One parcel in one dimension.

    `defaults` and `implausible` hold stable codes: which defaults stood in for undeclared facts, and which declared
    facts were outside the plausible and therefore counted as undeclared.
    """

    sums: Sums
    data_category: DataCategory
    factor_ids: tuple[str, ...]
    defaults: tuple[str, ...]
    implausible: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an explanation: a figure, the formula with its numbers, and the factor behind it."""

    label: str
    formula: str
    value: int
    unit: str
    factor_ids: tuple[str, ...] = ()
    category: DataCategory | None = None


Trace = list[Step]
"""Collects the steps of one assessment; the functions that assess take None on the hot path."""
