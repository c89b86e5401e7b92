"""Own factor files, policy files and place tables: what is accepted, and how a wrong file is told."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from greenlane.factors.files import MAX_FILE_BYTES, read_csv
from greenlane.factors.loading import TableError, load_method, load_policy
from greenlane.methodology.seller.eligibility import LevelRules, Policy
from greenlane.methodology.seller.score import PRIOR_PARCELS
from greenlane.methodology.vocabulary import BadgeLevel, Vehicle

GLEC = {"id": "glec", "document": "invented", "publisher": "p", "year": 2025, "licence": "licensed", "attribution": "a"}
OWN_ROW = {
    "id": "hgv.artic.all.wtw.tkm",
    "value": "0.081",
    "unit": "kgCO2e/tkm",
    "boundary": "WTW",
    "region": "VN",
    "grade": "P",
    "source": "glec",
}


def written(folder: Path, content: Any) -> Path:
    path = folder / "own.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return path


def own(**changes: Any) -> dict[str, Any]:
    return {"sources": [GLEC], "factors": [OWN_ROW | changes]}


def test_own_factors_lie_over_the_shipped_ones(tmp_path: Path) -> None:
    method = load_method(written(tmp_path, own()))
    lorry = method.vehicles[Vehicle.LORRY_ARTICULATED].tkm
    assert lorry is not None
    assert lorry.value == 8_100_000
    assert method.factors["hgv.artic.all.wtw.tkm"].source.licence == "licensed"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": "hgv.mine"}, "no shipped factor has this id. Use the id of the factor to replace"),
        ({"unit": "kgCO2e/km"}, "unit kgCO2e/km. Give the value in kgCO2e/tkm"),
        ({"grade": "M"}, "grade M"),
        ({"unit": "g/tkm"}, r"factors.0.unit"),
        ({"id": "fuel.petrol.blend.litre", "unit": "kgCO2e/l"}, "fuel.petrol.blend.wtw.litre: the formula gives"),
    ],
)
def test_an_own_factor_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(TableError, match=problem):
        load_method(written(tmp_path, own(**changes)))


def test_an_own_well_to_wheel_figure_below_its_tank_to_wheel_part_asks_for_both(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="replace both"):
        load_method(written(tmp_path, own(value="0.05")))
    ttw = OWN_ROW | {"id": "hgv.artic.all.tkm.avg_laden", "value": "0.04", "boundary": "TTW"}
    load_method(written(tmp_path, {"sources": [GLEC], "factors": [OWN_ROW | {"value": "0.05"}, ttw]}))


def test_the_reference_stays_the_published_one_under_own_factors(tmp_path: Path) -> None:
    row = {"id": "pk.pvc.primary", "unit": "kgCO2e/kg", "value": "3.0", "boundary": "cradle_to_gate"}
    method = load_method(written(tmp_path, own(**row)))
    assert method.packaging == load_method().packaging


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("factors: [", "is not YAML"),
        ("factors: 3", "factors"),
        ("", "file"),
        ("x" * (MAX_FILE_BYTES + 1), "larger than"),
        ("factors: []\nsources: []\nfactors: []", "line 3: has the key factors a second time. Keep one of the two"),
        ("factors: [{id: a, value: 1}, {id: b, value: 1, id: c}]", "has the key id a second time"),
        ("factors: &a []\nsources: *a", "line 2: has a YAML alias"),
        ("factors: [{value: 0123}]", "YAML reads 0123 as another number"),
        ("factors: [{value: 2026-13-45}]", "is not YAML"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(TableError, match=problem):
        load_method(written(tmp_path, content))


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read"):
        load_method(tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match="is not UTF-8"):
        load_method(tmp_path / "binary.yaml")


def test_a_policy_that_sets_a_bound_twice_is_refused(tmp_path: Path) -> None:
    text = (files("greenlane.factors") / "policies" / "v2.yaml").read_text()
    path = tmp_path / "policy.yaml"
    path.write_text(text.replace("window_days: 90", "window_days: 90\nwindow_days: 30"))
    with pytest.raises(TableError, match="a second time"):
        load_policy(path)


def test_the_shipped_policy_is_the_published_one() -> None:
    policy = load_policy()
    assert (policy.version, policy.window_days, policy.enter_days, policy.leave_days) == ("2.0.0", 90, 3, 14)
    assert policy.prior_parcels == PRIOR_PARCELS
    assert policy.levels == (
        LevelRules(BadgeLevel.BRONZE, 60, 50, 0, 50, 50, 14, 2, 50),
        LevelRules(BadgeLevel.SILVER, 65, 55, 60, 50, 50, 14, 2, 60, proven=True),
        LevelRules(BadgeLevel.GOLD, 75, 65, 80, 50, 50, 14, 2, 80, proven=True),
    )
    assert policy == Policy("2.0.0", policy.levels)


def test_the_policy_of_method_1_is_read_under_todays_names() -> None:
    policy = load_policy(files("greenlane.factors") / "policies" / "v1.yaml")  # type: ignore[arg-type]  # a path here
    assert (policy.version, policy.prior_parcels) == ("1.0.0", 30)
    assert policy.levels[1] == LevelRules(BadgeLevel.SILVER, 70, 60, 25, 50, 50, 14, 2)


def test_wards_are_of_town_country_or_island() -> None:
    columns = ("code", "lat", "lon", "province", "kind")
    kinds = Counter(line[4] for line in read_csv(PLACES / "vn_wards_2025.csv", columns))
    assert kinds == {"town": 687, "country": 2621, "island": 13}


@pytest.mark.parametrize(
    ("level", "changes"),
    [
        (1, {"green_min": 59}),
        (1, {"dimension_min": 49}),
        (2, {"primary_share_min_percent": 24}),
        (1, {"packed_min": 49}),
        (1, {"delivered_min": 49}),
        (1, {"active_days_min": 13}),
        (1, {"non_compliant_max_percent": 3}),
    ],
)
def test_a_level_laxer_than_the_one_below_is_refused(tmp_path: Path, level: int, changes: dict[str, Any]) -> None:
    shipped = Path(__file__).parents[3] / "services" / "greenlane" / "factors" / "policies" / "v1.yaml"
    policy = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    policy["levels"][level] |= changes
    with pytest.raises(TableError, match=r"asks less than|out of order"):
        load_policy(written(tmp_path, policy))


@pytest.mark.parametrize(
    ("level", "changes", "problem"),
    [
        (1, {"level": "bronze"}, "silver: has no rules"),
        (0, {"packed_min": 0, "delivered_min": 0, "active_days_min": 0}, "without any parcel would meet it"),
    ],
)
def test_a_policy_lacks_no_level_and_none_that_an_empty_account_meets(
    tmp_path: Path, level: int, changes: dict[str, Any], problem: str
) -> None:
    shipped = Path(__file__).parents[3] / "services" / "greenlane" / "factors" / "policies" / "v1.yaml"
    policy = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    policy["levels"][level] |= changes
    with pytest.raises(TableError, match=problem):
        load_policy(written(tmp_path, policy))


def test_a_table_with_another_header_or_a_short_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("code,lat\n1,2\n", encoding="utf-8")
    with pytest.raises(TableError, match="unexpected header"):
        read_csv(path, ("code", "lon"))
    path.write_text("code,lat\n1\n", encoding="utf-8")
    with pytest.raises(TableError, match="row 2: has 1 columns"):
        read_csv(path, ("code", "lat"))


def test_every_place_of_the_source_tables_is_there() -> None:
    places = load_method().places
    assert (len(places.vn_63), len(places.vn_34)) == (63, 34)
    assert (len(places.points["VN"]), len(places.points["BR"])) == (3_321, 5_571)


PLACES = Path(__file__).parents[3] / "services" / "greenlane" / "factors" / "data" / "places"


@pytest.mark.parametrize(
    ("file", "columns", "digest"),
    [
        (
            "vn_provinces_63.csv",
            ("code", "lat", "lon", "code_34"),
            "d64fef97420c2ce29f71679316430e0b9462a2556ef2bb7a1a6fcf3ee8750d95",
        ),
        (
            "vn_provinces_34.csv",
            ("code", "lat", "lon"),
            "66ecb66e981553926be6feb0243660bcd4175ba51cd61b93528953aa25d7eb7f",
        ),
        (
            "vn_wards_2025.csv",
            ("code", "lat", "lon", "province", "kind"),
            "8f8e74c115d3b7456d8581986acecb3146ad540c3abc5f6c035ec08abbe49c89",
        ),
    ],
)
def test_places_equal_their_sources_to_four_decimals(file: str, columns: tuple[str, ...], digest: str) -> None:
    """The digest is that of the source's own points, rounded half to even: vietnamadminunits 1.0.4, MIT."""
    points = {
        line[0]: [f"{Decimal(degrees):.4f}" for degrees in line[1:3]] for line in read_csv(PLACES / file, columns)
    }
    assert _digest(",".join([code, *point]) for code, point in points.items()) == digest


def test_the_63_provinces_are_mapped_to_the_34_as_their_source_says() -> None:
    """As above: the digest is that of the source's own table of old and new codes."""
    held = {line[0]: line[3] for line in read_csv(PLACES / "vn_provinces_63.csv", ("code", "lat", "lon", "code_34"))}
    mapped = _digest(f"{old},{new}" for old, new in held.items())
    assert mapped == "ee09b30acf841148dd19db48e994c701a8445ecf21fc8016a47e6eea7560dc1d"
    assert set(held.values()) == {line[0] for line in read_csv(PLACES / "vn_provinces_34.csv", ("code", "lat", "lon"))}


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in sorted(lines)).encode()).hexdigest()
