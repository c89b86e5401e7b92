"""A checkpoint of an earlier method with every entry that stands assessed again, under this release's method.

Pure: the records of the fulfilment topics come in, the lines of another checkpoint come out. What an entry was before
is never looked at, only which event it stands for.
"""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pydantic import ValidationError

from greenlane.accounts.oracle.conservation import UNKNOWN
from greenlane.accounts.oracle.partition_accounts import ONE_DAY
from greenlane.contracts.assessing import assessment_of
from greenlane.contracts.assessments import Assessment, account_key
from greenlane.contracts.checkpoints import (
    Checkpoint,
    CheckpointError,
    Content,
    EntryLine,
    FatesLine,
    Header,
    PartitionLine,
    PartitionRules,
    Restated,
    ScoreLine,
    SellerLine,
)
from greenlane.contracts.declarations import declaration_of, version_of
from greenlane.contracts.events import CancelledEvent
from greenlane.contracts.reading.fulfilment import KafkaRecord, read_event
from greenlane.contracts.rules import RulesAdopted
from greenlane.contracts.scores import SellerScore
from greenlane.contracts.topics import SELLER_SCORES, fulfilment_topic
from greenlane.factors.loading import policy_of
from greenlane.factors.rows import PolicyFile
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import Dimension

Place = tuple[str, str, str, Dimension]
"""Marketplace, seller, parcel and dimension: what has one entry."""

Owned = tuple[str, str, Dimension]
"""Marketplace, seller and dimension."""

SAMPLE = 20
"""Declarations of one seller and dimension that are kept to find out what declaring more would change."""

NAMED = 5
"""Entries that an error names one by one; the rest is counted."""

_ASSESSED = "assessed"


class NotRestatableError(CheckpointError):
    """Entries have no event that this method can assess; nothing was written and the command ends with 1."""

    exit_code = 1


class Reassessed(NamedTuple):
    """What an entry's event comes to; `certain`: the checkpoint knows that this very record was taken in."""

    sums: tuple[int, ...]
    defaults: tuple[str, ...]
    implausible: tuple[str, ...]
    certain: bool


class Restating:
    """Finds the event of every standing entry of a checkpoint and assesses it; fed with the fulfilment records.

    Of several records of one version that which was taken in counts; where the checkpoint does not know, the first.
    """

    def __init__(self, old: Checkpoint, method: Method) -> None:
        self._method = method
        self._fates = _Fates(old.lines)
        self._wanted = {
            place_of(line): line for line in old.lines if isinstance(line, EntryLine) and line.contribution is not None
        }
        self._refused: dict[str, str] = {}
        self.found: dict[Place, Reassessed] = {}
        self.samples: defaultdict[Owned, list[Declaration]] = defaultdict(list)

    @property
    def topics(self) -> tuple[str, ...]:
        """The fulfilment topics of the marketplaces that have entries."""
        return tuple(map(fulfilment_topic, sorted({place[0] for place in self._wanted})))

    def take(self, record: KafkaRecord) -> None:
        """Look at the next fulfilment record."""
        fate = self._fates.of(record)
        if fate not in {_ASSESSED, UNKNOWN}:
            return  # a duplicate, superseded, late or refused: no entry stands for it
        reading = read_event(record)
        if reading.event is None:
            if fate == _ASSESSED:
                self._refused[_event_id(record)] = str(reading.refusal)
            return
        event, certain = reading.event, fate == _ASSESSED
        parcel = event.data.parcel_id
        version = version_of(event)
        for dimension in Dimension:
            place = (event.source.removeprefix("/marketplaces/"), event.subject, parcel, dimension)
            entry = self._wanted.get(place)
            if entry is None or (entry.revision, entry.occurred_at, entry.event_id) != version:
                continue
            if place in self.found and not certain:
                continue
            try:
                assessed = assessment_of(record, event, self._method)
            except ValidationError as error:  # a sum beyond the contract's limit
                self._refused[event.id] = f"its sums are beyond the limits ({error.error_count()} problems)"
                return
            if isinstance(assessed, Assessment) and assessed.dimension is dimension:
                sample = self.samples[place[0], place[1], dimension]
                if len(sample) < SAMPLE and not isinstance(event, CancelledEvent):
                    sample.append(declaration_of(event))
                self.found[place] = Reassessed(tuple(assessed.sums()), assessed.defaults, assessed.implausible, certain)

    def refuse_gaps(self) -> None:
        """Raise NotRestatableError if an entry has no event, naming the first ones, their number and the remedy."""
        gaps = [line for place, line in self._wanted.items() if place not in self.found]
        if not gaps:
            return
        named = "; ".join(self._gap(line) for line in gaps[:NAMED])
        more = f"; and {len(gaps) - NAMED:,} more" if len(gaps) > NAMED else ""
        last = max(line.occurred_at[:10] for line in gaps)
        raise NotRestatableError(
            f"{len(gaps):,} of {len(self._wanted):,} entries cannot be assessed under method {METHOD_VERSION}: "
            f"{named}{more}. Nothing was written. Have the marketplace publish these parcels again with a higher "
            "revision while the earlier release runs, or wait until their days have left the window (the last one is "
            f"{last}); then restate a later checkpoint."
        )

    def _gap(self, line: EntryLine) -> str:
        why = self._refused.get(line.event_id)
        text = (
            f"{line.marketplace}/{line.seller_id} {line.dimension} of parcel {line.parcel_id} (event {line.event_id})"
        )
        return f"{text}: this release refuses the event, {why}" if why else f"{text}: its event is no longer kept"


