"""A process on the streaming engine for its tests: folds amounts into sums, each id once, or doubles every value."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.streaming import (
    EachRecord,
    EngineSettings,
    KafkaRecord,
    Outcome,
    Output,
    SilentObserver,
    Stage,
    Store,
    run_stateful,
    run_stateless,
)
from greenlane.streaming.kafka.writer import BatchWriter, Written

Places = dict[tuple[str, int], Written]
STAGE = Stage("toy", "toy_scorer", "0.1.0", "toy-1")


class Sums:
    """Per key the sum of the amounts of distinct ids, one effect per id, and how many records there were in all.

    A value is `id:amount`. The count is what no ledger protects: only the engine's own guard keeps it true. At most
    `takes` records are taken at once.
    """

    def __init__(self, effects: str, takes: int | None) -> None:
        self._effects, self._takes = effects, takes
        self._sums: dict[bytes, int] = {}
        self._seen: set[bytes] = set()
        self._count = 0
        self._changed: dict[bytes, bytes] = {}
        self._each = EachRecord(self._one, STAGE)

    def restore(self, key: bytes, value: bytes) -> None:
        kind, name = key[:1], key[1:]
        if kind == b"s":
            self._sums[name] = int(value)
        elif kind == b"n":
            self._count = int(value)
        else:
            self._seen.add(name)

    def handle(self, records: Sequence[KafkaRecord]) -> Sequence[Outcome]:
        outcomes = self._each.handle(records[: self._takes])
        self._count += len(outcomes)
        self._changed[b"n"] = b"%d" % self._count
        return outcomes

    def changes(self) -> Sequence[tuple[bytes, bytes | None]]:
        rows = sorted(self._changed.items(), reverse=True)
        self._changed = {}
        return rows

    def _one(self, record: KafkaRecord) -> Outcome:
        name, _, amount = (record.value or b"").partition(b":")
        if not amount:
            raise Refusal.because(DeadLetterCode.NOT_JSON, "", "an amount is missing; send `id:amount`")
        if name in self._seen:
            return Outcome("duplicate")
        key = record.key or b""
        self._seen.add(name)
        self._sums[key] = self._sums.get(key, 0) + int(amount)
        self._changed[b"s" + key] = b"%d" % self._sums[key]
        self._changed[b"l" + name] = b""
        return Outcome("assessed", (Output(self._effects, name, amount),))


def double(effects: str) -> EachRecord:
    def one(record: KafkaRecord) -> Outcome:
        if record.value == b"poison":
            raise Refusal.because(DeadLetterCode.NOT_JSON, "value", "not a number; send digits")
        if record.value == b"huge":
            return Outcome("assessed", (Output(effects, b"k", bytes(2_000_000)),))
        return Outcome("assessed", (Output(effects, record.key or b"", b"%d" % (2 * int(record.value or b""))),))

    return EachRecord(one, STAGE)


class Spoken(SilentObserver):
    """Says on standard output what the tests wait for."""

    def rebalanced(self, assigned: Sequence[tuple[str, int]]) -> None:
        say("assigned", [partition for _, partition in assigned])

    def loaded(self, partition: int, rows: int, seconds: float) -> None:
        say("loaded", {"partition": partition, "rows": rows, "seconds": seconds})

    def hole(self, topic: str, partition: int, count: int) -> None:
        say("hole", {"topic": topic, "partition": partition, "count": count})

    def replayed(self, topic: str, partition: int, count: int) -> None:
        say("replayed", {"topic": topic, "partition": partition, "count": count})

    def outcomes(self, topic: str, name: str, count: int) -> None:
        say("outcomes", {"topic": topic, "name": name, "count": count})

    def batch_done(self, topic: str, partition: int, next_offset: int, oldest_append_ms: int, seconds: float) -> None:
        _ = oldest_append_ms, seconds
        say("done", {"topic": topic, "partition": partition, "next": next_offset})

    def made_anew(self, topic: str, partition: int) -> None:
        say("made anew", {"topic": topic, "partition": partition})

    def sources(self, reasons: Mapping[str, str]) -> None:
        say("sources", sorted(topic for topic, reason in reasons.items() if reason))


def say(what: str, detail: object) -> None:
    print(json.dumps([what, detail]), flush=True)  # noqa: T201 - the tests read it


def die_at(point: str, batch: int) -> None:
    """Have the process kill itself the nth time it comes to a point: before, written, or committed."""
    whole, part, counts = BatchWriter.write_atomically, BatchWriter.write, Counter[str]()

    def die(here: str) -> None:
        counts[here] += 1
        if here == point and counts[here] == batch:
            os.kill(os.getpid(), signal.SIGKILL)

    async def write_atomically(self: BatchWriter, outputs: Sequence[Output]) -> Places:
        die("before")
        written = await whole(self, outputs)
        die("committed")
        return written

    async def write(self: BatchWriter, outputs: Sequence[Output]) -> Places:
        written = await part(self, outputs)
        die("written")
        return written

    BatchWriter.write_atomically = write_atomically  # type: ignore[method-assign,assignment] # the failpoint
    BatchWriter.write = write  # type: ignore[method-assign,assignment] # the failpoint


async def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    options = json.loads(sys.argv[1])
    kind, effects = options.pop("kind"), options.pop("effects")
    changelog, failpoint = options.pop("changelog", ""), options.pop("die_at", None)
    folder, takes = options.pop("folder", None), options.pop("takes", None)
    if failpoint:
        die_at(*failpoint)
    settings = EngineSettings(**options | {"topics": tuple(options["topics"]), "stage": STAGE})
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def ready(yes: bool, reason: str) -> None:
        say("ready" if yes else "not ready", reason)

    if kind == "sums":
        store = Store(changelog, lambda _, __: Sums(effects, takes), folder and Path(folder))
        await run_stateful(settings, store, Spoken(), stop, ready)
    else:
        await run_stateless(settings, double(effects), Spoken(), stop, ready)


if __name__ == "__main__":
    asyncio.run(main())
