"""Version 1 of the five events a marketplace publishes; the models are the only definition of the contract."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from greenlane.contracts.reading.media_types import JSON_PATTERN, JsonMediaType
from greenlane.contracts.times import Day, Instant
from greenlane.methodology import facts
from greenlane.methodology.local_day import local_day
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

_IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
_EVENT_ID = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$"
_SOURCE = "^/marketplaces/[a-z0-9][a-z0-9-]{0,39}$"
_COUNTRY = "^[A-Z]{2}$"
_PLACE_CODE = "^[0-9A-Z-]{1,12}$"

PATTERN_WORDS = {
    _IDENTIFIER: "letters, digits and . _ : -, at most 64, the first a letter or digit; no accents, no spaces",
    _EVENT_ID: "letters, digits and . _ : / -, at most 128, the first a letter or digit; a UUID or ULID is best",
    _SOURCE: "/marketplaces/ and the marketplace's id",
    _COUNTRY: "two capital letters (ISO 3166-1 alpha-2), for example VN",
    _PLACE_CODE: "an official code: digits, capital letters and -, at most 12; no name and no address",
    JSON_PATTERN: "a JSON media type, for example application/json; the data are JSON",
}
"""What each pattern asks for, in words."""

Identifier = Annotated[str, Field(pattern=_IDENTIFIER)]
"""A seller, parcel or asset id: no slash, so that `<marketplace>/<seller_id>` is one to one; no room for free text."""

LEAST_MASS_G = 0.001
"""One milligram: what is less would count as nothing and still as declared."""

Country = Annotated[str, Field(pattern=_COUNTRY, description="ISO 3166-1 alpha-2")]
MassG = Annotated[float, Field(ge=LEAST_MASS_G, le=1_000_000, allow_inf_nan=False, description="grams")]
LengthMm = Annotated[int, Field(gt=0, le=20_000, description="millimetres")]
DistanceKm = Annotated[float, Field(ge=0, le=45_000, allow_inf_nan=False, description="kilometres")]
Source = Annotated[StatedBy, Field(description="who states this; a seller's word raises no reference")]


class CorrectionReason(StrEnum):
    """Why a revision above 0 was published."""

    DATA_ENTRY = "data_entry"
    MEASUREMENT = "measurement"
    CARRIER_UPDATE = "carrier_update"
    CERTIFICATE = "certificate"
    SELLER_CONTEST = "seller_contest"


class Body(BaseModel):
    """Base of every body and part: frozen, strict, unknown fields ignored on reading."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


_CORRECTED_WITH_REASON: dict[str, Any] = {
    "if": {"required": ["revision"], "properties": {"revision": {"minimum": 1}}},
    "then": {"required": ["correction_reason"], "properties": {"correction_reason": {"type": "string"}}},
    "else": {"properties": {"correction_reason": {"type": "null"}}},
}
_AMOUNT_IN_THE_CARRIERS_UNIT: dict[str, Any] = {
    "if": {"properties": {"carrier": {"const": "electricity"}}},
    "then": {"required": ["kwh"], "properties": {"kwh": {"type": "number"}, "litres": {"type": "null"}}},
    "else": {"required": ["litres"], "properties": {"litres": {"type": "number"}, "kwh": {"type": "null"}}},
}
_DISTANCE_WITH_BASIS: dict[str, Any] = {
    "if": {"required": ["distance_km"], "properties": {"distance_km": {"type": "number"}}},
    "then": {"required": ["distance_basis"], "properties": {"distance_basis": {"type": "string"}}},
    "else": {"properties": {"distance_basis": {"type": "null"}}},
}


class ParcelBody(Body):
    """What every event about a parcel carries."""

    model_config = ConfigDict(json_schema_extra=_CORRECTED_WITH_REASON)

    parcel_id: Identifier
    revision: Annotated[int, Field(ge=0, le=1_000_000, description="0 at first; higher for each correction")] = 0
    correction_reason: CorrectionReason | None = None

    @model_validator(mode="after")
    def _correction_has_reason(self) -> Self:
        if (self.revision > 0) != (self.correction_reason is not None):
            raise ValueError("a revision above 0 needs a correction_reason, and only such a revision has one")
        return self


