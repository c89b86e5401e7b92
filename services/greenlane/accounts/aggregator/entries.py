"""The entries of a partition as packed bytes: a third of the memory of objects, and already the rows of the store."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from greenlane.accounts.aggregator.ledger import FORGOTTEN_A_STEP, Entry, EntryKey
from greenlane.accounts.aggregator.rows import (
    Key,
    RowError,
    entry_identity,
    entry_key,
    entry_of,
    entry_value,
    read_entry,
)
from greenlane.accounts.aggregator.seller_days import ZERO


class MarketplaceEntries:
    """One marketplace's entries by identity, and which identities were put on which day.

    An identity stays in the list of a day that its entry has left for another.
    """

    __slots__ = ("days", "values")

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.days: defaultdict[int, list[bytes]] = defaultdict(list)


class PackedEntries:
    """Entries in memory, each encoded once: as it is kept and as it is written to the changelog."""

    def __init__(self) -> None:
        self._marketplaces: defaultdict[str, MarketplaceEntries] = defaultdict(MarketplaceEntries)
        self._changes: dict[bytes, bytes | None] = {}

    def __len__(self) -> int:
        return sum(len(entries.values) for entries in self._marketplaces.values())

    def get(self, key: EntryKey) -> Entry | None:
        """The entry that stands, if any."""
        value = self._marketplaces[key[0]].values.get(entry_identity(key))
        return None if value is None else read_entry(value, key[3])

    def put(self, key: EntryKey, entry: Entry, replaced: Entry | None) -> None:
        """Let `entry` stand in place of `replaced`. Raises TypeError if a number needs more than 64 bits."""
        marketplace, identity, value = key[0], entry_identity(key), entry_value(entry)
        entries = self._marketplaces[marketplace]
        entries.values[identity] = value
        if replaced is None or replaced.day != entry.day:
            entries.days[entry.day].append(identity)
            if replaced is not None:
                self._changes[entry_key(marketplace, replaced.day, identity)] = None
        self._changes[entry_key(marketplace, entry.day, identity)] = value

    def forget(self, marketplace: str, before: int) -> Iterator[None]:
        """Drop every entry of the marketplace whose day is earlier than `before`, in steps."""
        entries = self._marketplaces[marketplace]
        for day in [day for day in entries.days if day < before]:
            for count, identity in enumerate(entries.days.pop(day), 1):
                if count % FORGOTTEN_A_STEP == 0:
                    yield
                value = entries.values.get(identity)
                if value is not None and read_entry(value, identity[0]).day == day:
                    del entries.values[identity]
                    self._changes[entry_key(marketplace, day, identity)] = None

    def erase(self, marketplace: str, seller: str, days: Iterable[int]) -> Iterator[None]:
        """Drop every entry of the seller, which stand on these days, in steps."""
        entries = self._marketplaces[marketplace]
        own = tuple(entry_identity((marketplace, seller, "", rank)) for rank in range(len(ZERO)))
        for day in days:
            kept: list[bytes] = []
            for count, identity in enumerate(entries.days.get(day, ()), 1):
                if count % FORGOTTEN_A_STEP == 0:
                    yield
                if not identity.startswith(own):
                    kept.append(identity)
                elif (value := entries.values.get(identity)) is not None and read_entry(value, identity[0]).day == day:
                    del entries.values[identity]
                    self._changes[entry_key(marketplace, day, identity)] = None
            entries.days[day] = kept

    def restore(self, key: Key, value: bytes) -> None:
        """Take back one row. Raises RowError if it does not decode or contradicts another."""
        named = (key.marketplace, key.seller, key.parcel, key.rank)
        entry_of(key, value)
        entries, identity = self._marketplaces[key.marketplace], entry_identity(named)
        if identity in entries.values:
            raise RowError("the parcel has two entries in one dimension")
        entries.values[identity] = value
        entries.days[key.day].append(identity)

    def take_changes(self) -> dict[bytes, bytes | None]:
        """Rows changed since the last call; None deletes a row."""
        changes, self._changes = self._changes, {}
        return changes
