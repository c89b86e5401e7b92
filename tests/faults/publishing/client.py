"""A client as a process: ROAD NAME FOLDER ADDRESS… It sends for ever, and random subsets of what it sent before again.

It ends with 0 once the file `enough` is in its folder and each of its events has a verdict.
"""

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Protocol

from tests.faults.publishing.events import event_of, is_bad
from tests.faults.publishing.journal import Journal, Verdict

ENOUGH = "enough"
MOST_AT_ONCE, MOST_AGAIN = 8, 6
PAUSE = (0.2, 1.6)
"""Seconds between two turns."""


class Road(Protocol):
    """One way in."""

    def send(self, events: list[tuple[int, dict[str, Any]]]) -> dict[int, Verdict]:
        """Send events, once; the verdicts that are known, within some ten seconds."""
        ...

    def finish(self) -> bool:
        """Whether nothing is left that this client has to see to."""
        ...


class Client:
    """Begins events, sends them with a random subset of older ones, and keeps what it is told."""

    def __init__(self, name: str, road: Road, journal: Journal, chance: Random) -> None:
        self._name, self._road, self._journal, self._chance = name, road, journal, chance

    def turn(self, *, fresh: bool) -> None:
        """Send once: new events if `fresh`, some of those without a verdict, and some that have one."""
        known = self._journal.known
        first = known.begun
        if fresh:
            self._journal.begin(first + self._chance.randint(1, MOST_AT_ONCE))
        numbers = list(range(first, known.begun))
        waiting = [number for number in known.open if number < first]
        numbers += self._chance.sample(waiting, k=self._chance.randint(min(1, len(waiting)), len(waiting)))[:100]
        ended = [number for number in known.said if may_repeat(known.said[number], number)]
        numbers += self._chance.sample(ended, k=self._chance.randint(0, min(MOST_AGAIN, len(ended))))
        self._chance.shuffle(numbers)
        if numbers:
            self._journal.note(self._road.send([(number, event_of(self._name, number)) for number in numbers]))

    def live(self, enough: Path) -> None:
        """Until it is enough and nothing is open."""
        while not enough.exists() or self._journal.known.open:
            self.turn(fresh=not enough.exists())
            time.sleep(self._chance.uniform(*PAUSE))
        while not self._road.finish():
            time.sleep(0.2)


def may_repeat(said: list[Verdict], number: int) -> bool:
    """What the road refused for a fault of its own is not there, and has to stay so: nobody sends it again."""
    return is_bad(number) or said[-1].word == "accepted"


def main(road: str, name: str, folder: str, *addresses: str) -> None:
    """Live as the arguments say."""
    module = importlib.import_module(f"tests.faults.publishing.roads.{road}")
    make: Callable[..., Road] = module.road
    own = Path(folder)
    journal = Journal(own / f"{name}.journal")
    chance = Random(f"{name} {journal.known.begun}")  # noqa: S311 - a test's seed
    Client(name, make(own / name, *addresses), journal, chance).live(own / ENOUGH)


if __name__ == "__main__":
    main(*sys.argv[1:])
