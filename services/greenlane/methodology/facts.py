"""What a marketplace declared about one parcel, as plain values with units in their names; None means undeclared.

They are msgspec's structs because some are made per event: a dataclass takes three times as long to make.
"""

from datetime import date

from msgspec import Struct

from greenlane.methodology.vocabulary import (
    CertificateScheme,
    ChainRole,
    ComponentRole,
    DistanceBasis,
    EnergyCarrier,
    Material,
    OuterKind,
    PlaceKind,
    RecoveredKind,
    RoundDensity,
    StatedBy,
    Vehicle,
)


class Item(Struct, frozen=True, gc=False):
    """One product line in the parcel; dimensions are all declared or all None."""

    quantity: int
    mass_mg: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    stated_by: StatedBy = StatedBy.SELLER


class Outer(Struct, frozen=True, gc=False):
    """The outer packaging; a mailer's height may be undeclared."""

    kind: OuterKind
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    stated_by: StatedBy = StatedBy.SELLER


class ReusableAsset(Struct, frozen=True, gc=False):
    """A reusable box or bag, with the trips a verifier has confirmed for it; None when nobody has."""

    asset_id: str
    verified_trips: int | None = None


class Component(Struct, frozen=True, gc=False):
    """One packaging component. Recycled content and trips count when somebody else than the seller states them."""

    role: ComponentRole
    material: Material | None = None
    mass_mg: int | None = None
    film_thickness_um: int | None = None
    recycled_permille: int = 0
    certificate_valid_until: date | None = None
    reusable: ReusableAsset | None = None
    certificate_scheme: CertificateScheme | None = None
    certificate_id: str = ""
    stated_by: StatedBy = StatedBy.SELLER


class Order(Struct, frozen=True, gc=False):
    """The order a parcel is a part of: into how many parcels it was split, and the product volume of them all."""

    parcels: int
    product_mm3: int | None = None
    stated_by: StatedBy = StatedBy.SELLER


class PackedFacts(Struct, frozen=True, gc=False):
    """A packed parcel: on which UTC day, in which country (ISO 3166-1 alpha-2), with what around it.

    `local_day` is the day there, on which dated rules and certificates are judged; None: the UTC day.
    """

    day: date
    country: str
    items: tuple[Item, ...] = ()
    outer: Outer | None = None
    components: tuple[Component, ...] | None = None
    order: Order | None = None
    local_day: date | None = None


class Place(Struct, frozen=True, gc=False):
    """A province, ward or municipality by its official code (a string with leading zeros) and what stands there."""

    country: str
    code: str
    kind: PlaceKind = PlaceKind.HOME
    stated_by: StatedBy = StatedBy.SELLER


class Energy(Struct, frozen=True, gc=False):
    """Energy measured for a round or a leg and the parcels that shared it; millilitres or watt-hours."""

    carrier: EnergyCarrier
    amount_milli: int
    parcels: int


class Round(Struct, frozen=True, gc=False):
    """A collection or delivery round: its length in metres and the parcels it carried."""

    distance_m: int
    parcels: int


class ChainElement(Struct, frozen=True, gc=False):
    """One transport chain element."""

    role: ChainRole
    vehicle: Vehicle | None = None
    distance_m: int | None = None
    distance_basis: DistanceBasis | None = None
    energy: Energy | None = None
    round: Round | None = None
    density: RoundDensity | None = None
    temperature_controlled: bool = False
    stated_by: StatedBy = StatedBy.SELLER


class Hub(Struct, frozen=True, gc=False):
    """A hub operation with the CO2e declared per parcel, in milligrams; None when undeclared."""

    co2e_mg: int | None = None
    stated_by: StatedBy = StatedBy.SELLER


class DeliveredFacts(Struct, frozen=True, gc=False):
    """A delivered (or returned) parcel: mass, the two ends, the chain between them, and the attempts it took."""

    day: date
    mass_mg: int
    origin: Place
    destination: Place
    attempts: int
    chain: tuple[ChainElement, ...] | None = None
    hubs: tuple[Hub, ...] = ()


class RecoveredFacts(Struct, frozen=True, gc=False):
    """A reusable asset or used packaging taken back."""

    day: date
    kind: RecoveredKind
    mass_mg: int
