"""Records an erring publisher might send, each with the reason for which it must be refused; they test the refusals."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.events import DELIVERED, PACKED, RECOVERED
from greenlane.publishing.history.timeline import RawRecord

SELLER = "sim-malformed"
"""The seller in whose name all of them stand, so that nobody's account is touched."""

_HEADERS = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
_MISSING = object()


class MalformedRecord(NamedTuple):
    """A record, named after what is wrong with it, and the reason it must be refused for."""

    name: str
    record: RawRecord
    code: DeadLetterCode


_BODIES: dict[str, Any] = {
    PACKED: {
        "parcel_id": "sim-malformed-1",
        "country": "VN",
        "items": [{"quantity": 1, "mass_g": 250, "length_mm": 200, "width_mm": 100, "height_mm": 50}],
        "outer": {"kind": "box", "length_mm": 220, "width_mm": 120, "height_mm": 70},
        "components": [
            {
                "role": "outer",
                "material": "corrugated_board",
                "mass_g": 80,
                "certificate": {"certificate_id": "sim-certificate", "valid_until": "2030-01-01"},
                "reusable_asset": {"asset_id": "sim-box", "verified_trips": 3},
            }
        ],
    },
    DELIVERED: {
        "parcel_id": "sim-malformed-1",
        "mass_g": 330,
        "origin": {"country": "VN", "code": "79"},
        "destination": {"country": "VN", "code": "01", "kind": "home"},
        "attempts": 1,
        "transport_chain": [
            {
                "role": "last_mile",
                "vehicle": "motorbike_petrol",
                "distance_km": 12,
                "distance_basis": "actual",
                "energy": {"carrier": "petrol", "litres": 1.5, "parcels": 80},
                "round": {"distance_km": 60, "parcels": 80},
            }
        ],
        "hubs": [{"co2e_g": 5}],
    },
    RECOVERED: {"parcel_id": "sim-malformed-1", "kind": "reusable_asset", "mass_g": 300, "asset_id": "sim-box"},
}

_ITEM = "data.items.0"
_PART = "data.components.0"
_LEG = "data.transport_chain.0"

_SCHEMA: tuple[tuple[str, str, str, Any], ...] = (
    ("mass_negative", PACKED, f"{_ITEM}.mass_g", -1),
    ("mass_zero", PACKED, f"{_ITEM}.mass_g", 0),
    ("mass_as_text", PACKED, f"{_ITEM}.mass_g", "250"),
    ("mass_as_boolean", PACKED, f"{_ITEM}.mass_g", True),
    ("mass_of_a_ship", PACKED, f"{_ITEM}.mass_g", 1e9),
    ("quantity_zero", PACKED, f"{_ITEM}.quantity", 0),
    ("quantity_of_one_and_a_half", PACKED, f"{_ITEM}.quantity", 1.5),
    ("length_negative", PACKED, f"{_ITEM}.length_mm", -200),
    ("length_in_fractions", PACKED, f"{_ITEM}.length_mm", 200.5),
    ("length_of_a_street", PACKED, f"{_ITEM}.length_mm", 2_000_000),
    ("items_not_a_list", PACKED, "data.items", {}),
    ("items_too_many", PACKED, "data.items", [{"quantity": 1}] * 201),
    ("item_not_an_object", PACKED, _ITEM, "book"),
    ("components_empty", PACKED, "data.components", []),
    ("components_too_many", PACKED, "data.components", [{"role": "other"}] * 51),
    ("material_unknown", PACKED, f"{_PART}.material", "unobtainium"),
    ("role_unknown", PACKED, f"{_PART}.role", "decoration"),
    ("role_missing", PACKED, f"{_PART}.role", _MISSING),
    ("recycled_content_above_all", PACKED, f"{_PART}.recycled_content_percent", 101),
    ("film_thickness_negative", PACKED, f"{_PART}.film_thickness_um", -30),
    ("verified_trips_zero", PACKED, f"{_PART}.reusable_asset.verified_trips", 0),
    ("asset_id_with_slash", PACKED, f"{_PART}.reusable_asset.asset_id", "box/1"),
    ("certificate_date_in_words", PACKED, f"{_PART}.certificate.valid_until", "next year"),
    ("certificate_without_id", PACKED, f"{_PART}.certificate.certificate_id", _MISSING),
    ("outer_kind_unknown", PACKED, "data.outer.kind", "barrel"),
    ("outer_kind_missing", PACKED, "data.outer.kind", _MISSING),
    ("country_in_small_letters", PACKED, "data.country", "vn"),
    ("country_missing", PACKED, "data.country", _MISSING),
    ("parcel_id_with_spaces", PACKED, "data.parcel_id", "parcel for Lan"),
    ("parcel_id_empty", PACKED, "data.parcel_id", ""),
    ("parcel_id_missing", PACKED, "data.parcel_id", _MISSING),
    ("parcel_id_too_long", PACKED, "data.parcel_id", "p" * 65),
    ("parcel_id_a_number", PACKED, "data.parcel_id", 17),
    ("revision_negative", PACKED, "data.revision", -1),
    ("revision_without_reason", PACKED, "data.revision", 1),
    ("reason_without_revision", PACKED, "data.correction_reason", "measurement"),
    ("reason_in_free_text", PACKED, "data.correction_reason", "the driver said so"),
    ("data_a_list", PACKED, "data", []),
    ("data_missing", PACKED, "data", _MISSING),
    ("delivered_mass_missing", DELIVERED, "data.mass_g", _MISSING),
    ("attempts_zero", DELIVERED, "data.attempts", 0),
    ("attempts_too_many", DELIVERED, "data.attempts", 21),
    ("origin_missing", DELIVERED, "data.origin", _MISSING),
    ("place_by_name", DELIVERED, "data.destination.code", "Hà Nội"),
    ("place_kind_unknown", DELIVERED, "data.destination.kind", "balcony"),
    ("distance_without_basis", DELIVERED, f"{_LEG}.distance_basis", _MISSING),
    ("basis_without_distance", DELIVERED, f"{_LEG}.distance_km", _MISSING),
    ("distance_negative", DELIVERED, f"{_LEG}.distance_km", -12),
    ("vehicle_unknown", DELIVERED, f"{_LEG}.vehicle", "drone"),
    ("electricity_in_litres", DELIVERED, f"{_LEG}.energy.carrier", "electricity"),
    ("fuel_in_kwh", DELIVERED, f"{_LEG}.energy", {"carrier": "diesel", "kwh": 2, "parcels": 80}),
    ("energy_without_parcels", DELIVERED, f"{_LEG}.energy.parcels", _MISSING),
    ("round_without_parcels", DELIVERED, f"{_LEG}.round.parcels", 0),
    ("hub_negative", DELIVERED, "data.hubs.0.co2e_g", -5),
    ("chain_empty", DELIVERED, "data.transport_chain", []),
    ("recovered_kind_unknown", RECOVERED, "data.kind", "goodwill"),
    ("recovered_mass_missing", RECOVERED, "data.mass_g", _MISSING),
)
"""Bodies that break the schema: name, event type, path, and the wrong value."""

