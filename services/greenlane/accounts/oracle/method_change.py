"""Where a log changes its method: sums of two methods never mix, so no account is made across that place."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from greenlane.contracts.assessments import Assessment
from greenlane.contracts.checkpoints import Checkpoint, CheckpointError, PartitionLine
from greenlane.contracts.reading.fulfilment import KafkaRecord
from greenlane.contracts.rules import AGGREGATOR_RECORD, AggregatorRecord, RulesAdopted, refuse_unreadable_rules
from greenlane.contracts.topics import ASSESSMENTS
from greenlane.methodology.method import METHOD_VERSION
from greenlane.operations.topics_reader import TopicsReader


def refuse_other_method(reader: TopicsReader, checkpoint: Checkpoint | None, path: Path | None = None) -> None:
    """Raise CheckpointError unless what the log holds next, in each partition, is of this release's method.

    The first records decide: a log adopts its rules before anything is assessed. After a checkpoint that was restated
    they have to be the adoption of this method.
    """
    offsets = {} if checkpoint is None else checkpoint.offsets
    for span in (span for span in reader.spans if span.topic == ASSESSMENTS):
        offset = offsets.get(span.partition, 0)
        if offset >= span.end:
            continue
        records = reader.records(ASSESSMENTS, since={span.partition: offset})
        found = first_of_another(records, _method_at(checkpoint, span.partition))
        if found is None:
            continue
        place = f"{ASSESSMENTS} has at partition {found.partition} offset {found.offset} a record"
        if checkpoint is not None and checkpoint.header.restated_from is not None:
            raise CheckpointError(
                f"{place} of method {checkpoint.header.restated_from.method_version}, which {path or 'the file'} does "
                "not contain: sums of two methods never mix. Stop the scorers and the clock of that release, make a "
                "later checkpoint with it, and restate that one."
            )
        raise CheckpointError(
            f"{place} of another method than {METHOD_VERSION}: sums of two methods never mix. Begin with the "
            "checkpoint that `greenlane restate` has written (--checkpoint)."
        )


def refuse_left_behind(
    reader: TopicsReader, checkpoint: Checkpoint | None, path: Path | None, ends: Mapping[int, int] | None = None
) -> None:
    """Raise CheckpointError if the log has anything but rules after the checkpoint, or at all if there is none.

    Once another method is adopted, no release could take it in. `ends` has the offset at which the adoption itself
    stands in each partition; nobody can read it yet, nor what stands after it.
    """
    offsets = {} if checkpoint is None else checkpoint.offsets
    for span in (span for span in reader.spans if span.topic == ASSESSMENTS):
        offset, end = offsets.get(span.partition, 0), span.end if ends is None else ends[span.partition]
        place = f"{ASSESSMENTS} partition {span.partition}"
        if span.end < end:
            raise CheckpointError(f"{place} has an unfinished transaction at offset {span.end}. Run this again.")
        reader.limit(ASSESSMENTS, span.partition, end=end)
        records = () if offset >= end else reader.records(ASSESSMENTS, since={span.partition: offset})
        found = next((record.offset for record in records if not isinstance(_read(record), RulesAdopted)), None)
        if path is None and (found is not None or span.first):
            raise CheckpointError(
                f"{place} holds records of another method than {METHOD_VERSION}: the adoption of {METHOD_VERSION} "
                "needs the checkpoint that `greenlane restate` has written of them (--checkpoint NEW). Nothing was "
                "adopted."
            )
        if found is not None:
            raise CheckpointError(
                f"{place} has at offset {found} a record that {path} does not contain, and that nobody could take in "
                "after the adoption. Nothing was adopted. Stop whatever writes there: the scorers, the clock, "
                "`greenlane sellers erase`, `greenlane dead-letters redrive`. Make a later checkpoint with the earlier "
                "release, and restate that one."
            )


def first_of_another(records: Iterable[KafkaRecord], method: str | None) -> KafkaRecord | None:
    """The first record of a partition that is not of this release's method; None if what comes next is.

    `method` is the one in force before the records; None where nobody knows.
    """
    for record in records:
        said = _read(record)
        if isinstance(said, RulesAdopted):
            method = said.method_version
        elif method is None and not isinstance(said, Assessment):
            continue
        else:
            named = said.method_version if method is None and isinstance(said, Assessment) else method
            return None if named == METHOD_VERSION else record
    return None


def _method_at(checkpoint: Checkpoint | None, partition: int) -> str | None:
    """The method in force in a partition's log where the checkpoint ends."""
    if checkpoint is None:
        return None
    if checkpoint.header.restated_from is not None:
        return checkpoint.header.restated_from.method_version
    rules = [line.rules for line in checkpoint.lines if isinstance(line, PartitionLine) and line.partition == partition]
    return None if not rules or rules[0] is None else rules[0].adopted.method_version


def _read(record: KafkaRecord) -> AggregatorRecord | None:
    try:
        return AGGREGATOR_RECORD.validate_json(record.value or b"")
    except ValidationError:
        refuse_unreadable_rules(record)
        return None
