"""Puts goods into packaging that fits them: boxes of sizes that are sold (`data/boxes.csv`), or mailers."""

from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from itertools import permutations
from math import prod

from greenlane.contracts.events import Certificate, ItemLine, OuterPackaging, PackagingComponent, ReusableAsset
from greenlane.factors.files import read_csv
from greenlane.methodology.vocabulary import CertificateScheme, ComponentRole, Material, OuterKind, StatedBy
from greenlane.publishing.simulator.goods import DATA, FLAT_MM, Goods
from greenlane.publishing.simulator.habits import Wrapping

WALLS_MM = 8
"""What the two walls of a box take of each of its sides."""

_FLAPS = 1.2
"""Board of a box over its surface: the flaps lie on one another."""

_PP_G_M2 = 1_400

Sides = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Packaging:
    """What is around the goods; both None when the seller declares nothing."""

    outer: OuterPackaging | None
    components: tuple[PackagingComponent, ...] | None

    @property
    def mass_g(self) -> float:
        """Declared mass of the components."""
        return sum(part.mass_g or 0.0 for part in self.components or ())


@cache
def boxes() -> tuple[Sides, ...]:
    """The boxes that are sold: outer length, width and height in mm, the smallest first."""
    rows = read_csv(DATA / "boxes.csv", ("name", "length_mm", "width_mm", "height_mm"))
    return tuple(sorted(((int(row[1]), int(row[2]), int(row[3])) for row in rows), key=prod))


@lru_cache(maxsize=8192)
def box_for(goods: Sides, larger: int, *, cut: bool) -> Sides:
    """The box for a block of goods, however it is turned: the smallest that it fits, or one that is `larger` by sizes.

    A box that is `cut` to the height of the goods leaves no void above them; then the smallest cut one is taken. Goods
    that fit into no box get one made to measure.
    """
    lying = [tuple(side + WALLS_MM for side in turned) for turned in permutations(goods)]
    fitting = [
        (number, (box[0], box[1], turned[2] if cut else box[2]))
        for number, box in enumerate(boxes())
        for turned in lying
        if all(side <= room for side, room in zip(turned, box, strict=True))
    ]
    if not fitting:
        length, width, height = (side + WALLS_MM for side in goods)
        return length, width, height
    if cut:
        return min((box for _, box in fitting), key=prod)
    return boxes()[min(fitting[0][0] + larger, len(boxes()) - 1)]


def wrap(goods: Goods, wrapping: Wrapping, asset_id: str, certified_until: date) -> Packaging:
    """The packaging that a seller with this habit puts around the goods."""
    if not wrapping.declared:
        return Packaging(None, None)
    if wrapping.reused is not None:
        return _reusable_box(goods, wrapping, wrapping.reused, asset_id)
    certificate = (
        Certificate(certificate_id="FSC-C000001", valid_until=certified_until, scheme=CertificateScheme.FSC)
        if wrapping.certified
        else None
    )
    label = PackagingComponent(role=ComponentRole.LABEL, material=Material.PAPER_LABEL, mass_g=2.0)
    if wrapping.mailer is not None and goods.height <= FLAT_MM:
        return _mailer(goods, wrapping, wrapping.mailer, certificate, label)
    return _box(goods, wrapping, certificate, label)


def _mailer(
    goods: Goods, wrapping: Wrapping, material: Material, certificate: Certificate | None, label: PackagingComponent
) -> Packaging:
    length, width = (round(side * wrapping.slack) + goods.height + 30 for side in (goods.length, goods.width))
    bag = PackagingComponent(
        role=ComponentRole.OUTER,
        material=material,
        mass_g=round(2 * length * width / 1e6 * wrapping.mailer_g_m2, 1),
        film_thickness_um=wrapping.film_um,
        recycled_content_percent=wrapping.recycled_percent,
        certificate=certificate,
    )
    return Packaging(OuterPackaging(kind=OuterKind.FLEXIBLE_MAILER, length_mm=length, width_mm=width), (bag, label))


def _box(goods: Goods, wrapping: Wrapping, certificate: Certificate | None, label: PackagingComponent) -> Packaging:
    sides = _box_of(goods, wrapping)
    board = PackagingComponent(
        role=ComponentRole.OUTER,
        material=wrapping.board,
        mass_g=round(_surface_m2(sides) * _FLAPS * wrapping.board_g_m2, 1),
        recycled_content_percent=wrapping.recycled_percent,
        certificate=certificate,
    )
    parts = [board, label]
    if wrapping.filler is not None:
        empty_litres = (prod(sides) - goods.length * goods.width * goods.height) / 1e6
        mass = round(1.0 + empty_litres * wrapping.filler_g_per_l, 1)
        parts.append(PackagingComponent(role=ComponentRole.FILLER, material=wrapping.filler, mass_g=mass))
    return Packaging(_outer(sides), tuple(parts))


def _reusable_box(goods: Goods, wrapping: Wrapping, trips: int, asset_id: str) -> Packaging:
    sides = _box_of(goods, wrapping)
    box = PackagingComponent(
        role=ComponentRole.OUTER,
        material=Material.PP,
        mass_g=round(_surface_m2(sides) * _PP_G_M2, 1),
        reusable_asset=ReusableAsset(asset_id=asset_id, verified_trips=trips),
    )
    return Packaging(_outer(sides), (box,))


def _box_of(goods: Goods, wrapping: Wrapping) -> Sides:
    return box_for((goods.length, goods.width, goods.height), wrapping.larger, cut=wrapping.cut)


def _surface_m2(sides: Sides) -> float:
    length, width, height = sides
    return 2 * (length * width + length * height + width * height) / 1e6


def _outer(sides: Sides) -> OuterPackaging:
    length, width, height = sides
    return OuterPackaging(kind=OuterKind.BOX, length_mm=length, width_mm=width, height_mm=height)


def stated(goods: Goods, packaging: Packaging) -> tuple[tuple[ItemLine, ...], Packaging]:
    """Goods and packaging as the marketplace and its verifier state them."""
    items = tuple(item.model_copy(update={"stated_by": StatedBy.MARKETPLACE}) for item in goods.items)
    outer, components = packaging.outer, packaging.components
    return items, Packaging(
        None if outer is None else outer.model_copy(update={"stated_by": StatedBy.MARKETPLACE}),
        None
        if components is None
        else tuple(part.model_copy(update={"stated_by": StatedBy.VERIFIER}) for part in components),
    )
