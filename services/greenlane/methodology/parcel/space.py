"""The sides of a parcel: what the outer packaging encloses, how much of it is empty (PPWR Art. 24), and its surface."""

from msgspec import Struct

from greenlane.methodology.assessment import POINTS_MILLI, Notes, Step
from greenlane.methodology.facts import Item, Outer
from greenlane.methodology.parcel.words import (
    EMPTY_SPACE_UNDECLARED,
    MAILER,
    OUTER_UNDECLARED,
    PRODUCT_VOLUME_UNDECLARED,
    SELLER,
)
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.tables import Range
from greenlane.methodology.vocabulary import ImplausibleFact

_FULL_POINTS = 100_000


class Space(Struct, frozen=True, gc=False):
    """Volumes in mm³ and the surface in mm², 0 when unknown; the empty-space score in thousandths of a point.

    `product_mm3` is 0 unless somebody else than the seller states it.
    """

    product_mm3: int
    outer_mm3: int
    empty_mm3: int
    surface_mm2: int
    score_milli: int


def measure_space(  # noqa: PLR0911 - each way in which a fact may be missing
    items: tuple[Item, ...], outer: Outer | None, density: Range, notes: Notes
) -> Space:
    """Volumes, surface and empty-space score of one parcel; `density` bounds the goods, in g per m³."""
    surface = 0 if outer is None else surface_mm2(outer)
    if outer is None or not surface:
        notes.defaults.append(OUTER_UNDECLARED)
        return _unknown(0, notes)
    product, capacity = product_mm3(items), capacity_mm3(outer)
    if product > capacity:
        notes.implausible.append(ImplausibleFact.ITEMS_VOLUME)
        return _unknown(0, notes)
    if not product:
        return _unknown(surface, notes)
    mailer = outer.kind is MAILER
    outer_mm3, empty = (0, 0) if mailer else (capacity, capacity - product)
    if not _by_others(items, outer):
        _unknown(surface, notes)
        return Space(0, outer_mm3, empty, surface, 0)
    if not _solid(items, product, density):
        notes.implausible.append(ImplausibleFact.GOODS_DENSITY)
        return _unknown(surface, notes)
    if mailer:
        return Space(product, 0, 0, surface, _FULL_POINTS)
    score = _score_milli(empty, capacity)
    if notes.steps is not None:
        notes.steps.append(Step("empty space", _in_words(empty, capacity), score, POINTS_MILLI))
    return Space(product, outer_mm3, empty, surface, score)


def product_mm3(items: tuple[Item, ...]) -> int:
    """The items' volume; 0 when any item lacks a dimension."""
    volume = 0
    for item in items:
        if item.length_mm is None or item.width_mm is None or item.height_mm is None:
            return 0
        volume += item.quantity * item.length_mm * item.width_mm * item.height_mm
    return volume


def surface_mm2(outer: Outer) -> int:
    """The surface to be covered; of a mailer without a height both its sides; 0 when undeclared."""
    length, width, height = outer.length_mm, outer.width_mm, outer.height_mm
    if length is None or width is None:
        return 0
    if height is not None:
        return 2 * (length * width + length * height + width * height)
    return 2 * length * width if outer.kind is MAILER else 0


def capacity_mm3(outer: Outer) -> int:
    """What the outer packaging can hold; a mailer is taken as a cushion: both sides times half the shorter one."""
    length, width, height = outer.length_mm or 0, outer.width_mm or 0, outer.height_mm or 0
    if outer.kind is MAILER:
        return max(length * width * height, length * width * min(length, width) // 2)
    return length * width * height


def _unknown(surface: int, notes: Notes) -> Space:
    notes.defaults.append(PRODUCT_VOLUME_UNDECLARED)
    notes.defaults.append(EMPTY_SPACE_UNDECLARED)
    return Space(0, 0, 0, surface, 0)


def _by_others(items: tuple[Item, ...], outer: Outer) -> bool:
    if outer.stated_by is SELLER:
        return False
    for item in items:  # noqa: SIM110 - on the hot path a generator takes as long as all else here
        if item.stated_by is SELLER:
            return False
    return True


def _solid(items: tuple[Item, ...], volume_mm3: int, density: Range) -> bool:
    """Whether goods of this mass can have this volume; goods without a mass can."""
    mass_mg = 0
    for item in items:
        if item.mass_mg is None:
            return True
        mass_mg += item.quantity * item.mass_mg
    # mg / mm³ = 1,000,000 g / m³
    return density.least * volume_mm3 <= mass_mg * 1_000_000 <= density.most * volume_mm3


def _in_words(empty: int, outer: int) -> str:
    percent = divide_half_even(1_000 * empty, outer)
    share = f"{percent // 10}.{percent % 10} % of the box is empty ({empty} of {outer} mm³)"
    return f"{share}; 10 % earns full points, 60 % none; 100 x (60 % - share) / 50 %"


def _score_milli(empty: int, outer: int) -> int:
    """100 clamp((0.60 - empty / outer) / 0.50, 0, 1) in thousandths of a point."""
    points = divide_half_even(120_000 * outer - 200_000 * empty, outer)
    return min(_FULL_POINTS, max(0, points))
