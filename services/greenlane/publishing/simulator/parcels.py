"""Makes the bodies of synthetic events: goods, the packaging around them, and the way they travelled."""

from dataclasses import dataclass
from datetime import date
from math import asin, cos, radians, sin, sqrt
from random import Random

from greenlane.contracts.events import (
    Certificate,
    DeliveryRound,
    Energy,
    HubOperation,
    ItemLine,
    OuterPackaging,
    PackagingComponent,
    Place,
    ReusableAsset,
    TransportChainElement,
)
from greenlane.methodology.vocabulary import (
    CertificateScheme,
    ChainRole,
    ComponentRole,
    EnergyCarrier,
    Material,
    OuterKind,
    PlaceKind,
    StatedBy,
)
from greenlane.publishing.simulator.habits import Habit, Haul, Mile, Wrapping

PROVINCES: dict[str, tuple[float, float, int]] = {
    "01": (21.0, 105.8, 25),
    "22": (21.1, 107.2, 4),
    "31": (20.9, 106.5, 6),
    "38": (20.0, 105.7, 5),
    "40": (19.2, 104.9, 5),
    "46": (16.3, 107.5, 3),
    "48": (15.9, 108.0, 7),
    "56": (12.1, 109.0, 4),
    "66": (12.7, 108.4, 3),
    "75": (11.3, 107.0, 7),
    "79": (10.9, 106.6, 28),
    "92": (9.8, 105.7, 5),
}
"""Vietnamese provinces (codes since 2025-07-01): centre to a tenth of a degree, and an invented share of buyers."""

_GOODS: tuple[tuple[float, int, int, int], ...] = (
    (60, 160, 90, 20),
    (120, 140, 100, 30),
    (180, 120, 60, 50),
    (220, 280, 220, 25),
    (350, 210, 140, 25),
    (500, 250, 180, 100),
    (900, 320, 200, 120),
    (1200, 250, 200, 220),
    (2600, 380, 220, 220),
)
"""Goods as mass in g and length, width and height in mm."""

_FLAT_MM = 60
_ROAD_FACTOR = 1.25
_LOCAL_KM = 50.0


@dataclass(frozen=True, slots=True)
class Goods:
    """What is in a parcel, and the block it forms (mm)."""

    items: tuple[ItemLine, ...]
    length: int
    width: int
    height: int

    @property
    def mass_g(self) -> float:
        """Mass of all items."""
        return sum((item.mass_g or 0.0) * item.quantity for item in self.items)


@dataclass(frozen=True, slots=True)
class Packaging:
    """What is around the goods; both None when the seller declares nothing."""

    outer: OuterPackaging | None
    components: tuple[PackagingComponent, ...] | None

    @property
    def mass_g(self) -> float:
        """Declared mass of the components."""
        return sum(part.mass_g or 0.0 for part in self.components or ())


def pick_goods(rng: Random) -> Goods:
    """One product, now and then two or three of it on top of each other."""
    mass, length, width, height = rng.choice(_GOODS)
    quantity = rng.choices((1, 2, 3), (80, 15, 5))[0] if height <= _FLAT_MM else 1
    item = ItemLine(quantity=quantity, mass_g=mass, length_mm=length, width_mm=width, height_mm=height)
    return Goods((item,), length, width, height * quantity)


def wrap(goods: Goods, wrapping: Wrapping, asset_id: str, certified_until: date) -> Packaging:
    """The packaging that a seller with this habit puts around the goods."""
    if not wrapping.declared:
        return Packaging(None, None)
    if wrapping.reused is not None:
        return _reusable_box(goods, wrapping.reused, asset_id)
    certificate = (
        Certificate(certificate_id="FSC-C000001", valid_until=certified_until, scheme=CertificateScheme.FSC)
        if wrapping.certified
        else None
    )
    label = PackagingComponent(role=ComponentRole.LABEL, material=Material.PAPER_LABEL, mass_g=2.0)
    if wrapping.mailer is not None and goods.height <= _FLAT_MM:
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
    length, width, height = (round(side * wrapping.slack) + 8 for side in (goods.length, goods.width, goods.height))
    surface_m2 = 2 * (length * width + length * height + width * height) / 1e6
    board = PackagingComponent(
        role=ComponentRole.OUTER,
        material=wrapping.board,
        mass_g=round(surface_m2 * 1.2 * wrapping.board_g_m2, 1),
        recycled_content_percent=wrapping.recycled_percent,
        certificate=certificate,
    )
    parts = [board, label]
    if wrapping.filler is not None:
        empty_litres = (length * width * height - goods.length * goods.width * goods.height) / 1e6
        mass = round(1.0 + empty_litres * wrapping.filler_g_per_l, 1)
        parts.append(PackagingComponent(role=ComponentRole.FILLER, material=wrapping.filler, mass_g=mass))
    outer = OuterPackaging(kind=OuterKind.BOX, length_mm=length, width_mm=width, height_mm=height)
    return Packaging(outer, tuple(parts))


