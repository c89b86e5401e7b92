"""The benchmark's records: a simulated marketplace's events, encoded once and then repeated as other parcels."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from confluent_kafka import Producer

from greenlane.publishing.history.timeline import Kind, RawRecord
from greenlane.publishing.sdk.encoding import encode
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate

MARKETPLACE = "demo-vn"
_PARCEL, _SELLER = b"sim-1-", b"sim-"


@dataclass(frozen=True)
class History:
    """Distinct events in binary mode, all of them acceptable, and how many there are of each type."""

    records: Sequence[RawRecord]
    types: Counter[str]
    start: date

    def copy(self, number: int, *, sellers: str = "") -> Iterator[RawRecord]:
        """The same events of other parcels; and of other sellers, whose ids begin with `sellers`, if that is given."""
        parcel = b"sim-%d-" % (number + 1)
        for record in self.records:
            key = sellers.encode() + (record.key or b"")
            headers = tuple(
                (name, key if name == "ce_subject" else value.replace(_PARCEL, parcel) if name == "ce_id" else value)
                for name, value in record.headers
            )
            yield RawRecord(key, (record.value or b"").replace(_PARCEL, parcel), headers)


def history(events: int, sellers: int, days: int = 10) -> History:
    """So many events of `sellers` sellers, the last of them some days ago."""
    start = date.today() - timedelta(days=days + 20)  # noqa: DTZ011 - only has to lie in the past
    plan = SimulationPlan(
        sellers=sellers, days=10**4, start=start, rate=events / sellers / days / 2, marketplace=MARKETPLACE,
        late=0, malformed=0,
    )  # fmt: skip
    ordinary = (timed.payload for timed in simulate(plan) if timed.kind is Kind.ORDINARY)
    chosen = [event for event in islice(ordinary, events) if not isinstance(event, RawRecord)]
    return History([encode(event) for event in chosen], Counter(event.type for event in chosen), start)


def publisher(servers: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": servers,
            "acks": "all",
            "linger.ms": 5,
            "batch.size": 200_000,  # the topic takes no larger ones
            "queue.buffering.max.messages": 10**6,
        }
    )


def publish(producer: Producer, topic: str, records: Iterator[RawRecord]) -> int:
    """Append the records and wait for every acknowledgement; how many they were."""
    count = 0
    for count, record in enumerate(records, 1):
        producer.produce(topic, key=record.key, value=record.value, headers=list(record.headers), on_delivery=insist)
        if not count % 1000:
            producer.poll(0)
    producer.flush()
    return count


def insist(error: object, _message: object) -> None:
    """Every record counts: raise in the next poll or flush what the broker refused."""
    if error is not None:
        raise RuntimeError(f"not published: {error}")
