"""From a function of one record to a handler of many, with every refusal and surprise turned into a dead letter."""

import logging
from collections.abc import Callable, Sequence

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.unreadable import refuse_unreadable
from greenlane.streaming.dead_letters import Stage
from greenlane.streaming.records import Outcome

logger = logging.getLogger(__name__)

HandleOne = Callable[[KafkaRecord], Outcome]


class EachRecord:
    """A stateless handler made of a function that answers one record, or raises `Refusal`.

    Any other exception is a fault of ours in that one record: it is logged with its traceback, without the payload,
    and the record becomes a dead letter of code `unexpected_error`, so its neighbours stay whole.
    """

    def __init__(self, handle_one: HandleOne, stage: Stage) -> None:
        self._handle_one = handle_one
        self._stage = stage

    def handle(self, records: Sequence[KafkaRecord]) -> list[Outcome]:
        """One outcome per record, in the same order."""
        handle_one, outcomes = self._handle_one, []
        for record in records:
            try:
                outcomes.append(handle_one(record))
            except Refusal as refusal:
                outcomes.append(self._stage.refuse(record, refusal))
            except Exception as error:  # noqa: BLE001 - one faulty record must not take its neighbours along
                outcomes.append(self._failed(record, error))
        return outcomes

    def _failed(self, record: KafkaRecord, error: Exception) -> Outcome:
        try:
            refuse_unreadable(record.value)
        except Refusal as refusal:
            return self._stage.refuse(record, refusal)
        return self._unexpected(record, error)

    def _unexpected(self, record: KafkaRecord, error: Exception) -> Outcome:
        place = f"{record.topic}[{record.partition}]@{record.offset}"
        withheld = RuntimeError(f"{type(error).__name__}, its text withheld as it may quote the payload")
        logger.error("unexpected error at %s", place, exc_info=withheld.with_traceback(error.__traceback__))
        message = f"{type(error).__name__} in {self._stage.name}; re-drive the record after the fault is mended"
        return self._stage.refuse(record, Refusal.because(DeadLetterCode.UNEXPECTED_ERROR, "", message))
