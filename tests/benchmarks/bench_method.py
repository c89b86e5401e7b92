"""How many parcels a second one core assesses, beside method 1.0.0 in the same run: `make bench-method`.

Prints one JSON object on its last line. Every figure is by the processes' own CPU time, which other work on the machine
disturbs least. `…_records_per_second` is from a record's bytes to the bytes of its assessment, as the scorers work;
`…_assessments_per_second` is the arithmetic in it, from facts to sums. Each is the median of all rounds.

The code of method 1.0.0 comes out of the repository's history. Its processes and those of this tree assess the same
bytes of v1 events, round by round in turn. A `…_vs_1_0` is the median of the rounds' ratios, above 1 where this tree is
the faster one; `vs_1_0` is the least of them. Without the history it is null, and `vs_1_0_missing` says why.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.benchmarks.earlier_code import HistoryMissingError, newest_commit, unpack
from tests.benchmarks.method_events import mixes

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("method_child.py")
EARLIER = "1.0.0"
PAIRS = 4
ROUNDS = 9
RECORDS = 1_000
COMPARED = ("packed", "delivered")
"""The mixes of v1 events, which both versions assess."""


class Round(NamedTuple):
    """CPU seconds of one round: from bytes to bytes, and of the arithmetic in it."""

    records: float
    arithmetic: float


Rounds = dict[str, list[Round]]
"""All rounds of each mix, in the order in which they were timed."""


class Child:
    """A process that times the code in one folder; every one of them hashes texts alike."""

    def __init__(self, services: Path, told: Mapping[str, Any]) -> None:
        """Raises RuntimeError when the process ends."""
        environment = {"PYTHONPATH": str(services), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, str(CHILD)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.method_version: str = self._asked(json.dumps(told))["method_version"]

    def round(self, mix: str) -> Round:
        """Time one round of a mix. Raises RuntimeError when the process ends."""
        return Round(*self._asked(mix))

    def _asked(self, line: str) -> Any:
        assert self._process.stdin is not None, "it is a pipe"
        assert self._process.stdout is not None, "it is a pipe"
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the timing process ended with {self._process.wait()}; its last words stand above")
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def timed(now: Path, earlier: Path | None) -> tuple[Rounds, Rounds]:
    """All rounds of this tree and of the earlier one, each version's first in every second round."""
    told = mixes(RECORDS)
    ours: Rounds = defaultdict(list)
    theirs: Rounds = defaultdict(list)
    for pair in range(PAIRS):
        with ExitStack() as both:
            children = [(both.enter_context(Child(now, told)), ours, tuple(told))]
            if earlier is not None:
                child = both.enter_context(Child(earlier, {mix: told[mix] for mix in COMPARED}))
                if child.method_version != EARLIER:
                    raise RuntimeError(f"{earlier} has method {child.method_version}, not {EARLIER}")
                children.append((child, theirs, COMPARED))
            for number in range(pair, pair + ROUNDS):
                for mix in told:
                    for child, rounds, its_own in children[:: 1 if number % 2 else -1]:
                        if mix in its_own:
                            rounds[mix].append(child.round(mix))
    return ours, theirs


def speeds(rounds: Rounds) -> dict[str, int]:
    """Records and assessments a second of each mix."""
    by_name: dict[str, int] = {}
    for mix, timings in rounds.items():
        by_name[f"{mix}_records_per_second"] = _per_second(timing.records for timing in timings)
        by_name[f"{mix}_assessments_per_second"] = _per_second(timing.arithmetic for timing in timings)
    return by_name


def _per_second(seconds: Iterable[float]) -> int:
    return round(RECORDS / statistics.median(seconds))


def ratios(ours: Rounds, theirs: Rounds) -> dict[str, float]:
    """How many times as fast this tree is: each mix, its arithmetic, and a packed and a delivered event together."""
    by_name: dict[str, float] = {}
    for mix in COMPARED:
        pairs = list(zip(theirs[mix], ours[mix], strict=True))
        by_name[f"{mix}_vs_1_0"] = statistics.median(old.records / new.records for old, new in pairs)
        by_name[f"{mix}_arithmetic_vs_1_0"] = statistics.median(old.arithmetic / new.arithmetic for old, new in pairs)
    old_parcels, new_parcels = _parcels(theirs), _parcels(ours)
    by_name["parcel_vs_1_0"] = statistics.median(old / new for old, new in zip(old_parcels, new_parcels, strict=True))
    return {name: round(ratio, 3) for name, ratio in by_name.items()}


def _parcels(rounds: Rounds) -> list[float]:
    """CPU seconds of parcels that are packed and delivered, round by round."""
    return [sum(timing.records for timing in each) for each in zip(*(rounds[mix] for mix in COMPARED), strict=True)]


def main() -> None:
    """Measure and print the result."""
    with tempfile.TemporaryDirectory() as folder:
        missing, commit, earlier = None, None, None
        try:
            commit = newest_commit(ROOT, EARLIER)
            earlier = unpack(ROOT, commit, Path(folder))
        except HistoryMissingError as error:
            missing = str(error)
        ours, theirs = timed(ROOT / "services", earlier)
    compared = {} if earlier is None else ratios(ours, theirs)
    result = {
        "vs_1_0": min(compared.values(), default=None),
        **({} if missing is None else {"vs_1_0_missing": missing}),
        **compared,
        **speeds(ours),
        "of_1_0": speeds(theirs),
        "commit_of_1_0": commit,
        "rounds": PAIRS * ROUNDS,
        "records_per_round": RECORDS,
        "python": sys.version.split()[0],
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
