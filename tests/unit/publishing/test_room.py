"""The room for records on their way is bounded by count and by bytes."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from greenlane.publishing.sdk.publisher import Options
from greenlane.publishing.sdk.room import Room


def test_is_full_by_count() -> None:
    room = Room(max_bytes=100, max_count=2)

    assert [room.enter(1, timeout=0) for _ in range(3)] == [True, True, False]
    assert room.count == 2


def test_is_full_by_bytes() -> None:
    room = Room(max_bytes=100, max_count=10)

    assert [room.enter(60, timeout=0), room.enter(50, timeout=0), room.enter(40, timeout=0)] == [True, False, True]


def test_who_waits_gets_in_when_another_leaves() -> None:
    room = Room(max_bytes=100, max_count=1)
    room.enter(1, timeout=0)
    begun = Event()

    def wait() -> bool:
        begun.set()
        return room.enter(1, timeout=30)

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(wait)
        begun.wait()
        room.leave(1)
        assert waiting.result(timeout=30)


def test_is_empty_when_all_have_left() -> None:
    room = Room(max_bytes=100, max_count=10)
    room.enter(1, timeout=0)

    assert not room.wait_empty(timeout=0)
    room.leave(1)
    assert room.wait_empty(timeout=0)


@pytest.mark.parametrize("wrong", [{"max_bytes": 1}, {"max_count": 0}, {"deadline": 0.0}])
def test_limits_that_could_never_let_an_event_in_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Options(**wrong)  # type: ignore[arg-type] # a mixture of limits
