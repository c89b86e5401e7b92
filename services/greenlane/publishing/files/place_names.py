"""Names of the places that have a code, to say which one an unknown code may have meant."""

import csv
import unicodedata
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_ISO_3166_2_VN = {"HN": "01", "HP": "31", "DN": "48", "SG": "79", "CT": "92"}
"""Letters of ISO 3166-2:VN for the five cities, with their official codes; its other codes are numbers of its own."""

_MOST = 3
_LIKENESS = 0.75
"""Least likeness (difflib's ratio) of a name to the text that stands for a code."""


class PlaceName(NamedTuple):
    """A place with a code, and its name reduced to capitals without marks and spaces."""

    code: str
    name: str
    plain: str
    initials: str
    large: bool


@cache
def place_names(country: str) -> tuple[PlaceName, ...]:
    """Every named place of a country; empty where there is no table. `large` ones are no wards."""
    text = (files("greenlane.publishing.files") / "place_names.csv").read_text(encoding="utf-8")
    return tuple(
        PlaceName(row["code"], row["name"], plain(row["name"]), _initials(row["name"]), row["kind"] != "ward")
        for row in csv.DictReader(text.splitlines())
        if row["country"] == country
    )


def plain(name: str) -> str:
    """A name in capitals without marks, spaces and signs: `Đà Nẵng` is DANANG."""
    decomposed = unicodedata.normalize("NFKD", name.upper().replace("Đ", "D"))
    return "".join(character for character in decomposed if character.isascii() and character.isalnum())


def nearest(country: str, code: str) -> tuple[str, ...]:
    """At most three places that an unknown code may have meant, each as `code name`, the likeliest first."""
    names = place_names(country)
    text = plain(code.removeprefix(f"{country}-"))
    text = text.removeprefix("TP") if country == "VN" else text
    if country == "VN" and text in _ISO_3166_2_VN:
        found = [name for name in names if name.code == _ISO_3166_2_VN[text]]
    elif text.isdecimal():
        found = _nearest_number(names, text)
    else:
        found = _nearest_name([name for name in names if name.large], text)
    return tuple(dict.fromkeys(f"{name.code} {name.name}" for name in found))[:_MOST]


def _initials(name: str) -> str:
    return "".join(word[:1] for word in map(plain, name.split()))


def _nearest_number(names: tuple[PlaceName, ...], text: str) -> list[PlaceName]:
    """Codes of the same length that are numbers nearby, zeros put before; else codes that are written alike."""
    lengths = {len(name.code) for name in names}
    alike = [name for name in names if len(name.code) == (len(text) if len(text) in lengths else len(text) + 1)]
    if len(text) in lengths or any(int(name.code) == int(text) for name in alike):
        return sorted(alike, key=lambda name: abs(int(name.code) - int(text)))
    by_code = {name.code: name for name in names}
    return [by_code[close] for close in get_close_matches(text, by_code, n=_MOST, cutoff=_LIKENESS)]


def _nearest_name(names: list[PlaceName], text: str) -> list[PlaceName]:
    same = [name for name in names if text in {name.plain, name.initials}]
    by_plain = {name.plain: name for name in names}
    return same or [by_plain[close] for close in get_close_matches(text, by_plain, n=_MOST, cutoff=_LIKENESS)]
