"""`greenlane run` with one rule broken on purpose, so that a test sees whether the proof notices: SERVICE ALTERATION.

The alterations live here and nowhere in the product; each names the place whose rule it takes away.
"""

import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from struct import pack, unpack
from typing import Any

import time_machine
from msgspec.structs import replace

from greenlane import cli as _cli  # noqa: F401 - the product is importable before anything of it is changed
from greenlane.accounts.aggregator import intake, state
from greenlane.contracts.assessments import DayClosed
from greenlane.contracts.dead_letters import Refusal
from greenlane.methodology.parcel import chain
from greenlane.operations.metrics import EngineMetrics
from greenlane.scoring import scorer
from greenlane.scoring.scorer import Scorer
from greenlane.streaming import Outcome

DEADLY_OFFSET, DEADLY_EXIT = 7, 86
"""Where the record stands that ends a process, in partition 0 of every topic, and the exit code."""
ALTERATIONS: dict[str, Callable[[], None]] = {}


def alteration(function: Callable[[], None]) -> Callable[[], None]:
    """Offer a function as an alteration under its name."""
    ALTERATIONS[function.__name__] = function
    return function


@alteration
def the_last_arrival_wins() -> None:
    """Identity: versions are compared by nothing but their arrival."""
    right, arrivals = intake._arrival, count(1)
    intake._arrival = lambda said: _again(right(said), next(arrivals))


def _again(arrival: Any, number: int) -> Any:
    _, occurred_at, event_id = arrival.version
    return arrival._replace(version=(number, occurred_at, event_id))


@alteration
def contributions_are_floating_point() -> None:
    """Integers: kilograms in 16-bit floating point between reading and adding; counts survive that, masses do not."""
    right = intake._contribution
    intake._contribution = lambda said: tuple(_through_float(amount) for amount in right(said))


def _through_float(amount: int) -> int:
    (kept,) = unpack("e", pack("e", amount / 1e6))
    return round(float(kept) * 1e6)


@alteration
def days_close_by_the_wall_clock() -> None:
    """Time is an event: a closing covers the days up to yesterday, whatever the record says."""
    right = intake._closing

    def closing(said: DayClosed, appended: int) -> DayClosed:
        today = datetime.now(UTC).date()  # noqa: TID251 - the very thing that is forbidden
        return right(said, appended).model_copy(update={"last_day": max(said.last_day, today)})

    intake._closing = closing


@alteration
def bad_records_are_skipped() -> None:
    """Nothing vanishes: what is refused leaves no dead letter."""
    right = Scorer.score

    def score(self: Any, record: Any) -> Outcome:
        try:
            return right(self, record)
        except Refusal:
            return Outcome("ignored")

    Scorer.score = score  # type: ignore[method-assign] # the alteration


@alteration
def decisions_are_forgotten() -> None:
    """Nothing vanishes: an effect is dropped between the state and the topic."""
    right = state.Accounts._close

    def close(self: Any, said: Any, policy: Any) -> Any:
        return islice(right(self, said, policy), 1, None)

    state.Accounts._close = close  # type: ignore[method-assign] # the alteration


@alteration
def rounds_cost_a_milligram_more() -> None:
    """The method: what a round counts is its figure, and nothing beside."""
    module: Any = chain
    right = module.round_cost

    def round_cost(*facts: Any) -> Any:
        cost = right(*facts)
        return None if cost is None else replace(cost, counted_mg=cost.counted_mg + 1)

    module.round_cost = round_cost


@alteration
def some_parcels_fail() -> None:
    """A fault of ours in some records, mended by a start without this alteration."""
    module: Any = scorer
    right = module.find

    def find(record: Any, owner: Any, method: Any) -> Any:
        found = right(record, owner, method)
        if found is not None and record.offset % 5 == 0:
            raise RuntimeError("a fault of ours")
        return found

    module.find = find


@alteration
def a_record_ends_the_process() -> None:
    """A fault of ours that no code can catch, in one record."""
    module: Any = scorer
    right = module.find

    def find(record: Any, owner: Any, method: Any) -> Any:
        if record.partition == 0 and record.offset == DEADLY_OFFSET:
            os._exit(DEADLY_EXIT)
        return right(record, owner, method)

    module.find = find


@alteration
def outcomes_are_forgotten() -> None:
    """Nothing vanishes: one record of each batch is read and has no outcome."""
    right = EngineMetrics.outcomes

    def outcomes(self: Any, topic: str, name: str, count: int) -> None:
        right(self, topic, name, count - 1)

    EngineMetrics.outcomes = outcomes  # type: ignore[method-assign] # the alteration


@alteration
def clock_a_day_ahead() -> None:
    """The process's wall clock is 25 hours ahead."""
    _off_by(25)


@alteration
def clock_a_day_behind() -> None:
    """The process's wall clock is 25 hours behind."""
    _off_by(-25)


@alteration
def clock_that_steps_back() -> None:
    """The process's wall clock is an hour ahead at first, then an hour behind."""
    traveller = _off_by(1)
    steps = threading.Timer(5.0, traveller.shift, [timedelta(hours=-2)])
    steps.daemon = True
    steps.start()


def _off_by(hours: int) -> time_machine.Traveller:
    """Have every reading of the wall clock be off; the monotonic clock goes on as it did."""
    return time_machine.travel(datetime.now(UTC) + timedelta(hours=hours), tick=True).start()  # noqa: TID251 - the machine's clock is what is made wrong


if __name__ == "__main__":
    service, name = sys.argv[1:]
    ALTERATIONS[name]()
    sys.argv = ["greenlane", "run", service]
    from greenlane.cli.app import main

    main()
