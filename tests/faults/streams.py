"""`make faults-streams`: seeded kills of the whole pipeline under load, then the proof that nothing changed.

KILLS (200) and SEED bound and repeat a run. The last line is one JSON object.
"""

import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.load import Load, history, publish_days, publish_live
from tests.faults.pipeline import BROKER, LIVE_MARKETPLACE, MARKETPLACE, PATIENCE, Pipeline, pipeline, until

from greenlane.accounts.clock.lag import LagMeter
from greenlane.accounts.oracle.compare import Comparison
from greenlane.accounts.oracle.recompute import recompute
from greenlane.contracts.reading.fulfilment import KafkaRecord
from greenlane.contracts.topics import BADGE_DECISIONS, SELLER_SCORES
from greenlane.operations.topics_reader import TopicsReader

WEIGHTS = {"aggregator": 4, "packaging_scorer": 2, "delivery_scorer": 2, "clock": 1, BROKER: 1}
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
TWICE_SHARE = 0.2
RATE = 80.0
"""Events a second while processes are killed: above what two cores shared with everything lets pile up."""


@dataclass
class Kills:
    """What was done to the pipeline, and how long each victim took to be ready again (seconds)."""

    count: int = 0
    by_victim: Counter[str] = field(default_factory=Counter)
    recoveries: dict[str, list[float]] = field(default_factory=dict)

    @property
    def worst(self) -> float:
        return max(seconds for took in self.recoveries.values() for seconds in took)

    def strike(self, running: Pipeline, chance: Random, most: int) -> None:
        """Kill up to three victims at once, some twice, wait until they are back, and a random moment more."""
        wanted = min(most, chance.choice((1, 2, 3, 3)))
        victims = {chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0] for _ in range(wanted)}
        number = chance.choice(SIGNALS)
        services = sorted(victims - {BROKER})
        if len(services) + len(victims) <= most and chance.random() < TWICE_SHARE:
            running.hit(services, signal.SIGKILL)
            self.by_victim.update(f"{victim} SIGKILL" for victim in services)
            self.count += len(services)
            time.sleep(chance.uniform(0.1, 3.0))  # the second one meets them at their start, or while they load
        for victim, seconds in running.strike(sorted(victims), number).items():
            self.recoveries.setdefault(victim, []).append(seconds)
            self.by_victim[f"{victim} {number.name}"] += 1
        self.count += len(victims)
        time.sleep(chance.uniform(0.0, 1.5))


@dataclass(frozen=True)
class Stated:
    """What a run stated: every decision's bytes by its id, every seller's last score; of the simulated marketplace."""

    decisions: dict[str, bytes]
    scores: dict[bytes, bytes]

    def different(self, other: "Stated") -> tuple[int, int]:
        """Decisions and scores that are missing, too many or not the same to the byte."""
        return _unlike(self.decisions, other.decisions), _unlike(self.scores, other.scores)


def _unlike(one: dict[Any, bytes], other: dict[Any, bytes]) -> int:
    return sum(one.get(key) != other.get(key) for key in one.keys() | other.keys())


def drained(running: Pipeline, seconds: float = PATIENCE) -> Comparison:
    """The oracle's verdict once the services have read everything, which may take these seconds."""
    drain(running, seconds)
    return recompute(running.settings, progress=lambda _read, _total: None)


def drain(running: Pipeline, seconds: float = PATIENCE) -> None:
    """Wait until the services have read everything, which may take these seconds."""
    with LagMeter(running.settings.kafka_bootstrap_servers) as meter:

        def nothing_waits() -> bool:
            positions = meter.records(running.settings.marketplaces)  # by offsets an aborted adoption would stay unread
            return positions is not None and all(
                position.records == 0 for (group, *_), position in positions.items() if "dispatcher" not in group
            )

        until(nothing_waits, lambda: f"{meter.records(running.settings.marketplaces)} {running.exits()}", seconds)


def records(running: Pipeline, topic: str) -> list[Any]:
    """Everything that stands on a topic."""
    with TopicsReader(running.settings.kafka_bootstrap_servers, [topic], lambda _read, _total: None) as reader:
        return list(reader.records(topic))


