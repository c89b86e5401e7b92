"""What is improbable in an event: units mistaken for others, places nobody knows. Pure: no clock and no client.

A doubt is no refusal: the pipeline takes the event. What lies beyond the physically possible, and a place that no table
has, is refused where the caller asks for it (strict).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from greenlane.contracts.dead_letters import DeadLetterCode, Problem, Refusal
from greenlane.contracts.declarations import declaration_of
from greenlane.contracts.events import (
    CancelledEvent,
    DeliveredEvent,
    FulfilmentEvent,
    ItemLine,
    OuterPackaging,
    PackagingComponent,
    PackedEvent,
    ParcelPacked,
    Place,
    ReturnedEvent,
)
from greenlane.methodology.explaining.explain import IMPLAUSIBLE_MEANING
from greenlane.methodology.seller.account import assess
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import ComponentRole, ImplausibleFact, Material, OuterKind
from greenlane.publishing.files.place_names import nearest


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is usual, and what is possible at all, of a value; `source` says why."""

    least: float
    most: float
    possible_least: float
    possible_most: float
    source: str

    def usual(self, value: float) -> bool:
        """Whether a value is usual."""
        return self.least <= value <= self.most

    def possible(self, value: float) -> bool:
        """Whether a value is possible."""
        return self.possible_least <= value <= self.possible_most


_OLIST = "32,951 products of the public Olist data set (Brazil, 2016-2018)"

DENSITY_KG_L = Bounds(0.0125, 1.25, 0.003, 8.0, f"{_OLIST}: 1st and 99th percentile; solid steel has 8 kg/l")
PARCEL_G = Bounds(20, 70_000, 1, 1_000_000, f"{_OLIST}: 99.8 % weigh 50 g to 30 kg; a motorbike carries 70 kg")
ITEM_G = Bounds(1, 100_000, 0.05, 1_000_000, f"{_OLIST}: 99.8 % weigh 50 g to 30 kg; widened for small goods")
LONGEST_SIDE_MM = Bounds(60, 3_000, 5, 20_000, f"{_OLIST}: 99.8 % have a longest side of 140 to 1,050 mm; widened")
BOARD_G_M2 = Bounds(250, 5_000, 25, 50_000, "corrugated board of boxes: mean 515 g/m², at least 250; ten times as much")
PAPER_G_M2 = Bounds(60, 1_000, 6, 10_000, "paper mailers: at least 60 g/m² a layer; padded ones several times that")
FILM_G_M2 = Bounds(18, 460, 2, 4_600, "polyethylene: 0.92 g/m² and µm, 20 to 500 µm a layer")
"""The surface of a box is 2(lw + lh + wh), of a mailer 2lw."""

_BOARD = frozenset({Material.CORRUGATED_BOARD, Material.SOLID_BOARD})
_PAPER = frozenset({Material.KRAFT_PAPER, Material.PAPER, Material.MIXED_PAPER})
_FILM = frozenset({Material.PLASTIC_FILM, Material.LDPE_FILM, Material.HDPE})


