"""The events that `make bench-method` times: packed and delivered parcels of v1, and the same with facts of 2.0."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from greenlane.contracts.events import DELIVERED, PACKED

MARKETPLACE = "demo-vn"
SELLERS = 200
_START = datetime(2026, 7, 1, tzinfo=UTC)
_CERTIFICATE = {"certificate_id": "FSC-C000000", "valid_until": "2027-01-01"}
Body = dict[str, Any]
Record = dict[str, Any]
"""A record as a child process is told of it: its owner, key, value and headers, as texts."""


def packed_mix() -> list[Body]:
    """A box of four parts, a mailer, a reused box, and one of which nothing is declared, as 5 : 3 : 1 : 1."""
    items = [
        {"quantity": 1, "mass_g": 500.0, "length_mm": 200, "width_mm": 150, "height_mm": 100},
        {"quantity": 2, "mass_g": 80.0, "length_mm": 60, "width_mm": 40, "height_mm": 30},
    ]
    label = {"role": "label", "material": "paper_label", "mass_g": 2.0}
    board = {"role": "outer", "material": "corrugated_board", "mass_g": 87.0, "recycled_content_percent": 70.0}
    box = {
        "country": "VN",
        "items": items,
        "outer": {"kind": "box", "length_mm": 300, "width_mm": 200, "height_mm": 100},
        "components": [
            board | {"certificate": _CERTIFICATE},
            {"role": "cushioning", "material": "bubble_wrap", "mass_g": 12.0},
            {"role": "closure", "material": "pp_tape", "mass_g": 3.0},
            label,
        ],
    }
    film = {"role": "outer", "material": "ldpe_film", "mass_g": 14.0, "film_thickness_um": 60}
    mailer = box | {
        "outer": {"kind": "flexible_mailer", "length_mm": 400, "width_mm": 300},
        "components": [film, label],
    }
    asset = {"asset_id": "box", "verified_trips": 40}
    plastic = {"role": "outer", "material": "pp", "mass_g": 300.0, "reusable_asset": asset}
    return [box] * 5 + [mailer] * 3 + [box | {"components": [plastic]}] + [{"country": "VN"}]


def delivered_mix() -> list[Body]:
    """Chains of three legs, a last mile with measured energy, and nothing declared, as 5 : 4 : 1."""
    hanoi, saigon, da_nang = ({"country": "VN", "code": code} for code in ("01", "79", "48"))
    trip = {"distance_km": 60.0, "parcels": 100}
    chain = [
        {"role": "first_mile", "vehicle": "motorbike_petrol", "density": "usual"},
        {"role": "line_haul", "vehicle": "lorry_articulated", "distance_km": 1_700.0, "distance_basis": "actual"},
        {"role": "last_mile", "vehicle": "motorbike_petrol", "round": trip},
    ]
    energy = {"carrier": "electricity", "kwh": 1.8, "parcels": 100}
    metered = {"role": "last_mile", "vehicle": "motorbike_electric", "energy": energy, "round": trip}
    silent = {"mass_g": 800.0, "origin": hanoi, "destination": saigon, "attempts": 1}
    far = silent | {"transport_chain": chain, "hubs": [{"co2e_g": 20.0}, {}]}
    near = silent | {"destination": hanoi, "transport_chain": [metered]}
    return [far] * 3 + [far | {"destination": da_nang, "attempts": 2}] * 2 + [near] * 4 + [silent]


def with_facts_of_2_0(body: Body) -> Body:
    """The same, stated by others: the marketplace measured the goods, a carrier the transport."""
    stated = {
        "items": [part | {"stated_by": "marketplace"} for part in body.get("items", ())],
        "components": [_certified(part) | {"stated_by": "verifier"} for part in body.get("components", ())],
        "transport_chain": [part | {"stated_by": "carrier"} for part in body.get("transport_chain", ())],
        "hubs": [part | {"stated_by": "carrier"} for part in body.get("hubs", ())],
    }
    one = {
        name: body[name] | {"stated_by": "marketplace"} for name in ("outer", "origin", "destination") if name in body
    }
    return body | one | {name: parts for name, parts in stated.items() if name in body}


def _certified(part: Body) -> Body:
    if "certificate" not in part:
        return part
    return part | {"certificate": part["certificate"] | {"scheme": "fsc"}}


def records(event_type: str, mix: Sequence[Body], count: int) -> list[Record]:
    """So many records in binary mode, of as many parcels, a second apart from each other."""
    return [_record(event_type, mix[number % len(mix)], number) for number in range(count)]


def _record(event_type: str, body: Mapping[str, Any], number: int) -> Record:
    seller = f"seller-{number % SELLERS}"
    document = {"parcel_id": f"parcel-{number:08}", **body}
    headers = {
        "ce_specversion": "1.0",
        "ce_type": event_type,
        "ce_source": f"/marketplaces/{MARKETPLACE}",
        "ce_id": f"{number:08}-{event_type}",
        "ce_subject": seller,
        "ce_time": (_START + timedelta(seconds=number)).isoformat(),
        "content-type": "application/json",
    }
    owner = "delivery_scorer" if event_type == DELIVERED else "packaging_scorer"
    return {"owner": owner, "key": seller, "value": json.dumps(document, separators=(",", ":")), "headers": headers}


def mixes(count: int) -> dict[str, list[Record]]:
    """All that is timed, by name; the first two are of v1 alone."""
    packed, delivered = packed_mix(), delivered_mix()
    return {
        "packed": records(PACKED, packed, count),
        "delivered": records(DELIVERED, delivered, count),
        "packed_with_facts_of_2_0": records(PACKED, [with_facts_of_2_0(body) for body in packed], count),
        "delivered_with_facts_of_2_0": records(DELIVERED, [with_facts_of_2_0(body) for body in delivered], count),
    }
