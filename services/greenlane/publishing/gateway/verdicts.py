"""What is said of each event that was sent, and of all of them together."""

from collections.abc import Iterator, Sequence

import msgspec

from greenlane.contracts.dead_letters import Refusal
from greenlane.web.problems import FieldProblem

ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"
WORDS = (ACCEPTED, REFUSED, UNKNOWN)
REMEDY = "correct it as the published schema has it"
_ENCODER = msgspec.json.Encoder()


class Accepted(msgspec.Struct, tag_field="verdict", tag=ACCEPTED, frozen=True, gc=False):
    """The event stands in Kafka, on all in-sync replicas."""

    index: int
    id: str
    topic: str
    partition: int
    offset: int


class Detail(msgspec.Struct, frozen=True, gc=False):
    """One thing wrong with an event."""

    field: str
    problem: str
    remedy: str


class Refused(msgspec.Struct, tag_field="verdict", tag=REFUSED, frozen=True, gc=False, omit_defaults=True):
    """The event breaks the contract and was not sent; `id` is there where it could be read."""

    index: int
    code: str
    errors: tuple[Detail, ...]
    id: str | None = None


class Unknown(msgspec.Struct, tag_field="verdict", tag=UNKNOWN, frozen=True, gc=False):
    """Kafka did not answer in time: the event may stand there or not. To send it again is safe."""

    index: int
    id: str
    problem: str
    remedy: str = "send it again with the same id; an event that arrives twice counts once"


Verdict = Accepted | Refused | Unknown


class Answer(msgspec.Struct, frozen=True):
    """How many events ended how, and the verdict of each, in the order of the request."""

    accepted: int
    refused: int
    unknown: int
    verdicts: Sequence[Verdict]

    @property
    def status(self) -> int:
        """200 when every event was accepted, else 207: look at the verdicts."""
        return 207 if self.refused or self.unknown else 200

    def to_json(self) -> bytes:
        """The answer as it is sent."""
        return _ENCODER.encode(self)


class RefusedPart(msgspec.Struct, frozen=True):
    """A part of a document that becomes no event."""

    path: str
    problem: str
    remedy: str


class Missing(msgspec.Struct, frozen=True):
    """A fact that the events lack: how many lack it, and the points and mg CO2e that it alone costs them on average."""

    default: str
    dimension: str
    events: int
    meaning: str
    supposed: str | None
    points: float | None
    co2e_change_mg: int | None


class AllMissing(msgspec.Struct, frozen=True):
    """What everything that is missing of a dimension costs together, in points."""

    dimension: str
    events: int
    points: float


class DocumentAnswer(msgspec.Struct, frozen=True):
    """The verdicts of a document's events, and what became of everything else in it."""

    accepted: int
    refused: int
    unknown: int
    verdicts: Sequence[Verdict]
    refusals: Sequence[RefusedPart]
    unused: Sequence[str]
    undeclared: Sequence[Missing]
    together: Sequence[AllMissing]

    def to_json(self) -> bytes:
        """The answer as it is sent."""
        return _ENCODER.encode(self)


def answer_of(verdicts: Sequence[Verdict]) -> Answer:
    """The answer to a request with these verdicts."""
    refused = sum(isinstance(verdict, Refused) for verdict in verdicts)
    unknown = sum(isinstance(verdict, Unknown) for verdict in verdicts)
    return Answer(len(verdicts) - refused - unknown, refused, unknown, verdicts)


def details_of(refusal: Refusal) -> Iterator[Detail]:
    """A refusal's problems, each parted into problem and remedy."""
    for item in refusal.problems:
        problem, _, remedy = item.message.partition("; ")
        yield Detail(item.path or "event", problem, remedy or REMEDY)


def problems_of(refused: Refused) -> list[FieldProblem]:
    """The same as errors of a problem."""
    return [FieldProblem(field=item.field, problem=item.problem, remedy=item.remedy) for item in refused.errors]