_SURE = 0.499_999
"""How far from the next integer a product in floating point may lie for its rounding to be certain."""


def _milli(value: float) -> int:
    """Thousandths of a decimal as it was written, halves to the even one: 16.1315 is 16,132."""
    product = value * 1000
    nearest = round(product)
    if -_SURE < product - nearest < _SURE:
        return nearest
    return int((Decimal(repr(value)) * 1000).to_integral_value(ROUND_HALF_EVEN))


def _permille(percent: float) -> int:
    """Tenths of a percent, by decimals as `_milli`."""
    product = percent * 10
    nearest = round(product)
    if -_SURE < product - nearest < _SURE:
        return nearest
    return int((Decimal(repr(percent)) * 10).to_integral_value(ROUND_HALF_EVEN))


class ItemLine(Body):
    """One product line in the parcel."""

    quantity: Annotated[int, Field(ge=1, le=10_000)] = 1
    mass_g: MassG | None = None
    length_mm: LengthMm | None = None
    width_mm: LengthMm | None = None
    height_mm: LengthMm | None = None
    stated_by: Source = StatedBy.SELLER

    def to_facts(self) -> facts.Item:
        """The line in the method's units (mg, mm)."""
        mass = None if self.mass_g is None else _milli(self.mass_g)
        return facts.Item(self.quantity, mass, self.length_mm, self.width_mm, self.height_mm, self.stated_by)


class OuterPackaging(Body):
    """The outermost packaging."""

    kind: OuterKind
    length_mm: LengthMm | None = None
    width_mm: LengthMm | None = None
    height_mm: LengthMm | None = None
    stated_by: Source = StatedBy.SELLER

    def to_facts(self) -> facts.Outer:
        """The outer packaging in the method's units (mm)."""
        return facts.Outer(self.kind, self.length_mm, self.width_mm, self.height_mm, self.stated_by)


class ReusableAsset(Body):
    """A reusable box or bag and the trips a verifier confirmed."""

    asset_id: Identifier
    verified_trips: Annotated[int, Field(ge=1, le=10_000)] | None = None


class Certificate(Body):
    """Proof of recycled content."""

    certificate_id: Annotated[Identifier, Field(description="as issued, a slash written as a hyphen")]
    valid_until: Day
    scheme: CertificateScheme | None = None


class PackagingComponent(Body):
    """One packaging component."""

    role: ComponentRole
    material: Material | None = None
    mass_g: MassG | None = None
    film_thickness_um: Annotated[int, Field(gt=0, le=5_000, description="micrometres")] | None = None
    recycled_content_percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 0.0
    certificate: Certificate | None = None
    reusable_asset: ReusableAsset | None = None
    stated_by: Source = StatedBy.SELLER

    def to_facts(self) -> facts.Component:
        """The component in the method's units (mg, permille)."""
        asset, certificate = self.reusable_asset, self.certificate
        return facts.Component(
            self.role,
            self.material,
            None if self.mass_g is None else _milli(self.mass_g),
            self.film_thickness_um,
            _permille(self.recycled_content_percent) if self.recycled_content_percent else 0,
            None if certificate is None else certificate.valid_until,
            None if asset is None else facts.ReusableAsset(asset.asset_id, asset.verified_trips),
            None if certificate is None else certificate.scheme,
            "" if certificate is None else certificate.certificate_id,
            self.stated_by,
        )


class Order(Body):
    """The order this parcel is a part of, when it was split into several parcels."""

    parcels: Annotated[int, Field(ge=1, le=1_000, description="parcels into which the order was split")]
    product_volume_ml: Annotated[int, Field(gt=0, le=10**8, description="millilitres, all products of it")] | None = (
        None
    )
    stated_by: Source = StatedBy.SELLER

    def to_facts(self) -> facts.Order:
        """The order in the method's units (mm³)."""
        volume = self.product_volume_ml
        return facts.Order(self.parcels, None if volume is None else volume * 1000, self.stated_by)


