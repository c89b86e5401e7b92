"""Finds the code of a Vietnamese or Brazilian place: by code, by name with or without marks, by old and new names."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from greenlane.factors.files import DATA, read_csv
from greenlane.publishing.files.place_names import place_names, plain
from greenlane.publishing.tables.faults import CellFault

NEW_CODES_FROM = datetime(2025, 7, 1, tzinfo=UTC)
"""From this day on (in UTC, as the method has it) Vietnam has 34 provinces, and wards have the codes of the tables."""

_NAMED = 6
_OTHER_NAMES = {
    "HCM": "79", "HOCHIMINHCITY": "79", "SAIGON": "79", "SG": "79", "HN": "01", "HANOICITY": "01", "DANANGCITY": "48",
    "THUATHIENHUE": "46", "TTHUE": "46", "BACCAN": "06", "DACLAC": "66", "DARLAC": "66", "DACNONG": "67",
    "BARIAVT": "77", "BRVT": "77", "HAIPHONGCITY": "31", "CANTHOCITY": "92", "HUECITY": "46",
}  # fmt: skip
"""Other usual names of provinces, without marks, with a code that means the province in both codings or the old one."""

_PROVINCE_PREFIX = re.compile(
    r"(?:tỉnh|tinh|thành phố|thanh pho|tp\.?|t\.p\.?|province of|city of)\s*[.:]?\s+|tp\.\s*|tp(?=hcm|hn)",
    re.IGNORECASE,
)
_PROVINCE_SUFFIX = re.compile(r"\s+(?:province|city)$", re.IGNORECASE)
_WARD_PREFIX = re.compile(
    r"(?:phường|phuong|xã|xa|đặc khu|dac khu|ward of|commune of)\s+|(?:p|x|đk)\.\s*", re.IGNORECASE
)
_WARD_SUFFIX = re.compile(r"\s+(?:ward|commune|special zone)$", re.IGNORECASE)
_OLD_UNIT = re.compile(
    r"(?:quận|quan|huyện|huyen|thị xã|thi xa|thị trấn|thi tran)\s+|(?:q|h|tx|tt)\.\s*", re.IGNORECASE
)
_NATION = {"VIETNAM", "VN"}
_TONES = str.maketrans({"\u0300": "", "\u0301": "", "\u0303": "", "\u0309": "", "\u0323": ""})


class _Ward(NamedTuple):
    code: str
    name: str
    province: str


def marked(name: str) -> str:
    """A name with its marks, comparable: small letters, one space, the tone behind the word, so that òa equals oà."""
    words = []
    for word in re.split(r"[\s\-\u2013.,']+", unicodedata.normalize("NFD", name.casefold())):
        tone = "".join(mark for mark in word if ord(mark) in _TONES)
        words.append(unicodedata.normalize("NFC", word.translate(_TONES)) + tone)
    return " ".join(word for word in words if word)


@cache
def _provinces() -> tuple[dict[str, str], dict[str, str], dict[str, str], dict[str, str]]:
    """Names without marks with old and with new codes, old codes with the province of 2025, codes with names."""
    holder = {code: code_34 for code, _, _, code_34 in read_csv(DATA / "places" / "vn_provinces_63.csv", _COLUMNS_63)}
    new_codes = {code for code, *_ in read_csv(DATA / "places" / "vn_provinces_34.csv", ("code", "lat", "lon"))}
    large = [name for name in place_names("VN") if name.large]
    by_name: dict[str, list[str]] = {}
    for name in large:
        by_name.setdefault(name.plain, []).append(name.code)
    old, new, names = {}, {}, {}
    for name in large:
        codes = by_name[name.plain]
        old[name.plain] = next((code for code in codes if code not in new_codes), codes[0])
        shared = [other for other in large if other.code == name.code]
        if name.code in new_codes and (len(shared) == 1 or len(codes) == 2):
            new[name.plain] = name.code
        names[name.code] = name.name
    for other, code in _OTHER_NAMES.items():
        old[other] = code
        if code in new_codes:
            new[other] = code
    return old, new, holder, names


_COLUMNS_63 = ("code", "lat", "lon", "code_34")


@cache
def _wards() -> tuple[dict[str, _Ward], dict[str, tuple[_Ward, ...]]]:
    """Wards by code, and by name without marks."""
    columns = ("code", "lat", "lon", "province", "kind")
    province = {code: place for code, _, _, place, _ in read_csv(DATA / "places" / "vn_wards_2025.csv", columns)}
    by_code, by_name = {}, dict[str, list[_Ward]]()
    for name in place_names("VN"):
        if not name.large:
            ward = by_code[name.code] = _Ward(name.code, name.name, province[name.code])
            by_name.setdefault(name.plain, []).append(ward)
    return by_code, {name: tuple(wards) for name, wards in by_name.items()}


@cache
def _municipalities() -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
    by_name: dict[str, list[str]] = {}
    for name in place_names("BR"):
        by_name.setdefault(name.plain, []).append(name.code)
    return frozenset(code for codes in by_name.values() for code in codes), {
        name: tuple(codes) for name, codes in by_name.items()
    }


def province_code(text: str, *, new: bool) -> str:
    """The code of a province of Vietnam on a day since 2025-07-01 (`new`) or before it. Raises CellFault.

    A name of both lists counts by the list of the day. A name that only the old list has keeps its old code: the method
    finds its point, or the province of 2025 that has taken over both the place and the number.
    """
    old_codes, new_codes, holder, _ = _provinces()
    name = text.strip()
    if name.isdecimal() and name.isascii():
        return _province_number(name, holder)
    key = plain(_bare_province(name))
    found = new_codes.get(key) if new else None
    found = found or old_codes.get(key)
    if found is None:
        raise CellFault("is no province of Vietnam", f"{_candidates(key)}, or write the official code")
    return found


def _province_number(name: str, holder: dict[str, str]) -> str:
    code = name.zfill(2)
    if len(code) > 2 or (code not in holder and code not in holder.values()):
        raise CellFault("is no code of a province of Vietnam", "write two digits of the official list, or the name")
    return code


def _bare_province(name: str) -> str:
    parts = [part for part in name.split(",") if plain(part) not in _NATION and part.strip()]
    last = unicodedata.normalize("NFC", parts[-1] if parts else name).strip()
    return _PROVINCE_SUFFIX.sub("", _PROVINCE_PREFIX.sub("", last, count=1) if _PROVINCE_PREFIX.match(last) else last)


def is_province(text: str) -> bool:
    """Whether a text names a province of Vietnam; a number does not."""
    return not text.strip().isdecimal() and plain(_bare_province(text)) in _provinces()[0]


def _candidates(key: str) -> str:
    large = [name for name in place_names("VN") if name.large]
    same = [name.name for name in large if key and key in {name.initials, name.plain}]
    near = [name.name for name in large if key and (name.plain.startswith(key) or key.startswith(name.plain))]
    found = list(dict.fromkeys(same or near or _alike(key, (name.name for name in large))))[:_NAMED]
    return f"candidates: {', '.join(found)}" if found else "write the name of one of the 63 or 34 provinces"


def _alike(key: str, names: Iterable[str]) -> list[str]:
    from difflib import get_close_matches  # noqa: PLC0415 - for the text of a fault alone

    by_plain = {plain(name): name for name in names}
    return [by_plain[close] for close in get_close_matches(key, by_plain, n=3, cutoff=0.7)]


def ward_code(text: str, province: str, *, new: bool) -> str:
    """The code of a ward, in a province whose code is known ("": unknown). Raises CellFault.

    Wards have codes since 2025-07-01: a name of an earlier day may mean another ward, so it is refused.
    """
    by_code, by_name = _wards()
    name = unicodedata.normalize("NFC", text).strip()
    holder = _provinces()[2].get(province, province) if province and not _is_new(province, new=new) else province
    if name.isdecimal() and name.isascii():
        return _ward_number(name, holder, by_code)
    if not new:
        raise CellFault("is a ward of a day before 2025-07-01, and the tables have no wards of then", _BY_PROVINCE)
    if not holder and "," in name:
        holder = province_code(name, new=new)
        holder = _provinces()[2].get(holder, holder) if not _is_new(holder, new=new) else holder
    first = name.partition(",")[0].strip()
    bare = _WARD_SUFFIX.sub("", _WARD_PREFIX.sub("", first, count=1) if _WARD_PREFIX.match(first) else first)
    options = [ward for key in dict.fromkeys((plain(first), plain(bare))) for ward in by_name.get(key, ())]
    if not options and _OLD_UNIT.match(first):
        raise CellFault("is no ward or commune", _BY_PROVINCE)
    inside = [ward for ward in options if not holder or ward.province == holder]
    if not bare.isascii():
        inside = [ward for ward in inside if marked(ward.name) in {marked(bare), marked(first)}]
    if len(inside) == 1:
        return inside[0].code
    names = _provinces()[3]
    if not inside:
        near = [ward for ward in options if not holder or ward.province == holder] or list(options)
        shown = ", ".join(f"{ward.code} {ward.name} ({names[ward.province]})" for ward in near[:_NAMED])
        known = f"candidates: {shown}" if shown else "correct it"
        raise CellFault("is no ward of that province since 2025-07-01", f"{known}; or {_BY_PROVINCE}")
    shown = ", ".join(f"{ward.code} {ward.name} ({names[ward.province]})" for ward in inside[:_NAMED])
    more = f" and {len(inside) - _NAMED} more" if len(inside) > _NAMED else ""
    raise CellFault("is the name of several wards", f"write the code, or map a province too; candidates: {shown}{more}")


_BY_PROVINCE = "map the province alone, by taking `ward` of this place out of the mapping"


def _is_new(code: str, *, new: bool) -> bool:
    return new and code in _provinces()[2].values()


def _ward_number(name: str, holder: str, by_code: dict[str, _Ward]) -> str:
    ward = by_code.get(name.zfill(5))
    if ward is None or len(name) > 5:
        raise CellFault("is no code of a ward since 2025-07-01", _BY_PROVINCE)
    if holder and ward.province != holder:
        raise CellFault(
            "is a ward of another province",
            f"correct one of the two; {ward.code} lies in {_provinces()[3][ward.province]}",
        )
    return ward.code


def place_code(text: str, country: str) -> str:
    """An official code as it stands, checked where there is a table of the country. Raises CellFault."""
    code = text.strip()
    if country == "VN":
        old_codes, _, holder, _ = _provinces()
        if len(code) == 2 and (code in holder or code in holder.values()):
            return code
        if code in _wards()[0]:
            return code
        if code.isdecimal() and len(code) in {1, 3, 4}:
            raise CellFault(
                "has lost its zeros", f"write {code.zfill(2)} for a province or {code.zfill(5)} for a ward"
                if len(code) == 1 else f"write {code.zfill(5)}, and keep the column as text in the spreadsheet",
            )  # fmt: skip
        remedy = "map a column of names as `province`" if plain(code) in old_codes else "write the official code"
        raise CellFault("is no code of a province or ward of Vietnam", remedy)
    if country == "BR":
        codes, by_name = _municipalities()
        if code in codes:
            return code
        named = by_name.get(plain(code), ())
        if len(named) == 1:
            return named[0]
        if named:
            raise CellFault(
                "is the name of several municipalities", f"write the IBGE code: {', '.join(named[:_NAMED])}"
            )
        raise CellFault("is no municipality of Brazil", "write its IBGE code of seven digits")
    if not re.fullmatch("[0-9A-Z-]{1,12}", code):
        raise CellFault("is no official code", "write digits, capital letters and -, at most 12")
    return code
