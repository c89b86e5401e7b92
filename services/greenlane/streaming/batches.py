"""From a batch's outcomes to the records to write and the counts to report."""

from collections import Counter
from collections.abc import Sequence

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.records import KafkaRecord
from greenlane.streaming.dead_letters import Stage
from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.records import Outcome, Output

RECORD_OVERHEAD = 64
"""Bytes a record takes on the wire beside its key, value and headers, at most, batch header included."""


def outputs_of(
    records: Sequence[KafkaRecord], outcomes: Sequence[Outcome], stage: Stage, max_bytes: int
) -> tuple[list[Output], Counter[str]]:
    """What to write, in order, and how many records ended how.

    A record with an output too large for Kafka becomes a dead letter instead: sent, it would end the process at
    every start. Raises `StreamingError` unless there is exactly one outcome per record.
    """
    if len(outcomes) != len(records):
        raise StreamingError(f"the handler answered {len(records)} records with {len(outcomes)} outcomes, not one each")
    outputs: list[Output] = []
    counts: Counter[str] = Counter()
    for record, outcome in zip(records, outcomes, strict=True):
        name, produced, _ = outcome
        for output in produced:
            if size_of(output) > max_bytes:
                name, produced, _ = stage.refuse(record, _too_large(max_bytes))
                break
        counts[name] += 1
        outputs += produced
    return outputs, counts


def size_of(output: Output) -> int:
    """Bytes of an output on the wire, rounded up."""
    headers = sum(len(name) + len(value) + 8 for name, value in output.headers) if output.headers else 0
    return len(output.key) + len(output.value or b"") + headers + RECORD_OVERHEAD


def _too_large(max_bytes: int) -> Refusal:
    message = f"processing it yields a record of more than {max_bytes} bytes; publish the event in smaller parts"
    return Refusal.because(DeadLetterCode.OUTPUT_TOO_LARGE, "", message)
