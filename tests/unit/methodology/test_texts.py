"""What an explanation says, word for word: every formula of the arithmetic shows its own numbers.

The expected texts are in golden/; after a change of wording read the difference, then write them anew with
`GREENLANE_WRITE_GOLDEN=1 pytest tests/unit/methodology/test_texts.py`.
"""

import dataclasses
import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.unit.methodology.honest import COMMUNE, carried, measured

from greenlane.factors.loading import load_method
from greenlane.methodology.explaining.explain import (
    explain,
    explain_delivered,
    explain_packed,
    explain_recovered,
    explain_returned,
    explanation_text,
    factor_line,
)
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    Hub,
    Item,
    Order,
    Outer,
    PackedFacts,
    Place,
    RecoveredFacts,
    ReusableAsset,
    Round,
)
from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.tables import Factor, Source
from greenlane.methodology.vocabulary import (
    CertificateScheme,
    ChainRole,
    ComponentRole,
    Dimension,
    DistanceBasis,
    EnergyCarrier,
    Material,
    OuterKind,
    PlaceKind,
    RecoveredKind,
    StatedBy,
    Vehicle,
)

GOLDEN = Path(__file__).with_name("golden")
METHOD = load_method()
DAY = date(2026, 3, 1)
HANOI, HCMC, NOWHERE = Place("VN", "01"), Place("VN", "79", PlaceKind.LOCKER), Place("VN", "99999")
BOX = Outer(OuterKind.BOX, 300, 200, 100)
BOARD = Component(
    ComponentRole.OUTER, Material.CORRUGATED_BOARD, 87_001, None, 705, date(2027, 1, 1), None, CertificateScheme.FSC,
    "FSC-C192811", StatedBy.VERIFIER,
)  # fmt: skip
FILM = Component(ComponentRole.CUSHIONING, Material.UNKNOWN_PLASTIC, 79_003)
REUSED = Component(
    ComponentRole.INNER, Material.PP, 300_001, reusable=ReusableAsset("a", 7), stated_by=StatedBy.MARKETPLACE
)
BAG = Component(ComponentRole.OUTER, Material.LDPE_FILM, 9_007, 30)
DECLARED = PackedFacts(DAY, "VN", (Item(1, None, 200, 150, 100),), BOX, (BOARD, FILM, REUSED))
PETROL = ChainElement(ChainRole.LAST_MILE, Vehicle.MOTORBIKE_PETROL, round=Round(60_001, 103))
DIESEL = ChainElement(
    ChainRole.LAST_MILE, Vehicle.VAN_DIESEL, energy=Energy(EnergyCarrier.DIESEL, 7_301, 275), round=Round(80_003, 275)
)
ELECTRIC = ChainElement(ChainRole.LAST_MILE, Vehicle.VAN_ELECTRIC, round=Round(40_007, 129))
METERED = replace(ELECTRIC, round=Round(40_009, 130), energy=Energy(EnergyCarrier.ELECTRICITY, 15_013, 130))
FIRST = ChainElement(ChainRole.FIRST_MILE, Vehicle.CARGO_BIKE, round=Round(30_011, 71))
LEG = ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_ARTICULATED, 1_200_007, DistanceBasis.GREAT_CIRCLE)
SHARED = replace(LEG, distance_m=None, distance_basis=None, round=Round(1_500_011, 3_001))
FLOWN = ChainElement(ChainRole.LINE_HAUL, Vehicle.AIRCRAFT_DOMESTIC, 1_138_009, DistanceBasis.GREAT_CIRCLE)
SENT = DeliveredFacts(DAY, 3_500_017, HANOI, HCMC, 2, (FIRST, LEG, PETROL), (Hub(70), Hub()))

