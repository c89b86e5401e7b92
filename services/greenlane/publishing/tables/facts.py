"""Every fact that a column or a constant can tell, and where it stands in an event."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from greenlane.contracts.events import CANCELLED, DELIVERED, PACKED, RETURNED, CorrectionReason
from greenlane.methodology.vocabulary import (
    CertificateScheme,
    ComponentRole,
    DistanceBasis,
    EnergyCarrier,
    Material,
    OuterKind,
    PlaceKind,
    StatedBy,
    Vehicle,
)
from greenlane.publishing.tables.values.numbers import Quantity
from greenlane.publishing.tables.values.words import Flag, Happening

TYPES = {"packed": PACKED, "delivered": DELIVERED, "returned": RETURNED, "cancelled": CANCELLED}
"""The events that a table can tell, by the word that begins their facts."""


class Text(StrEnum):
    """Facts that are texts of a pattern."""

    IDENTIFIER = "identifier"
    COUNTRY = "country"
    TIME = "time"
    DAY = "day"
    PROVINCE = "province"
    WARD = "ward"
    CODE = "code"
    SIZE = "size"


class Fact(NamedTuple):
    """What a cell holds: its key in its object, its kind, and for a number its bounds in the contract's unit.

    `within`: the object inside the group that has it. `whole`: it is rounded to an integer.
    """

    key: str
    kind: Text | Quantity | type[StrEnum]
    least: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    whole: bool = False
    within: str = ""


class Need(NamedTuple):
    """An object inside a group: there when `trigger` is, and then all of `needs` are there too.

    `idle` facts mean nothing without the trigger and are left out then; any other fact without it is a fault.
    """

    key: str
    trigger: str
    needs: tuple[str, ...]
    idle: tuple[str, ...] = ()


class Shape(NamedTuple):
    """A group of facts that is one object of an event: its key, what it needs, and whether it is one of a list."""

    key: str
    facts: dict[str, Fact]
    needs: tuple[str, ...] = ()
    inner: tuple[Need, ...] = ()
    fixed: str = ""
    listed: bool = False
    by_row: bool = False


def _mass(key: str = "mass_g") -> Fact:
    return Fact(key, Quantity.MASS, Decimal("0.001"), Decimal(1_000_000))


def _length(key: str) -> Fact:
    return Fact(key, Quantity.LENGTH, Decimal(1), Decimal(20_000), whole=True)


def _count(key: str, most: int, least: int = 1, within: str = "") -> Fact:
    return Fact(key, Quantity.COUNT, Decimal(least), Decimal(most), whole=True, within=within)


_SIZES = {
    "length": _length("length_mm"),
    "width": _length("width_mm"),
    "height": _length("height_mm"),
    "size": Fact("", Text.SIZE, Decimal(1), Decimal(20_000)),
}
_STATED = {"stated_by": Fact("stated_by", StatedBy)}
_ITEM = Shape(
    "items",
    {"quantity": _count("quantity", 10_000), "mass": _mass(), **_SIZES, **_STATED},
    listed=True,
    by_row=True,
)
_OUTER = Shape("outer", {"kind": Fact("kind", OuterKind), **_SIZES, **_STATED}, ("kind",))
_COMPONENT = Shape(
    "components",
    {
        "role": Fact("role", ComponentRole),
        "material": Fact("material", Material),
        "mass": _mass(),
        "film_thickness": Fact("film_thickness_um", Quantity.THICKNESS, Decimal(1), Decimal(5_000), whole=True),
        "recycled_percent": Fact("recycled_content_percent", Quantity.PERCENT, Decimal(0), Decimal(100)),
        "certificate_id": Fact("certificate_id", Text.IDENTIFIER, within="certificate"),
        "certificate_valid_until": Fact("valid_until", Text.DAY, within="certificate"),
        "certificate_scheme": Fact("scheme", CertificateScheme, within="certificate"),
        "asset_id": Fact("asset_id", Text.IDENTIFIER, within="reusable_asset"),
        "verified_trips": _count("verified_trips", 10_000, within="reusable_asset"),
        **_STATED,
    },
    ("role",),
    (
        Need("certificate", "certificate_id", ("certificate_valid_until",)),
        Need("reusable_asset", "asset_id", ()),
    ),
    listed=True,
    by_row=True,
)
_ORDER = Shape(
    "order",
    {
        "parcels": _count("parcels", 1_000),
        "product_volume": Fact("product_volume_ml", Quantity.VOLUME, Decimal(1), Decimal(10**8), whole=True),
        **_STATED,
    },
    ("parcels",),
)
_PLACE = {
    "country": Fact("country", Text.COUNTRY),
    "province": Fact("code", Text.PROVINCE),
    "ward": Fact("code", Text.WARD),
    "code": Fact("code", Text.CODE),
    "kind": Fact("kind", PlaceKind),
    **_STATED,
}
_ELEMENT = {
    "vehicle": Fact("vehicle", Vehicle),
    "distance": Fact("distance_km", Quantity.DISTANCE, Decimal(0), Decimal(45_000)),
    "distance_basis": Fact("distance_basis", DistanceBasis),
    "energy_carrier": Fact("carrier", EnergyCarrier, within="energy"),
    "fuel": Fact("litres", Quantity.FUEL, Decimal("0.001"), Decimal(10_000), within="energy"),
    "electricity": Fact("kwh", Quantity.POWER, Decimal("0.001"), Decimal(100_000), within="energy"),
    "energy_parcels": _count("parcels", 1_000_000, within="energy"),
    "round_distance": Fact("distance_km", Quantity.DISTANCE, Decimal("0.001"), Decimal(5_000), within="round"),
    "round_parcels": _count("parcels", 100_000, within="round"),
    "temperature_controlled": Fact("temperature_controlled", Flag),
    **_STATED,
}
_INNER = (
    Need("energy", "fuel", ("energy_carrier", "energy_parcels"), ("energy_carrier", "energy_parcels")),
    Need("energy", "electricity", ("energy_parcels",), ("energy_carrier", "energy_parcels")),
    Need("round", "round_distance", ("round_parcels",), ("round_parcels",)),
    Need("", "distance", ("distance_basis",), ("distance_basis",)),
)
_HUB = Shape(
    "hubs",
    {"co2e": Fact("co2e_g", Quantity.MASS, Decimal(0), Decimal(1_000_000)), **_STATED},
    listed=True,
)


def _element(role: str) -> Shape:
    return Shape("transport_chain", _ELEMENT, (), _INNER, f'"role":"{role}"', listed=True)


_MOVED = {
    "": Shape("", {"mass": _mass(), "attempts": _count("attempts", 20)}, ("mass", "attempts")),
    "origin": Shape("origin", _PLACE, ("country",)),
    "destination": Shape("destination", _PLACE, ("country",)),
    "first_mile": _element("first_mile"),
    "line_haul": _element("line_haul"),
    "last_mile": _element("last_mile"),
    "hub": _HUB,
}
SHAPES: dict[str, dict[str, Shape]] = {
    "packed": {
        "": Shape("", {"country": Fact("country", Text.COUNTRY)}, ("country",)),
        "item": _ITEM,
        "outer": _OUTER,
        "component": _COMPONENT,
        "order": _ORDER,
    },
    "delivered": _MOVED,
    "returned": _MOVED,
    "cancelled": {"": Shape("", {})},
}
"""The groups of each event; "" are the facts of the event itself."""

COMMON = {
    "parcel_id": Fact("parcel_id", Text.IDENTIFIER),
    "seller_id": Fact("subject", Text.IDENTIFIER),
    "event": Fact("", Happening),
    "revision": _count("revision", 1_000_000, 0),
    "correction_reason": Fact("correction_reason", CorrectionReason),
}
"""Facts of a row as a whole."""

_NAME = re.compile(r"(packed|delivered|returned|cancelled)(?:\.([a-z_]+))?(?:\.([1-9][0-9]?))?\.([a-z_][a-z0-9_]*)")


class Named(NamedTuple):
    """A fact by its name: `packed.component.2.mass` is mass of the second component of the packed event.

    `event`, `group` are "" and `number` 1 where the name has none.
    """

    event: str
    group: str
    number: int
    leaf: str
    fact: Fact


def named(name: str) -> Named | None:
    """The fact of that name; None if there is none."""
    if name in COMMON:
        return Named("", "", 1, name, COMMON[name])
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    event, group, number, leaf = found[1], found[2] or "", found[3], found[4]
    if (group, leaf) == ("", "time") and number is None:
        return Named(event, "", 1, "time", Fact("time", Text.TIME))
    shape = SHAPES[event].get(group)
    if shape is None or leaf not in shape.facts or (number is not None and not shape.listed):
        return None
    return Named(event, group, int(number or 1), leaf, shape.facts[leaf])


def names() -> list[str]:
    """Every name, without numbers."""
    found = list(COMMON)
    for event, groups in SHAPES.items():
        found.append(f"{event}.time")
        for group, shape in groups.items():
            found += [".".join(part for part in (event, group, leaf) if part) for leaf in shape.facts]
    return found
