"""Simulated parcels hold real goods in packaging that fits them."""

import csv
from itertools import permutations
from math import prod
from pathlib import Path
from random import Random

import pytest
import yaml

from greenlane.contracts.events import OuterPackaging, PackedEvent
from greenlane.methodology.vocabulary import OuterKind
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.simulator.goods import DATA, pick_goods, real_goods
from greenlane.publishing.simulator.habits import HABITS
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate
from greenlane.publishing.simulator.packing import WALLS_MM, box_for, boxes

OLIST = Path(__file__).parents[4] / "shared" / "data" / "olist" / "olist_products_dataset.csv"


def packed() -> list[PackedEvent]:
    plan = SimulationPlan(sellers=len(HABITS), days=15, malformed=0)
    payloads = [item.payload for item in simulate(plan) if not isinstance(item.payload, RawRecord)]
    return [payload for payload in payloads if isinstance(payload, PackedEvent)]


def test_there_are_two_thousand_products_with_a_source_and_a_licence() -> None:
    products, counts = real_goods()
    said = yaml.safe_load((DATA / "sources.yaml").read_text(encoding="utf-8"))["tables"]

    assert counts[-1] == 2_000
    assert len(products) == len(set(products)) > 1_500
    assert {row["file"] for row in said} == {path.name for path in DATA.iterdir() if path.name.endswith(".csv")}
    assert all(row["source"] and row["licence"] for row in said)
    assert "Copyright (c) 2019 @olist" in (DATA / "LICENSES.txt").read_text(encoding="utf-8")


def test_every_product_can_be_and_fits_a_box_on_sale() -> None:
    for mass, *sides in real_goods()[0]:
        assert 0.0125 <= mass * 1_000 / prod(sides) <= 1.25
        assert sides == sorted(sides, reverse=True)
        assert box_for((sides[0], sides[1], sides[2]), 0, cut=False) in boxes()


@pytest.mark.skipif(not OLIST.exists(), reason=f"{OLIST} is absent: the products are not compared with their source")
def test_every_product_stands_in_its_source() -> None:
    names = ("product_weight_g", "product_length_cm", "product_width_cm", "product_height_cm")
    with OLIST.open(encoding="utf-8", newline="") as file:
        rows = [[row[name] for name in names] for row in csv.DictReader(file)]
    there = {
        (float(mass), *sorted((round(float(side)) * 10 for side in sides), reverse=True))
        for mass, *sides in rows
        if mass and all(sides)
    }

    assert set(real_goods()[0]) <= there


def test_every_declared_packaging_holds_its_goods() -> None:
    seen = set()
    for event in packed():
        outer, items = event.data.outer, event.data.items or ()
        if outer is None:
            continue
        (item,) = items
        height = (item.height_mm or 0) * item.quantity
        seen.add(outer.kind)
        if outer.kind is OuterKind.BOX:
            block = [side + WALLS_MM for side in (item.length_mm or 0, item.width_mm or 0, height)]
            room = sides_of(outer)
            assert any(all(a <= b for a, b in zip(turned, room, strict=True)) for turned in permutations(block))
        else:
            assert (outer.length_mm or 0) > (item.length_mm or 0) + height
            assert (outer.width_mm or 0) > (item.width_mm or 0) + height

    assert seen == {OuterKind.BOX, OuterKind.FLEXIBLE_MAILER}


def sides_of(outer: OuterPackaging) -> tuple[int, int, int]:
    return outer.length_mm or 0, outer.width_mm or 0, outer.height_mm or 0


def test_a_box_is_the_smallest_that_fits_a_larger_one_or_cut_to_the_goods() -> None:
    goods = (190, 140, 100)

    smallest = box_for(goods, 0, cut=False)
    assert smallest == (230, 130, 160)
    assert box_for(goods, 2, cut=False) == boxes()[boxes().index(smallest) + 2]
    assert prod(box_for(goods, 0, cut=True)) < prod(smallest)
    assert any(box_for(goods, 0, cut=True)[2] == side + WALLS_MM for side in goods)


def test_goods_that_fit_no_box_get_one_made_to_measure() -> None:
    assert box_for((900, 100, 50), 0, cut=False) == (908, 108, 58)


def test_goods_are_picked_as_often_as_there_are_products_of_them() -> None:
    rng = Random(1)  # noqa: S311 - repeatable on purpose
    picked = {(goods.length, goods.width) for goods in (pick_goods(rng) for _ in range(2_000))}

    assert len(picked) > 300
