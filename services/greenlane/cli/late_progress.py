"""A count of what has been read, shown on standard error once reading takes longer than two seconds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from time import monotonic

from greenlane.cli.output import progress

PATIENCE_SECONDS = 2.0
_TICK = 500


@contextmanager
def late_progress(what: str, clock: Callable[[], float] = monotonic) -> Iterator[Callable[[], None]]:
    """Gives a function to call for every item; quick work shows nothing."""
    shown = progress()
    task = shown.add_task(what, total=None)
    began, numbers = clock(), count(1)

    def tick() -> None:
        number = next(numbers)
        if number % _TICK == 0 and clock() - began > PATIENCE_SECONDS:
            shown.start()
            shown.update(task, completed=number)

    try:
        yield tick
    finally:
        if shown.live.is_started:
            shown.stop()
