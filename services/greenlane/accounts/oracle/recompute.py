"""`greenlane recompute`: reads the topics, rebuilds every account and compares; plain and single-threaded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from greenlane.accounts.oracle.assess import expected_of
from greenlane.accounts.oracle.checkpoint import begin_at, decisions_of, restore_accounts, restore_books, unchecked_of
from greenlane.accounts.oracle.compare import Comparison, compare_decisions, compare_scores
from greenlane.accounts.oracle.conservation import Conservation, position_of
from greenlane.accounts.oracle.partition_accounts import Message, PartitionAccounts
from greenlane.contracts.assessments import Assessment, DayClosed, SellerErased
from greenlane.contracts.checkpoints import Checkpoint, read_checkpoint
from greenlane.contracts.reading.fulfilment import KafkaRecord
from greenlane.contracts.rules import AGGREGATOR_RECORD, RulesAdopted, refuse_unreadable_rules
from greenlane.contracts.scores import SellerScore
from greenlane.contracts.topics import ASSESSMENTS, BADGE_DECISIONS, DEAD_LETTERS, SELLER_SCORES, fulfilment_topic
from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.seller.eligibility import Policy
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import BadgeLevel
from greenlane.operations.rules import read_rules
from greenlane.operations.topics_reader import Progress, TopicsReader
from greenlane.settings import Settings

Accounts = dict[int, PartitionAccounts]
"""The accounts of each partition of the assessments topic."""


class Basis(NamedTuple):
    """What a recomputation rests on beside the log: methods by fingerprint, the policy before adopted ones, topics."""

    methods: Mapping[str, Method]
    policy: Policy
    inputs: tuple[str, ...]


def basis_of(settings: Settings, factors: Iterable[Path] = ()) -> Basis:
    """Every method that is known here, the first policy, and the topics of every marketplace."""
    files = dict.fromkeys((settings.factors_file, *factors, None))
    methods = {method.fingerprint: method for method in map(load_method, files)}
    registered = read_rules(settings.kafka_bootstrap_servers)
    policy = registered.policy_before(load_policy(settings.policy_file))
    known = () if registered.current is None else registered.current.marketplaces
    return Basis(methods, policy, tuple(map(fulfilment_topic, dict.fromkeys((*settings.marketplaces, *known)))))


def recompute(
    settings: Settings, *, progress: Progress, factors: tuple[Path, ...] = (), checkpoint: Path | None = None
) -> Comparison:
    """Compare the whole pipeline's output with what the published events make of it, under the rules of the log.

    `factors` are files of own factors that held at some time, beside those of the settings and those shipped.

    Meant for a pipeline at rest: what is still under way counts as unaccounted or different. Needs the assessments
    from their beginning, or a checkpoint that ends where they go on. Raises TopicsUnreadableError when a topic is
    missing, cut off or stops answering, CheckpointError when the checkpoint cannot be used.
    """
    start = None if checkpoint is None else read_checkpoint(checkpoint)
    basis = basis_of(settings, factors)
    topics = (*basis.inputs, ASSESSMENTS, SELLER_SCORES, BADGE_DECISIONS, DEAD_LETTERS)
    with TopicsReader(settings.kafka_bootstrap_servers, topics, progress) as reader:
        begin_at(reader, settings.kafka_bootstrap_servers, basis.policy, start, checkpoint)
        books, accounts = rebuilt(reader, basis, start)
        for record in reader.records(DEAD_LETTERS):
            books.dead_letter(record)
        return _result(reader, books, accounts, start)


def rebuilt(reader: TopicsReader, basis: Basis, start: Checkpoint | None) -> tuple[Conservation, Accounts]:
    """The accounts after every assessment that the reader has, and what became of each published record."""
    for (topic, partition), first in unchecked_of(start).items():
        reader.limit(topic, partition, first=first)
    published = chain.from_iterable(reader.records(topic) for topic in basis.inputs)
    expected = {position_of(record): expected_of(record, *basis.methods.values()) for record in published}
    firsts = {(span.topic, span.partition): span.first for span in reader.spans}
    books = Conservation(expected, firsts, frozenset(basis.methods))
    accounts: Accounts = defaultdict(lambda: PartitionAccounts(basis.policy))
    if start is not None:
        restore_books(start, books)
        for partition in start.offsets:
            restore_accounts(start.of_partition(partition), accounts[partition])
    return books, _rebuild(reader, books, accounts)


def _rebuild(reader: TopicsReader, books: Conservation, accounts: Accounts) -> Accounts:
    for record in reader.records(ASSESSMENTS):
        message = _read(record)
        if message is None:
            refuse_unreadable_rules(record)
            books.unreadable(record)
            continue
        refused = accounts[record.partition].refusal_of(record, message)
        if refused is not None:
            refuse_unreadable_rules(record)
            books.refused(record, refused)
            if isinstance(message, Assessment):
                books.refused_source(message)
            continue
        if isinstance(message, RulesAdopted):
            books.adopted(message)
            continue
        outcome = accounts[record.partition].take(message)
        if not isinstance(message, DayClosed | SellerErased) and outcome is not None:
            books.assessed(record, message, outcome)
    return accounts


def _read(record: KafkaRecord) -> Message | None:
    """The record's message; None when it is none, for which a dead letter is expected."""
    try:
        return AGGREGATOR_RECORD.validate_json(record.value or b"")
    except ValidationError:
        return None


def _result(reader: TopicsReader, books: Conservation, accounts: Accounts, start: Checkpoint | None) -> Comparison:
    statements: list[SellerScore] = [item for part in accounts.values() for item in part.statements()]
    earlier = [item for part in accounts.values() for item in part.earlier.values()]
    decided = [item for part in accounts.values() for item in part.decisions]
    scores = compare_scores(statements, reader.records(SELLER_SCORES), earlier)
    decisions = compare_decisions(decided, reader.records(BADGE_DECISIONS), decisions_of(start))
    fates = books.close()
    foreign = (*scores.foreign, *decisions.foreign, *books.foreign)
    return Comparison(
        sellers=scores.total,
        different=len(scores.differences),
        decisions=decisions.total,
        decisions_different=len(decisions.differences),
        decision_repeats=decisions.repeats,
        badges=sum(
            1
            for item in (*statements, *(one.score for one in earlier))
            if item.data.standing.level is not BadgeLevel.NONE
        ),
        published=fates.total(),
        assessed=fates["assessed"],
        ignored=fates["ignored"],
        duplicates=fates["duplicate"],
        superseded=fates["superseded"],
        late=fates["late"],
        dead_letters=fates["dead_letter"],
        unaccounted=fates["unaccounted"],
        scorer_repeats=books.repeats,
        unexplained=len(books.unexplained),
        lacking=sum(books.lacking.values()),
        first_lacking=next(iter(books.lacking), None),
        foreign=len(foreign),
        first_foreign=next(iter(foreign), None),
        first_difference=next(iter((*scores.differences, *decisions.differences)), None),
        first_unaccounted=books.first_unaccounted(),
        first_unexplained=next(iter(books.unexplained), None),
        begins="log" if start is None else f"{start.header.accounts}_checkpoint",
    )
