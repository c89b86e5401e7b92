"""The worst values that a stranger can make of so many bytes, for every way in which bytes are looked at."""

import json
from collections.abc import Callable
from typing import Any

ENVELOPE: dict[str, Any] = {
    "specversion": "1.0",
    "type": "greenlane.parcel.packed.v1",
    "source": "/marketplaces/demo-vn",
    "id": "worst",
    "time": "2026-07-01T09:30:00+07:00",
    "subject": "seller-1",
}
DELIVERED = ENVELOPE | {"type": "greenlane.parcel.delivered.v1"}
BODY = {"parcel_id": "p", "country": "VN"}


def filled(begin: bytes, unit: bytes, end: bytes, size: int) -> bytes:
    """`begin`, as many units as there is room for, and `end`."""
    return begin + unit * max(1, (size - len(begin) - len(end)) // len(unit)) + end


def event(part: bytes, unit: bytes, end: bytes, envelope: dict[str, Any] = ENVELOPE) -> Callable[[int], bytes]:
    """A structured event whose data are `part`, units and `end`."""
    begin = json.dumps(envelope).encode()[:-1] + b', "data": ' + part
    return lambda size: filled(begin, unit, end + b"}", size)


def numbered(begin: bytes, unit: str, end: bytes) -> Callable[[int], bytes]:
    """Units with a number in each."""

    def made(size: int) -> bytes:
        units, room, number = [], size - len(begin) - len(end), 0
        while room > 0:
            units.append((unit % number).encode())
            room -= len(units[-1])
            number += 1
        return begin + b"".join(units[:-1]) + end

    return made


_DATA = b'{"parcel_id": "p", "country": "VN", '
_WHOLE = json.dumps(ENVELOPE).encode()[:-1]
_LEG = b'{"parcel_id":"p","mass_g":1,"attempts":1,"origin":{"country":"VN","code":"1"},'
_LEG += b'"destination":{"country":"VN","code":"1"},'

WORST: dict[str, Callable[[int], bytes]] = {
    "escaped quotes, never closed": lambda size: filled(b'"', b'\\"', b"", size),
    "escaped quotes, closed": lambda size: filled(b'"', b'\\"', b'"', size),
    "backslashes, never closed": lambda size: filled(b'"', b"\\\\", b"\\", size),
    "quotes": lambda size: b'"' * size,
    "unclosed texts in lines": lambda size: filled(b"[", b'"\n', b"", size),
    "opening brackets": lambda size: b"[" * size,
    "opening braces": lambda size: filled(b"", b'{"a":', b"", size),
    "closing brackets": lambda size: b"]" * size,
    "pairs of brackets": lambda size: filled(b"[", b"[],", b"[]]", size),
    "pairs of braces": lambda size: filled(b"[", b"{},", b"{}]", size),
    "towers of brackets": lambda size: filled(b"[", b"[" * 15 + b"]" * 15 + b",", b"0]", size),
    "towers of sixteen": lambda size: filled(b"", b"[" * 16 + b"]" * 16 + b",", b"", size),
    "zeros": lambda size: filled(b"[", b"0,", b"0]", size),
    "empty texts": lambda size: filled(b"[", b'"",', b'""]', size),
    "commas": lambda size: b"," * size,
    "colons": lambda size: b":" * size,
    "blanks": lambda size: b" " * size,
    "line feeds": lambda size: b"\n" * size,
    "digits": lambda size: b"9" * size,
    "digits after the point": lambda size: filled(b"0.", b"1", b"", size),
    "an exponent of many digits": lambda size: filled(b"[1e", b"9", b"]", size),
    "numbers beyond all bounds": lambda size: filled(b"[", b"1e999999,", b"1]", size),
    "numbers that are hard to read": lambda size: filled(b"[", b"1.7976931348623157e308,", b"1]", size),
    "numbers that are hard to write": lambda size: filled(b"[", b"4.9406564584124654e-324,", b"1]", size),
    "escapes of letters": lambda size: filled(b'"', b"\\u00e9", b'"', size),
    "halves of surrogate pairs": lambda size: filled(b'"', b"\\ud83d", b'"', size),
    "surrogate pairs": lambda size: filled(b'"', b"\\ud83d\\ude00", b'"', size),
    "wide characters": lambda size: filled(b'"', "😀".encode(), b'"', size),
    "control characters": lambda size: filled(b'"', b"\x00", b'"', size),
    "not UTF-8 at the end": lambda size: b" " * (size - 1) + b"\xff",
    "many keys": numbered(_WHOLE + b', "data": {', '"k%x":0,', b'"z":0}}'),
    "one key again and again": lambda size: filled(_WHOLE + b', "data": {', b'"a":0,', b'"a":0}}', size),
    "many unknown attributes": numbered(_WHOLE, ',"a%x":0', b"}"),
    "items that are all wrong": event(
        _DATA + b'"items": [', b'{"mass_g":-1,"length_mm":-1,"width_mm":"","height_mm":[],"quantity":0},', b"{}]}"
    ),
    "items of the wrong kind": event(_DATA + b'"items": [', b"0,", b"0]}"),
    "components that are all wrong": event(
        _DATA + b'"components": [',
        b'{"role":0,"material":0,"mass_g":"","certificate":{},"reusable_asset":{}},',
        b"{}]}",
    ),
    "chain elements that are all wrong": event(
        _LEG + b'"transport_chain":[', b'{"role":0,"energy":{"carrier":0},"round":{},"density":0},', b"{}]}", DELIVERED
    ),
    "hubs that are all wrong": event(_LEG + b'"hubs":[', b'{"co2e_g":-1},', b"{}]}", DELIVERED),
    "unknown fields of items": event(_DATA + b'"items": [', b'{"a":0,"b":0,"c":0},', b"{}]}"),
    "items of hard numbers": event(_DATA + b'"items": [', b'{"mass_g":4.9406564584124654e-1},', b"{}]}"),
    "a number for a list": event(_DATA + b'"items": 0.', b"1", b"}"),
    "an id without end": event(b'{"country": "VN", "parcel_id": "', b"a", b'"}'),
    "an id with a blank at its end": event(b'{"country": "VN", "parcel_id": "', b"a.", b' "}'),
    "a media type without end": lambda size: filled(_WHOLE + b',"datacontenttype":"', b"a+", b'"}', size),
    "a media type of slashes": lambda size: filled(_WHOLE + b',"datacontenttype":"a/', b"+json;", b'"}', size),
    "a fraction of a second without end": lambda size: filled(
        b'{"type":"greenlane.parcel.packed.v1","time":"2026-07-01T09:30:00.', b"1", b'"}', size
    ),
    "a base64 text": lambda size: filled(_WHOLE + b',"data_base64":"', b"IiIs", b'"}', size),
    "a base64 text of brackets": lambda size: filled(_WHOLE + b',"data_base64":"', b"W1tb", b'"}', size),
    "what is no base64": lambda size: filled(_WHOLE + b',"data_base64":"', b"*", b'"}', size),
}
"""By name: a function from a size in bytes to a value of at most about that size."""


def many_headers(count: int) -> tuple[tuple[str, bytes], ...]:
    """So many headers, attributes of CloudEvents among them."""
    context = {f"ce_{name}": text.encode() for name, text in ENVELOPE.items()}
    return (*context.items(), *((f"ce_{place:x}", b"") for place in range(count)))