class ParcelPacked(ParcelBody):
    """A parcel was packed: what is in it and what is around it."""

    country: Annotated[Country, Field(description="where it was packed; decides which dated rules apply")]
    items: Annotated[tuple[ItemLine, ...], Field(max_length=200)] = ()
    outer: OuterPackaging | None = None
    components: Annotated[tuple[PackagingComponent, ...], Field(min_length=1, max_length=50)] | None = None
    order: Order | None = None

    def to_facts(self, moment: datetime) -> facts.PackedFacts:
        """The parcel as the method sees it at that moment in UTC."""
        return facts.PackedFacts(
            day=moment.date(),
            country=self.country,
            items=tuple([item.to_facts() for item in self.items]),
            outer=None if self.outer is None else self.outer.to_facts(),
            components=None if self.components is None else tuple([part.to_facts() for part in self.components]),
            order=None if self.order is None else self.order.to_facts(),
            local_day=local_day(moment, self.country),
        )


class Place(Body):
    """One end of the chain: a province, ward or municipality, never an address."""

    country: Country
    code: Annotated[str, Field(pattern=_PLACE_CODE, description="official province, ward or municipality code")]
    kind: PlaceKind = PlaceKind.HOME
    stated_by: Source = StatedBy.SELLER

    def to_facts(self) -> facts.Place:
        """The place as the method sees it."""
        return facts.Place(self.country, self.code, self.kind, self.stated_by)


class Energy(Body):
    """Energy measured for a round or leg and the parcels that shared it: litres for fuels, kWh for electricity."""

    model_config = ConfigDict(json_schema_extra=_AMOUNT_IN_THE_CARRIERS_UNIT)

    carrier: EnergyCarrier
    litres: Annotated[float, Field(ge=0.001, le=10_000, allow_inf_nan=False)] | None = None
    kwh: Annotated[float, Field(ge=0.001, le=100_000, allow_inf_nan=False)] | None = None
    parcels: Annotated[int, Field(ge=1, le=1_000_000)]

    @model_validator(mode="after")
    def _amount_in_the_carriers_unit(self) -> Self:
        electric = self.carrier is EnergyCarrier.ELECTRICITY
        if electric in {self.kwh is None, self.litres is not None}:
            raise ValueError("electricity needs kwh and no litres; a fuel needs litres and no kwh")
        return self

    def to_facts(self) -> facts.Energy:
        """The energy in the method's units (ml, Wh)."""
        return facts.Energy(self.carrier, _milli(self.kwh or self.litres or 0.0), self.parcels)


class DeliveryRound(Body):
    """The round in which the parcel was carried."""

    distance_km: Annotated[float, Field(ge=0.001, le=5_000, allow_inf_nan=False, description="kilometres")]
    parcels: Annotated[int, Field(ge=1, le=100_000)]


class TransportChainElement(Body):
    """One transport chain element (ISO 14083). Who states the last mile states the number of attempts too."""

    model_config = ConfigDict(json_schema_extra=_DISTANCE_WITH_BASIS)

    role: ChainRole
    vehicle: Vehicle | None = None
    distance_km: DistanceKm | None = None
    distance_basis: DistanceBasis | None = None
    energy: Energy | None = None
    round: DeliveryRound | None = None
    density: RoundDensity | None = None
    temperature_controlled: Annotated[bool, Field(description="cooled, frozen or heated on the way")] = False
    stated_by: Source = StatedBy.SELLER

    @model_validator(mode="after")
    def _distance_has_a_basis(self) -> Self:
        if (self.distance_km is None) != (self.distance_basis is None):
            raise ValueError("distance_km and distance_basis are declared together or not at all")
        return self

    def to_facts(self) -> facts.ChainElement:
        """The element in the method's units (m)."""
        trip = self.round
        return facts.ChainElement(
            self.role,
            self.vehicle,
            None if self.distance_km is None else _milli(self.distance_km),
            self.distance_basis,
            None if self.energy is None else self.energy.to_facts(),
            None if trip is None else facts.Round(_milli(trip.distance_km), trip.parcels),
            self.density,
            self.temperature_controlled,
            self.stated_by,
        )


class HubOperation(Body):
    """A hub the parcel went through, with its CO2e per parcel if the carrier declares it."""

    co2e_g: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False, description="grams")] | None = None
    stated_by: Source = StatedBy.SELLER


