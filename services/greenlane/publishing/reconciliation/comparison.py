"""The comparison as a whole: reads both sides, yields findings, counts them, and computes what delays cost."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from greenlane.contracts.topics import fulfilment_topic
from greenlane.methodology.seller.eligibility import Policy
from greenlane.methodology.tables import Method
from greenlane.operations.topics_reader import Progress, TopicsReader
from greenlane.publishing.reconciliation.delays import Cost, compute, to_cost
from greenlane.publishing.reconciliation.findings import Finding, Kind, Terms, absences, findings
from greenlane.publishing.reconciliation.order_list import Listed, OrderList
from greenlane.publishing.reconciliation.topic_side import TopicSide, read_topic
from greenlane.publishing.reconciliation.workspace import Workspace
from greenlane.publishing.tables.faults import Fault
from greenlane.publishing.tables.rows.csv_rows import Row, Unread

ShowProgress = Callable[[str], Progress]
"""For the name of a topic, whom to tell how far it has been read."""


@dataclass(slots=True)
class ListSide:
    """What the list held: rows, and those of which something cannot be read."""

    rows: int = 0
    faults: int = 0
    contradictions: int = 0


@dataclass(slots=True)
class Comparison:
    """A list and a topic in one workspace. Call `take_list`, `take_topic`, `settle`, then `findings` and `costs`."""

    workspace: Workspace
    order_list: OrderList
    marketplace: str
    delayed_after_hours: int
    policy: Policy
    list_side: ListSide = field(default_factory=ListSide)
    side: TopicSide = field(default_factory=lambda: TopicSide(""))
    found: Counter[Kind] = field(default_factory=Counter)

    def take_list(self, rows: Iterable[Row | Unread]) -> Iterator[Fault]:
        """Read the list; yields what of it cannot be read, for what nothing is expected."""
        side = self.list_side
        for item in self.order_list.read(rows):
            if isinstance(item, Listed):
                side.rows += 1
                self.workspace.list_row(item)
                continue
            side.faults += 1
            if isinstance(item, Unread):
                self.workspace.unclear(item.pieces)
                yield item.fault
            else:
                yield item

    def take_topic(self, servers: str, now: datetime, progress: ShowProgress) -> None:
        """Read the topic and the dead letters. Raises TopicsUnreadableError."""
        self.side = read_topic(servers, fulfilment_topic(self.marketplace), self.workspace, now, progress)

    def settle(self) -> Iterator[Fault]:
        """Everything is read; yields parcels of which the list itself names two sellers."""
        self.workspace.settle()
        absences(self.workspace, self.terms)
        for row in self.workspace.ask("SELECT * FROM listed WHERE sellers > 1 ORDER BY line"):
            self.list_side.contradictions += 1
            problem = "stands on other lines with another seller"
            yield Fault(row["line"], "", row["parcel"], problem, "correct the list: a parcel has one seller")

    @property
    def terms(self) -> Terms:
        """What the findings depend on beside the two sides."""
        side, policy = self.side, self.policy
        return Terms(
            side.topic, self.order_list.told, self.order_list.tells_sellers, side.lost_until, side.unreadable,
            self.delayed_after_hours * 3_600_000, min(policy.lateness_days, policy.window_days - 1), side.broker_times,
        )  # fmt: skip

    def findings(self) -> Iterator[Finding]:
        """Every finding, the worst first."""
        for finding in findings(self.workspace, self.terms):
            self.found[finding.kind] += 1
            yield finding

    def costs(self, servers: str, method: Method, progress: ShowProgress) -> list[Cost]:
        """What the delays cost each seller, those with the most delays first; after `findings`."""
        if not self.found[Kind.DELAYED]:
            return []
        costs, wanted = to_cost(self.workspace, self.policy)
        topic = self.side.topic
        with TopicsReader(servers, [topic], progress(topic)) as reader:
            for span in reader.spans:
                offsets = [offset for part, offset in wanted if part == span.partition]
                first, end = min(offsets, default=span.first), max(offsets, default=span.first - 1) + 1
                reader.limit(topic, span.partition, first=first, end=end)
            compute(costs, wanted, reader.records(topic), method, self.policy.prior_parcels)
        return costs

    @property
    def sound(self) -> bool:
        """Whether nothing differs, and all of both sides could be read."""
        return not (self.found.total() or self.list_side.faults or self.list_side.contradictions)

    def summary(self) -> dict[str, Any]:
        """The counts: listed steps = there + refused + missing + cannot be known + unclear; after `findings`."""
        ask = self.workspace.one
        side = asdict(self.side)
        return {
            "marketplace": self.marketplace,
            "list": {
                "rows": self.list_side.rows,
                "parcels": ask("SELECT count(*) FROM listed"),
                "steps": ask("SELECT count(*) FROM steps"),
                "steps_there": ask(
                    "SELECT count(*) FROM steps s WHERE EXISTS "
                    "(SELECT 1 FROM events e WHERE e.parcel = s.parcel AND e.step = s.step)"
                ),
                "faults": self.list_side.faults + self.list_side.contradictions,
            },
            "topic": side,
            "repeated": ask("SELECT count(*) - count(DISTINCT event_id || hex(content)) FROM events"),
            "found": {str(kind): self.found[kind] for kind in Kind},
            "sound": self.sound,
        }
