"""What the run showed: who was lost or late, which letters are missing, how large and how slow the worst were."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from prometheus_client import CollectorRegistry
from tests.faults.tenants.attack import Place
from tests.faults.tenants.records import HostileRecord

from greenlane.contracts.assessing import Owner
from greenlane.contracts.topics import BADGE_DECISIONS, DEAD_LETTERS, SELLER_SCORES, declared_topics, fulfilment_topic
from greenlane.factors.loading import load_method
from greenlane.operations.metrics import ProcessMetrics, ScorerMetrics
from greenlane.scoring.scorer import Scorer
from greenlane.webhooks.identity import webhook_id

Event = tuple[str, str, str, int, float]
LETTERS = {"refused": (1, 1), "taken": (0, 0), "either": (0, 1)}
"""How many letters a record has, at least and at most."""
OWNERS: tuple[Owner, ...] = ("packaging_scorer", "delivery_scorer")


@dataclass(frozen=True)
class Arrivals:
    """When each webhook first arrived, and the neighbours' events that led to them."""

    first: Mapping[str, float]
    events: Sequence[Event]

    def lost(self) -> list[str]:
        """Sellers' events of which neither their own score nor a later one of the seller arrived."""
        newest: dict[tuple[str, str], int] = defaultdict(int)
        for identity, marketplace, seller, sequence, _ in self.events:
            if identity in self.first:
                newest[marketplace, seller] = max(newest[marketplace, seller], sequence)
        return [event[0] for event in self.events if event[3] > newest[event[1], event[2]]]

    def latencies(self, since: float, until: float) -> list[float]:
        """Seconds from publishing to the first byte at the receiver, of the events published in between."""
        return sorted(
            self.first[identity] - at
            for identity, _, _, _, at in self.events
            if since <= at < until and identity in self.first
        )


@dataclass(frozen=True)
class Stages:
    """When the assessment and the score of each of the neighbours' events were appended (seconds), by its webhook."""

    assessed: Mapping[str, float]
    scored: Mapping[str, float]

    def medians(self, seen: Arrivals, since: float, until: float) -> dict[str, float]:
        """Milliseconds that half of the events published in between needed at most for each stage."""
        events = [
            (at, self.assessed[name], self.scored[name], seen.first[name])
            for name, _, _, _, at in seen.events
            if since <= at < until and name in self.assessed and name in self.scored and name in seen.first
        ]
        steps = zip(("assessed", "scored", "sent"), pairwise(zip(*events, strict=True)), strict=True)
        return {
            stage: round(percentile(sorted(b - a for a, b in zip(before, after, strict=True)), 0.5) * 1000, 1)
            for stage, (before, after) in steps
        }


def stages(assessments: Iterable[Any], scores: Iterable[Any], events: Sequence[Event]) -> Stages:
    """From the records of the two topics; what cannot be read is a forgery."""
    parcels = {(shop, seller, f"{seller}.{number}"): name for name, shop, seller, number, _ in events}
    assessed, scored = dict[str, float](), dict[str, float]()
    for record in assessments:
        document = _object(record.value)
        shop, seller, parcel = (str(document.get(field)) for field in ("marketplace", "seller_id", "parcel_id"))
        if (name := parcels.get((shop, seller, parcel))) is not None:
            assessed.setdefault(name, record.timestamp / 1000)
    for record in scores:
        document = _object(record.value)
        if isinstance(document.get("source"), str) and isinstance(document.get("id"), str):
            scored.setdefault(webhook_id(document["source"], document["id"]), record.timestamp / 1000)
    return Stages(assessed, scored)


def _object(value: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(value or b"{}")
    except (ValueError, RecursionError):  # forged
        return {}
    return found if isinstance(found, dict) else {}


def arrivals(seen: Iterable[Sequence[Any]], events: Sequence[Event]) -> Arrivals:
    """From what the sink saw: time, port, webhook id, checksum."""
    first: dict[str, float] = {}
    for at, _, identity, _ in seen:
        first[identity] = min(at, first.get(identity, at))
    return Arrivals(first, events)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of the ordered values lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


@dataclass(frozen=True)
class Letters:
    """The dead letters by the place of the record they are about, and the largest of them."""

    about: Counter[Place]
    largest: int

    @property
    def share(self) -> float:
        """The largest letter as a share of what its topic takes."""
        limit = next(topic.max_message_bytes for topic in declared_topics(()) if topic.name == DEAD_LETTERS)
        return self.largest / limit

    def missing(self, records: Mapping[Place, HostileRecord], forged: Mapping[Place, str]) -> list[str]:
        """Names of records that must have exactly one letter and have none or several, or that must have none."""
        wrong = [
            item.name
            for place, item in records.items()
            if not LETTERS[item.fate][0] <= self.about[place] <= LETTERS[item.fate][1]
        ]
        return wrong + [name for place, name in forged.items() if self._forged_wrong(place, name)]

    def _forged_wrong(self, place: Place, name: str) -> bool:
        if place[0] == DEAD_LETTERS:
            return False
        if place[0] in {SELLER_SCORES, BADGE_DECISIONS} and name.endswith("_null"):
            return self.about[place] > 1
        return self.about[place] != 1


def letters(found: Iterable[Any], forged: Mapping[Place, str]) -> Letters:
    """The letters among the records of the dead-letter topic; forged ones are none."""
    about: Counter[Place] = Counter()
    identities: set[str] = set()
    largest = 0
    for record in found:
        if (record.topic, record.partition, record.offset) in forged:
            continue
        document = json.loads(record.value)
        size = len(record.value) + len(record.key or b"") + sum(len(n) + len(v or b"") for n, v in record.headers)
        largest = max(largest, size)
        if document["id"] not in identities:  # a repeat after a restart says the same and counts once
            identities.add(document["id"])
            origin = document["data"]["origin"]
            about[origin["topic"], origin["partition"], origin["offset"]] += 1
    return Letters(about, largest)


@dataclass(frozen=True)
class Record:
    """A record as a client hands it over."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def slowest(marketplace: str, items: Iterable[HostileRecord]) -> tuple[float, str]:
    """The longest processor time that one record takes in a scorer, letter included (ms), and its name."""
    registry = CollectorRegistry()
    metrics, process = ScorerMetrics(registry, (marketplace,)), ProcessMetrics(registry, "tests", "tests", "tests")
    scorers = [Scorer(owner, load_method(None), metrics, process) for owner in OWNERS]
    worst, name = 0.0, ""
    for item in items:
        record = Record(
            fulfilment_topic(marketplace),
            0,
            0,
            int(time.time() * 1000),
            item.key,
            item.value,
            item.headers,  # type: ignore[arg-type] # null header values are what is tried
        )
        for scorer in scorers:
            took = min(_milliseconds(scorer, record) for _ in range(3))
            if took > worst:
                worst, name = took, item.name
    return worst, name


def _milliseconds(scorer: Scorer, record: Record) -> float:
    began = time.thread_time_ns()
    scorer.handle([record])
    return (time.thread_time_ns() - began) / 1e6