class ParcelTransported(ParcelBody):
    """What a delivery and a return have in common."""

    mass_g: MassG
    origin: Place
    destination: Place
    attempts: Annotated[int, Field(ge=1, le=20, description="delivery attempts, the successful one included")]
    transport_chain: Annotated[tuple[TransportChainElement, ...], Field(min_length=1, max_length=20)] | None = None
    hubs: Annotated[tuple[HubOperation, ...], Field(max_length=20)] = ()

    def to_facts(self, moment: datetime) -> facts.DeliveredFacts:
        """The transport as the method sees it at that moment in UTC."""
        chain = self.transport_chain
        return facts.DeliveredFacts(
            day=moment.date(),
            mass_mg=_milli(self.mass_g),
            origin=self.origin.to_facts(),
            destination=self.destination.to_facts(),
            attempts=self.attempts,
            chain=None if chain is None else tuple([element.to_facts() for element in chain]),
            hubs=tuple(
                [facts.Hub(None if hub.co2e_g is None else _milli(hub.co2e_g), hub.stated_by) for hub in self.hubs]
            ),
        )


class ParcelDelivered(ParcelTransported):
    """A parcel reached its buyer, a pickup point or a locker."""


class ParcelReturned(ParcelTransported):
    """A parcel went back to its seller."""


class PackagingRecovered(ParcelBody):
    """A reusable asset or used packaging was taken back."""

    kind: RecoveredKind
    mass_g: MassG
    asset_id: Identifier | None = None

    def to_facts(self, moment: datetime) -> facts.RecoveredFacts:
        """What was taken back as the method sees it at that moment in UTC."""
        return facts.RecoveredFacts(moment.date(), self.kind, _milli(self.mass_g))


class ParcelCancelled(Body):
    """The parcel never counted: all its contributions leave the account, for good."""

    parcel_id: Identifier


class EventEnvelope(BaseModel):
    """CloudEvents 1.0 context attributes as Greenlane needs them."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    specversion: Literal["1.0"]
    id: Annotated[str, Field(pattern=_EVENT_ID, description="unique for its source")]
    source: Annotated[str, Field(pattern=_SOURCE, description="/marketplaces/<id>")]
    subject: Annotated[Identifier, Field(description="the seller; equals the record's key")]
    time: Annotated[Instant, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), description="when it happened, with an offset")]
    datacontenttype: JsonMediaType | None = "application/json"


class PackedEvent(EventEnvelope):
    """`greenlane.parcel.packed.v1`."""

    type: Literal["greenlane.parcel.packed.v1"]
    data: ParcelPacked


class DeliveredEvent(EventEnvelope):
    """`greenlane.parcel.delivered.v1`."""

    type: Literal["greenlane.parcel.delivered.v1"]
    data: ParcelDelivered


class ReturnedEvent(EventEnvelope):
    """`greenlane.parcel.returned.v1`."""

    type: Literal["greenlane.parcel.returned.v1"]
    data: ParcelReturned


class RecoveredEvent(EventEnvelope):
    """`greenlane.packaging.recovered.v1`."""

    type: Literal["greenlane.packaging.recovered.v1"]
    data: PackagingRecovered


class CancelledEvent(EventEnvelope):
    """`greenlane.parcel.cancelled.v1`."""

    type: Literal["greenlane.parcel.cancelled.v1"]
    data: ParcelCancelled


FulfilmentEvent = Annotated[
    PackedEvent | DeliveredEvent | ReturnedEvent | RecoveredEvent | CancelledEvent, Field(discriminator="type")
]

PACKED = "greenlane.parcel.packed.v1"
DELIVERED = "greenlane.parcel.delivered.v1"
RETURNED = "greenlane.parcel.returned.v1"
RECOVERED = "greenlane.packaging.recovered.v1"
CANCELLED = "greenlane.parcel.cancelled.v1"

EVENT_MODELS: dict[str, type[PackedEvent | DeliveredEvent | ReturnedEvent | RecoveredEvent | CancelledEvent]] = {
    PACKED: PackedEvent,
    DELIVERED: DeliveredEvent,
    RETURNED: ReturnedEvent,
    RECOVERED: RecoveredEvent,
    CANCELLED: CancelledEvent,
}
"""Every event type with its model."""
