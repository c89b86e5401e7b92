"""Events by named arguments: each type is as its document would be, and what is wrong is refused by field."""

from datetime import UTC, datetime
from typing import Any

import pytest

from greenlane.contracts.dead_letters import Refusal
from greenlane.contracts.events import PackagingComponent
from greenlane.methodology.vocabulary import ComponentRole, Material
from greenlane.publishing import About, cancelled, delivered, packed, recovered, returned

ABOUT = About("demo-vn", "seller-1", "order-1.x", "2026-07-01T09:30:00+07:00")
ENDS: dict[str, Any] = {
    "mass_g": 500.0,
    "origin": {"country": "VN", "code": "79"},
    "destination": {"country": "VN", "code": "01"},
    "attempts": 1,
}


def test_each_of_the_five_types_is_built() -> None:
    board = PackagingComponent(role=ComponentRole.OUTER, material=Material.CORRUGATED_BOARD, mass_g=87.0)
    film = {"role": "cushioning", "material": "plastic_film", "mass_g": 3}
    events = [
        packed(ABOUT, parcel_id="p1", country="VN", components=[board, film]),
        delivered(ABOUT, parcel_id="p1", **ENDS),
        returned(ABOUT, parcel_id="p1", **ENDS, revision=1, correction_reason="measurement"),
        recovered(ABOUT, parcel_id="p1", kind="reusable_asset", mass_g=900.0, asset_id="box-1"),
        cancelled(ABOUT._replace(time=datetime(2026, 7, 1, tzinfo=UTC)), parcel_id="p1"),
    ]
    assert [event.type.split(".")[2] for event in events] == [
        "packed",
        "delivered",
        "returned",
        "recovered",
        "cancelled",
    ]
    assert {event.source for event in events} == {"/marketplaces/demo-vn"}
    first: Any = events[0].data
    assert [part.mass_g for part in first.components] == [87.0, 3.0]


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"country": "Vietnam"}, "data.country"),
        ({"components": [{"role": "outer", "mass_g": -1}]}, "data.components.0.mass_g"),
        ({"components": [{"role": "outer", "mass_g": float("nan")}]}, "data.components.0.mass_g"),
        ({"components": [{"role": "outer", "weight": 1}]}, "data.components.0.weight"),
        ({"outer": object()}, "data"),
        ({"about": ABOUT._replace(time=datetime(2026, 7, 1))}, "time"),  # noqa: DTZ001 - a naive time is refused
        ({"about": ABOUT._replace(seller_id="")}, "subject"),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(changed: dict[str, Any], path: str) -> None:
    arguments: dict[str, Any] = {"about": ABOUT, "parcel_id": "p1", "country": "VN"} | changed
    with pytest.raises(Refusal) as refused:
        packed(arguments.pop("about"), **arguments)
    assert path in {problem.path for problem in refused.value.problems}
