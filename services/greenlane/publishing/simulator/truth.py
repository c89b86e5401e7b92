"""The truth file of a simulation: each fact that counts, from when until when, as the simulator itself knows it.

JSON Lines, compressed where the name ends with `.gz`. The first line is `{"plan": …}`. Each fact is one line: the
seller, the event, and the moments of publication between which it counts (`until` null: to the end). The last line is
`{"records": …, "by_kind": …, "closed": [[first_day, last_day], …]}`; a file without it is of a run that did not end.
It holds no score and no sum: what a fact comes to is for the method's document to say.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from greenlane.publishing.history.timeline import Kind, RawRecord, TimedEvent
from greenlane.publishing.simulator.marketplace import SimulationPlan

SUFFIX = ".gz"
_LEVEL = 1


class TruthFile:
    """Is written while the history is published; leave it as a context to close it."""

    def __init__(self, path: Path, plan: SimulationPlan) -> None:
        """Begin a new file. Raises OSError if that cannot be."""
        self._open = path.open("wb")
        self._file: IO[bytes] = (
            cast("IO[bytes]", gzip.GzipFile(fileobj=self._open, mode="wb", compresslevel=_LEVEL))
            if path.suffix == SUFFIX
            else self._open
        )
        self._by_kind: Counter[Kind] = Counter()
        self._write({"plan": asdict(plan)})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._open.close()

    def watch(self, events: Iterable[TimedEvent]) -> Iterator[TimedEvent]:
        """Pass the history on, and write down what of it counts."""
        for event in events:
            self._by_kind[event.kind] += 1
            if event.counts and not isinstance(event.payload, RawRecord):
                payload = event.payload.model_dump_json(exclude_none=True)
                until = "null" if event.until is None else f'"{event.until.isoformat()}"'
                head = f'{{"seller_id":"{event.payload.subject}","from":"{event.at.isoformat()}","until":{until}'
                self._file.write(f'{head},"event":{payload}}}\n'.encode())
            yield event

    def finish(self, closed: Sequence[tuple[date, date]]) -> None:
        """Write the last line: how many records there were, and the runs of days that were closed."""
        self._write({"records": self._by_kind.total(), "by_kind": self._by_kind, "closed": closed})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, default=date.isoformat).encode() + b"\n")
