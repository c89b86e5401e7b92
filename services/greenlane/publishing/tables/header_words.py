"""Names that shops give to columns, in Vietnamese without marks and in English, and the fact that each one tells."""

import re
from importlib.resources import files
from typing import Any

import yaml

from greenlane.publishing.tables.values.words import words_of

_UNIT_WORDS = {
    spelling: unit
    for unit, spellings in {
        "kg": "kg kilogram kilograms ky", "g": "g gr gam gram grams", "t": "tan", "lb": "lb lbs", "oz": "oz",
        "mm": "mm", "cm": "cm", "m": "m", "in": "in inch", "km": "km", "ml": "ml", "l": "l lit litre litres",
        "kwh": "kwh", "wh": "wh", "um": "um micron",
    }.items()
    for spelling in spellings.split()
}  # fmt: skip


def _names() -> dict[str, Any]:
    text = (files("greenlane.publishing.tables") / "header_words.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


_NAMES = _names()

BY_NAME: dict[str, tuple[str, str]] = {
    words_of(name): (fact, level)
    for level in ("likely", "sure")
    for fact, names in _NAMES[level].items()
    for name in names
}
"""Every name with its fact and whether it is sure."""

EITHER: dict[str, tuple[str, ...]] = {
    words_of(name): tuple(facts.split(" or ")) for facts, names in _NAMES["either"].items() for name in names
}
"""Names that mean one of two things, and only the user knows which."""


def split_unit(name: str) -> tuple[str, str]:
    """A column's name as `words_of` writes it and its unit: `Khối lượng (kg)` is khoi luong and kg."""
    bracketed = re.fullmatch(r"(.*)[(\[]([^()\[\]]*)[)\]]\s*", name)
    if bracketed:
        unit = _UNIT_WORDS.get(words_of(bracketed[2]), "")
        return words_of(bracketed[1]), unit
    words = words_of(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).split()
    if len(words) > 1 and words[-1] in _UNIT_WORDS and " ".join(words) not in BY_NAME and " ".join(words) not in EITHER:
        return " ".join(words[:-1]), _UNIT_WORDS[words[-1]]
    return " ".join(words), ""


def is_known(name: str) -> bool:
    """Whether a column of that name is looked for."""
    words = split_unit(name)[0]
    return words in BY_NAME or words in EITHER
