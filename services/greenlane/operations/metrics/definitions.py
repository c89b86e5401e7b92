"""The definition of every metric: name, type, labels, buckets, and the words that explain it."""

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "greenlane_"


class Kind(StrEnum):
    """Prometheus types in use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric. `name` has no prefix; counters end in _total; labels take words of closed lists only."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        """The name as Prometheus sees it."""
        return PREFIX + self.name


LATENCY_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""The objective, 99 % within 5 s, is an edge."""
RECOVERY_SECONDS = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
ATTEMPT_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0)
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
WAIT_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0)
SCORE_POINTS = (10.0, 20.0, 30.0, 45.0, 55.0, 60.0, 65.0, 70.0, 75.0, 80.0, 85.0, 90.0, 100.0)
"""The edges of the grades (30, 45, 60, 80) are among them."""

PROCESS = (
    Definition(
        "build_info",
        Kind.GAUGE,
        "Always 1; the labels say which code, method and badge policy run.",
        ("version", "method_version", "policy_version"),
    ),
    Definition(
        "dead_letters_total",
        Kind.COUNTER,
        "Records refused and written to the dead-letter topic, by reason.",
        ("code",),
    ),
    Definition(
        "errors_total", Kind.COUNTER, "Errors that were handled, by class; `unexpected` is a bug of ours.", ("kind",)
    ),
    Definition("recovering", Kind.GAUGE, "1 while the process is not ready to process: start, re-balance, recovery."),
)

ENGINE = (
    Definition("records_read_total", Kind.COUNTER, "Records that reached the engine, replays included.", ("topic",)),
    Definition("records_total", Kind.COUNTER, "Records by what became of them, acknowledged.", ("topic", "outcome")),
    Definition(
        "records_unaccounted",
        Kind.GAUGE,
        "Records read less records explained by an outcome or a replay; 0 at the end of every batch.",
        ("topic",),
    ),
    Definition("records_replayed_total", Kind.COUNTER, "Records whose effect the state already contained.", ("topic",)),
    Definition(
        "offset_gaps_total", Kind.COUNTER, "Offsets that hold no record, such as transaction markers.", ("topic",)
    ),
    Definition(
        "next_offset", Kind.GAUGE, "Offset after the last acknowledged record, while assigned.", ("topic", "partition")
    ),
    Definition(
        "latency_from_append_seconds",
        Kind.HISTOGRAM,
        "From the append of a batch's oldest record to the acknowledgement of all the batch led to.",
        ("topic",),
        LATENCY_SECONDS,
    ),
    Definition(
        "batch_seconds",
        Kind.HISTOGRAM,
        "From the start of a batch to its acknowledgement.",
        ("topic",),
        LATENCY_SECONDS,
    ),
    Definition(
        "partitions_made_anew_total",
        Kind.COUNTER,
        "Partitions read from their beginning because their topic was deleted and created anew.",
        ("topic",),
    ),
    Definition(
        "source_refused", Kind.GAUGE, "1 while a source topic is missing or has other partitions, else 0.", ("topic",)
    ),
    Definition("rebalances_total", Kind.COUNTER, "Assignments of partitions this process received from its group."),
    Definition(
        "recovery_seconds",
        Kind.HISTOGRAM,
        "Time to read one partition's state back from its changelog.",
        (),
        RECOVERY_SECONDS,
    ),
)

SCORERS = (
    Definition("assessments_total", Kind.COUNTER, "Assessments written, by data category.", ("marketplace", "data")),
    Definition(
        "implausible_facts_total",
        Kind.COUNTER,
        "Declared facts outside the plausible, counted as undeclared.",
        ("fact",),
    ),
    Definition(
        "unknown_fields_total",
        Kind.COUNTER,
        "Fields of assessed events that the contract lacks; they were dropped.",
        ("marketplace",),
    ),
    Definition(
        "co2e_grams_total", Kind.COUNTER, "CO2e assessed, gross: corrections are not deducted.", ("marketplace",)
    ),
    Definition(
        "plastic_grams_total", Kind.COUNTER, "Plastic assessed, gross: corrections are not deducted.", ("marketplace",)
    ),
)

