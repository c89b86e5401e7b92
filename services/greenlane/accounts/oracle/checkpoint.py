"""The oracle's accounts and books as the lines of a checkpoint, and back."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from itertools import groupby
from pathlib import Path

from greenlane.accounts.oracle.assess import Expected
from greenlane.accounts.oracle.conservation import UNKNOWN, Conservation
from greenlane.accounts.oracle.method_change import refuse_other_method
from greenlane.accounts.oracle.partition_accounts import EarlierScore, PartitionAccounts
from greenlane.accounts.oracle.seller import Seller
from greenlane.contracts.assessments import account_key
from greenlane.contracts.checkpoints import (
    BooksLine,
    Checkpoint,
    CheckpointError,
    Content,
    DecisionLine,
    EntryLine,
    FatesLine,
    PartitionLine,
    PartitionRules,
    RefusedLine,
    ScoreLine,
    SellerLine,
    decision_digest,
    refuse_misfit,
)
from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.scores import SellerScore
from greenlane.contracts.statements import BadgeState, score_statement
from greenlane.contracts.topics import ASSESSMENTS
from greenlane.factors.loading import policy_of
from greenlane.factors.rows import PolicyFile
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.eligibility import Policy
from greenlane.methodology.sums import SUMS
from greenlane.operations.kafka_admin import kafka_admin
from greenlane.operations.topics_reader import TopicsReader, TopicsUnreadableError

Unchecked = Mapping[tuple[str, int], int]
"""Per partition of a fulfilment topic the offset before which nobody checks what became of a record."""


def policy_identity(policy: Policy) -> str:
    """A policy's version and the digest of all its rules."""
    document = json.dumps(asdict(policy), sort_keys=True, default=str)
    return f"{policy.version} sha256:{hashlib.sha256(document.encode()).hexdigest()[:16]}"


def topic_id_of(bootstrap_servers: str, topic: str) -> str:
    """The id by which a topic is told from another one of the same name."""
    with kafka_admin(bootstrap_servers) as admin:
        return str(admin.describe_topics([topic])[0]["topic_id"])


def begin_at(
    reader: TopicsReader, bootstrap_servers: str, policy: Policy, checkpoint: Checkpoint | None, path: Path | None
) -> None:
    """Have the reader begin with the first assessments that the checkpoint does not contain.

    Raises TopicsUnreadableError when the log has lost its beginning and there is no checkpoint, CheckpointError when
    the log does not go on from the one there is, or is of another method.
    """
    spans = {span.partition: (span.first, span.end) for span in reader.spans if span.topic == ASSESSMENTS}
    if checkpoint is None:
        refuse_cut_off(spans)
        refuse_other_method(reader, None)
        return
    topic_id = topic_id_of(bootstrap_servers, ASSESSMENTS)
    refuse_misfit(path or Path("the checkpoint"), checkpoint, topic_id, spans, policy_identity(policy))
    refuse_other_method(reader, checkpoint, path)
    for partition, offset in checkpoint.offsets.items():
        reader.limit(ASSESSMENTS, partition, first=offset)


def refuse_cut_off(spans: Mapping[int, tuple[int, int]]) -> None:
    """Raise TopicsUnreadableError when a partition of the assessments has lost its beginning."""
    for partition, (first, _) in spans.items():
        if first > 0:
            raise TopicsUnreadableError(
                f"{ASSESSMENTS} partition {partition} begins at offset {first}: accounts made of the rest would not be "
                "the same. Name the checkpoint that contains it with --checkpoint, or restore the topic from its "
                "beginning; if there is neither, `greenlane checkpoint FILE --from-accounts` makes a checkpoint of the "
                "accounts as they stand"
            )


def account_lines(partition: int, offset: int, accounts: PartitionAccounts) -> Iterator[Content]:
    """The accounts of a partition, with the scores and the decisions that they led to."""
    closed, sellers, statements = accounts.standing()
    yield PartitionLine(
        partition=partition, offset=offset, closed=dict(sorted(closed.items())), rules=_rules_of(accounts)
    )
    for (marketplace, seller_id), seller in sellers.items():
        yield SellerLine(
            partition=partition,
            marketplace=marketplace,
            seller_id=seller_id,
            accepted=seller.accepted,
            last_accepted_at=seller.last_accepted_at if seller.accepted else "",
            **asdict(seller.badge),
        )
        yield from _entry_lines(partition, marketplace, seller_id, seller)
    for (marketplace, seller_id), earlier in accounts.earlier.items():
        yield ScoreLine(partition=partition, marketplace=marketplace, seller_id=seller_id, statement=earlier.text)
    for key, statement in statements.items():
        if key in sellers and sellers[key].accepted:
            continue  # the open day's score replaced it, and the next closed day's will replace that
        stated = statement if isinstance(statement, SellerScore) else score_statement(*statement)
        text = stated.model_dump_json()
        yield ScoreLine(partition=partition, marketplace=key[0], seller_id=key[1], statement=text)
    for decision in accounts.decisions:
        key_bytes = account_key(decision.data.marketplace, decision.data.seller_id)
        digest = decision_digest(key_bytes, decision.model_dump_json().encode())
        yield DecisionLine(id=decision.id, sha256=digest)


def _rules_of(accounts: PartitionAccounts) -> PartitionRules | None:
    adopted = accounts.rules.adopted
    if adopted is None:
        return None
    older = {name: PolicyFile.model_validate(policy, from_attributes=True) for name, policy in accounts.held.items()}
    return PartitionRules.of(adopted, older)


