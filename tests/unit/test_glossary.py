"""The glossary: each word stands once, and each place that it names is there."""

import re
from pathlib import Path

import pytest

from greenlane.methodology.vocabulary import BadgeLevel

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "services" / "greenlane"
TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").partition("## Words that the code uses")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| word ")
]


def test_every_word_stands_once() -> None:
    words = [row[0].lower() for row in ROWS]
    assert len(words) > 70
    assert sorted(set(words)) == sorted(words)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_place_exists_and_has_the_name(row: list[str]) -> None:
    path, *names = re.findall(r"`([^`]+)`", row[2])
    code = (PACKAGE / path).read_text(encoding="utf-8")
    assert all(re.search(rf"\b{re.escape(name)}\b", code) for name in names), f"{names} is not in {path}"


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_meaning_is_a_sentence(row: list[str]) -> None:
    assert row[1].endswith(".")
    assert len(row[1]) <= 100, "a meaning is short"


def test_the_badge_levels_are_spelt_out_in_the_vocabulary_alone() -> None:
    levels = "|".join(level for level in BadgeLevel if level is not BadgeLevel.NONE)
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(rf"""["']({levels})["']""", path.read_text(encoding="utf-8"))
    }
    assert found == {"methodology/vocabulary.py"}