PARCELS = {
    "packed-declared": Declaration("P", Dimension.PACKAGING, DECLARED),
    "packed-mailer": Declaration(
        "P",
        Dimension.PACKAGING,
        replace(DECLARED, outer=Outer(OuterKind.FLEXIBLE_MAILER, 400, 300), components=(BAG,)),
    ),
    "packed-unweighed": Declaration(
        "P", Dimension.PACKAGING, replace(DECLARED, components=(BOARD, replace(FILM, mass_mg=None)))
    ),
    "packed-nothing": Declaration("P", Dimension.PACKAGING, PackedFacts(DAY, "VN")),
    "packed-measured": Declaration("P", Dimension.PACKAGING, measured(DECLARED)),
    "packed-light": Declaration(
        "P", Dimension.PACKAGING, replace(DECLARED, components=(replace(BOARD, mass_mg=1_001),))
    ),
    "packed-split": Declaration(
        "P", Dimension.PACKAGING, replace(measured(DECLARED), order=Order(3, 10_000_019, StatedBy.MARKETPLACE))
    ),
    "packed-split-unmeasured": Declaration(
        "P",
        Dimension.PACKAGING,
        replace(DECLARED, items=(Item(9, None, 300, 200, 100),), order=Order(3, None, StatedBy.MARKETPLACE)),
    ),
    "delivered-three-legs": Declaration("P", Dimension.DELIVERY, SENT),
    "delivered-metered": Declaration(
        "P", Dimension.DELIVERY, replace(SENT, destination=HANOI, attempts=1, chain=(DIESEL,), hubs=())
    ),
    "delivered-electric": Declaration("P", Dimension.DELIVERY, replace(SENT, chain=(FLOWN, ELECTRIC, METERED))),
    "delivered-shared": Declaration("P", Dimension.DELIVERY, replace(SENT, attempts=1, chain=(SHARED, PETROL))),
    "delivered-cooled": Declaration(
        "P",
        Dimension.DELIVERY,
        replace(SENT, chain=(replace(LEG, temperature_controlled=True), replace(PETROL, temperature_controlled=True))),
    ),
    "delivered-measured": Declaration(
        "P", Dimension.DELIVERY, carried(replace(SENT, hubs=(Hub(9_001, StatedBy.CARRIER),)))
    ),
    "delivered-to-the-country": Declaration("P", Dimension.DELIVERY, replace(SENT, destination=COMMUNE)),
    "delivered-nothing": Declaration("P", Dimension.DELIVERY, replace(SENT, chain=None, hubs=())),
    "delivered-nowhere": Declaration("P", Dimension.DELIVERY, replace(SENT, destination=NOWHERE)),
    "delivered-implausible": Declaration(
        "P",
        Dimension.DELIVERY,
        replace(
            SENT,
            chain=(
                replace(LEG, distance_m=100_003),
                replace(PETROL, round=Round(1, 300), energy=Energy(EnergyCarrier.DIESEL, 1, 1)),
            ),
        ),
    ),
    "returned": Declaration("P", Dimension.RETURN, replace(SENT, chain=(FIRST,))),
    "recovered": Declaration("P", Dimension.CIRCULARITY, RecoveredFacts(DAY, RecoveredKind.REUSABLE_ASSET, 400_003)),
}


@pytest.mark.parametrize("name", PARCELS)
def test_an_explanation_says_exactly_what_was_computed(name: str) -> None:
    explanation = explain(PARCELS[name], METHOD)
    legs = [
        f"leg: {leg.role}, {leg.vehicle}, {leg.distance_m} m, {leg.basis}"
        for leg in (step.leg for step in explanation.steps)
        if leg is not None
    ]
    text = "\n".join(
        [
            explanation_text(dataclasses.replace(explanation, factors=())),
            "",
            *legs,
            *explanation.assessed.factor_ids,
            "",
        ]
    )
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("GREENLANE_WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_there_is_no_text_that_nothing_expects() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {*PARCELS, "account"}


def test_factors_stand_between_the_steps_and_the_defaults() -> None:
    explanation = explain(PARCELS["delivered-three-legs"], METHOD)
    text = explanation_text(explanation)
    listed = "\n".join(factor_line(factor) for factor in explanation.factors)
    assert f"\n\nFactors\n{listed}\n\nNot declared\n" in text


def test_a_factor_names_value_unit_boundary_region_grade_source_place_formula_and_note() -> None:
    source = Source("s", "A Document", "P", 2025, "L", "A")
    bare = Factor("a.b", Decimal("1.5"), "kg/kg", "WTW", "VN", "P", source)
    assert factor_line(bare) == "  a.b = 1.5 kg/kg (WTW, VN, source quality: primary): A Document, 2025"
    full = dataclasses.replace(bare, where="Sheet!A1", formula="c * d", note="as printed")
    assert factor_line(full) == (
        "  a.b = 1.5 kg/kg (WTW, VN, source quality: primary): A Document, 2025, Sheet!A1; = c * d; as printed"
    )


def test_each_kind_of_parcel_is_explained_in_its_own_dimension() -> None:
    recovered = RecoveredFacts(DAY, RecoveredKind.USED_PACKAGING, 5)
    assert explain_packed(DECLARED, METHOD) == explain(PARCELS["packed-declared"], METHOD)
    assert explain_delivered(SENT, METHOD) == explain(PARCELS["delivered-three-legs"], METHOD)
    returned = explain_returned(replace(SENT, chain=(FIRST,)), METHOD)
    assert returned == explain(PARCELS["returned"], METHOD)
    assert explain_recovered(recovered, METHOD).dimension is Dimension.CIRCULARITY
    assert explain_recovered(recovered, METHOD).assessed.factor_ids == ()