def _restore_rules(line: PartitionLine, accounts: PartitionAccounts) -> None:
    older = {} if line.rules is None else line.rules.older
    if line.rules is not None:
        accounts.rules.adopt(line.rules.adopted)
    for marketplace in line.closed:
        held = policy_of(older[marketplace], "policy") if marketplace in older else accounts.rules.policy
        accounts.held[marketplace] = held


def _entry_lines(partition: int, marketplace: str, seller_id: str, seller: Seller) -> Iterator[EntryLine]:
    for part, ((revision, occurred_at, event_id), day) in seller.versions.items():
        sums = seller.days[day].contributions[part]
        yield EntryLine(
            partition=partition,
            marketplace=marketplace,
            seller_id=seller_id,
            parcel_id=part[0],
            dimension=part[1],
            revision=revision,
            occurred_at=occurred_at,
            event_id=event_id,
            contribution=None if sums is None else tuple(sums),
        )


def restore_accounts(lines: Iterable[Content], accounts: PartitionAccounts) -> None:
    """Let the accounts of a partition begin where the checkpoint's lines about it end."""
    closed, sellers, statements = accounts.standing()
    for line in lines:
        if isinstance(line, PartitionLine):
            closed.update(line.closed)
            _restore_rules(line, accounts)
        elif isinstance(line, SellerLine):
            badge = BadgeState(line.level, line.streaks, line.days_below, line.warned_on)
            kept = sellers.setdefault((line.marketplace, line.seller_id), Seller())
            kept.badge, kept.accepted, kept.last_accepted_at = badge, line.accepted, line.last_accepted_at
        elif isinstance(line, EntryLine):
            sums = None if line.contribution is None else SUMS[line.dimension](*line.contribution)
            version, day = (line.revision, line.occurred_at, line.event_id), date.fromisoformat(line.occurred_at[:10])
            seller = sellers.setdefault((line.marketplace, line.seller_id), Seller())
            seller.put((line.parcel_id, line.dimension), version, day, sums)
        elif isinstance(line, ScoreLine):
            stated = SellerScore.model_validate_json(line.statement)
            if stated.data.method_version != METHOD_VERSION:
                accounts.earlier[line.marketplace, line.seller_id] = EarlierScore(stated, line.statement)
            else:
                statements[line.marketplace, line.seller_id] = _of_this_form(line, stated)


def _of_this_form(line: ScoreLine, stated: SellerScore) -> SellerScore:
    if stated.model_dump_json() != line.statement:
        raise CheckpointError(
            f"the score of {line.marketplace}/{line.seller_id} in the checkpoint is written in another form than this "
            "release's. Use the release that made the checkpoint to make a new one."
        )
    return stated


def book_lines(books: Conservation, unchecked: Unchecked) -> Iterator[Content]:
    """What became of the published records so far, and what was found on the way."""
    for position, wanted in books.unexplained_yet().items():
        code = books.code_of(position)
        raw = None if wanted.raw is None else wanted.raw.hex()
        yield RefusedLine(partition=position[1], offset=position[2], raw=raw, bulky=wanted.bulky, code=code)
    lacking = dict(sorted(books.lacking.items()))
    yield BooksLine(repeats=books.repeats, unexplained=tuple(books.unexplained), lacking=lacking)
    offsets: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for topic, partition, offset in books.expected:
        offsets[topic, partition].append(offset)
    for (topic, partition), before in unchecked.items():
        offsets.setdefault((topic, partition), [])
        yield FatesLine(
            topic=topic,
            partition=partition,
            first=min(offsets[topic, partition], default=before),
            unchecked_before=before,
            runs=_runs(books, topic, partition, offsets[topic, partition]),
        )
    for (topic, partition), known in offsets.items():
        if (topic, partition) not in unchecked:
            runs = _runs(books, topic, partition, known)
            yield FatesLine(topic=topic, partition=partition, first=min(known), runs=runs)


def _runs(books: Conservation, topic: str, partition: int, known: list[int]) -> tuple[tuple[str, int], ...]:
    if not known:
        return ()
    fates = (books.fate_of((topic, partition, offset)) for offset in range(min(known), max(known) + 1))
    return tuple((fate, sum(1 for _ in same)) for fate, same in groupby(fates))


def restore_books(checkpoint: Checkpoint, books: Conservation) -> None:
    """Let the books begin with what the checkpoint knows; positions that nobody checks are no longer expected."""
    for line in checkpoint.lines:
        if isinstance(line, BooksLine):
            books.repeats += line.repeats
            books.unexplained.extend(line.unexplained)
            books.lacking.update(line.lacking)
        elif isinstance(line, RefusedLine):
            raw = None if line.raw is None else bytes.fromhex(line.raw)
            code = None if line.code is None else DeadLetterCode(line.code)
            position = (ASSESSMENTS, line.partition, line.offset)
            books.restore_refused(position, Expected(raw, bulky=line.bulky), code)
        elif isinstance(line, FatesLine):
            offset = line.first
            for fate, count in line.runs:
                if fate != UNKNOWN:
                    books.restore_fates(line.topic, line.partition, range(offset, offset + count), fate)
                offset += count


def unchecked_of(checkpoint: Checkpoint | None) -> dict[tuple[str, int], int]:
    """Where checking begins, of each fulfilment partition whose earlier records nobody checks."""
    lines = () if checkpoint is None else checkpoint.lines
    return {
        (line.topic, line.partition): line.unchecked_before
        for line in lines
        if isinstance(line, FatesLine) and line.unchecked_before
    }


def decisions_of(checkpoint: Checkpoint | None) -> dict[str, str]:
    """The digest of each decision that the checkpoint knows, by its id."""
    lines = () if checkpoint is None else checkpoint.lines
    return {line.id: line.sha256 for line in lines if isinstance(line, DecisionLine)}
