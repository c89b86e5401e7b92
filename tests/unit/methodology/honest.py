"""Honest parcels that the tests of the method start from: whole chains and weighed packaging, stated by the seller."""

from datetime import date

from msgspec.structs import replace

from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Item,
    Outer,
    PackedFacts,
    Place,
    Round,
)
from greenlane.methodology.parcel.delivery import assess_delivered, assess_returned
from greenlane.methodology.parcel.packaging import assess_packed
from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.sums import DeliverySums, PackagingSums, ReturnSums
from greenlane.methodology.vocabulary import (
    ChainRole,
    ComponentRole,
    Dimension,
    DistanceBasis,
    Material,
    OuterKind,
    StatedBy,
    Vehicle,
)

METHOD, POLICY = load_method(), load_policy()
DAY = date(2026, 3, 1)
HANOI, HCMC, DA_NANG = Place("VN", "01"), Place("VN", "79"), Place("VN", "48")
WARD, COMMUNE = (Place("VN", code, stated_by=StatedBy.MARKETPLACE) for code in ("00004", "00376"))
THREE_LITRES = Item(1, 500_000, 200, 150, 100)
BOX = Outer(OuterKind.BOX, 300, 200, 100)
MAILER = Outer(OuterKind.FLEXIBLE_MAILER, 300, 200)
BOARD = Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, 87_000)
FILM = Component(ComponentRole.CUSHIONING, Material.PLASTIC_FILM, 79_000)
BAG = Component(ComponentRole.OUTER, Material.LDPE_FILM, 14_000, 60)
PICKED_UP = ChainElement(ChainRole.FIRST_MILE, Vehicle.MOTORBIKE_PETROL, round=Round(40_000, 130))
LORRY = ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_AVERAGE)
BROUGHT = ChainElement(ChainRole.LAST_MILE, Vehicle.MOTORBIKE_PETROL, round=Round(44_000, 100))
NEAR = DeliveredFacts(DAY, 500_000, HANOI, HANOI, 1, (PICKED_UP, BROUGHT))
FAR = replace(NEAR, destination=HCMC, chain=(PICKED_UP, LORRY, BROUGHT))
TRAVELLED = replace(LORRY, distance_m=1_700_000, distance_basis=DistanceBasis.ACTUAL)


def packed(
    *components: Component, items: tuple[Item, ...] = (THREE_LITRES,), outer: Outer | None = BOX, day: date = DAY
) -> PackedFacts:
    """A packed parcel, undeclared without components."""
    return PackedFacts(day, "VN", items, outer, components or None)


AVERAGE = packed(BOARD, FILM)


def measured(facts: PackedFacts) -> PackedFacts:
    """The same parcel as the marketplace states it."""
    by = StatedBy.MARKETPLACE
    return replace(
        facts,
        items=tuple(replace(item, stated_by=by) for item in facts.items),
        outer=None if facts.outer is None else replace(facts.outer, stated_by=by),
        components=None
        if facts.components is None
        else tuple(replace(part, stated_by=by) for part in facts.components),
    )


def carried(facts: DeliveredFacts) -> DeliveredFacts:
    """The same delivery as the marketplace and the carrier state it."""
    return replace(
        facts,
        origin=replace(facts.origin, stated_by=StatedBy.MARKETPLACE),
        destination=replace(facts.destination, stated_by=StatedBy.MARKETPLACE),
        chain=tuple(replace(element, stated_by=StatedBy.CARRIER) for element in facts.chain or ()),
    )


def packaging(facts: PackedFacts) -> PackagingSums:
    """The sums of a packed parcel."""
    sums = assess_packed(facts, METHOD).sums
    assert isinstance(sums, PackagingSums)
    return sums


def delivery(facts: DeliveredFacts) -> DeliverySums:
    """The sums of a delivered parcel."""
    sums = assess_delivered(facts, METHOD).sums
    assert isinstance(sums, DeliverySums)
    return sums


def returning(facts: DeliveredFacts) -> ReturnSums:
    """The sums of a returned parcel."""
    sums = assess_returned(facts, METHOD).sums
    assert isinstance(sums, ReturnSums)
    return sums


def pack(facts: PackedFacts) -> Declaration:
    """A declaration of a packed parcel."""
    return Declaration("P", Dimension.PACKAGING, facts)


def send(facts: DeliveredFacts) -> Declaration:
    """A declaration of a delivered parcel."""
    return Declaration("P", Dimension.DELIVERY, facts)


def bring_back(facts: DeliveredFacts) -> Declaration:
    """A declaration of a returned parcel."""
    return Declaration("P", Dimension.RETURN, facts)
