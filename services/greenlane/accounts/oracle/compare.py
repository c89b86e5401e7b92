"""Compares what stands on the topics with what has to stand there, byte for byte, and sums up the result."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

from pydantic import ValidationError

from greenlane.accounts.oracle.difference import Difference, difference
from greenlane.accounts.oracle.partition_accounts import EarlierScore
from greenlane.contracts.assessments import account_key
from greenlane.contracts.checkpoints import decision_digest
from greenlane.contracts.reading.fulfilment import KafkaRecord
from greenlane.contracts.scores import BadgeDecision, SellerScore


class Agreement(NamedTuple):
    """How far one topic agrees: sellers or decisions on either side, every difference, harmless repeats.

    `foreign` names the records that say nothing an aggregator can say: somebody else wrote them.
    """

    total: int
    differences: tuple[Difference, ...]
    repeats: int = 0
    foreign: tuple[str, ...] = ()


def compare_scores(
    expected: Iterable[SellerScore], records: Iterable[KafkaRecord], earlier: Iterable[EarlierScore] = ()
) -> Agreement:
    """Each seller's current score: the last record of its key against the one that has to stand there.

    A foreign record hides no score: the last one before it counts, if compaction left it. `earlier` are the scores
    that have to stand as an earlier method stated them.
    """
    wanted = {account_key(item.data.marketplace, item.data.seller_id): _bytes(item) for item in expected}
    for score, text in earlier:
        wanted[account_key(score.data.marketplace, score.data.seller_id)] = text.encode()
    found: dict[bytes, bytes | None] = {}
    foreign: list[str] = []
    for record in records:
        if record.value is None or _is_score(record.value):
            found[record.key or b""] = record.value
        else:
            foreign.append(_foreign(record, "score"))
    keys = sorted(wanted.keys() | {key for key, value in found.items() if value is not None})
    compared = [difference(_text(key), "score", wanted.get(key), found.get(key)) for key in keys]
    return Agreement(len(keys), tuple(item for item in compared if item is not None), foreign=tuple(foreign))


def compare_decisions(
    expected: Iterable[BadgeDecision], records: Iterable[KafkaRecord], earlier: Mapping[str, str] | None = None
) -> Agreement:
    """Every badge decision by its id, both ways; a repeat is harmless when it says the same to the same seller.

    `earlier` has the digests of decisions that a checkpoint knows, by their ids.
    """
    digests = {} if earlier is None else earlier
    wanted = {item.id: item for item in expected}
    found: dict[str, KafkaRecord] = {}
    differences: list[Difference] = []
    foreign: list[str] = []
    repeats = 0
    for record in records:
        decision_id = _decision_id(record)
        if decision_id is None:
            foreign.append(_foreign(record, "decision"))
        elif decision_id in found:
            repeats += 1
            differences.extend(_contradiction(decision_id, found[decision_id], record))
        else:
            found[decision_id] = record
    ids = sorted(wanted.keys() | found.keys() | digests.keys())
    for decision_id in ids:
        if decision_id in digests and decision_id not in wanted:
            differences.extend(_digest_difference(decision_id, digests[decision_id], found.get(decision_id)))
            continue
        differences.extend(_decision_difference(decision_id, wanted.get(decision_id), found.get(decision_id)))
    return Agreement(len(ids), tuple(differences), repeats, tuple(foreign))


def _is_score(value: bytes) -> bool:
    try:
        SellerScore.model_validate_json(value)
    except ValidationError:
        return False
    return True


def _decision_id(record: KafkaRecord) -> str | None:
    """The decision's id; None when the record is no decision."""
    try:
        return BadgeDecision.model_validate_json(record.value or b"").id
    except ValidationError:
        return None


def _foreign(record: KafkaRecord, kind: str) -> str:
    return f"{record.topic} partition {record.partition} offset {record.offset} is no {kind}"


def _contradiction(decision_id: str, first: KafkaRecord, repeat: KafkaRecord) -> Iterable[Difference]:
    name = f"repeated decision {decision_id}"
    if repeat.key != first.key:
        yield Difference(_text(first.key), name, "key", _text(first.key), _text(repeat.key))
    elif (found := difference(_text(first.key), name, first.value, repeat.value)) is not None:
        yield found


