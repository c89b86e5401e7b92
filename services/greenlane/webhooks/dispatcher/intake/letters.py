"""Dead letters of the intake: who it is that refuses."""

from typing import Any, NamedTuple

from greenlane import __version__
from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.letters import Letter, Stamp, letter_of

STAGE = "webhook_intake"
_STAMP = Stamp(STAGE, "webhook_dispatcher", __version__, "")


class Refused(NamedTuple):
    """A letter to write and the reason that it is counted under."""

    letter: Letter
    code: DeadLetterCode


def dead_letter(record: Any, refusal: Refusal) -> Refused:
    """The dead letter of a refused aiokafka record; the same record always gives the same id."""
    return Refused(letter_of(record, refusal, _STAMP), refusal.code)
