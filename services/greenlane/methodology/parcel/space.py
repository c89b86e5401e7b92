"""The empty-space ratio of a parcel (PPWR Art. 24: filler counts as empty) and the product volume it carries."""

from typing import NamedTuple

from greenlane.methodology.assessment import POINTS_MILLI, Notes, Step
from greenlane.methodology.facts import Item, Outer
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.vocabulary import DefaultUsed, ImplausibleFact, OuterKind


class Space(NamedTuple):
    """Volumes in mm³, 0 when undeclared; whether the ratio applies, and its score in thousandths of a point."""

    product_mm3: int
    outer_mm3: int
    empty_mm3: int
    applies: int
    score_milli: int


def measure_space(items: tuple[Item, ...], outer: Outer | None, notes: Notes) -> Space:
    """Volumes and empty-space score of one parcel.

    The items' volume counts only beside an outer volume that can hold it: otherwise a claimed volume would raise the
    reference unchecked, and leaving the box's dimensions out would gain by it.
    """
    applies = 1 if outer is None or outer.kind is OuterKind.BOX else 0
    product = product_mm3(items)
    capacity = 0 if outer is None else _capacity_mm3(outer)
    if product > capacity > 0:
        notes.implausible.append(ImplausibleFact.ITEMS_VOLUME)
    if not product or product > capacity:
        notes.defaults.append(DefaultUsed.PRODUCT_VOLUME_UNDECLARED)
        if applies:
            notes.defaults.append(DefaultUsed.EMPTY_SPACE_UNDECLARED)
        return Space(0, 0, 0, applies, 0)
    if not applies:
        return Space(product, 0, 0, 0, 0)
    empty = capacity - product
    score = _score_milli(empty, capacity)
    if notes.steps is not None:
        notes.steps.append(Step("empty space", _in_words(empty, capacity), score, POINTS_MILLI))
    return Space(product, capacity, empty, 1, score)


def product_mm3(items: tuple[Item, ...]) -> int:
    """The items' volume; 0 when any item lacks a dimension."""
    volume = 0
    for item in items:
        if item.length_mm is None or item.width_mm is None or item.height_mm is None:
            return 0
        volume += item.quantity * item.length_mm * item.width_mm * item.height_mm
    return volume


def _capacity_mm3(outer: Outer) -> int:
    """What the outer packaging can hold; 0 when undeclared.

    A mailer of two sides is taken as a cushion: it holds less than both sides times half the shorter one.
    """
    if outer.length_mm is None or outer.width_mm is None:
        return 0
    area = outer.length_mm * outer.width_mm
    if outer.kind is OuterKind.FLEXIBLE_MAILER:
        return area * min(outer.length_mm, outer.width_mm) // 2
    return 0 if outer.height_mm is None else area * outer.height_mm


def _in_words(empty: int, outer: int) -> str:
    percent = divide_half_even(1_000 * empty, outer)
    share = f"{percent // 10}.{percent % 10} % of the box is empty ({empty} of {outer} mm³)"
    return f"{share}; 10 % earns full points, 60 % none; 100 x (60 % - share) / 50 %"


def _score_milli(empty: int, outer: int) -> int:
    """100 clamp((0.60 - empty / outer) / 0.50, 0, 1) in thousandths of a point."""
    points = divide_half_even(120_000 * outer - 200_000 * empty, outer)
    return min(100_000, max(0, points))
