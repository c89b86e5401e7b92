"""The method document: complete, computed, and enough to recompute a seller's score by hand."""

import math
import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from greenlane.factors.loading import load_method
from greenlane.methodology.vocabulary import DefaultUsed, ImplausibleFact, Material, Vehicle
from greenlane.reports.method_document.rendering import method_files

METHOD = load_method()
FILES = method_files(METHOD)
DOCUMENT = FILES["methodology/method-2.0.0.md"]
STEP = re.compile(r"^  (?P<label>[^:]+(?:: \w+)?): (?P<formula>.+) = (?P<value>\d+) mg", re.MULTILINE)
SCALE = {"kg/tkm": 1e-6, "kg/km": 1e3, "g/Wh": 1e3, "kg/kg": 1.0}
BY_HAND = DOCUMENT[DOCUMENT.index("Step by step") : DOCUMENT.index("### Known answers")]
SUMS = DOCUMENT[DOCUMENT.index("\nSums\n") : DOCUMENT.index("From sums to score\n")]


def test_every_factor_stands_with_value_unit_grade_source_and_cell_or_formula() -> None:
    for factor in METHOD.factors.values():
        line = next(line for line in DOCUMENT.splitlines() if line.startswith(f"| {factor.id} | {factor.value} |"))
        assert f"| {factor.unit} | {factor.boundary} | {factor.region} | {factor.grade} |" in line
        assert factor.source.id in line
        assert factor.formula in line
        assert factor.where.replace("|", "/") in line
        assert line.rsplit("|", 2)[1].strip(), f"{factor.id} says neither where nor how"


def test_every_source_stands_with_its_licence_and_attribution() -> None:
    for source in {factor.source.id: factor.source for factor in METHOD.factors.values()}.values():
        assert f"| {source.year} | {source.licence} | {source.attribution} |" in DOCUMENT


@pytest.mark.parametrize("word", [*Material, *Vehicle, *DefaultUsed, *ImplausibleFact])
def test_every_word_of_the_vocabulary_has_its_line(word: str) -> None:
    assert f"\n| {word} | " in DOCUMENT


def test_the_document_leaves_no_placeholder_and_names_the_version() -> None:
    assert "$" not in DOCUMENT
    assert DOCUMENT.startswith("# Greenlane scoring method 2.0.0\n")
    assert "- **2.0.0**" in DOCUMENT


def test_the_known_answers_are_those_of_the_specification() -> None:
    told = DOCUMENT[DOCUMENT.index("### Known answers") : DOCUMENT.index("## 6. Tables")]
    assert re.findall(r"\| ([\d.]+) \|$", told, re.MULTILINE) == ["334.780", "46.880", "13.960", "55.472", "1547.287"]


def test_the_documents_example_of_an_own_factors_file_is_accepted_and_used(tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert block is not None
    path = tmp_path / "own.yaml"
    path.write_text(block[1], encoding="utf-8")
    method = load_method(path)
    lorry = method.vehicles[Vehicle.LORRY_ARTICULATED].tkm
    assert lorry is not None
    assert lorry.value == 8_123_000
    assert method.factors["hgv.artic.all.wtw.tkm"].source.licence == "licensed-to-us"
    assert {row["id"] for row in yaml.safe_load(block[1])["factors"]} <= set(METHOD.factors)


def _steps() -> list[tuple[str, str, int]]:
    text = DOCUMENT[DOCUMENT.index("## 5. Worked example") : DOCUMENT.index("### The seller by hand")]
    return [(found["label"], found["formula"], int(found["value"])) for found in STEP.finditer(text)]


def _computed(formula: str) -> float | None:
    """What a reader's calculator gives for a formula with units, in mg; None where it is words."""
    scale = next((SCALE[unit] for unit in SCALE if unit in formula), None)
    if scale is None:
        return None
    plain = formula.replace("(", "").replace(", rounded)", "").partition(",")[0].replace(" x ", " * ")
    bare = re.sub(r"[a-zA-Z]+(/[a-zA-Z]+)?", "", plain)
    assert re.fullmatch(r"[\d.*/ ]+", bare), formula
    result = 1.0
    operator = "*"
    for token in bare.split():
        if token in {"*", "/"}:
            operator = token
        else:
            result = result * float(token) if operator == "*" else result / float(token)
    return result * scale


def test_every_formula_of_the_worked_example_gives_its_figure_on_a_calculator() -> None:
    checked = 0
    for label, formula, value in _steps():
        computed = _computed(formula)
        if computed is not None:
            assert computed == pytest.approx(value, abs=0.51), label
            checked += 1
    assert checked == 8


def test_the_steps_of_the_parcels_add_up_to_the_sellers_sums() -> None:
    steps = _steps()
    sums = {name: int(value) for name, value in re.findall(r"(\w+_mg) (\d+)", SUMS)}

    def total(*labels: str) -> int:
        return sum(value for label, _, value in steps if label.startswith(labels))

    assert sums["packaging_co2e_mg"] == total("outer", "closure", "filler", "undeclared packaging")
    assert sums["plastic_mass_mg"] == total("plastic", "undeclared plastic")
    assert sums["packaging_mass_mg"] == total("packaging mass", "undeclared mass")
    assert sums["circular_mass_mg"] == total("circular")
    carried = total("first_mile", "line_haul", "last_mile", "hubs", "hubs, undeclared")
    assert sums["delivery_co2e_mg"] + sums["return_co2e_mg"] == carried


def test_the_sellers_score_is_found_again_by_hand_from_its_sums() -> None:
    def line(name: str) -> dict[str, int]:
        found = re.search(rf"^  {name}: (.*)$", SUMS, re.MULTILINE)
        assert found is not None
        return {name: int(value) for name, value in re.findall(r"(\w+) (\d+)", found[1])}

    packed, sent, back = line("packaging"), line("delivery"), line("return")

    def points(ratio: int) -> float:
        return min(100.0, max(0.0, 50 - 25 * math.log2((ratio / 1_000_000 + 40) / 42)))

    packaging = (
        0.40 * points(packed["co2e_ratio"])
        + 0.30 * points(packed["plastic_ratio"])
        + 0.15 * packed["empty_space_milli"] / 1000 / 42
        + 0.15 * packed["circular_milli"] / 1000 / 42
    )
    delivery = points(sent["ratio"] + back["ratio"])
    green = round((packaging + delivery) / 2, 1)
    assert f"hence **{green}**, grade D" in BY_HAND
    assert f"= {packaging:.4f}\n" in BY_HAND
    assert f"= {delivery:.4f}\n" in BY_HAND


def test_points_and_policy_stand_beside_the_document() -> None:
    names = {"vn_provinces_63", "vn_provinces_34", "vn_wards_2025", "br_municipalities"}
    for name in names:
        shipped = files("greenlane.factors") / "data" / "places" / f"{name}.csv"
        assert FILES[f"methodology/places/{name}.csv"] == shipped.read_text(encoding="utf-8")
    assert FILES["methodology/policy-2.0.0.yaml"].startswith("# Badge policy 2.0.0.")


def test_the_worked_example_is_the_published_one() -> None:
    assert FILES["methodology/worked-example.jsonl"] == (
        files("greenlane.reports.method_document") / "worked-example.jsonl"
    ).read_text(encoding="utf-8")
