"""The rows of the partition store: what each holds, its key, and its bytes. Formats are in this folder's README."""

import struct
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from greenlane.accounts.aggregator.badge import LEVELS, Badge
from greenlane.accounts.aggregator.ledger import Entry, EntryKey
from greenlane.accounts.aggregator.rules_book import Kept
from greenlane.accounts.aggregator.seller_days import ZERO, Contribution, Day
from greenlane.contracts.rules import RulesAdopted
from greenlane.factors.rows import PolicyFile

FORMAT = b"\x01"
"""Version byte before every value."""

RULES, CLOSED, SELLER, DAY, ENTRY = b"R", b"C", b"S", b"D", b"E"
"""First byte of every key: what kind of row it is."""

_DAY_BYTES = 4
_LENGTH_BYTES = 2


class RowError(ValueError):
    """A row is not of this format; the text says what is wrong with it."""


class Key(NamedTuple):
    """A row's key taken apart; what the kind of row does not have is empty."""

    kind: bytes
    marketplace: str
    day: int = 0
    seller: str = ""
    parcel: str = ""
    rank: int = 0


def closed_key(marketplace: str) -> bytes:
    """Key of the marketplace's last closed day."""
    return CLOSED + _text(marketplace)


def rules_key() -> bytes:
    """Key of the partition's rules, which are no marketplace's own."""
    return RULES + _text("")


def seller_key(marketplace: str, seller: str) -> bytes:
    """Key of what is known of a seller beside its days."""
    return SELLER + _text(marketplace) + _text(seller)


def day_key(marketplace: str, seller: str, day: int) -> bytes:
    """Key of a seller's sums of one day: days sort within the marketplace, so that expiry can take a range."""
    return DAY + _text(marketplace) + day.to_bytes(_DAY_BYTES, "big") + _text(seller)


def entry_key(marketplace: str, day: int, identity: bytes) -> bytes:
    """Key of an entry; days sort within the marketplace here too."""
    return ENTRY + _text(marketplace) + day.to_bytes(_DAY_BYTES, "big") + identity


def entry_identity(key: EntryKey) -> bytes:
    """Which entry of its marketplace it is, whatever its day; the first byte is the dimension's rank."""
    _, seller, parcel, rank = key
    return rank.to_bytes() + _text(seller) + parcel.encode()


def entry_range(marketplace: str, before: int) -> tuple[bytes, bytes]:
    """From the first key of the marketplace's entries up to the first one whose day is not earlier than `before`."""
    return entry_key(marketplace, 0, b""), entry_key(marketplace, before, b"")


def seller_range(marketplace: str, day: int, rank: int, seller: str) -> tuple[bytes, bytes]:
    """From the first key of a seller's entries of one day and dimension up to the first one that is not among them."""
    first = entry_key(marketplace, day, entry_identity((marketplace, seller, "", rank)))
    return first, first + b"\xff"  # no parcel's UTF-8 has this byte


def entry_owner(marketplace: str, identity: bytes) -> bytes:
    """Which entry it is, whatever its day: what its key has beside the kind and the day."""
    return _text(marketplace) + identity


def split_entry_key(raw: bytes) -> tuple[bytes, bytes]:
    """An entry's key as its `entry_owner` and the bytes of its day."""
    day = 1 + _LENGTH_BYTES + int.from_bytes(raw[1 : 1 + _LENGTH_BYTES], "big")
    return raw[1:day] + raw[day + _DAY_BYTES :], raw[day : day + _DAY_BYTES]


def read_key(raw: bytes) -> Key:
    """Take a key apart. Raises RowError if it is not one of ours."""
    try:
        kind, (marketplace, rest) = raw[:1], _take_text(raw[1:])
        if kind in {RULES, CLOSED} and not rest:
            return Key(kind, marketplace)
        if kind == SELLER:
            seller, rest = _take_text(rest)
            if not rest:
                return Key(kind, marketplace, seller=seller)
        if kind in {DAY, ENTRY}:
            day, rest = int.from_bytes(rest[:_DAY_BYTES], "big"), rest[_DAY_BYTES:]
            rank, rest = (rest[0], rest[1:]) if kind == ENTRY else (0, rest)
            seller, parcel = _take_text(rest)
            if kind == DAY and not parcel:
                return Key(kind, marketplace, day, seller)
            if kind == ENTRY and rank < len(ZERO):
                return Key(kind, marketplace, day, seller, parcel.decode(), rank)
    except (IndexError, UnicodeDecodeError) as error:
        raise RowError("the key is cut short or not UTF-8") from error
    raise RowError("the key is of no kind this release knows")


def closed_value(guard: int, closed: int) -> bytes:
    """Offset of the last source record contained, and the last closed day."""
    return _value([guard, closed])


def seller_value(guard: int, sequence: int, badge: Badge) -> bytes:
    """Offset of the last source record contained, accepted records since the last closing, and the badge."""
    return _value([guard, sequence, LEVELS.index(badge.level), *badge.streaks, badge.days_below, badge.warned_on])


