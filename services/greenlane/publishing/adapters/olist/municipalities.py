"""Finds the Brazilian municipality that a city name of the Olist data set means; what is not clear stays unknown."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum

_STATES_BY_REGION = (
    (11, "RO AC AM RR PA AP TO"),
    (21, "MA PI CE RN PB PE AL SE BA"),
    (31, "MG ES RJ"),
    (35, "SP"),
    (41, "PR SC RS"),
    (50, "MS MT GO DF"),
)
STATES = {state: str(first + n) for first, states in _STATES_BY_REGION for n, state in enumerate(states.split())}
"""State abbreviations with the two-digit codes of IBGE, which begin every municipality code."""

_LIKENESS = 0.9
"""Least likeness (difflib's ratio) of a misspelling to the one name it is taken for: one slip in about ten letters."""

_SUFFIX = re.compile(r"\s*[/\\,(]|\s+-\s+")
_CONTRACTION = re.compile(r"\bd'")


class Match(StrEnum):
    """How a city was found."""

    EXACT = "exact"
    CLEANED = "cleaned"
    MISSPELT = "misspelt"
    UNKNOWN = "unknown"


def normalise(name: str) -> str:
    """The name without accents, case, hyphens, apostrophes and doubled spaces."""
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", name) if not unicodedata.combining(mark))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain.casefold()).split())


class Municipalities:
    """Municipality codes by state and name. `found` counts how each distinct city was matched."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        """`rows` have codigo_ibge, nome and codigo_uf, as in the public municipality table."""
        self._by_state: dict[str, dict[str, str]] = {}
        for row in rows:
            self._by_state.setdefault(row["codigo_uf"], {})[normalise(row["nome"])] = row["codigo_ibge"]
        self._known: dict[tuple[str, str], tuple[str | None, Match]] = {}

    @property
    def found(self) -> Counter[Match]:
        """Distinct cities by how they were matched."""
        return Counter(match for _, match in self._known.values())

    def code(self, city: str, state: str) -> str | None:
        """The seven-digit code of the one municipality of `state` (abbreviation) that `city` means; None if unclear.

        In order: the name as it stands, the name before a state or country appended to it, the one name it is a slip
        away from. A city of another state is unclear: then one of the two fields is wrong, and nothing says which.
        """
        if (city, state) not in self._known:
            self._known[city, state] = self._find(city, self._by_state.get(STATES.get(state, ""), {}), state)
        return self._known[city, state][0]

    @staticmethod
    def _find(city: str, names: Mapping[str, str], state: str) -> tuple[str | None, Match]:
        name = normalise(city)
        if name in names:
            return names[name], Match.EXACT
        cleaned = normalise(_SUFFIX.split(_CONTRACTION.sub("do ", city.casefold()))[0]).removesuffix(
            f" {state.casefold()}"
        )
        if cleaned in names:
            return names[cleaned], Match.CLEANED
        close = get_close_matches(cleaned, names, n=2, cutoff=_LIKENESS)
        return (names[close[0]], Match.MISSPELT) if len(close) == 1 else (None, Match.UNKNOWN)
