"""How a parcel travels: its places in Vietnam, the way between them, and the transport chain that is declared."""

from collections import Counter
from functools import cache
from itertools import accumulate
from random import Random

from greenlane.contracts.events import DeliveryRound, Energy, HubOperation, Place, TransportChainElement
from greenlane.factors.files import DATA, read_csv
from greenlane.methodology.geography import Point, great_circle_m, point
from greenlane.methodology.vocabulary import ChainRole, EnergyCarrier, PlaceKind, StatedBy
from greenlane.publishing.simulator.habits import Habit, Haul, Mile

_PLACES = DATA / "places"
_ROAD_FACTOR = 1.25
_LOCAL_KM = 50.0


@cache
def provinces() -> dict[str, Point]:
    """The 34 provinces of Vietnam since 2025-07-01."""
    rows = read_csv(_PLACES / "vn_provinces_34.csv", ("code", "lat", "lon"))
    return {code: point(latitude, longitude) for code, latitude, longitude in rows}


@cache
def _codes() -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The provinces, and the running count of their wards: people live where wards are."""
    rows = read_csv(_PLACES / "vn_wards_2025.csv", ("code", "lat", "lon", "province", "kind"))
    wards = Counter(province for *_, province, _ in rows)
    codes = tuple(provinces())
    return codes, tuple(accumulate(wards[code] for code in codes))


def pick_province(rng: Random) -> str:
    """A province, by how many wards it has."""
    codes, counts = _codes()
    return rng.choices(codes, cum_weights=counts)[0]


def pick_destination(rng: Random, home: str, habit: Habit) -> Place:
    """Where a buyer lives: in the seller's province or anywhere, and how the parcel is handed over."""
    code = home if rng.random() < habit.local_share else pick_province(rng)
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


@cache
def road_km(start: str, end: str) -> float:
    """Roughly the kilometres by road between two provinces: great circle x 1.25."""
    return round(great_circle_m(provinces()[start], provinces()[end]) / 1000 * _ROAD_FACTOR, 1)


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