def day_value(guard: int, day: Day) -> bytes:
    """Offset of the last source record contained, number of entries, and the sums of each dimension, [] for zeros."""
    return _value([guard, day.entries, *(sums if any(sums) else () for sums in day.sums)])


def entry_value(entry: Entry) -> bytes:
    """The version and the contribution, null when retracted. Raises TypeError beyond 64 bits."""
    return FORMAT + orjson.dumps((*entry.version, entry.contribution))


def rules_value(guard: int, kept: Kept) -> bytes:
    """Offset of the last source record contained, the rules adopted last, and older policies that still hold."""
    adopted, older = kept
    documents = {marketplace: file.model_dump(mode="json") for marketplace, file in older.items()}
    return _value([guard, None if adopted is None else adopted.model_dump(mode="json"), documents])


def read_rules(raw: bytes) -> tuple[int, Kept]:
    """The guard and the rules."""
    guard, adopted, older = _fields(raw, 3)
    if type(guard) is not int or type(older) is not dict:
        raise RowError("the rules are none this release knows")
    try:
        files = {marketplace: PolicyFile.model_validate(document) for marketplace, document in older.items()}
        return guard, (None if adopted is None else RulesAdopted.model_validate(adopted), files)
    except ValidationError as error:
        raise RowError(f"the rules are none this release knows ({error.error_count()} problems)") from None


def read_closed(raw: bytes) -> tuple[int, int]:
    """The guard and the last closed day."""
    guard, closed = _integers(_fields(raw, 2))
    return guard, closed


def read_seller(raw: bytes) -> tuple[int, int, Badge]:
    """The guard, the sequence and the badge."""
    *integers, warned_on = _fields(raw, 8)
    guard, sequence, level, bronze, silver, gold, below = _integers(integers)
    if level >= len(LEVELS) or not (warned_on is None or type(warned_on) is int):
        raise RowError("the badge is none this release knows")
    return guard, sequence, Badge(LEVELS[level], (bronze, silver, gold), below, warned_on)


def read_day(raw: bytes) -> tuple[int, Day]:
    """The guard and the day's sums."""
    guard, entries, *sums = _fields(raw, 2 + len(ZERO))
    guard, entries = _integers([guard, entries])
    if not entries:
        raise RowError("a day without entries has no row")
    try:
        return guard, Day(entries, tuple(_sums(item, rank) for rank, item in enumerate(sums)))
    except struct.error as error:
        raise RowError("a sum needs more than 64 bits") from error


def read_entry(raw: bytes, rank: int) -> Entry:
    """The entry of a dimension. Its day is the day its version happened on."""
    revision, occurred_at, event_id, contribution = _fields(raw, 4)
    if type(revision) is not int or type(occurred_at) is not str or type(event_id) is not str:
        raise RowError("the version is not a number and two texts")
    try:
        day = ordinal(occurred_at)
    except ValueError as error:
        raise RowError("the version happened on no day there is") from error
    return Entry((revision, occurred_at, event_id), day, None if contribution is None else _sums(contribution, rank))


def entry_of(key: Key, value: bytes) -> Entry:
    """The entry of a row. Raises RowError if it does not decode or stands under another day than its own."""
    entry = read_entry(value, key.rank)
    if entry.day != key.day:
        raise RowError("the entry stands under another day than its own")
    return entry


def ordinal(occurred_at: str) -> int:
    """The UTC day of an instant. Raises ValueError if there is no such day."""
    return date.fromisoformat(occurred_at[:10]).toordinal()


def _sums(values: Any, rank: int) -> Contribution:
    if values == []:
        return ZERO[rank]
    sums = tuple(_integers(values))
    if len(sums) != len(ZERO[rank]):
        raise RowError(
            f"{len(sums)} sums where the dimension has {len(ZERO[rank])}: another method made them; "
            "`greenlane restate` makes accounts of this one of them"
        )
    return sums


def _value(fields: list[Any]) -> bytes:
    return FORMAT + orjson.dumps(fields)


def _fields(raw: bytes, count: int) -> list[Any]:
    if raw[:1] != FORMAT:
        raise RowError(f"the value has version byte {raw[:1].hex() or 'none'}, this release reads {FORMAT.hex()}")
    try:
        fields = orjson.loads(raw[1:])
    except orjson.JSONDecodeError as error:
        raise RowError("the value is not JSON after its version byte") from error
    if type(fields) is not list or len(fields) != count:
        raise RowError(f"the value is not a list of {count}")
    return fields


def _integers(values: Any) -> list[int]:
    if type(values) is not list or not set(map(type, values)) <= {int}:
        raise RowError("whole numbers were expected")
    return values


@lru_cache(maxsize=50_000)  # each event names its seller and marketplace five times
def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(_LENGTH_BYTES, "big") + raw


def _take_text(raw: bytes) -> tuple[str, bytes]:
    end = _LENGTH_BYTES + int.from_bytes(raw[:_LENGTH_BYTES], "big")
    if len(raw) < end:
        raise IndexError(end)
    return raw[_LENGTH_BYTES:end].decode(), raw[end:]
