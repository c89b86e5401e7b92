"""Hostile records of one marketplace's topic, each with what must become of it."""

import gzip
import json
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from tests.faults.tenants.neighbours import event_bytes

from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.publishing.simulator.malformed import malformed_records

Headers = tuple[tuple[str, bytes | None], ...]
Fate = Literal["refused", "taken", "either"]
"""`refused`: exactly one dead letter. `taken`: no dead letter. `either`: one of the two, as the contract says."""
STRUCTURED: Headers = (("content-type", b"application/cloudevents+json"),)
ROOM = MAX_EVENT_BYTES - 2_048
"""Bytes of a value that still goes through its topic."""


class HostileRecord(NamedTuple):
    """One record: its name, its bytes, what must become of it, and how its producer compresses it."""

    name: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    fate: Fate
    codec: str | None = None


def hostile_records(marketplace: str, at: float) -> tuple[HostileRecord, ...]:
    """Every hostile record for the topic of `marketplace`; `at` is now, seconds since 1970."""
    known = (
        HostileRecord(f"malformed.{item.name}", item.record.key, item.record.value, item.record.headers, "refused")
        for item in malformed_records(marketplace)
    )
    return (
        *known,
        *_slow_texts(marketplace, at),
        *_many_errors(marketplace, at),
        *_headers(marketplace, at),
        *_modes(marketplace, at),
        *_times(marketplace, at),
        *_numbers(marketplace, at),
        *_identities(marketplace, at),
        *_compressed(marketplace, at),
    )


def _document(marketplace: str, name: str, at: float) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(event_bytes(marketplace, "evil", f"evil.{name}", at))
    return document


def _one(name: str, value: bytes | None, fate: Fate, headers: Headers = STRUCTURED) -> HostileRecord:
    return HostileRecord(name, b"evil", value, headers, fate)


def _changed(marketplace: str, name: str, at: float, fate: Fate, **envelope: Any) -> HostileRecord:
    return _one(name, json.dumps(_document(marketplace, name, at) | envelope).encode(), fate)


