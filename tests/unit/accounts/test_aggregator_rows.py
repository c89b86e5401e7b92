"""The rows of the partition store: what is written is read back, and nothing else is accepted."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlane.accounts.aggregator.badge import Badge
from greenlane.accounts.aggregator.entries import PackedEntries
from greenlane.accounts.aggregator.ledger import Entry
from greenlane.accounts.aggregator.rows import (
    CLOSED,
    DAY,
    ENTRY,
    SELLER,
    Key,
    RowError,
    closed_key,
    closed_value,
    day_key,
    day_value,
    entry_identity,
    entry_key,
    entry_value,
    read_closed,
    read_day,
    read_entry,
    read_key,
    read_seller,
    seller_key,
    seller_value,
)
from greenlane.accounts.aggregator.seller_days import ZERO, Day
from greenlane.methodology.vocabulary import BadgeLevel

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
days = st.integers(1, date.max.toordinal())
ranks = st.integers(0, len(ZERO) - 1)
numbers = st.integers(0, 2**63 - 1)


def sums(rank: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[numbers] * len(ZERO[rank]))


@st.composite
def entries(draw: st.DrawFn, rank: int) -> Entry:
    day = draw(days)
    version = (draw(numbers), f"{date.fromordinal(day)}T00:00:00.000000Z", draw(names))
    return Entry(version, day, draw(st.none() | sums(rank)))


@given(names, names, names, days, ranks)
def test_every_key_is_read_back_whatever_the_names_contain(
    marketplace: str, seller: str, parcel: str, day: int, rank: int
) -> None:
    identity = entry_identity((marketplace, seller, parcel, rank))
    assert read_key(closed_key(marketplace)) == Key(CLOSED, marketplace)
    assert read_key(seller_key(marketplace, seller)) == Key(SELLER, marketplace, seller=seller)
    assert read_key(day_key(marketplace, seller, day)) == Key(DAY, marketplace, day, seller)
    assert read_key(entry_key(marketplace, day, identity)) == Key(ENTRY, marketplace, day, seller, parcel, rank)


@given(names, days, days, names, names)
def test_the_keys_of_a_marketplace_sort_by_day(marketplace: str, one: int, other: int, name: str, again: str) -> None:
    earlier, later = sorted([one, other])
    if earlier < later:
        identities = [entry_identity((marketplace, seller, "p", 0)) for seller in (name, again)]
        assert day_key(marketplace, name, earlier) < day_key(marketplace, again, later)
        assert entry_key(marketplace, earlier, identities[0]) < entry_key(marketplace, later, identities[1])


@given(st.data(), ranks)
def test_every_entry_is_read_back(data: st.DataObject, rank: int) -> None:
    entry = data.draw(entries(rank))
    assert read_entry(entry_value(entry), rank) == entry


@given(numbers, numbers, st.sampled_from(BadgeLevel), st.tuples(*[st.integers(0, 3)] * 3), numbers, st.none() | days)
def test_every_seller_is_read_back(
    guard: int,
    sequence: int,
    level: BadgeLevel,
    streaks: tuple[int, int, int],
    below: int,
    warned_on: int | None,
) -> None:
    badge = Badge(level, streaks, below, warned_on)
    assert read_seller(seller_value(guard, sequence, badge)) == (guard, sequence, badge)


@given(numbers, st.integers(1, 2**40), st.tuples(*(sums(rank) for rank in range(len(ZERO)))))
def test_every_day_is_read_back(guard: int, count: int, content: tuple[tuple[int, ...], ...]) -> None:
    read_guard, day = read_day(day_value(guard, Day(count, content)))
    assert (read_guard, day.entries, day.sums) == (guard, count, content)


@given(numbers, days)
def test_a_closed_day_is_read_back(guard: int, closed: int) -> None:
    assert read_closed(closed_value(guard, closed)) == (guard, closed)


@pytest.mark.parametrize(
    "raw",
    [b"", b"X\x00\x01m", b"C", b"C\x00\x05m", b"C\x00\x01mm", b"S\x00\x01m\x00\x01", b"S\x00\x01m\x00\x01ss",
     b"D\x00\x01m\x00\x00\x00\x01\x00\x01ss", b"E\x00\x01m\x00\x00\x00\x01\x04\x00\x01sp", b"C\x00\x01\xff"],
)  # fmt: skip
def test_a_key_of_no_known_kind_is_refused(raw: bytes) -> None:
    with pytest.raises(RowError):
        read_key(raw)


def test_a_day_with_a_sum_beyond_64_bits_is_refused() -> None:
    row = day_value(0, Day(1, (tuple([2**63 - 1] * len(ZERO[0])), *ZERO[1:])))
    assert read_day(row)[1].sums[0][0] == 2**63 - 1
    with pytest.raises(RowError, match="64 bits"):
        read_day(row.replace(str(2**63 - 1).encode(), str(2**63).encode()))


@pytest.mark.parametrize("read", [read_closed, read_seller, read_day, lambda raw: read_entry(raw, 0)])
@pytest.mark.parametrize(
    "raw", [b"", b"\x02[1,2]", b"\x01", b"\x01{", b"\x01{}", b"\x01[]", b"\x01[1.5,true]", b"\x01[1,2,3,4,5,6,7,8,9]"]
)
def test_a_value_of_another_format_is_refused(read: Callable[[bytes], object], raw: bytes) -> None:
    with pytest.raises(RowError):
        read(raw)


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        (read_seller, b"\x01[1,2,9,0,0,0,0,null]"),
        (read_seller, b'\x01[1,2,1,0,0,0,0,"2026-07-01"]'),
        (read_day, b"\x01[1,0,[],[],[],[]]"),
        (read_day, b"\x01[1,1,[1],[],[],[]]"),
        (lambda raw: read_entry(raw, 2), b'\x01[0,"2026-07-01T00:00:00.000000Z","e",[1,2]]'),
        (lambda raw: read_entry(raw, 2), b'\x01[0,"2026-02-30T00:00:00.000000Z","e",null]'),
        (lambda raw: read_entry(raw, 2), b'\x01["0","2026-07-01T00:00:00.000000Z","e",null]'),
    ],
)
def test_a_value_that_cannot_be_is_refused(read: Callable[[bytes], object], raw: bytes) -> None:
    with pytest.raises(RowError):
        read(raw)


def test_an_entry_under_another_day_than_its_own_is_refused() -> None:
    value = b'\x01[0,"2026-07-01T00:00:00.000000Z","e",null]'
    key = Key(ENTRY, "m", date(2026, 7, 2).toordinal(), "s", "p", 0)
    with pytest.raises(RowError, match="another day"):
        PackedEntries().restore(key, value)


def test_two_entries_of_one_parcel_and_dimension_are_refused() -> None:
    packed = PackedEntries()
    for day in (1, 2):
        value = b'\x01[0,"2026-07-%02dT00:00:00.000000Z","e",null]' % day
        key = Key(ENTRY, "m", date(2026, 7, day).toordinal(), "s", "p", 0)
        if day == 1:
            packed.restore(key, value)
        else:
            with pytest.raises(RowError, match="two entries"):
                packed.restore(key, value)
