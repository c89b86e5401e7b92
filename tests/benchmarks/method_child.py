"""Times the assessments of one version of the code: whatever `greenlane` the path leads to, of method 1.0.0 or later.

Reads the records of all mixes as one line of JSON, answers with its method's version and how it assessed each of them,
and then for each name of a mix with the CPU seconds of one round: from bytes to bytes, and of the arithmetic in it.
"""

import json
import sys
import time
from typing import Any, NamedTuple

from greenlane.contracts.assessing import ASSESSORS, Owner
from greenlane.contracts.quick.assessing import find
from greenlane.contracts.topics import fulfilment_topic
from greenlane.factors.loading import load_method
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.tables import Method

APPENDED_MS = 1_800_000_000_000
"""When the broker appended the records, milliseconds since 1970 UTC: after all of them happened."""


class Record(NamedTuple):
    """A record of Kafka as the scorers see it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class Mix(NamedTuple):
    """What one round assesses: the records of a scorer, and the facts that their assessment comes down to."""

    owner: Owner
    records: list[Record]
    facts: list[Any]
    assess: Any


def mix_of(told: list[dict[str, Any]], method: Method) -> Mix:
    """The mix, whose every record is assessed. Raises ValueError for one that is not."""
    topic = fulfilment_topic(told[0]["headers"]["ce_source"].removeprefix("/marketplaces/"))
    owner: Owner = told[0]["owner"]
    event_type = told[0]["headers"]["ce_type"]
    records = [
        Record(topic, 0, number, APPENDED_MS, one["key"].encode(), one["value"].encode(), _headers(one["headers"]))
        for number, one in enumerate(told)
    ]
    known, facts = ASSESSORS[event_type], []
    dimension, assess = known

    def noting(one: Any, tables: Method) -> Any:
        facts.append(one)
        return assess(one, tables)

    ASSESSORS[event_type] = dimension, noting
    for record in records:
        find(record, owner, method)
    ASSESSORS[event_type] = known
    if len(facts) != len(records):
        raise ValueError(f"{event_type}: {len(facts)} of {len(records)} records were assessed on the first way")
    return Mix(owner, records, facts, assess)


def _headers(told: dict[str, str]) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in told.items()]


def timed(mix: Mix, method: Method) -> tuple[float, float]:
    """CPU seconds of one round from bytes to bytes, and of one from facts to sums."""
    owner, records, facts, assess = mix
    begun = time.process_time()
    for record in records:
        find(record, owner, method)
    found = time.process_time()
    for one in facts:
        assess(one, method)
    return found - begun, time.process_time() - found


def main() -> None:
    """Answer line by line until the input ends."""
    method = load_method()
    mixes = {name: mix_of(told, method) for name, told in json.loads(sys.stdin.readline()).items()}
    _say({"method_version": METHOD_VERSION, "assessed": {name: len(mix.facts) for name, mix in mixes.items()}})
    for line in sys.stdin:
        _say(timed(mixes[line.strip()], method))


def _say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