def _slow_texts(marketplace: str, at: float) -> Iterator[HostileRecord]:
    """Texts that are slow to read for a pattern that looks back, and shapes that are slow to build."""
    worst = {
        "quotes_and_backslashes": b'"' + b'\\"' * (ROOM // 2),
        "backslashes": b'"' + b"\\" * ROOM,
        "open_quotes": b'"' * ROOM,
        "pairs_of_quotes_open_at_the_end": b'""' * (ROOM // 2) + b'"',
        "open_text_in_an_object": b'{"a":"' + b'\\"' * (ROOM // 2 - 8),
        "brackets_in_texts": b'["' + b"[" * (ROOM - 8) + b'"]',
        "closing_brackets": b"]" * ROOM,
        "brackets_up_and_down": b"[]" * (ROOM // 2),
        "flat_list_of_numbers": b"[" + b"1," * (ROOM // 2 - 2) + b"1]",
        "flat_list_of_texts": b"[" + b'"",' * (ROOM // 3 - 2) + b'""]',
        "object_of_many_keys": b"{" + b",".join(b'"%x":1' % number for number in range(ROOM // 12)) + b"}",
        "object_of_one_key_many_times": b"{" + b'"a":1,' * (ROOM // 6 - 2) + b'"a":1}',
        "escapes_in_unicode": b'"' + b"\\u0061" * (ROOM // 6) + b'"',
        "half_surrogates": b'"' + b"\\ud800" * (ROOM // 6) + b'"',
        "blanks": b" " * ROOM,
        "blanks_then_an_object": b" " * (ROOM - 2) + b"{}",
        "deep_objects": b'{"a":' * (ROOM // 5),
        "digits": b"1" * ROOM,
        "digits_after_the_point": b"0." + b"1" * (ROOM - 2),
        "digits_in_the_exponent": b"1e" + b"9" * (ROOM - 2),
        "minus_signs": b"-" * ROOM,
        "nul_bytes": b"\0" * ROOM,
        "bytes_ff": b"\xff" * ROOM,
        "wide_characters": "\U0001f4e6".encode() * (ROOM // 4),
    }
    for name, value in worst.items():
        yield _one(f"slow.{name}", value, "refused")
    for name, filler in (("quotes", '\\"'), ("slashes", "\\\\"), ("escapes", "\\u00e9")):
        text = json.dumps(_document(marketplace, f"slow-{name}", at)).replace(
            '"data"', '"padding": "' + filler * ((ROOM - 4_096) // len(filler)) + '", "data"'
        )
        yield _one(f"slow.unknown_attribute_of_{name}", text.encode(), "either")


def _many_errors(marketplace: str, at: float) -> Iterator[HostileRecord]:
    """Bodies whose list of problems is larger than themselves."""
    wrong_item = {"quantity": 0, "mass_g": -1, "length_mm": -1, "width_mm": -1, "height_mm": -1}
    for name, items in (("items", 200), ("too_many_items", 3_000)):
        document = _document(marketplace, f"errors-{name}", at)
        document["data"]["items"] = [wrong_item] * items
        yield _one(f"errors.{name}", json.dumps(document).encode(), "refused")
    document = _document(marketplace, "errors-components", at)
    document["data"]["components"] = [{"role": "x", "material": "x", "mass_g": -1, "film_thickness_um": -1}] * 3_000
    yield _one("errors.components", json.dumps(document).encode(), "refused")
    document = _document(marketplace, "errors-names", at)
    document["data"] |= {f"name {number} " + "x" * 100: number for number in range(1_500)}
    yield _one("errors.unknown_fields", json.dumps(document).encode(), "either")
    document = _document(marketplace, "errors-long-name", at)
    document["data"]["x" * (ROOM - 4_096)] = 1
    yield _one("errors.unknown_field_of_the_whole_record", json.dumps(document).encode(), "either")
    document = _document(marketplace, "errors-long-value", at)
    document["data"]["parcel_id"] = "p" * (ROOM - 4_096)
    yield _one("errors.an_id_of_the_whole_record", json.dumps(document).encode(), "refused")


def _headers(marketplace: str, at: float) -> Iterator[HostileRecord]:
    value = json.dumps(_document(marketplace, "headers", at)).encode()
    yield _one("headers.sixty_thousand", b"not an event", "refused", (("h", b""),) * 60_000)
    yield _one("headers.many_of_one_name", b"not an event", "refused", (("ce_id", b"x"),) * 10_000)
    yield _one("headers.one_of_200_kB", b"not an event", "refused", (("x", b"y" * 200_000),))
    yield _one("headers.name_of_200_kB", b"not an event", "refused", (("x" * 200_000, b""),))
    yield _one("headers.null_values", b"not an event", "refused", (("ce_type", None), ("ce_id", None)))
    yield _one("headers.empty_names", b"not an event", "refused", (("", b""),) * 500)
    yield _one("headers.empty_type", value, "either", (("ce_type", b""), *STRUCTURED))
    yield _one("headers.empty_type_without_content_type", value, "either", (("ce_type", b""),))
    yield _one("headers.type_of_nobody", value, "refused", (("ce_type", b"nobody"), ("ce_specversion", b"1.0")))
    yield _one("headers.redrive_of_minus_one", b"not an event", "refused", (("greenlane-redrive", b"-1"),))
    yield _one("headers.redrive_of_many_digits", b"not an event", "refused", (("greenlane-redrive", b"9" * 9_999),))
    yield _one("headers.redrive_in_other_digits", b"not an event", "refused", (("greenlane-redrive", "٣".encode()),))
    yield _one("headers.heartbeat_from_nobody", value, "either", (("ce_type", b"greenlane.heartbeat.v1"),))
    yield _one("headers.day_closed", value, "either", (("ce_type", b"greenlane.day-closed.v1"),))


def _modes(marketplace: str, at: float) -> Iterator[HostileRecord]:
    document = _document(marketplace, "modes", at)
    value = json.dumps(document).encode()
    body = json.dumps(document.pop("data")).encode()
    binary: Headers = tuple((f"ce_{name}", str(text).encode()) for name, text in document.items())
    yield _one("modes.both", value, "either", (*binary, *STRUCTURED))
    yield _one("modes.binary_of_a_structured_value", value, "refused", binary)
    yield _one("modes.structured_of_a_body", body, "refused")
    yield _one("modes.http_prefix", body, "refused", tuple(("ce-" + name[3:], text) for name, text in binary))
    yield _one("modes.latin_1_body", '{"é": 1}'.encode("latin-1"), "refused", binary)
    for number, media in enumerate(
        (b"application/json; charset=utf-8", b"Application/Json", b"application/x+json", b"text/html", b"\xff", b"")
    ):
        yield _one(f"modes.content_type_{number}", value, "either", (("content-type", media),))
    yield _changed(marketplace, "modes.data_and_base64", at, "refused", data_base64="e30=")
    yield _changed(marketplace, "modes.media_type_null", at, "either", datacontenttype=None)
    yield _changed(marketplace, "modes.media_type_a_list", at, "refused", datacontenttype=[])


def _times(marketplace: str, at: float) -> Iterator[HostileRecord]:
    wrong = (
        "1782873000", "1_782_873_000", "2026-07-01T10:00:00,5Z", "2026-07-01T10:00:00+0700", "2026-07-01 10:00:00",
        "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-07-01T24:00:01Z",
        "2026-07-01T10:00:00+24:00", "2026-07-01", "٢٠٢٦-07-01T10:00:00Z", "2026-07-01T10:00:00Z" + "0" * 50_000,
        "9999-12-31T23:59:59-23:59",
    )  # fmt: skip
    for number, text in enumerate(wrong):
        yield _changed(marketplace, f"times.{number}", at, "refused", time=text)
    yield _changed(marketplace, "times.a_number", at, "refused", time=1_782_873_000)
    yield _changed(marketplace, "times.the_year_one", at, "either", time="0001-01-01T00:00:00Z")
    yield _changed(marketplace, "times.fractions", at, "either", time="2026-07-01T10:00:00." + "1" * 5_000 + "Z")


def _numbers(marketplace: str, at: float) -> Iterator[HostileRecord]:
    for number, (text, fate) in enumerate(
        (
            ("1e-300", "either"), ("0.0004", "either"), ("1e999999", "refused"), ("-0.0", "refused"),
            ("1" * 4_000, "refused"), ("0." + "0" * 4_000 + "1", "either"), ("NaN", "refused"), ("1e400", "refused"),
            ("0x10", "refused"), ("1_000", "refused"), ("٣", "refused"),
        )
    ):  # fmt: skip
        document = _document(marketplace, f"numbers-{number}", at)
        document["data"]["components"][0]["mass_g"] = 77_777_777
        value = json.dumps(document).replace("77777777", text).encode()
        yield _one(f"numbers.mass_{number}", value, fate)  # type: ignore[arg-type] # one of the three words
    for number, text in enumerate(("9" * 30, "1.0", "1e2", "true", "null", "[]")):
        document = _document(marketplace, f"revision-{number}", at)
        document["data"]["revision"] = 77_777_777
        yield _one(f"numbers.revision_{number}", json.dumps(document).replace("77777777", text).encode(), "either")


def _identities(marketplace: str, at: float) -> Iterator[HostileRecord]:
    for number, text in enumerate(
        ("Nguyễn Văn A, 12 Hàng Bạc", "a b", " ", "\u0000", "\u202e", "\u001b[31m", "../..", "a" * 5_000, "\ud800")
    ):
        yield _changed(marketplace, f"ids.event_{number}", at, "refused", id=text)
        document = _document(marketplace, f"ids-parcel-{number}", at)
        document["data"]["parcel_id"] = text
        yield _one(f"ids.parcel_{number}", json.dumps(document).encode(), "refused")
        document = _document(marketplace, f"ids-subject-{number}", at) | {"subject": text}
        key = text.encode("utf-8", "surrogatepass")
        yield HostileRecord(f"ids.seller_{number}", key, json.dumps(document).encode(), STRUCTURED, "refused")
    value = json.dumps(_document(marketplace, "twice", at)).encode()
    yield _one("ids.key_twice", value[:-1] + b', "id": "another"}', "refused")
    yield _one("ids.data_twice", value[:-1] + b', "data": {}}', "refused")
    yield _one("ids.receiver_named", value.replace(b'"parcel_id"', b'"receiver_name": "Lan", "parcel_id"', 1), "either")


def _compressed(marketplace: str, at: float) -> Iterator[HostileRecord]:
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        value = event_bytes(marketplace, f"evil-{codec}", f"evil.{codec}", at)
        yield HostileRecord(f"codec.{codec}", f"evil-{codec}".encode(), value, STRUCTURED, "taken", codec)
        yield HostileRecord(f"codec.{codec}_of_nonsense", b"evil", b"[" * 200_000, STRUCTURED, "refused", codec)
        large = b'"' + b"a" * 900_000 + b'"'
        yield HostileRecord(f"codec.{codec}_above_the_limit", b"evil", large, STRUCTURED, "refused", codec)
    yield _one("codec.gzip_inside_the_value", gzip.compress(event_bytes(marketplace, "evil", "evil.gz", at)), "refused")
