"""Dead letters as outcomes of a stage: one for each refused record."""

from dataclasses import dataclass

from greenlane.contracts.dead_letters import Refusal
from greenlane.contracts.letters import Stamp, letter_of
from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.topics import DEAD_LETTERS
from greenlane.streaming.records import Outcome, Output

DEAD_LETTERED = "dead_lettered"
"""Name of the outcome of every refused record."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The processing step that refuses records, as its dead letters name it."""

    name: str
    service: str
    version: str
    method_version: str

    def refuse(self, record: KafkaRecord, refusal: Refusal) -> Outcome:
        """The outcome of a refused record: one dead letter and nothing else."""
        return Outcome(DEAD_LETTERED, (dead_letter(record, refusal, self),))


def dead_letter(record: KafkaRecord, refusal: Refusal, stage: Stage) -> Output:
    """The dead letter of one refused record; the same record and stage always give the same key."""
    letter = letter_of(record, refusal, Stamp(stage.name, stage.service, stage.version, stage.method_version))
    return Output(DEAD_LETTERS, letter.id.encode(), letter.value)
