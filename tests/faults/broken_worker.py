"""The engine's test worker with one rule of the store broken on purpose, as its option `broken` says."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from greenlane.streaming import Output, stateful
from greenlane.streaming.continuity import Continuity
from greenlane.streaming.kafka.writer import BatchWriter

sys.path.append(str(Path(__file__).parents[2]))  # it is started as a script, from anywhere

from tests.integration.streaming import worker as streaming_worker

WHOLE = BatchWriter.write_atomically


def nothing(_die: Callable[[], None]) -> None:
    """Every rule is kept."""


def guards(_die: Callable[[], None]) -> None:
    """What is applied is applied again."""
    stateful.bisect_right = lambda *_args, **_named: 0  # type: ignore[attr-defined] # the broken rule


def continuity(_die: Callable[[], None]) -> None:
    """A hole is passed over."""
    Continuity.holes = lambda _self, _chunk: 0  # type: ignore[method-assign,assignment] # the broken rule


def write_order(die: Callable[[], None]) -> None:
    """The ledger is written before what is derived from it, each in a transaction of its own."""
    _in_two(lambda output: output.topic == "changelog" and output.key[:1] == b"l", die)


def effects_before_state(die: Callable[[], None]) -> None:
    """The state that says effects were made is written before they are."""
    _in_two(lambda output: output.topic == "changelog", die)


def _in_two(first: Callable[[Output], bool], die: Callable[[], None]) -> None:
    async def write_atomically(self: BatchWriter, outputs: Sequence[Output]) -> None:
        await WHOLE(self, [output for output in outputs if first(output)])
        die()
        await WHOLE(self, [output for output in outputs if not first(output)])

    BatchWriter.write_atomically = write_atomically  # type: ignore[method-assign,assignment] # the broken rule


def dying_at(batch: int | None) -> Callable[[], None]:
    """Kills the process at the nth call."""
    calls = count(1)

    def die() -> None:
        if next(calls) == batch:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def prepare(options: dict[str, Any]) -> dict[str, Any]:
    """Break the rule that the options name; what is left of them is the worker's."""
    point, batch = options.get("die_at", (None, None))
    if point == "between":
        del options["die_at"]
    broken = options.pop("broken").replace(" ", "_")
    {rule.__name__: rule for rule in (nothing, guards, continuity, write_order, effects_before_state)}[broken](
        dying_at(batch if point == "between" else None)
    )
    return options


if __name__ == "__main__":
    sys.argv[1] = json.dumps(prepare(json.loads(sys.argv[1])))
    asyncio.run(streaming_worker.main())
