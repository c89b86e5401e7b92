"""What delays cost: a seller's score over one window with and without what came too late, by the scoring functions."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice

from greenlane.contracts.declarations import declaration_of
from greenlane.contracts.events import CancelledEvent
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.records import KafkaRecord
from greenlane.methodology.seller.account import Judged, assess, totals_of
from greenlane.methodology.seller.eligibility import Policy
from greenlane.methodology.seller.score import green_points
from greenlane.methodology.tables import Method
from greenlane.publishing.reconciliation.findings import DAY_MS
from greenlane.publishing.reconciliation.steps import CANCELLED_STEP
from greenlane.publishing.reconciliation.workspace import Workspace

MOST_SELLERS = 100
MOST_EVENTS = 20_000
"""Sellers, and events of all of them, whose costs are computed: those with the most delays. The rest is counted."""

_SELLERS = """
SELECT d.seller, d.late, count(*) AS delayed, max(d.appended) AS arrived, max(d.at) AS happened,
  max(d.appended / 86400000 - d.at / 86400000) AS days
FROM delays d GROUP BY d.seller, d.late ORDER BY delayed DESC, d.seller
"""
_STANDING = """
SELECT * FROM (SELECT e.*, d.parcel IS NOT NULL AS delayed,
  row_number() OVER (PARTITION BY e.parcel, e.step ORDER BY e.revision DESC, e.at DESC, e.event_id DESC) AS rank
  FROM events e LEFT JOIN delays d ON d.parcel = e.parcel AND d.step = e.step AND d.late = ?2
  WHERE e.seller = ?1 AND e.step <> ?5 AND NOT EXISTS
    (SELECT 1 FROM events c WHERE c.parcel = e.parcel AND c.seller = ?1 AND c.step = ?5))
WHERE rank = 1 AND at / 86400000 BETWEEN ?3 AND ?4
"""


@dataclass(slots=True)
class Cost:
    """What delays of one seller's events changed: the green score, unrounded, without them and with them.

    `days`: the most closed days of which one was missing. `late`: they count in no account, so the cost is for good.
    Both scores are None where they were not computed (`wanted` is false): there were too many delays.
    """

    seller: str
    delayed: int
    days: int
    late: bool
    wanted: bool = False
    without: Decimal | None = None
    whole: Decimal | None = None
    _on_time: list[Judged] = field(default_factory=list)
    _delayed: list[Judged] = field(default_factory=list)

    @property
    def points(self) -> Decimal | None:
        """The points that were missing; negative where the score was higher without these events."""
        return None if self.whole is None or self.without is None else self.whole - self.without

    def score(self, prior_parcels: int) -> None:
        """Compute both scores from what was added."""
        self.without = green_points(totals_of(self._on_time), prior_parcels)
        self.whole = green_points(totals_of([*self._on_time, *self._delayed]), prior_parcels)
        self._on_time, self._delayed = [], []

    def add(self, judged: Judged, *, delayed: bool) -> None:
        """A parcel's declaration with its assessment."""
        (self._delayed if delayed else self._on_time).append(judged)


Wanted = dict[tuple[int, int], list[tuple[Cost, bool]]]
"""Of each record that is needed, by partition and offset: whose it is, and whether it was delayed."""


def to_cost(workspace: Workspace, policy: Policy) -> tuple[list[Cost], Wanted]:
    """The sellers with delays, and the records that their scores need."""
    workspace.prepare(
        "CREATE INDEX delays_parcel ON delays (parcel, step); CREATE INDEX events_seller ON events (seller)"
    )
    costs: list[Cost] = []
    wanted: Wanted = defaultdict(list)
    for row in list(workspace.ask(_SELLERS)):
        cost = Cost(row["seller"], row["delayed"], row["days"], bool(row["late"]))
        costs.append(cost)
        if len(costs) > MOST_SELLERS or len(wanted) >= MOST_EVENTS:
            continue
        last = (row["happened"] if row["late"] else row["arrived"]) // DAY_MS
        first = last - policy.window_days + 1
        rows = workspace.ask(_STANDING, row["seller"], row["late"], first, last, CANCELLED_STEP)
        needed = [((event["part"], event["off"]), bool(event["delayed"])) for event in islice(rows, MOST_EVENTS + 1)]
        if len(wanted) + len(needed) <= MOST_EVENTS:
            cost.wanted = True
            for place, delayed in needed:
                wanted[place].append((cost, delayed))
    return costs, wanted


def compute(costs: Iterable[Cost], wanted: Wanted, records: Iterable[KafkaRecord], method: Method, prior: int) -> None:
    """Score what was asked for, from the topic's records."""
    for record in records:
        told = wanted.get((record.partition, record.offset))
        if told is None:
            continue
        event = read_event(record).event
        if event is None or isinstance(event, CancelledEvent):
            continue
        declaration = declaration_of(event)
        judged = Judged(declaration, assess(declaration, method))
        for cost, delayed in told:
            cost.add(judged, delayed=delayed)
    for cost in costs:
        if cost.wanted:
            cost.score(prior)
