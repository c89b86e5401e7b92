"""`greenlane run gateway` with one rule broken on purpose, so that a run sees whether the proof notices."""

import sys
from collections.abc import Callable
from typing import Any

from greenlane import cli as _cli  # noqa: F401 - the product is importable before anything of it is changed
from greenlane.publishing.gateway import appending, intake
from greenlane.publishing.gateway.verdicts import Accepted, Refused


def acknowledged_before_it_is_written() -> None:
    """An event is `accepted` although Kafka has not answered."""
    right = appending.verdicts_of

    def verdicts_of(topic: str, lots: Any) -> Any:
        return [Accepted(one.index, one.id, topic, -1, -1) for one in right(topic, lots)]

    intake.verdicts_of = verdicts_of  # type: ignore[attr-defined] # the alteration


def ids_are_claimed_before_the_write() -> None:
    """A window of ids: the retry of an event whose write failed is answered with success and dropped."""
    claimed: set[str] = set()
    right = appending.Appender.add

    def add(self: Any, topic: str, partitions: int, events: Any) -> Any:
        repeats = appending.Lot([event for event in events if event.id in claimed])
        repeats.offsets = [-1] * len(repeats.events)
        repeats.end()
        fresh = [event for event in events if event.id not in claimed]
        claimed.update(event.id for event in fresh)
        return [*right(self, topic, partitions, fresh), (-1, repeats)]

    appending.Appender.add = add  # type: ignore[method-assign] # the alteration


def accepted_is_told_as_refused() -> None:
    """An event that stands in Kafka is `refused`."""
    right = appending.verdicts_of

    def verdicts_of(topic: str, lots: Any) -> Any:
        return [Refused(one.index, "not_json", (), one.id) for one in right(topic, lots)]

    intake.verdicts_of = verdicts_of  # type: ignore[attr-defined] # the alteration


ALTERATIONS: dict[str, Callable[[], None]] = {
    made.__name__: made
    for made in (acknowledged_before_it_is_written, ids_are_claimed_before_the_write, accepted_is_told_as_refused)
}


if __name__ == "__main__":
    (name,) = sys.argv[1:]
    ALTERATIONS[name]()
    sys.argv = ["greenlane", "run", "gateway"]
    from greenlane.cli.app import main

    main()
