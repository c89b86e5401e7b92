"""Warnings about what is improbable: mistaken units, unknown places, events that contradict one another."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from greenlane.contracts.dead_letters import Refusal
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.factors.loading import load_method
from greenlane.methodology.tables import Method
from greenlane.publishing.files import file_checks
from greenlane.publishing.files.checking import Checking
from greenlane.publishing.files.place_names import nearest, place_names
from greenlane.publishing.files.plausibility import Doubt, DoubtCode, doubts, refuse_impossible
from greenlane.publishing.files.reading import read_file
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate

NOW = datetime(2026, 11, 1, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"


@cache
def method() -> Method:
    return load_method()


def event(kind: str, data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": f"greenlane.parcel.{kind}.v1",
        "source": "/marketplaces/demo-vn",
        "id": "e1",
        "time": "2026-07-01T09:30:00+07:00",
        "subject": "seller-1",
        "data": {"parcel_id": "p1"} | data,
    } | changes


def packed(
    mass: float | None = 450.0, sides: tuple[int, int, int] = (200, 150, 100), board: float = 87.0, **outer: Any
) -> dict[str, Any]:
    item: dict[str, Any] = dict(zip(("length_mm", "width_mm", "height_mm"), sides, strict=True))
    if mass is not None:
        item["mass_g"] = mass
    box = {"kind": "box", "length_mm": 300, "width_mm": 200, "height_mm": 120} | outer
    component = {"role": "outer", "material": "corrugated_board", "mass_g": board}
    return event("packed", {"country": "VN", "items": [item], "outer": box, "components": [component]})


def delivered(mass: float = 600.0, origin: str = "01", destination: str = "79", country: str = "VN") -> dict[str, Any]:
    ends = {"origin": {"country": "VN", "code": origin}, "destination": {"country": country, "code": destination}}
    return event("delivered", {"mass_g": mass, "attempts": 1, **ends})


def doubted(document: dict[str, Any]) -> list[Doubt]:
    return doubts(read_document(json.dumps(document).encode(), NOW), method())


def check(*documents: dict[str, Any], strict: bool = False) -> tuple[Checking, list[tuple[int | None, Doubt]]]:
    checking = Checking(method(), strict)
    found: list[tuple[int | None, Doubt]] = []
    for item in read_file(io.BytesIO("\n".join(map(json.dumps, documents)).encode()), NOW):
        found += [(item.line, doubt) for doubt in checking.look(item)[1]]
    found += [(None, doubt) for doubt in checking.of_file()]
    return checking, found


def test_ordinary_events_and_every_published_example_raise_no_doubt() -> None:
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(EXAMPLES.glob("greenlane.pa*/*.json"))]

    assert len(documents) > 10
    for document in (*documents, packed(), delivered(), packed(board=400.0)):
        assert doubted(document) == []


@pytest.mark.parametrize(
    ("document", "code", "path", "said", "impossible"),
    [
        (packed(400, (12, 8, 3)), "density", "data.items.0", "centimetres", True),
        (packed(0.45), "density", "data.items.0", "kilograms", True),
        (packed(450_000), "density", "data.items.0", "150 kg per litre", True),
        (packed(15), "density", "data.items.0", "usual are 0.0125 to 1.25", False),
        (packed(board=0.087), "packaging_mass", "data.components.0.mass_g", "kilograms", True),
        (packed(board=0.4), "packaging_mass", "data.components.0.mass_g", "kilograms", True),
        (packed(board=0.001), "packaging_mass", "data.components.0.mass_g", "250 to 5,000", True),
        (packed(board=30), "packaging_mass", "data.components.0.mass_g", "250 to 5,000", False),
        (packed(board=87_000), "packaging_mass", "data.components.0.mass_g", "milligrams", True),
        (
            packed(length_mm=30, width_mm=20, height_mm=12),
            "counted_as_undeclared",
            "data",
            "larger than the outer packaging",
            False,
        ),
        (packed(length_mm=30, width_mm=20, height_mm=12), "side", "data.outer", "centimetres", False),
        (delivered(0.6), "mass", "data.mass_g", "kilograms", True),
        (delivered(12), "mass", "data.mass_g", "usual are 20 g to 70 kg", False),
        (delivered(600_000), "mass", "data.mass_g", "milligrams", False),
        (delivered(origin="HN"), "unknown_place", "data.origin.code", "nearest: 01 Hà Nội", True),
        (delivered(destination="VN-SG"), "unknown_place", "data.destination.code", "79 Hồ Chí Minh", True),
        (delivered(destination="1"), "unknown_place", "data.destination.code", "nearest: 01 Hà Nội", True),
        (delivered(destination="00"), "unknown_place", "data.destination.code", "nearest: 01 Hà Nội", True),
        (delivered(country="TH", destination="10"), "unknown_place", "data.destination.code", "no similar place", True),
    ],
)
def test_what_is_improbable_is_named_with_what_may_have_been_meant(
    document: dict[str, Any], code: str, path: str, said: str, impossible: bool
) -> None:
    found = [doubt for doubt in doubted(document) if (doubt.code, doubt.path) == (code, path)]

    assert len(found) == 1, doubted(document)
    assert said in found[0].message
    assert found[0].refused_when_strict is impossible
    checked = read_document(json.dumps(document).encode(), NOW)
    if impossible:
        with pytest.raises(Refusal, match=r"kg per litre|weighs|improbable|no table"):
            refuse_impossible(checked, method())


@pytest.mark.parametrize("grams", [1e-300, 0.0004])
def test_a_mass_that_counts_as_nothing_is_refused_wherever_it_stands(grams: float) -> None:
    parts = [{"role": "closure", "material": "pp_tape", "mass_g": grams}]
    taped = event("packed", {"country": "VN", "components": parts})
    recovered = event("packed", {"kind": "used_packaging", "mass_g": grams})
    recovered["type"] = "greenlane.packaging.recovered.v1"

    for document in (taped, recovered, delivered(grams), packed(grams)):
        with pytest.raises(Refusal, match=r"must be at least 0\.001"):
            read_document(json.dumps(document).encode(), NOW)


@pytest.mark.parametrize(
    ("country", "code", "first"),
    [
        ("VN", "HCM", "79 Hồ Chí Minh"),
        ("VN", "TPHCM", "79 Hồ Chí Minh"),
        ("VN", "HANOI", "01 Hà Nội"),
        ("VN", "HA-NOI", "01 Hà Nội"),
        ("VN", "DA-NANG", "48 Đà Nẵng"),
        ("VN", "VN-CT", "92 Cần Thơ"),
        ("VN", "00005", "00004 Ba Đình"),
        ("VN", "0004", "00004 Ba Đình"),
        ("BR", "SAOPAULO", "3550308 São Paulo"),
        ("BR", "355030", "3550308 São Paulo"),
    ],
)
def test_the_place_that_was_meant_is_the_first(country: str, code: str, first: str) -> None:
    assert nearest(country, code)[0] == first


@pytest.mark.parametrize("country", ["VN", "BR"])
def test_every_place_of_the_tables_has_a_name_and_every_name_a_place(country: str) -> None:
    places = method().places
    codes = set(places.points[country]) | (set(places.vn_63) | set(places.vn_34) if country == "VN" else set())

    assert {name.code for name in place_names(country)} == codes


def test_units_mistaken_in_a_whole_file_are_told_by_its_medians() -> None:
    wrong = [packed(0.45, (20, 15, 10)) | {"id": f"e{number}"} for number in range(30)]
    for number, document in enumerate(wrong):
        document["data"] = document["data"] | {"parcel_id": f"p{number}"}

    _, found = check(*wrong)

    of_file = [doubt.message for line, doubt in found if line is None]
    assert any("median mass of a product is 0.45 g over 30 values" in text and "kilograms" in text for text in of_file)
    assert any("median longest side of a product is 20 mm" in text and "centimetres" in text for text in of_file)


def test_a_usual_file_has_no_doubt_as_a_whole_and_few_values_say_nothing() -> None:
    many = [packed() | {"id": f"e{number}"} for number in range(30)]
    for number, document in enumerate(many):
        document["data"] = document["data"] | {"parcel_id": f"p{number}"}

    assert check(*many)[1] == []
    assert [doubt for line, doubt in check(*(packed(0.45) for _ in range(5)))[1] if line is None] == []


def test_the_simulator_s_marketplace_raises_hardly_a_doubt_and_nothing_impossible() -> None:
    payloads = [item.payload for item in islice(simulate(SimulationPlan(sellers=20, days=10)), 2_000)]
    events = [payload for payload in payloads if not isinstance(payload, RawRecord)]
    found = [doubt for payload in events for doubt in doubts(payload, method())]

    assert [doubt for doubt in found if doubt.refused_when_strict] == []
    assert len(found) < len(events) / 50, {doubt.code for doubt in found}


def variants() -> Iterator[tuple[dict[str, Any], dict[str, Any], DoubtCode | None]]:
    first = packed()
    yield first, first, None
    yield first, packed(500), DoubtCode.SAME_ID
    yield first, packed(500) | {"id": "e2"}, DoubtCode.SAME_VERSION
    yield first, packed() | {"id": "e2"}, None
    yield first, packed() | {"id": "e2", "time": "2026-07-01T02:30:00Z"}, None
    yield first, packed() | {"id": "e2", "time": "2026-07-02T02:30:00Z"}, DoubtCode.SAME_VERSION
    yield first, packed() | {"id": "e2", "subject": "seller-2"}, DoubtCode.SAME_VERSION
    yield first, packed(500) | {"id": "e2", "source": "/marketplaces/other"}, None
    yield first, delivered() | {"id": "e2"}, None
    correction = packed(500) | {"id": "e2"}
    correction["data"] = correction["data"] | {"revision": 1, "correction_reason": "data_entry"}
    yield first, correction, None


@pytest.mark.parametrize(("first", "second", "code"), list(variants()))
def test_events_of_a_file_that_contradict_one_another_are_named(
    first: dict[str, Any], second: dict[str, Any], code: DoubtCode | None
) -> None:
    checking, found = check(first, second)

    assert [(line, doubt.code) for line, doubt in found] == ([] if code is None else [(2, code)])
    assert all("line 1" in doubt.message for _, doubt in found)
    assert (checking.accepted, checking.refused) == (2, 0)


def test_what_is_remembered_of_a_file_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_checks, "MOST_REMEMBERED", 1)

    _, found = check(packed(), delivered() | {"id": "e2"}, packed(500) | {"id": "e3"}, delivered(700) | {"id": "e2"})

    assert [(line, doubt.code) for line, doubt in found] == [(3, DoubtCode.SAME_VERSION)]


def test_strict_refuses_the_impossible_and_counts_it_once() -> None:
    checking, found = check(
        delivered(destination="HN"), packed(0.45) | {"id": "e2"}, packed(15) | {"id": "e3"}, strict=True
    )

    assert (checking.accepted, checking.refused, checking.warnings) == (1, 2, 1)
    assert [line for line, _ in found] == [3]
