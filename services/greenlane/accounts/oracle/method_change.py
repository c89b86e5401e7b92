"""Where a log changes its method: sums of two methods never mix, so no account is made across that place."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from greenlane.contracts.assessments import Assessment
from greenlane.contracts.checkpoints import Checkpoint, CheckpointError, PartitionLine
from greenlane.contracts.reading.fulfilment import KafkaRecord
from greenlane.contracts.rules import AGGREGATOR_RECORD, AggregatorRecord, RulesAdopted
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
        return None