def _reusable_box(goods: Goods, trips: int, asset_id: str) -> Packaging:
    length, width, height = (round(side * 1.15) + 10 for side in (goods.length, goods.width, goods.height))
    surface_m2 = 2 * (length * width + length * height + width * height) / 1e6
    box = PackagingComponent(
        role=ComponentRole.OUTER,
        material=Material.PP,
        mass_g=round(surface_m2 * 1_400, 1),
        reusable_asset=ReusableAsset(asset_id=asset_id, verified_trips=trips),
    )
    return Packaging(OuterPackaging(kind=OuterKind.BOX, length_mm=length, width_mm=width, height_mm=height), (box,))


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


def pick_destination(rng: Random, home: str, habit: Habit) -> Place:
    """Where a buyer lives: in the seller's province or anywhere, and how the parcel is handed over."""
    weights = [share for _, _, share in PROVINCES.values()]
    code = home if rng.random() < habit.local_share else rng.choices(list(PROVINCES), weights)[0]
    roll = rng.random()
    kind = PlaceKind.PICKUP_POINT if roll < habit.pickup_share else PlaceKind.LOCKER if roll > 0.97 else PlaceKind.HOME
    return place(code, habit, kind)


def place(code: str, habit: Habit, kind: PlaceKind = PlaceKind.HOME) -> Place:
    """A place, stated by the marketplace where the habit says so."""
    stated_by = StatedBy.MARKETPLACE if habit.measured else StatedBy.SELLER
    return Place(country="VN", code=code, kind=kind, stated_by=stated_by)


def carry(
    rng: Random, habit: Habit, start: str, end: str, *, returning: bool = False
) -> tuple[TransportChainElement, ...] | None:
    """The transport chain as this seller declares it; None when not at all. A return has the rounds the other way."""
    if habit.last_mile is None:
        return None
    distance = road_km(start, end)
    hauled = (_line_haul(habit.haul, distance),) if distance > _LOCAL_KM else ()
    first, last = (habit.last_mile, habit.first_mile) if returning else (habit.first_mile, habit.last_mile)
    rounds = [
        () if mile is None else (_round(rng, role, mile),)
        for role, mile in ((ChainRole.FIRST_MILE, first), (ChainRole.LAST_MILE, last))
    ]
    chain = (*rounds[0], *hauled, *rounds[1])
    if not habit.measured:
        return chain
    return tuple(element.model_copy(update={"stated_by": StatedBy.CARRIER}) for element in chain)


def hubs(habit: Habit, start: str, end: str) -> tuple[HubOperation, ...]:
    """The hubs on the way, if the carrier states their figure."""
    if habit.hub_g is None:
        return ()
    passes = 2 if road_km(start, end) > _LOCAL_KM else 1
    return (HubOperation(co2e_g=habit.hub_g, stated_by=StatedBy.CARRIER),) * passes


def road_km(start: str, end: str) -> float:
    """Roughly the kilometres by road between the centres of two provinces: great circle (haversine) x 1.25."""
    (north, east, _), (other_north, other_east, _) = PROVINCES[start], PROVINCES[end]
    up, across = radians(other_north - north) / 2, radians(other_east - east) / 2
    chord = sin(up) ** 2 + cos(radians(north)) * cos(radians(other_north)) * sin(across) ** 2
    return round(2 * 6371 * asin(sqrt(chord)) * _ROAD_FACTOR, 1)


def _line_haul(haul: Haul, distance: float) -> TransportChainElement:
    if haul.vehicle is None:
        return TransportChainElement(role=ChainRole.LINE_HAUL)
    if haul.shared_by is None:
        return TransportChainElement(role=ChainRole.LINE_HAUL, vehicle=haul.vehicle)
    return TransportChainElement(
        role=ChainRole.LINE_HAUL,
        vehicle=haul.vehicle,
        round=DeliveryRound(distance_km=distance, parcels=haul.shared_by),
    )


def _round(rng: Random, role: ChainRole, mile: Mile) -> TransportChainElement:
    if mile.km is None:
        return TransportChainElement(role=role, vehicle=mile.vehicle)
    distance = round(mile.km * rng.uniform(0.85, 1.15), 1)
    parcels = round(mile.parcels * rng.uniform(0.85, 1.15))
    energy = None
    if mile.kwh_per_km is not None:
        energy = Energy(carrier=EnergyCarrier.ELECTRICITY, kwh=round(distance * mile.kwh_per_km, 3), parcels=parcels)
    elif mile.litres_per_km is not None:
        energy = Energy(carrier=EnergyCarrier.PETROL, litres=round(distance * mile.litres_per_km, 3), parcels=parcels)
    return TransportChainElement(
        role=role,
        vehicle=mile.vehicle,
        energy=energy,
        round=DeliveryRound(distance_km=distance, parcels=parcels),
    )
