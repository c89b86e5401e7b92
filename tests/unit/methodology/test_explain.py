"""An explanation shows every step, factor, default and reason, and its lines add up to the contribution."""

import dataclasses
from datetime import date

import pytest
from msgspec.structs import replace
from tests.unit.methodology.honest import measured

from greenlane.factors.loading import load_method
from greenlane.methodology.explaining.explain import (
    DEFAULT_MEANING,
    IMPLAUSIBLE_MEANING,
    explain_delivered,
    explain_packed,
    explain_recovered,
    explain_returned,
    explanation_text,
)
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    Hub,
    Item,
    Outer,
    PackedFacts,
    Place,
    RecoveredFacts,
    Round,
)
from greenlane.methodology.sums import CircularitySums, DeliverySums, PackagingSums
from greenlane.methodology.vocabulary import (
    ChainRole,
    ComponentRole,
    DataCategory,
    DefaultUsed,
    EnergyCarrier,
    ImplausibleFact,
    Material,
    OuterKind,
    RecoveredKind,
    Vehicle,
)

METHOD = load_method()
DAY = date(2026, 3, 1)
AVERAGE = PackedFacts(
    DAY,
    "VN",
    (Item(1, None, 200, 150, 100),),
    Outer(OuterKind.BOX, 300, 200, 100),
    (
        Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, 87_000),
        Component(ComponentRole.CUSHIONING, Material.PLASTIC_FILM, 79_000),
    ),
)
LAST_MILE = ChainElement(
    ChainRole.LAST_MILE, Vehicle.MOTORBIKE_PETROL, None, None, Energy(EnergyCarrier.DIESEL, 9, 1), Round(60_000, 100)
)
SENT = DeliveredFacts(DAY, 500_000, Place("VN", "01"), Place("VN", "79"), 2, (LAST_MILE,), (Hub(None), Hub(7)))


def test_the_steps_of_a_packed_parcel_add_up_to_its_contribution() -> None:
    explanation = explain_packed(AVERAGE, METHOD)
    sums = explanation.assessed.sums
    assert isinstance(sums, PackagingSums)
    parts = [step.value for step in explanation.steps if step.category is DataCategory.DECLARED]
    assert parts == [104_376, 230_404]
    assert sum(parts) == sums.packaging_co2e_mg
    assert explanation.score == 17.5


def test_the_steps_of_a_delivered_parcel_add_up_to_its_contribution() -> None:
    explanation = explain_delivered(SENT, METHOD)
    sums = explanation.assessed.sums
    assert isinstance(sums, DeliverySums)
    assert sum(step.value for step in explanation.steps if step.category is not None) == sums.delivery_co2e_mg
    values = {step.label: step.value for step in explanation.steps}
    parts = [step for step in explanation.steps if step.reference]
    assert [step.label for step in parts] == [
        "first mile counts", "last mile counts", "hub handling counts", "line-haul counts",
    ]  # fmt: skip
    assert sum(step.value for step in parts) == values["what counts"]
    assert sum(step.reference for step in parts) == values["reference"]
    assert values["ratio"] == sums.ratio


def test_the_text_begins_with_the_score_what_lowered_it_most_and_what_to_do() -> None:
    head, lowered, to_do, *_ = explanation_text(explain_delivered(SENT, METHOD)).splitlines()
    assert head.startswith("delivery, method 2.0.0, default data, score 25.0")
    assert lowered == "Lowered most by the line-haul, which counts 8.00 times its reference."
    assert to_do == f"To do: correct energy. {IMPLAUSIBLE_MEANING[ImplausibleFact.ENERGY]}"
    _, lowered, to_do, *_ = explanation_text(explain_packed(AVERAGE, METHOD)).splitlines()
    assert lowered == "Lowered most by the CO2e of the packaging: 30.0 points."
    assert to_do == f"To do: {DEFAULT_MEANING[DefaultUsed.PRODUCT_VOLUME_UNDECLARED]}"
    _, _, to_do, *_ = explanation_text(explain_packed(measured(AVERAGE), METHOD)).splitlines()
    assert to_do.startswith("To do: nothing is missing.")


@pytest.mark.parametrize(
    ("sums", "lowered"),
    [
        ({"plastic_ratio": 624_165}, "the CO2e of the packaging"),
        ({"plastic_ratio": 632_000}, "plastic"),
        ({"empty_space_milli": 34_000}, "the CO2e of the packaging"),
        ({"empty_space_milli": 33_000}, "empty space"),
        ({"circular_milli": 34_000}, "the CO2e of the packaging"),
        ({"circular_milli": 33_000}, "packaging that is neither recycled nor reused"),
    ],
)
def test_what_lowered_a_parcel_most_is_the_part_that_costs_the_most_points(sums: dict[str, int], lowered: str) -> None:
    best = PackagingSums(1, co2e_ratio=500_000, empty_space_milli=100_000, circular_milli=100_000)
    explanation = explain_packed(AVERAGE, METHOD)
    assessed = replace(explanation.assessed, sums=best._replace(**sums))
    text = explanation_text(dataclasses.replace(explanation, assessed=assessed))
    assert text.splitlines()[1] == f"Lowered most by {lowered}: 10.0 points."


def test_the_text_names_every_factor_with_source_and_every_default_with_its_remedy() -> None:
    explanation = explain_delivered(SENT, METHOD)
    text = explanation_text(explanation)
    assert "method 2.0.0, default data, score" in text
    for factor in explanation.factors:
        assert f"{factor.id} = {factor.value} {factor.unit}" in text
        assert factor.source.document in text
    for code in explanation.assessed.defaults:
        assert f"{code}: {DEFAULT_MEANING[DefaultUsed(code)]}" in text
    assert f"energy: {IMPLAUSIBLE_MEANING[ImplausibleFact.ENERGY]}" in text
    assert f"{DefaultUsed.LINE_HAUL_UNDECLARED}: " in text


def test_the_text_of_a_packed_parcel_shows_the_parts_of_its_score() -> None:
    text = explanation_text(explain_packed(measured(AVERAGE), METHOD))
    assert "CO2e 1.000000 of the reference, at most 2: 50.00 points x 0.40" in text
    assert "empty space: 20.00 points x 0.15" in text
    assert "Not declared" not in text
    assert "undeclared packaging" in explanation_text(explain_packed(PackedFacts(DAY, "VN"), METHOD))


def test_a_forbidden_bag_is_explained_by_its_law() -> None:
    bag = (Component(ComponentRole.OUTER, Material.LDPE_FILM, 9_000, 30),)
    text = explanation_text(explain_packed(PackedFacts(DAY, "VN", components=bag), METHOD))
    assert "Decree 08/2022/ND-CP Art. 64" in text
    assert "thin bag or unknown packaging: counts as undeclared" in text


def test_a_return_and_a_recovery_have_steps_but_no_score() -> None:
    returned = explain_returned(SENT, METHOD)
    assert returned.score is None
    assert "score" not in explanation_text(returned)
    recovered = explain_recovered(RecoveredFacts(DAY, RecoveredKind.REUSABLE_ASSET, 400_000), METHOD)
    assert recovered.assessed.sums == CircularitySums(1, 1, 400_000)
    assert [step.value for step in recovered.steps] == [400_000]
    used = explain_recovered(RecoveredFacts(DAY, RecoveredKind.USED_PACKAGING, 80_000), METHOD)
    assert used.assessed.sums == CircularitySums(1, 0, 80_000)


def test_every_code_has_a_meaning() -> None:
    assert set(DEFAULT_MEANING) == set(DefaultUsed)
    assert set(IMPLAUSIBLE_MEANING) == set(ImplausibleFact)