_ENVELOPE: tuple[tuple[str, str, Any, DeadLetterCode], ...] = (
    ("specversion_old", "specversion", "0.3", DeadLetterCode.NOT_A_CLOUD_EVENT),
    ("id_missing", "id", _MISSING, DeadLetterCode.NOT_A_CLOUD_EVENT),
    ("id_empty", "id", "", DeadLetterCode.NOT_A_CLOUD_EVENT),
    ("source_missing", "source", _MISSING, DeadLetterCode.NOT_A_CLOUD_EVENT),
    ("source_a_url", "source", "https://shop.example", DeadLetterCode.NOT_A_CLOUD_EVENT),
    ("subject_missing", "subject", _MISSING, DeadLetterCode.NOT_A_CLOUD_EVENT),
    ("subject_with_slash", "subject", "shop/seller", DeadLetterCode.NOT_A_CLOUD_EVENT),
    ("time_missing", "time", _MISSING, DeadLetterCode.NOT_A_CLOUD_EVENT),
    ("time_in_words", "time", "yesterday", DeadLetterCode.NOT_A_CLOUD_EVENT),
    ("content_of_another_kind", "datacontenttype", "text/plain", DeadLetterCode.NOT_A_CLOUD_EVENT),
    ("type_missing_with_id", "type", _MISSING, DeadLetterCode.NOT_A_CLOUD_EVENT),
    ("type_of_the_future", "type", "greenlane.parcel.packed.v9", DeadLetterCode.UNKNOWN_TYPE),
    ("type_of_another_vocabulary", "type", "com.example.order.shipped", DeadLetterCode.UNKNOWN_TYPE),
    ("time_naive", "time", "2026-01-05T10:00:00", DeadLetterCode.NAIVE_TIME),
    ("time_far_ahead", "time", "2999-01-01T00:00:00Z", DeadLetterCode.FUTURE_TIME),
    ("source_of_another_marketplace", "source", "/marketplaces/somebody-else", DeadLetterCode.SOURCE_MISMATCH),
    ("subject_of_another_seller", "subject", "sim-somebody-else", DeadLetterCode.KEY_MISMATCH),
)
"""Envelopes that are wrong: name, attribute, the wrong value, and the reason."""


def malformed_records(marketplace: str) -> tuple[MalformedRecord, ...]:
    """Every malformed record, for the topic of `marketplace`; a broker takes them all."""
    return (*_wrong_bodies(marketplace), *_wrong_envelopes(marketplace), *_wrong_modes(marketplace), *_wrong_values())


