"""The product's answers: an event's sums, and the scores and decisions that its accounts publish."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry

from greenlane.accounts.aggregator.entries import PackedEntries
from greenlane.accounts.aggregator.state import Accounts
from greenlane.accounts.aggregator.telemetry import Gauges
from greenlane.contracts.assessing import ASSESSORS, assessment_of
from greenlane.contracts.assessments import DayClosed
from greenlane.contracts.events import CancelledEvent
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.contracts.topics import BADGE_DECISIONS, SELLER_SCORES
from greenlane.factors import load_method
from greenlane.factors.loading import load_policy
from greenlane.methodology.seller.eligibility import level_met
from greenlane.methodology.seller.score import score
from greenlane.methodology.sums import CircularitySums, DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.operations.metrics import AggregatorMetrics
from greenlane.streaming import Stage

METHOD, POLICY = load_method(), load_policy()
LATER = datetime(2100, 1, 1, tzinfo=UTC)
MARKET = "audit"
Said = dict[str, Any]


def sums_of(event: Mapping[str, Any]) -> dict[str, int]:
    """The product's named sums of an event that it accepts."""
    read = read_document(json.dumps(event).encode(), LATER)
    assert not isinstance(read, CancelledEvent), "a cancellation has no sums"
    return dict(ASSESSORS[read.type][1](read.data.to_facts(read.time.astimezone(UTC)), METHOD).sums._asdict())


class Record(NamedTuple):
    """A record of a topic, appended long after every event."""

    offset: int
    value: bytes | None
    topic: str = "audit"
    partition: int = 0
    timestamp: int = int(LATER.timestamp()) * 1000
    key: bytes | None = b"key"
    headers: Sequence[tuple[str, bytes]] = ()


class ProductAccounts:
    """The aggregator's accounts without Kafka: events go in, days are closed, statements come out."""

    def __init__(self) -> None:
        gauges = Gauges(AggregatorMetrics(CollectorRegistry(), [MARKET]))
        stage = Stage("aggregation", "aggregator", "0", "1.0.0")
        self._accounts = Accounts(0, PackedEntries(), POLICY, stage, gauges, _fail)
        self._offset = -1

    def take(self, event: Mapping[str, Any]) -> str:
        """What became of an event: assessed, superseded, duplicate or late."""
        read = read_document(json.dumps(event).encode(), LATER)
        record = Record(self._offset + 1, b"")
        return self._handle(assessment_of(record, read, METHOD).model_dump_json().encode())[0]

    def close(self, first: date, last: date) -> tuple[dict[str, Said], dict[tuple[str, date], Said]]:
        """The score statement of every seller at the last day, and the decisions of all the days."""
        closing = DayClosed(marketplace=MARKET, first_day=first, last_day=last)
        said = self._handle(closing.model_dump_json().encode())[1]
        scores, decisions = {}, {}
        for topic, statement in said:
            data = statement["data"]
            if topic == SELLER_SCORES and data["as_of"] == "closed_day":
                scores[data["seller_id"]] = data
            elif topic == BADGE_DECISIONS:
                key = data["seller_id"], date.fromisoformat(data["day"])
                decisions[key] = data | {"type": statement["type"]}
        return scores, decisions

    def _handle(self, value: bytes) -> tuple[str, list[tuple[str, Said]]]:
        self._offset += 1
        (outcome,) = self._accounts.handle([Record(self._offset, value)])
        streamed = [output for output in outcome.streamed or () if output is not None]
        list(self._accounts.changes())
        outputs = [*outcome.outputs, *streamed]
        return outcome.name, [(output.topic, json.loads(output.value)) for output in outputs if output.value]


def met_of(data: Said) -> str:
    """The highest level whose rules the sums of a statement meet."""
    sums = data["sums"]
    totals = Totals(
        PackagingSums(**sums["packaging"]),
        DeliverySums(**sums["delivery"]),
        ReturnSums(**sums["returns"]),
        CircularitySums(**sums["circularity"]),
        sums["active_days"],
    )
    return str(level_met(totals, score(totals, POLICY.prior_parcels), POLICY))


def _fail(code: object) -> None:
    raise AssertionError(f"the accounts refuse a record of the audit: {code}")
