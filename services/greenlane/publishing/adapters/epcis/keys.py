"""GS1 keys in EPC URIs and Digital Links: both ways of writing the same key come to the same id."""

import re
from typing import NamedTuple

SSCC = "sscc"
GRAI = "grai"
GTIN = "gtin"

_URN = re.compile(r"urn:epc:(?:id|class|idpat):(sscc|sgtin|lgtin|grai):([0-9]{6,12})\.([0-9]{1,10})(?:\.(.{1,40}))?")
_LINK = re.compile(r"https?://[^/?#]{1,100}/(?:[^?#]{1,100}/)?(00|01|8003)/([0-9]{14,18})([^/?#]{0,30})(?:[/?#].*)?")
_DIGITS = {SSCC: 17, GTIN: 13, GRAI: 12}
_LINKED = {"00": (SSCC, 18), "01": (GTIN, 14), "8003": (GRAI, 14)}


class Key(NamedTuple):
    """A key: of a parcel (SSCC), a reusable asset (GRAI) or goods (GTIN).

    `kind_id` is the same for all assets of a type and all pieces of a product; `id` names one parcel or asset.
    """

    scheme: str
    kind_id: str
    id: str


def key_of(text: str) -> Key | None:
    """The key that an identifier of EPCIS is; None for one of another scheme, or with a wrong number of digits."""
    found = _URN.fullmatch(text)
    if found is not None:
        return _from_urn(found)
    linked = _LINK.fullmatch(text)
    if linked is None:
        return None
    scheme, length = _LINKED[linked[1]]
    digits, rest = (linked[2] + linked[3])[:length], (linked[2] + linked[3])[length:]
    if (
        not digits.isdecimal()
        or len(digits) != length
        or (scheme != GRAI and rest)
        or _check(digits[:-1]) != digits[-1]
    ):
        return None
    return _key(scheme, digits, rest)


def _from_urn(found: re.Match[str]) -> Key | None:
    scheme = GTIN if found[1].endswith("gtin") else found[1]
    company, reference, serial = found[2], found[3], found[4] or ""
    if scheme == SSCC and serial:
        return None
    digits = company + reference if scheme == GRAI else reference[0] + company + reference[1:]
    if len(digits) != _DIGITS[scheme]:
        return None
    checked = digits + _check(digits)
    return _key(scheme, f"0{checked}" if scheme == GRAI else checked, serial)


def _key(scheme: str, digits: str, serial: str) -> Key | None:
    if scheme == GRAI and not serial:
        return None
    return Key(scheme, digits, f"{scheme}:{digits}.{serial}" if scheme == GRAI else f"{scheme}:{digits}")


def _check(digits: str) -> str:
    """GS1's check digit of these digits."""
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-weighted % 10)
