"""The entries of a partition on disk: memory holds only those of the batch in hand."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, product

from greenlane.accounts.aggregator.ledger import FORGOTTEN_A_STEP, Entry, EntryKey
from greenlane.accounts.aggregator.rows import (
    CLOSED,
    DAY,
    ENTRY,
    RULES,
    SELLER,
    Key,
    RowError,
    entry_identity,
    entry_key,
    entry_of,
    entry_owner,
    entry_range,
    entry_value,
    read_entry,
    read_key,
    seller_range,
    split_entry_key,
)
from greenlane.accounts.aggregator.seller_days import ZERO
from greenlane.streaming import DiskRows, Lookup, Rows

COUNT_KEY = b"#"
"""Beside the rows of the changelog: how many entries there are."""

_PLACE = b"@"
"""First byte of the keys under which, beside the rows of the changelog, an entry's day stands."""

_INTEGER = 8


class EntryPlaces:
    """What stands on disk beside the rows: the day of each entry, by which its row is found, and their number."""

    resident: Sequence[bytes] = (RULES, CLOSED, SELLER, DAY)

    def check(self, key: bytes, value: bytes) -> None:
        """Raises RowError if an entry's row does not decode or stands under another day than its own."""
        if key[:1] == ENTRY:
            entry_of(read_key(key), value)

    def beside(self, rows: Rows, lookup: Lookup) -> Rows:
        """The places of the entries that come, go or move with these rows, in whatever order they stand there."""
        places: dict[bytes, bytes | None] = {}
        more = 0
        for key, value in rows.items():
            if key[:1] != ENTRY:
                continue
            whose, day = split_entry_key(key)
            place = _PLACE + whose
            stands = places[place] if place in places else lookup(place)
            if value is not None:
                more += stands is None
                places[place] = day
            elif stands == day:
                more -= 1
                places[place] = None
        if more:
            places[COUNT_KEY] = (_integer(lookup(COUNT_KEY)) + more).to_bytes(_INTEGER, "big")
        return places


class StoredEntries:
    """Entries on disk, each encoded once: as it is kept and as it is written to the changelog."""

    def __init__(self, rows: DiskRows) -> None:
        self._rows = rows
        self._changes: dict[bytes, bytes | None] = {}
        self._moved: dict[bytes, Entry | None] = {}

    def __len__(self) -> int:
        """How many entries were on disk after the last batch."""
        return _integer(self._rows.get(COUNT_KEY))

    def get(self, key: EntryKey) -> Entry | None:
        """The entry that stands, if any. Raises RowError if its row does not decode."""
        identity = entry_identity(key)
        whose = entry_owner(key[0], identity)
        if whose in self._moved:
            return self._moved[whose]
        day = self._rows.get(_PLACE + whose)
        if day is None:
            return None
        at = entry_key(key[0], int.from_bytes(day, "big"), identity)
        value = self._rows.get(at)
        if value is None:
            raise RowError(f"the entry {at!r} is not where it should be on disk")
        return read_entry(value, key[3])

    def put(self, key: EntryKey, entry: Entry, replaced: Entry | None) -> None:
        """Let `entry` stand in place of `replaced`. Raises TypeError if a number needs more than 64 bits."""
        marketplace, identity = key[0], entry_identity(key)
        if replaced is not None and replaced.day != entry.day:
            self._changes[entry_key(marketplace, replaced.day, identity)] = None
        at = entry_key(marketplace, entry.day, identity)
        self._changes[at] = entry_value(entry)
        self._moved[entry_owner(marketplace, identity)] = entry

    def forget(self, marketplace: str, before: int) -> Iterator[None]:
        """Drop every entry of the marketplace whose day is earlier than `before`, in steps."""
        yield from self._drop(*entry_range(marketplace, before))

    def erase(self, marketplace: str, seller: str, days: Iterable[int]) -> Iterator[None]:
        """Drop every entry of the seller, which stand on these days, in steps."""
        for day, rank in product(days, range(len(ZERO))):
            yield from self._drop(*seller_range(marketplace, day, rank, seller))

    def _drop(self, first: bytes, end: bytes) -> Iterator[None]:
        changes = self._changes
        in_hand = [key for key, value in changes.items() if first <= key < end and value is not None]
        on_disk = (key for key, _ in self._rows.range(first, end))
        for count, key in enumerate(chain(in_hand, on_disk), 1):
            if count % FORGOTTEN_A_STEP == 0:
                yield
            if key in changes and changes[key] is None:
                continue
            changes[key] = None
            self._moved[split_entry_key(key)[0]] = None

    def restore(self, key: Key, value: bytes) -> None:
        """The row is on disk already."""

    def take_changes(self) -> Rows:
        """Rows changed since the last call, which are on disk before the next; None deletes a row."""
        changes, self._changes, self._moved = self._changes, {}, {}
        return changes


def _integer(raw: bytes | None) -> int:
    return int.from_bytes(raw or b"", "big")