def stated(running: Pipeline) -> Stated:
    """Read back what was stated."""
    ours = f"{MARKETPLACE}/".encode()

    def own(topic: str) -> list[KafkaRecord]:
        return [item for item in records(running, topic) if (item.key or b"").startswith(ours)]

    decisions = {json.loads(item.value or b"")["id"]: item.value or b"" for item in own(BADGE_DECISIONS)}
    return Stated(decisions, {item.key or b"": item.value or b"" for item in own(SELLER_SCORES)})


def run(folder: Path, kills: int, seed: int, rate: float = RATE) -> dict[str, Any]:
    """Kill, drain, compare with the oracle and with an undisturbed run of the same input; one figure for each."""
    started, chance, done = time.monotonic(), Random(seed), Kills()  # noqa: S311 - a test's seed, not a secret
    with pipeline(folder / "disturbed") as running:
        servers = running.settings.kafka_bootstrap_servers
        publish_live(servers, LIVE_MARKETPLACE, datetime.now(UTC).date() - timedelta(days=1))  # noqa: TID251 - the clock's days are today's
        load = Load(servers, history(seed), rate)
        load.start()
        until(lambda: load.records > 0 or load.error is not None, "the first records")
        while done.count < kills and load.is_alive():
            done.strike(running, chance, kills - done.count)
            _note(f"{done.count} kills, {load.days} days, {load.records} records, worst {done.worst:.1f} s")
        load.finish()
        verdict, disturbed, exits = drained(running), stated(running), running.exits()
    disturbed_seconds = time.monotonic() - started
    _note(f"{disturbed_seconds:.0f} s; now the same {load.days} days undisturbed")
    with pipeline(folder / "undisturbed") as running:
        publish_days(running.settings.kafka_bootstrap_servers, history(seed), load.days)
        peaceful = drained(running)
        decisions_different, scores_different = disturbed.different(stated(running))
    recoveries = sorted(seconds for took in done.recoveries.values() for seconds in took)
    return {
        "kills": done.count,
        "different": verdict.different,
        "unaccounted": verdict.unaccounted,
        "unexplained": verdict.unexplained,
        "decisions_different": decisions_different,
        "scores_different_from_undisturbed": scores_different,
        "decisions_different_from_oracle": verdict.decisions_different,
        "undisturbed_agrees": peaceful.agrees,
        "worst_recovery_seconds": round(done.worst, 2),
        "median_recovery_seconds": round(statistics.median(recoveries), 2),
        "worst_by_victim": {name: round(max(took), 2) for name, took in sorted(done.recoveries.items())},
        "kills_by_victim": dict(sorted(done.by_victim.items())),
        "exit_codes": exits,
        "days": load.days,
        "published": verdict.published,
        "sellers": verdict.sellers,
        "decisions": len(disturbed.decisions),
        "decision_repeats": verdict.decision_repeats,
        "fates": {
            name: getattr(verdict, name)
            for name in ("assessed", "duplicates", "superseded", "late", "dead_letters", "ignored")
        },
        "scorer_repeats": verdict.scorer_repeats,
        "published_again": load.again,
        "closings_again": load.closings_again,
        "load_average": round(os.getloadavg()[1], 1),
        "seed": seed,
        "seconds": round(time.monotonic() - started, 1),
    }


def sound(result: dict[str, Any]) -> bool:
    """Whether nothing was lost, doubled or changed."""
    wanted = ("different", "unaccounted", "unexplained", "decisions_different", "scores_different_from_undisturbed")
    return not any(result[name] for name in (*wanted, "decisions_different_from_oracle"))


def main() -> int:
    """Run as the environment says; 0 if nothing changed, else 1."""
    kills, seed = int(os.environ.get("KILLS") or 200), int(os.environ.get("SEED") or 20261122)
    with tempfile.TemporaryDirectory(prefix="greenlane-faults-", ignore_cleanup_errors=True) as folder:
        result = run(Path(folder), kills, seed)
    print(json.dumps(result))  # noqa: T201 - the figures are this program's output
    return 0 if sound(result) else 1


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress of a long run


if __name__ == "__main__":
    sys.exit(main())
