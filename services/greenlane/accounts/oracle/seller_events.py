"""One seller's account from the topics: the window's score, and the events that stand behind it."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from greenlane.accounts.oracle.checkpoint import begin_at, restore_accounts
from greenlane.accounts.oracle.partition_accounts import PartitionAccounts
from greenlane.accounts.oracle.seller import Part
from greenlane.contracts.assessments import DayClosed, account_key
from greenlane.contracts.checkpoints import (
    Checkpoint,
    EntryLine,
    OfPartition,
    PartitionLine,
    ScoreLine,
    SellerLine,
    read_checkpoint,
)
from greenlane.contracts.declarations import Version, declaration_of, version_of
from greenlane.contracts.events import CancelledEvent
from greenlane.contracts.reading.fulfilment import KafkaRecord, read_event
from greenlane.contracts.rules import AGGREGATOR_RECORD, RULES_KEY, RulesAdopted, refuse_unreadable_rules
from greenlane.contracts.scores import SellerScore
from greenlane.contracts.topics import ASSESSMENTS, fulfilment_topic
from greenlane.errors import GreenlaneError
from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.seller.eligibility import Policy
from greenlane.operations.topics_reader import Progress, TopicsReader

_DAY_CLOSED = str(DayClosed.model_fields["type"].default).encode()


class SellerUnknownError(GreenlaneError):
    """Nothing was assessed of this seller; the text says how to find the others."""


@dataclass(frozen=True, slots=True)
class SellerAccount:
    """A seller's score as it stands and what was declared behind it.

    `missing` counts the assessments in the window whose events are no longer on the topic.
    """

    statement: SellerScore
    declarations: tuple[Declaration, ...]
    missing: int


def read_seller(  # noqa: PLR0913 - where to read, whose account, and with what it begins
    bootstrap_servers: str,
    marketplace: str,
    seller_id: str,
    policy: Policy,
    *,
    progress: Progress,
    checkpoint: Path | None = None,
) -> SellerAccount:
    """Rebuild one account from the assessments and find the events that stand in its window.

    Raises SellerUnknownError when nothing of this seller was ever assessed, TopicsUnreadableError as the reader does
    and when the assessments have lost their beginning, CheckpointError when the checkpoint cannot be used.
    """
    events_topic = fulfilment_topic(marketplace)
    start = None if checkpoint is None else read_checkpoint(checkpoint)
    with TopicsReader(bootstrap_servers, [ASSESSMENTS, events_topic], progress) as reader:
        begin_at(reader, bootstrap_servers, policy, start, checkpoint)
        partitions = _begun(policy, start, marketplace, seller_id)
        statement, parts = _account(reader, marketplace, seller_id, partitions)
        found: dict[Part, Declaration] = {}
        for record in reader.records(events_topic):
            if record.key == seller_id.encode():
                _collect(record, parts, found)
    return SellerAccount(statement, tuple(found[part] for part in parts if part in found), len(parts) - len(found))


def _begun(policy: Policy, start: Checkpoint | None, marketplace: str, seller_id: str) -> dict[int, PartitionAccounts]:
    """The accounts of each partition with what a checkpoint knows of this seller."""
    partitions: dict[int, PartitionAccounts] = defaultdict(lambda: PartitionAccounts(policy))
    for line in () if start is None else start.lines:
        if isinstance(line, OfPartition) and _concerns(line, marketplace, seller_id):
            restore_accounts((line,), partitions[line.partition])
    return partitions


def _concerns(line: OfPartition, marketplace: str, seller_id: str) -> bool:
    if isinstance(line, SellerLine | EntryLine | ScoreLine):
        return (line.marketplace, line.seller_id) == (marketplace, seller_id)
    return isinstance(line, PartitionLine)


def _account(
    reader: TopicsReader, marketplace: str, seller_id: str, partitions: dict[int, PartitionAccounts]
) -> tuple[SellerScore, dict[Part, Version]]:
    """The seller's statement and the version that counts of each part; the other sellers' records are passed over."""
    key = account_key(marketplace, seller_id)
    for record in reader.records(ASSESSMENTS):
        if record.key in {key, RULES_KEY} or _DAY_CLOSED in (record.value or b""):
            try:
                message = AGGREGATOR_RECORD.validate_json(record.value or b"")
            except ValidationError:
                refuse_unreadable_rules(record)
                continue  # a dead letter of the aggregator, which `greenlane recompute` accounts for
            accounts = partitions[record.partition]
            if accounts.refusal_of(record, message) is None and not isinstance(message, RulesAdopted):
                accounts.take(message)
    for accounts in partitions.values():
        for statement in (*accounts.statements(), *(item.score for item in accounts.earlier.values())):
            if (statement.data.marketplace, statement.data.seller_id) == (marketplace, seller_id):
                window = statement.data.window
                return statement, accounts.counted((marketplace, seller_id), window.first_day, window.last_day)
    raise SellerUnknownError(
        f"nothing was assessed of {marketplace}/{seller_id}; `greenlane scores` lists every seller by its full name"
    )


def _collect(record: KafkaRecord, parts: dict[Part, Version], found: dict[Part, Declaration]) -> None:
    event = read_event(record).event
    if event is None or isinstance(event, CancelledEvent):
        return
    declaration = declaration_of(event)
    part = (declaration.parcel_id, declaration.dimension)
    if parts.get(part) == version_of(event):
        found.setdefault(part, declaration)