def _document(marketplace: str, event_type: str, name: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": event_type,
        "source": f"/marketplaces/{marketplace}",
        "id": f"{SELLER}.{name}",
        "subject": SELLER,
        "time": "2026-01-05T10:00:00+07:00",
        "data": deepcopy(_BODIES[event_type]),
    }


def _changed(document: dict[str, Any], path: str, value: Any) -> bytes:
    *parents, last = path.split(".")
    target: Any = document
    for part in parents:
        target = target[int(part)] if part.isdigit() else target[part]
    if value is _MISSING:
        del target[last]
    else:
        target[int(last) if last.isdigit() else last] = value
    return json.dumps(document).encode()


def _structured(
    name: str, value: bytes | None, code: DeadLetterCode, key: bytes | None = SELLER.encode()
) -> MalformedRecord:
    return MalformedRecord(name, RawRecord(key, value, _HEADERS), code)


def _wrong_bodies(marketplace: str) -> Iterator[MalformedRecord]:
    for name, event_type, path, wrong in _SCHEMA:
        value = _changed(_document(marketplace, event_type, name), path, wrong)
        yield _structured(name, value, DeadLetterCode.SCHEMA_VIOLATION)


def _wrong_envelopes(marketplace: str) -> Iterator[MalformedRecord]:
    for name, attribute, wrong, code in _ENVELOPE:
        yield _structured(name, _changed(_document(marketplace, PACKED, name), attribute, wrong), code)
    good = json.dumps(_document(marketplace, PACKED, "key_of_another_seller")).encode()
    yield _structured("key_of_another_seller", good, DeadLetterCode.KEY_MISMATCH, key=b"sim-somebody-else")
    good = json.dumps(_document(marketplace, PACKED, "key_missing")).encode()
    yield _structured("key_missing", good, DeadLetterCode.KEY_MISMATCH, key=None)


def _wrong_modes(marketplace: str) -> Iterator[MalformedRecord]:
    document = _document(marketplace, PACKED, "binary")
    value = json.dumps(document.pop("data")).encode()
    headers = {f"ce_{name}": text.encode() for name, text in document.items()}
    cases: tuple[tuple[str, tuple[tuple[str, bytes], ...]], ...] = (
        ("header_twice", (*headers.items(), ("ce_id", b"another"))),
        ("header_not_utf8", tuple((headers | {"ce_id": b"\xff\xfe"}).items())),
        ("header_missing", tuple((name, text) for name, text in headers.items() if name != "ce_source")),
    )
    for name, wrong in cases:
        yield MalformedRecord(name, RawRecord(SELLER.encode(), value, wrong), DeadLetterCode.NOT_A_CLOUD_EVENT)


def _wrong_values() -> Iterator[MalformedRecord]:
    cases: tuple[tuple[str, bytes | None, DeadLetterCode], ...] = (
        ("value_null", None, DeadLetterCode.NULL_VALUE),
        ("value_empty", b"", DeadLetterCode.NOT_JSON),
        ("value_cut_short", b'{"specversion": "1.0", "type": "greenlane.par', DeadLetterCode.NOT_JSON),
        ("value_nan", b'{"data": {"mass_g": NaN}}', DeadLetterCode.NOT_JSON),
        ("value_infinity", b'{"data": {"mass_g": -Infinity}}', DeadLetterCode.NOT_JSON),
        ("value_in_single_quotes", b"{'specversion': '1.0'}", DeadLetterCode.NOT_JSON),
        ("value_with_trailing_comma", b'{"specversion": "1.0",}', DeadLetterCode.NOT_JSON),
        ("value_xml", b"<event type='packed'/>", DeadLetterCode.NOT_JSON),
        ("value_two_documents", b"{} {}", DeadLetterCode.NOT_JSON),
        ("value_number_without_end", b"9" * 5_000, DeadLetterCode.NOT_JSON),
        ("value_in_latin_1", b'{"city": "S\xe3o Paulo"}', DeadLetterCode.NOT_UTF8),
        ("value_compressed", b"\x1f\x8b\x08\x00\x00\x00", DeadLetterCode.NOT_UTF8),
        ("value_too_deep", b"[" * 17 + b"]" * 17, DeadLetterCode.TOO_DEEP),
        ("value_far_too_deep", b'{"a":' * 20_000, DeadLetterCode.TOO_DEEP),
        ("value_a_list", b"[]", DeadLetterCode.NOT_A_CLOUD_EVENT),
        ("value_a_number", b"42", DeadLetterCode.NOT_A_CLOUD_EVENT),
        ("value_a_text", b'"packed"', DeadLetterCode.NOT_A_CLOUD_EVENT),
        ("value_an_empty_object", b"{}", DeadLetterCode.NOT_A_CLOUD_EVENT),
    )
    for name, value, code in cases:
        yield _structured(name, value, code)
