"""Reads numbers as people write them: decimal comma or point, thousands, a unit; what has two meanings is refused."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum
from functools import lru_cache
from typing import Literal

from greenlane.publishing.tables.faults import AmbiguousCell, CellFault

Sign = Literal[",", "."]

LONGEST = 40
"""Characters of the longest number with its unit."""

_CELL = re.compile(r"([0-9.,'\u2019 \u00a0\u202f]*[0-9])[ \u00a0\u202f]*(\D*[0-9]?)")
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2019": "'"})
_GROUPED = {mark: re.compile(rf"[1-9][0-9]{{0,2}}(?:{re.escape(mark)}[0-9]{{3}})+") for mark in ",.' "}
_SCIENTIFIC = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_PARTS = re.compile(r"[xX\u00d7*]")


class Quantity(Enum):
    """What is measured, with the factor of each unit to the contract's own; the first unit is the contract's."""

    MASS = ("g", {"g": "1", "kg": "1000", "mg": "0.001", "t": "1000000", "lb": "453.59237", "oz": "28.349523125"})
    LENGTH = ("mm", {"mm": "1", "cm": "10", "dm": "100", "m": "1000", "in": "25.4"})
    DISTANCE = ("km", {"km": "1", "m": "0.001", "mi": "1.609344"})
    VOLUME = ("ml", {"ml": "1", "cl": "10", "dl": "100", "l": "1000", "cm3": "1", "dm3": "1000", "m3": "1000000"})
    FUEL = ("l", {"l": "1", "ml": "0.001"})
    POWER = ("kwh", {"kwh": "1", "wh": "0.001", "mwh": "1000"})
    THICKNESS = ("um", {"um": "1", "mm": "1000"})
    PERCENT = ("%", {"%": "1"})
    COUNT = ("", {"": "1"})

    @property
    def unit(self) -> str:
        """The contract's unit."""
        return self.value[0]

    @property
    def factors(self) -> Mapping[str, str]:
        """Every unit with its factor, as exact decimals."""
        return self.value[1]


_SPELLINGS = {
    "g": "gr gam gram grams gramme grammes gms",
    "kg": "kgs kilo kilos kilogram kilograms ky ki kilogam",
    "t": "tan ton tonne tonnes",
    "lb": "lbs pound pounds",
    "oz": "ounce ounces",
    "mm": "milimet millimetre millimetres millimeter milimetre",
    "cm": "centimet xentimet centimetre centimetres centimeter phan",
    "m": "met metre metres meter meters",
    "in": "inch inches",
    "km": "kms kilomet kilometre kilometres kilometer kilometers cayso",
    "mi": "mile miles",
    "ml": "millilitre millilitres milliliter cc",
    "l": "lit litre litres liter liters ltr",
    "um": "µm mic micron microns micromet micrometre micrometer",
    "kwh": "kilowatthour kilowatthours sodien",
    "%": "percent phantram pct",
}
UNIT_OF = {word: unit for unit, words in _SPELLINGS.items() for word in (unit, *words.split())} | {
    unit: unit for quantity in Quantity for unit in quantity.factors if unit
}
"""Spellings of units without marks, spaces and capitals."""


def plain_unit(text: str) -> str:
    """A unit as `UNIT_OF` has it: `Lít` is lit, `cm³` is cm3."""
    marks = unicodedata.normalize("NFKD", text.casefold().replace("đ", "d").replace("\u00b3", "3"))
    return "".join(mark for mark in marks if not unicodedata.combining(mark) and mark not in " .\u00a0").replace(
        "\N{GREEK SMALL LETTER MU}", "u"
    )


def decimal_of(text: str, sign: Sign | None) -> Decimal:
    """The value of digits with separators; `sign` is the decimal sign where it is known.

    Raises AmbiguousCell where one separator before three digits may be either, CellFault for what is no number.
    """
    body = text.translate(_SPACES)
    if body.isdecimal() and body.isascii():
        return Decimal(body)
    found = _sign_in(body) if sign is None else sign
    whole, mark, fraction = body.rpartition(found) if found in body else (body, "", "")
    if mark and (not fraction.isdecimal() or not fraction.isascii() or found in whole):
        raise _no_number(sign)
    if whole and not (whole.isascii() and whole.isdecimal()):
        grouping = next((mark for mark in ",.' " if mark in whole), "")
        if grouping == found or not grouping or not _GROUPED[grouping].fullmatch(whole):
            raise _no_number(sign)
        whole = whole.replace(grouping, "")
    return Decimal(f"{whole or '0'}.{fraction or '0'}")