AGGREGATOR = (
    Definition(
        "window_co2e_grams",
        Kind.GAUGE,
        "CO2e in all accounts' windows, net of corrections.",
        ("marketplace", "dimension", "data"),
    ),
    Definition("window_plastic_grams", Kind.GAUGE, "Plastic in all accounts' windows, net.", ("marketplace",)),
    Definition("badge_sellers", Kind.GAUGE, "Sellers at each badge level.", ("marketplace", "level")),
    Definition("badge_transitions_total", Kind.COUNTER, "Changes of a badge level.", ("marketplace", "from", "to")),
    Definition(
        "seller_score",
        Kind.HISTOGRAM,
        "Scores at the end of each closed day, each seller once.",
        ("dimension",),
        SCORE_POINTS,
    ),
)

CLOCK = (
    Definition(
        "group_lag_records",
        Kind.GAUGE,
        "Records a group has yet to read; transaction markers are none.",
        ("group", "topic", "partition"),
    ),
    Definition("group_offset", Kind.GAUGE, "Offset a group reads next.", ("group", "topic", "partition")),
    Definition(
        "day_closed_timestamp_seconds", Kind.GAUGE, "End of the last closed day, as a Unix time.", ("marketplace",)
    ),
)

DISPATCHER = (
    Definition("webhook_ingested_total", Kind.COUNTER, "Records read, by what became of them.", ("outcome",)),
    Definition(
        "webhook_deliveries_total",
        Kind.COUNTER,
        "Attempts, by the state they led to; `fenced` came too late.",
        ("outcome",),
    ),
    Definition(
        "webhook_attempt_seconds", Kind.HISTOGRAM, "Duration of an attempt, by phase.", ("phase",), ATTEMPT_SECONDS
    ),
    Definition("webhook_queue_wait_seconds", Kind.HISTOGRAM, "From due to claimed.", (), WAIT_SECONDS),
    Definition("webhook_pending", Kind.GAUGE, "Open deliveries, by state.", ("state",)),
    Definition("webhook_oldest_due_seconds", Kind.GAUGE, "For how long the oldest due delivery has been due."),
    Definition("webhook_inflight", Kind.GAUGE, "Requests under way, by budget.", ("budget",)),
    Definition("webhook_breaker_endpoints", Kind.GAUGE, "Endpoints left alone or probed after failures.", ("state",)),
    Definition(
        "webhook_blocked_addresses_total", Kind.COUNTER, "Attempts not made because of the address.", ("reason",)
    ),
    Definition("webhook_ingest_lag_records", Kind.GAUGE, "Records appended and not yet accepted."),
    Definition(
        "webhook_deliveries_orphaned", Kind.GAUGE, "Open deliveries that nothing will ever make due; must be 0."
    ),
)

GATEWAY = (
    Definition("gateway_events_total", Kind.COUNTER, "Events sent over HTTP, by verdict.", ("marketplace", "verdict")),
    Definition("gateway_requests_total", Kind.COUNTER, "Requests with events, by the status answered.", ("status",)),
    Definition(
        "gateway_request_seconds",
        Kind.HISTOGRAM,
        "From a request's head to its verdicts, of requests of which an event was taken.",
        (),
        REQUEST_SECONDS,
    ),
    Definition(
        "gateway_append_seconds",
        Kind.HISTOGRAM,
        "From handing a batch to the client to its acknowledgement by all in-sync replicas.",
        (),
        REQUEST_SECONDS,
    ),
    Definition(
        "gateway_documents_total",
        Kind.COUNTER,
        "Documents of other vocabularies that were converted whole, or of which a part was refused.",
        ("vocabulary", "outcome"),
    ),
    Definition("gateway_held_bytes", Kind.GAUGE, "Bytes of requests that are not answered yet."),
    Definition("gateway_kafka_away", Kind.GAUGE, "1 while Kafka does not answer and events are refused, else 0."),
    Definition(
        "gateway_keys_unconfirmed_seconds", Kind.GAUGE, "Seconds since the database last confirmed the known keys."
    ),
)

OUTBOX = (
    Definition(
        "outbox_rows_total",
        Kind.COUNTER,
        "Rows of the outbox: sent, refused, or unanswered (Kafka did not acknowledge them; they are sent again).",
        ("outcome",),
    ),
    Definition("outbox_pending_rows", Kind.GAUGE, "Rows that wait to be sent, counted as far as 100,000."),
    Definition("outbox_refused_rows", Kind.GAUGE, "Refused rows in the table, counted as far as 100,000."),
    Definition("outbox_oldest_pending_seconds", Kind.GAUGE, "Age of the first row that waits to be sent, else 0."),
)

ALL = (*PROCESS, *ENGINE, *SCORERS, *AGGREGATOR, *CLOCK, *DISPATCHER, *GATEWAY, *OUTBOX)