class _Fates:
    """What became of published records, as the checkpoint tells it."""

    def __init__(self, lines: Iterable[Content]) -> None:
        self._runs: dict[tuple[str, int], tuple[list[int], list[str]]] = {}
        for line in lines:
            if isinstance(line, FatesLine):
                starts, fates, offset = [0], [UNKNOWN], line.first
                for fate, count in line.runs:
                    starts.append(offset)
                    fates.append(fate)
                    offset += count
                self._runs[line.topic, line.partition] = ([*starts, offset], [*fates, UNKNOWN])

    def of(self, record: KafkaRecord) -> str:
        """The fate of a record; unknown where the checkpoint does not tell."""
        runs = self._runs.get((record.topic, record.partition))
        return UNKNOWN if runs is None else runs[1][bisect_right(runs[0], record.offset) - 1]


def place_of(line: EntryLine) -> Place:
    """What the entry is about."""
    return line.marketplace, line.seller_id, line.parcel_id, line.dimension


def _event_id(record: KafkaRecord) -> str:
    """The id of an event that this release refuses, as far as it can be read."""
    for name, value in record.headers or ():
        if name == "ce_id":
            return (value or b"").decode("utf-8", "replace")
    try:
        document = json.loads(record.value or b"")
    except ValueError:
        return ""
    return str(document.get("id", "")) if isinstance(document, dict) else ""


def restated(
    old: Checkpoint,
    found: Mapping[Place, Reassessed],
    rules: RulesAdopted,
    scores: Mapping[bytes, bytes | None],
    policy: str,
) -> Checkpoint:
    """The checkpoint with the new contributions, as the log will go on once it has adopted `rules`.

    `scores` has the record that stands of each seller's score, `policy` the identity of the log's first policy. Raises
    CheckpointError where these are of another moment, or a partition has never adopted rules.
    """
    lines = [
        line.model_copy(update={"rules": _rules(line, rules)})
        if isinstance(line, PartitionLine) and line.offset
        else line
        for line in reassessed_lines(old, found)
    ]
    return Checkpoint.of(restated_header(old, policy), [*lines, *_open_scores(old, scores)])


def restated_header(old: Checkpoint, policy: str) -> Header:
    """The first line of the restated checkpoint."""
    return Header(
        topic_id=old.header.topic_id,
        partitions=old.header.partitions,
        accounts=old.header.accounts,
        method_version=METHOD_VERSION,
        policy=policy,
        restated_from=Restated(method_version=old.header.method_version, sha256=old.sha256),
    )


def reassessed_lines(old: Checkpoint, found: Mapping[Place, Reassessed]) -> Iterator[Content]:
    """The checkpoint's lines with the new contributions; what was retracted stays retracted."""
    for line in old.lines:
        if isinstance(line, EntryLine) and line.contribution is not None:
            yield line.model_copy(update={"contribution": found[place_of(line)].sums})
        else:
            yield line


def _rules(line: PartitionLine, rules: RulesAdopted) -> PartitionRules:
    """The new rules; until its next closed day each marketplace has the policy of before, in this release's form."""
    before = line.rules
    if before is None:
        raise CheckpointError(
            f"partition {line.partition} has not adopted any rules. Run `greenlane topics apply` with the release that "
            "made the checkpoint, then make a later one and restate that."
        )
    held = {name: before.older.get(name, before.adopted.policy) for name in line.closed}
    older = {
        name: PolicyFile.model_validate(policy_of(file, "policy"), from_attributes=True) for name, file in held.items()
    }
    return PartitionRules.of(rules.with_marketplaces(before.adopted.marketplaces), older)


def _open_scores(old: Checkpoint, scores: Mapping[bytes, bytes | None]) -> Iterator[ScoreLine]:
    """The scores of open days: the earlier method stated them, so nobody can compute them here.

    One that a method before that stated stands in the checkpoint already.
    """
    known = {(line.marketplace, line.seller_id) for line in old.lines if isinstance(line, ScoreLine)}
    closed = {line.partition: line.closed for line in old.lines if isinstance(line, PartitionLine)}
    for line in old.lines:
        if not isinstance(line, SellerLine) or not line.accepted or (line.marketplace, line.seller_id) in known:
            continue
        last_day = closed[line.partition].get(line.marketplace)
        if last_day is None:
            continue
        value = scores.get(account_key(line.marketplace, line.seller_id))
        stated = score_of(value)
        if (
            value is None
            or stated is None
            or (stated.data.day, stated.data.sequence) != (last_day + ONE_DAY, line.accepted)
        ):
            raise CheckpointError(
                f"the score of {line.marketplace}/{line.seller_id} on {SELLER_SCORES} is of another moment than its "
                "account in the checkpoint. Stop the scorers and the clock, wait until the aggregator has read "
                "everything, and make a later checkpoint."
            )
        yield ScoreLine(
            partition=line.partition,
            marketplace=line.marketplace,
            seller_id=line.seller_id,
            statement=value.decode(),
        )


def score_of(value: bytes | None) -> SellerScore | None:
    """The score that a record states; None if it states none."""
    try:
        return SellerScore.model_validate_json(value or b"")
    except ValidationError:
        return None


def latest_of(records: Iterable[KafkaRecord]) -> dict[bytes, bytes | None]:
    """The record that stands of each key; one that states no score hides none."""
    latest: dict[bytes, bytes | None] = defaultdict(lambda: None)
    for record in records:
        if record.value is None or score_of(record.value) is not None:
            latest[record.key or b""] = record.value
    return dict(latest)