def _no_number(sign: Sign | None) -> CellFault:
    remedy = "write it like 1234.5"
    if sign is not None:
        remedy = f"here {sign!r} is the decimal sign and thousands have three digits: write it like 1234{sign}5"
    return CellFault("is no number", remedy)


def _sign_in(body: str) -> Sign:
    """The decimal sign that a number shows by itself. Raises AmbiguousCell."""
    commas, points = body.count(","), body.count(".")
    if commas and points:
        return "," if body.rindex(",") > body.rindex(".") else "."
    if commas > 1 or not commas + points:
        return "."
    if points > 1:
        return ","
    mark: Sign = "," if commas else "."
    whole, _, fraction = body.partition(mark)
    if len(fraction) == 3 and 0 < len(whole) <= 3 and not whole.startswith("0"):
        raise AmbiguousCell(
            f"has two meanings: {whole}{fraction} or {whole or '0'} and {fraction} thousandths",
            'say in the mapping which sign is the decimal one: `decimal: ","` or `decimal: "."`',
        )
    return mark


def measure(text: str, quantity: Quantity, unit: str, sign: Sign | None) -> Decimal:
    """A number with or without its unit, in the contract's unit; `unit` is meant where the cell has none ("": unknown).

    Raises CellFault, AmbiguousCell where nothing says the unit or the decimal sign.
    """
    number, found = _number(text, sign)
    return number * _factor(found, quantity, unit)


@lru_cache(maxsize=8192)
def _number(text: str, sign: Sign | None) -> tuple[Decimal, str]:
    amount, found = _split(text)
    return decimal_of(amount, sign), found


def sides(text: str, unit: str, sign: Sign | None) -> tuple[Decimal, Decimal, Decimal]:
    """Length, width and height in mm from one cell like `20 x 15 x 10 cm`. Raises CellFault."""
    pieces = [piece.strip() for piece in _PARTS.split(text)]
    if len(pieces) != 3 or not all(pieces):
        raise CellFault("is not length x width x height", "write it like 20 x 15 x 10 cm")
    split = [_number(piece, sign) for piece in pieces]
    common = split[-1][1]
    length, width, height = [number * _factor(found or common, Quantity.LENGTH, unit) for number, found in split]
    return length, width, height


def _split(text: str) -> tuple[str, str]:
    """Digits and unit of a cell. Raises CellFault."""
    if _SCIENTIFIC.fullmatch(text):
        raise CellFault(
            "is in scientific notation, which a spreadsheet writes for numbers it has cut",
            "give the column a number format and export it again",
        )
    found = _CELL.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        if text.startswith(("-", "\u2212")):
            raise CellFault("is negative", "correct it, or leave it empty if it is unknown")
        raise CellFault("is no number", "write it like 1234.5, with or without a unit")
    return found[1].strip(" \u00a0\u202f"), found[2].strip()


@lru_cache(maxsize=4096)
def _factor(found: str, quantity: Quantity, unit: str) -> Decimal:
    units = ", ".join(name for name in quantity.factors if name)
    if quantity is Quantity.COUNT:
        if found:
            raise CellFault("is a number of pieces and has a unit", "write the number alone")
        return Decimal(1)
    if not found and not unit:
        if quantity is Quantity.PERCENT:
            return Decimal(1)
        raise AmbiguousCell("has no unit", f"say it in the mapping: `unit:` and one of {units}")
    name = UNIT_OF.get(plain_unit(found), "") if found else unit
    factor = quantity.factors.get(name)
    if factor is None:
        raise CellFault("has a unit that does not fit", f"use one of {units}")
    return Decimal(factor)


def whole(value: Decimal) -> int:
    """The nearest whole number, halves to the even one."""
    return int(value.to_integral_value(ROUND_HALF_EVEN))


def written(value: Decimal) -> str:
    """A decimal as JSON writes it, exactly: no exponent, no zeros at its end."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def sign_of(values: Iterable[str]) -> tuple[Sign | None, tuple[str, ...]]:
    """The decimal sign that the values of a column show, and values that have two meanings without it.

    None where none shows it, or where they contradict one another.
    """
    shown: set[Sign] = set()
    unclear: dict[str, None] = {}
    for text in values:
        for piece in _PARTS.split(text):
            try:
                body = _split(piece.strip())[0].translate(_SPACES)
                if not body.isdecimal():
                    sign = _sign_in(body)
                    decimal_of(body, sign)
                    if sign in body or {",", "."} & set(body):
                        shown.add(sign)
            except AmbiguousCell:
                unclear[text] = None
            except CellFault:
                continue
    return (shown.pop() if len(shown) == 1 else None), tuple(unclear)