def _digest_difference(decision_id: str, wanted: str, found: KafkaRecord | None) -> Iterable[Difference]:
    digest = None if found is None else decision_digest(found.key, found.value)
    if digest != wanted:
        owner = "of the checkpoint" if found is None else _text(found.key)
        yield Difference(owner, f"decision {decision_id}", "SHA-256 of key and value", wanted, digest)


def _decision_difference(
    decision_id: str, wanted: BadgeDecision | None, found: KafkaRecord | None
) -> Iterable[Difference]:
    name = f"decision {decision_id}"
    key = None if found is None else found.key
    owner = key if wanted is None else account_key(wanted.data.marketplace, wanted.data.seller_id)
    if wanted is not None and found is not None and key != owner:
        yield Difference(_text(owner), name, "key", _text(owner), _text(key))
        return
    value = None if found is None else found.value
    parted = difference(_text(owner), name, None if wanted is None else _bytes(wanted), value)
    if parted is not None:
        yield parted


def _bytes(item: SellerScore | BadgeDecision) -> bytes:
    return item.model_dump_json().encode()


def _text(key: bytes | None) -> str:
    return (key or b"").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The result of a recomputation.

    `published` = assessed + ignored + duplicates + superseded + late + dead_letters + unaccounted: every published
    record has one fate, that of its first assessment. `scorer_repeats` are further copies, which change nothing.
    `different` counts sellers whose current score is not the oracle's, `decisions_different` the same of decisions,
    `unexplained` the derived records that nothing published explains, `lacking` those made with factors or a method
    that this program does not have, of which the first is named. It `begins` with the log, or with a checkpoint whose
    accounts were recomputed or taken. `foreign` counts records on derived topics that say nothing their writers can
    say: somebody else wrote them, they change no account, and the result agrees all the same.
    """

    sellers: int
    different: int
    decisions: int
    decisions_different: int
    decision_repeats: int
    badges: int
    published: int
    assessed: int
    ignored: int
    duplicates: int
    superseded: int
    late: int
    dead_letters: int
    unaccounted: int
    scorer_repeats: int
    unexplained: int
    first_difference: Difference | None
    first_unaccounted: str | None
    first_unexplained: str | None
    lacking: int = 0
    first_lacking: str | None = None
    begins: str = "log"
    foreign: int = 0
    first_foreign: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing, different or unexplained."""
        return not (self.different or self.decisions_different or self.unaccounted or self.unexplained or self.lacking)

    def to_json(self) -> str:
        """One JSON object with every field."""
        parted = self.first_difference
        return json.dumps(asdict(self) | {"first_difference": None if parted is None else parted._asdict()})

    def to_text(self) -> str:
        """The same for people: one figure a line, then the first of each kind of trouble."""
        fields = asdict(self)
        lines = [f"{name.replace('_', ' '):<20}{value:>10}" for name, value in fields.items() if isinstance(value, int)]
        if self.begins == "recomputed_checkpoint":
            lines.append("begins with the accounts of a checkpoint, which were recomputed from the log")
        elif self.begins == "taken_checkpoint":
            lines.append("begins with the aggregator's own accounts of a checkpoint: what led to them is not proven")
        if self.first_difference is not None:
            seller, record, path, expected, found = self.first_difference
            lines += [f"first difference: seller {seller}, {record}, {path or 'whole record'}"]
            lines += [f"  expected: {expected}", f"  found:    {found}"]
        if self.first_unaccounted is not None:
            lines.append(f"first unaccounted: {self.first_unaccounted}")
        if self.first_unexplained is not None:
            lines.append(f"first unexplained: {self.first_unexplained}")
        if self.first_lacking is not None:
            lines.append(f"cannot be checked: {self.first_lacking}")
        if self.first_foreign is not None:
            lines.append(f"first foreign record: {self.first_foreign}; find out who may write to this topic")
        return "\n".join([*lines, "agrees" if self.agrees else "does not agree"])
