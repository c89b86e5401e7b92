"""Keys are looked up once, confirmed again and again, trusted for a while without a database, and forgotten."""

from collections.abc import Collection
from datetime import UTC, datetime

import pytest

from greenlane.database.api_keys import ApiKey, KeyScope
from greenlane.publishing.gateway.known_keys import TRUSTED_FOR, KeysUnavailableError, KnownKeys, Source

MADE = datetime(2026, 7, 1, tzinfo=UTC)


def token(number: int) -> str:
    return f"glk_{number:016x}_{'A' * 43}"


class Desk:
    """A database of keys that may be away."""

    def __init__(self) -> None:
        self.keys = {token(number): self.key(number) for number in range(5)}
        self.away = False
        self.asked = 0
        self.time = 1000.0
        self.known = KnownKeys(Source(self.find, self.still_open), lambda: self.time, MADE.timestamp, most=3)

    def key(self, number: int, expires: datetime | None = None) -> ApiKey:
        return ApiKey(f"{number:016x}", "demo-vn", None, "", MADE, expires, (KeyScope.WRITE_EVENTS,))

    async def find(self, shown: str) -> ApiKey | None:
        self.asked += 1
        if self.away:
            raise OSError("away")
        return self.keys.get(shown)

    async def still_open(self, key_ids: Collection[str]) -> dict[str, ApiKey]:
        if self.away:
            raise OSError("away")
        return {key.key_id: key for key in self.keys.values() if key.key_id in key_ids}


async def test_a_known_key_is_not_looked_up_again() -> None:
    desk = Desk()
    assert desk.known.known(token(1)) is None
    for _ in range(3):
        assert await desk.known.of(token(1)) == desk.keys[token(1)]
    assert desk.asked == 1


async def test_what_has_not_the_form_of_a_key_is_never_looked_up() -> None:
    desk = Desk()
    for shown in ("", "x", "glk_", token(1) + "A", "é" * 9, token(1).replace("glk", "gll")):
        assert await desk.known.of(shown) is None
    assert desk.asked == 0


async def test_a_revoked_key_is_forgotten_when_keys_are_confirmed() -> None:
    desk = Desk()
    await desk.known.of(token(1))
    del desk.keys[token(1)]
    assert desk.known.known(token(1)) is not None
    await desk.known.confirm()
    assert desk.known.known(token(1)) is None
    assert await desk.known.of(token(1)) is None


async def test_without_a_database_known_keys_go_on_for_a_while_and_others_are_not_told_they_are_wrong() -> None:
    desk = Desk()
    await desk.known.of(token(1))
    desk.away = True
    desk.time += TRUSTED_FOR - 1
    with pytest.raises(KeysUnavailableError):
        await desk.known.confirm()
    assert await desk.known.of(token(1)) is not None
    with pytest.raises(KeysUnavailableError):
        await desk.known.of(token(2))
    desk.time += 2
    with pytest.raises(KeysUnavailableError):
        await desk.known.of(token(1))
    desk.away = False
    assert await desk.known.of(token(1)) is not None


async def test_confirming_takes_over_what_changed_and_an_expired_key_opens_nothing() -> None:
    desk = Desk()
    await desk.known.of(token(1))
    desk.keys[token(1)] = desk.key(1, expires=MADE)
    await desk.known.confirm()
    assert desk.known.known(token(1)) is None


async def test_memory_is_bounded_and_the_key_used_longest_ago_leaves() -> None:
    desk = Desk()
    for number in (0, 1, 2, 0, 3):
        await desk.known.of(token(number))
    assert [desk.known.known(token(number)) is not None for number in range(4)] == [True, False, True, True]
