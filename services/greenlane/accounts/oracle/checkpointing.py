"""What a checkpoint says: accounts recomputed from the log, or taken with what stands on the topics."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from kafka import TopicPartition
from kafka.partitioner.default import murmur2
from pydantic import ValidationError

from greenlane.accounts.oracle.checkpoint import account_lines, begin_at, book_lines, decisions_of, unchecked_of
from greenlane.accounts.oracle.conservation import Conservation
from greenlane.accounts.oracle.partition_accounts import ONE_DAY, EarlierScore, PartitionAccounts
from greenlane.accounts.oracle.recompute import Basis, rebuilt
from greenlane.contracts.assessments import account_key
from greenlane.contracts.checkpoints import (
    BooksLine,
    CheckpointError,
    Content,
    DecisionLine,
    FatesLine,
    PartitionLine,
    ScoreLine,
    SellerLine,
    decision_digest,
    read_checkpoint,
)
from greenlane.contracts.dead_letters import DeadLetter
from greenlane.contracts.reading.fulfilment import KafkaRecord
from greenlane.contracts.scores import BadgeDecision, SellerScore
from greenlane.contracts.topics import (
    ASSESSMENTS,
    BADGE_DECISIONS,
    DEAD_LETTERS,
    SELLER_SCORES,
    declared_topics,
    group_of,
    readers_of,
)
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.kafka_admin import kafka_admin
from greenlane.operations.topics_reader import Progress, TopicsReader
from greenlane.settings import SERVICES, Settings


def recomputed_lines(
    settings: Settings, basis: Basis, cuts: Mapping[int, int], *, progress: Progress, start: Path | None
) -> list[Content]:
    """The accounts of the log up to and without the offset of each partition, made anew by the oracle.

    Raises TopicsUnreadableError and CheckpointError as `recompute` does.
    """
    begun = None if start is None else read_checkpoint(start)
    topics = (*basis.inputs, ASSESSMENTS, DEAD_LETTERS)
    with TopicsReader(settings.kafka_bootstrap_servers, topics, progress) as reader:
        begin_at(reader, settings.kafka_bootstrap_servers, basis.policy, begun, start)
        for partition, cut in cuts.items():
            reader.limit(ASSESSMENTS, partition, end=cut)
        books, accounts = rebuilt(reader, basis, begun)
        _explain_refused(reader.records(DEAD_LETTERS), books)
    lines = list(book_lines(books, unchecked_of(begun)))
    for partition, cut in cuts.items():
        lines += account_lines(partition, cut, accounts.get(partition) or PartitionAccounts(basis.policy))
    known = {line.id for line in lines if isinstance(line, DecisionLine)}
    earlier = decisions_of(begun).items()
    return [*lines, *(DecisionLine(id=name, sha256=digest) for name, digest in earlier if name not in known)]


def _explain_refused(records: Iterable[KafkaRecord], books: Conservation) -> None:
    """Dead letters about the assessments topic; those about published records are read again by every comparison."""
    for record in records:
        try:
            origin = DeadLetter.model_validate_json(record.value or b"").data.origin
        except ValidationError:
            continue
        if (origin.topic, origin.partition, origin.offset) in books.unexplained_yet():
            books.dead_letter(record)


def taken_lines(settings: Settings, basis: Basis, accounts: Iterable[Content], *, progress: Progress) -> list[Content]:
    """The aggregator's own accounts, with the scores and decisions that stand on the topics.

    What became of the records published so far is checked no more. Raises CheckpointError when scores and accounts
    are of different moments.
    """
    unchecked = _passed_by_scorers(settings, basis.inputs)
    with TopicsReader(settings.kafka_bootstrap_servers, (SELLER_SCORES, BADGE_DECISIONS), progress) as reader:
        latest = {record.key: record.value for record in reader.records(SELLER_SCORES)}
        decisions = [_decision_line(record) for record in reader.records(BADGE_DECISIONS)]
    scores = [
        EarlierScore(_read(SellerScore, value, SELLER_SCORES), value.decode())
        for value in latest.values()
        if value is not None
    ]
    lines = list(accounts)
    return [
        *_with_scores(lines, scores),
        *{line.id: line for line in decisions}.values(),
        BooksLine(repeats=0),
        *(
            FatesLine(topic=topic, partition=number, first=before, unchecked_before=before, runs=())
            for (topic, number), before in unchecked.items()
        ),
    ]


def _with_scores(lines: Sequence[Content], scores: Iterable[EarlierScore]) -> Iterator[Content]:
    """The accounts with what only the scores know: when the last record happened, and closed days' statements."""
    closed = {line.partition: line.closed for line in lines if isinstance(line, PartitionLine)}
    stated = {(item.score.data.marketplace, item.score.data.seller_id): item for item in scores}
    for line in lines:
        if not isinstance(line, SellerLine):
            yield line
            continue
        last_day = closed[line.partition].get(line.marketplace)
        if last_day is None:
            yield line
            continue
        found = stated.get((line.marketplace, line.seller_id))
        score = None if found is None else found.score
        day = last_day + ONE_DAY if line.accepted else last_day
        if score is None or score.data.day != day or (line.accepted and score.data.sequence != line.accepted):
            raise CheckpointError(
                f"the score of {line.marketplace}/{line.seller_id} and its account are of different moments. Stop the "
                "scorers and the clock, wait until nothing is read any more, and run this again."
            )
        if line.accepted:
            if score.data.method_version == METHOD_VERSION:
                del stated[line.marketplace, line.seller_id]
            yield line.model_copy(update={"last_accepted_at": score.time})
        else:
            yield line
    partitions = {(line.marketplace, line.seller_id): line.partition for line in lines if isinstance(line, SellerLine)}
    for (marketplace, seller_id), item in stated.items():
        key = account_key(marketplace, seller_id)
        home = (murmur2(key) & 0x7FFFFFFF) % len(closed)
        yield ScoreLine(
            partition=partitions.get((marketplace, seller_id), home),
            marketplace=marketplace,
            seller_id=seller_id,
            statement=item.text,
        )


def _decision_line(record: KafkaRecord) -> DecisionLine:
    decision = _read(BadgeDecision, record.value or b"", BADGE_DECISIONS)
    return DecisionLine(id=decision.id, sha256=decision_digest(record.key, record.value))


_S = TypeVar("_S", SellerScore, BadgeDecision)


def _read(model: type[_S], value: bytes, topic: str) -> _S:
    try:
        return model.model_validate_json(value)
    except ValidationError:
        raise CheckpointError(
            f"{topic} has a record that is no statement of the aggregator, so that nobody can tell what stands there. "
            "`greenlane scores` and `greenlane decisions` name it; delete it, then run this again."
        ) from None


def _passed_by_scorers(settings: Settings, inputs: Iterable[str]) -> dict[tuple[str, int], int]:
    """Per partition of the fulfilment topics the offset before which every scorer has committed."""
    groups = [group_of(name) for name in readers_of(declared_topics(("any",))[0], SERVICES)]
    with kafka_admin(settings.kafka_bootstrap_servers) as admin:
        places = [
            TopicPartition(topic["name"], partition["partition_index"])
            for topic in admin.describe_topics(list(inputs))
            for partition in topic["partitions"]
        ]
        offsets = admin.list_group_offsets(dict.fromkeys(groups, places))
    return {
        (place.topic, place.partition): min(max(0, offsets[group][place].offset) for group in groups)
        for place in places
    }
