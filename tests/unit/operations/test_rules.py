"""A worker under rules that it cannot read: it waits and says why, or ends; it never works on."""

import asyncio

import pytest

from greenlane.contracts.rules import UnreadableRulesError
from greenlane.operations import rules
from greenlane.operations.rules import Registered, Wanted, work_under
from greenlane.settings import SettingsError

WANTED = Wanted("2.0.0")
UNREADABLE = UnreadableRulesError("greenlane.rules.v1 has adopted rules that this release cannot read")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Registered | Exception]:
    """What the looks at the rules find, one after the other; the last one again and again."""
    found: list[Registered | Exception] = []

    def read(_servers: str) -> Registered:
        answer = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(rules, "read_rules", read)
    monkeypatch.setattr(rules, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(rules, "WATCH_SECONDS", 0.01)
    return found


async def until_told(_: Registered, enough: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await enough.wait()


def test_it_waits_unready_and_says_why_until_it_can_read_them(answers: list[Registered | Exception]) -> None:
    answers[:] = [UNREADABLE, UNREADABLE, Registered()]
    told: list[tuple[bool, str]] = []
    stop, worked = asyncio.Event(), []

    async def work(_: Registered, enough: asyncio.Event) -> None:
        worked.append(True)
        stop.set()
        await until_told(_, enough)

    asyncio.run(work_under("nowhere", WANTED, lambda ready, why: told.append((ready, why)), stop, work))
    assert told == [(False, str(UNREADABLE))] * 2
    assert worked == [True]


def test_it_ends_with_exit_code_2_when_they_are_adopted_meanwhile(answers: list[Registered | Exception]) -> None:
    answers[:] = [Registered(), Registered(), UNREADABLE]
    with pytest.raises(SettingsError, match=r"Refusing to go on: .* this release cannot read") as ended:
        asyncio.run(work_under("nowhere", WANTED, lambda *_: None, asyncio.Event(), until_told))
    assert ended.value.exit_code == 2


def test_it_ends_when_the_watch_fails_otherwise(answers: list[Registered | Exception]) -> None:
    answers[:] = [Registered(), ValueError("a fault of ours")]
    with pytest.raises(ValueError, match="a fault of ours"):
        asyncio.run(work_under("nowhere", WANTED, lambda *_: None, asyncio.Event(), until_told))


def test_the_watch_ends_with_the_work(answers: list[Registered | Exception]) -> None:
    answers[:] = [Registered()]

    async def work(_: Registered, enough: asyncio.Event) -> None:
        assert not enough.is_set()

    asyncio.run(work_under("nowhere", WANTED, lambda *_: None, asyncio.Event(), work))
