"""Choices read out of one string of bytes.

Hypothesis takes some 5 ms for the sixty draws of a parcel, and a twentieth of it for one string of as many bytes. It
still shrinks what fails: a byte of 0 is the first, the least or the simpler choice, and so are bytes that are missing.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

ChosenT = TypeVar("ChosenT")


class Choices:
    """One choice after the other, each from the next bytes."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def _next(self, size: int) -> int:
        taken = self._raw[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken, "big")

    def chance(self, percent: int) -> bool:
        """True with about this chance."""
        return self._next(1) * 100 >= (100 - percent) * 256

    def one_of(self, these: Sequence[ChosenT]) -> ChosenT:
        """One of at most 256."""
        return these[self._next(1) * len(these) // 256]

    def number(self, least: int, most: int) -> int:
        """An integer from least to most; every eighth is one of them or next to them."""
        span = most - least
        if self.chance(12):
            near = self._next(1) % 4
            return most - min(span, near // 2) if near % 2 else least + min(span, near // 2)
        return least + self._next(5) * (span + 1) // 256**5

    def size(self, least: int, most: int) -> int:
        """A positive integer from least to most, as often between 1 and 2 as between a thousand and two thousand."""
        bits = self.number(least.bit_length(), most.bit_length())
        return self.number(max(least, 1 << bits - 1), min(most, (1 << bits) - 1))

    def maybe(self, percent: int, choose: Callable[[], ChosenT]) -> ChosenT | None:
        """A choice with this chance, otherwise None."""
        return choose() if self.chance(percent) else None

    def some(self, least: int, most: int, choose: Callable[[], ChosenT]) -> tuple[ChosenT, ...]:
        """From least to most of these choices."""
        return tuple(choose() for _ in range(self.one_of(range(least, most + 1))))


def chosen(choose: Callable[[Choices], ChosenT], size: int) -> st.SearchStrategy[ChosenT]:
    """What is chosen from strings of this many bytes."""
    return st.binary(min_size=size, max_size=size).map(lambda raw: choose(Choices(raw)))