class DoubtCode(StrEnum):
    """The closed list of doubts."""

    UNKNOWN_PLACE = "unknown_place"
    DENSITY = "density"
    MASS = "mass"
    SIDE = "side"
    PACKAGING_MASS = "packaging_mass"
    COUNTED_AS_UNDECLARED = "counted_as_undeclared"
    MEDIAN = "median"
    SAME_VERSION = "same_version"
    SAME_ID = "same_id"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something improbable: where (a dotted path), what, and what may have been meant; never the value itself.

    `refused_when_strict`: it cannot be right, so strict callers refuse it.
    """

    path: str
    code: DoubtCode
    message: str
    refused_when_strict: bool = False


def doubts(event: FulfilmentEvent, method: Method) -> list[Doubt]:
    """Everything improbable about one event."""
    found: list[Doubt] = []
    if isinstance(event, CancelledEvent):
        return found
    if isinstance(event, PackedEvent):
        found += _packed(event.data)
    elif isinstance(event, DeliveredEvent | ReturnedEvent):
        found += _places(event, method)
        found += _mass("data.mass_g", event.data.mass_g, PARCEL_G, "a parcel")
    implausible = assess(declaration_of(event), method).implausible
    found += [
        Doubt("data", DoubtCode.COUNTED_AS_UNDECLARED, f"{IMPLAUSIBLE_MEANING[ImplausibleFact(code)]} Check the units.")
        for code in implausible
    ]
    return found


def refuse_impossible(event: FulfilmentEvent, method: Method) -> None:
    """Raises Refusal for a place that no table has and for values beyond the possible."""
    problems = [
        Problem(path=doubt.path, keyword=doubt.code, message=doubt.message)
        for doubt in doubts(event, method)
        if doubt.refused_when_strict
    ]
    if problems:
        raise Refusal(DeadLetterCode.SCHEMA_VIOLATION, problems)


def _places(event: DeliveredEvent | ReturnedEvent, method: Method) -> Iterator[Doubt]:
    day = declaration_of(event).facts.day
    ends: tuple[tuple[str, Place], ...] = (("origin", event.data.origin), ("destination", event.data.destination))
    for name, place in ends:
        if method.places.find(place.to_facts(), day) is None:
            meant = nearest(place.country, place.code)
            remedy = f"nearest: {', '.join(meant)}" if meant else f"the tables hold no similar place of {place.country}"
            message = f"no table has this code, so distances from it cannot be computed and it scores lowest; {remedy}"
            yield Doubt(f"data.{name}.code", DoubtCode.UNKNOWN_PLACE, message, refused_when_strict=True)


def _packed(parcel: ParcelPacked) -> Iterator[Doubt]:
    for number, item in enumerate(parcel.items):
        yield from _item(f"data.items.{number}", item)
    outer = parcel.outer
    if outer is not None:
        yield from _longest_side("data.outer", (outer.length_mm, outer.width_mm, outer.height_mm))
        for number, component in enumerate(parcel.components or ()):
            if component.role is ComponentRole.OUTER:
                yield from _wrapping(f"data.components.{number}.mass_g", component, outer)


def _item(path: str, item: ItemLine) -> Iterator[Doubt]:
    litres = litres_of(item)
    if item.mass_g is None or litres is None:
        if item.mass_g is not None:
            yield from _mass(f"{path}.mass_g", item.mass_g, ITEM_G, "a product")
        yield from _longest_side(path, (item.length_mm, item.width_mm, item.height_mm))
        return
    density = item.mass_g / 1_000 / litres
    if DENSITY_KG_L.usual(density):
        yield from _longest_side(path, (item.length_mm, item.width_mm, item.height_mm))
        return
    meant = ""
    if DENSITY_KG_L.possible(density / 1_000):
        meant = "; were the sides meant in centimetres? They are declared in millimetres"
    elif DENSITY_KG_L.usual(density * 1_000):
        meant = "; was the mass meant in kilograms? It is declared in grams"
    usual = f"{DENSITY_KG_L.least:g} to {DENSITY_KG_L.most:g}"
    message = f"mass and sides come to {density:,.4g} kg per litre, usual are {usual}{meant}"
    yield Doubt(path, DoubtCode.DENSITY, message, not DENSITY_KG_L.possible(density))


def _mass(path: str, grams: float, bounds: Bounds, what: str) -> Iterator[Doubt]:
    if not bounds.usual(grams):
        meant = _meant(grams, bounds)
        message = f"is improbable for {what}, usual are {bounds.least:,.0f} g to {bounds.most / 1_000:,.0f} kg{meant}"
        yield Doubt(path, DoubtCode.MASS, message, not bounds.possible(grams))


def _longest_side(path: str, sides: tuple[int | None, ...]) -> Iterator[Doubt]:
    longest = max((side for side in sides if side is not None), default=None)
    if longest is None or LONGEST_SIDE_MM.usual(longest):
        return
    meant = "; were centimetres meant? Sides are declared in millimetres" if longest < LONGEST_SIDE_MM.least else ""
    usual = f"{LONGEST_SIDE_MM.least:,.0f} to {LONGEST_SIDE_MM.most:,.0f} mm"
    message = f"the longest side is improbable, usual are {usual}{meant}"
    yield Doubt(path, DoubtCode.SIDE, message, not LONGEST_SIDE_MM.possible(longest))


def _wrapping(path: str, component: PackagingComponent, outer: OuterPackaging) -> Iterator[Doubt]:
    density = grams_per_m2(component, outer)
    if density is None:
        return
    bounds = _sheet(component.material)
    if bounds is None or bounds.usual(density):
        return
    usual = f"{bounds.least:,.0f} to {bounds.most:,.0f} g/m²"
    message = f"this material around these sides weighs {usual}, not {density:,.3g}{_meant(density, bounds)}"
    yield Doubt(path, DoubtCode.PACKAGING_MASS, message, not bounds.possible(density))


def _meant(value: float, bounds: Bounds) -> str:
    if value < bounds.least and bounds.usual(value * 1_000):
        return "; were kilograms meant? Masses are declared in grams"
    if value > bounds.most and bounds.usual(value / 1_000):
        return "; were milligrams meant? Masses are declared in grams"
    return ""


def _sheet(material: Material | None) -> Bounds | None:
    for materials, bounds in ((_BOARD, BOARD_G_M2), (_PAPER, PAPER_G_M2), (_FILM, FILM_G_M2)):
        if material in materials:
            return bounds
    return None


def litres_of(item: ItemLine) -> float | None:
    """The volume of one piece in litres; None when a side is undeclared."""
    if item.length_mm is None or item.width_mm is None or item.height_mm is None:
        return None
    return item.length_mm * item.width_mm * item.height_mm / 1_000_000


def grams_per_m2(component: PackagingComponent, outer: OuterPackaging) -> float | None:
    """Mass over the surface of the outer packaging; None when something is undeclared."""
    length, width, height = outer.length_mm, outer.width_mm, outer.height_mm
    if component.mass_g is None or length is None or width is None:
        return None
    if outer.kind is OuterKind.FLEXIBLE_MAILER:
        surface = 2 * length * width
    elif height is None:
        return None
    else:
        surface = 2 * (length * width + length * height + width * height)
    return component.mass_g / (surface / 1_000_000)
