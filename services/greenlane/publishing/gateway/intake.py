"""One request with events, from its head to its verdicts; what it holds meanwhile is counted."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Receive, Scope

from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.topics import fulfilment_topic
from greenlane.database.api_keys import ApiKey
from greenlane.operations.metrics import GatewayMetrics
from greenlane.publishing.gateway import bodies
from greenlane.publishing.gateway.admission import NOT_NOW, Admission, refusal
from greenlane.publishing.gateway.appending import (
    Appender,
    KafkaAwayError,
    Lot,
    NoTopicError,
    ended,
    verdicts_of,
)
from greenlane.publishing.gateway.broker import Broker
from greenlane.publishing.gateway.checking import Checked, check
from greenlane.publishing.gateway.forms import (
    EventsError,
    Head,
    Mode,
    WrongMediaTypeError,
    events_of,
    head_of,
)
from greenlane.publishing.gateway.room import Room
from greenlane.publishing.gateway.verdicts import (
    Accepted,
    Answer,
    Refused,
    Unknown,
    Verdict,
    answer_of,
    problems_of,
)
from greenlane.web.lines import Lines
from greenlane.web.problems import FieldProblem, answer

DEADLINE = 10.0
"""Seconds after which an event that Kafka has not acknowledged is `unknown`."""
LEAST_HELD = 32_768
"""Bytes that a request counts for at least, so that their number is bounded too."""
_AT_ONCE, _IN_LINE = 2, 256
_TURN_EVENTS, _TURN_BYTES = 25, 16_384
"""Checked before other requests get their turn."""
_AGAIN = {"retry-after": "5"}
_UNREADABLE = {DeadLetterCode.NOT_JSON, DeadLetterCode.NOT_UTF8, DeadLetterCode.TOO_DEEP}


@dataclass(slots=True)
class Held:
    """What one request holds of the room."""

    room: Room
    marketplace: str
    size: int = 0

    def enter(self, size: int) -> None:
        """Hold so many bytes more. Raises RefusedError when there is no room."""
        if not self.room.enter(self.marketplace, size):
            if self.room.full(self.marketplace, size):
                remedy = "wait for the answers to earlier requests, then send it again"
                problem = "is too much beside what this marketplace has under way"
                raise refusal(429, "body", problem, remedy, headers={"retry-after": "1"})
            problem = "finds no room: Kafka answers slowly"
            raise refusal(503, "body", problem, "send it again in some seconds", headers=_AGAIN, title=NOT_NOW)
        self.size += size

    def leave(self) -> None:
        """Hold nothing any more."""
        self.room.leave(self.marketplace, self.size)
        self.size = 0


@dataclass(slots=True)
class Intake:
    """Takes requests with events; one for the whole process."""

    admission: Admission
    broker: Broker
    metrics: GatewayMetrics
    body_seconds: float
    deadline: float = DEADLINE
    now: Callable[[], float] = time.time
    room: Room = field(default_factory=Room)
    lines: Lines = field(default_factory=lambda: Lines(_AT_ONCE, _IN_LINE))

    async def take(self, scope: Scope, receive: Receive) -> Response | None:
        """The response to a request; None when its client has gone. Raises RefusedError and TooOftenError."""
        begun = time.monotonic()
        key = await self.admission.key_of(scope)
        await self.admission.charge(key)
        appender = self._appender()
        head, decode, length = _read_head(scope["headers"])
        held = Held(self.room, key.marketplace)
        held.enter(max(length, LEAST_HELD))
        lots: list[tuple[int, Lot]] = []
        try:
            body = await self._body(receive)
            if body is None:
                return None
            async with self.lines.turn(key.marketplace):
                body = self._decoded(key, decode, body)
                if len(body) > held.size:
                    held.enter(len(body) - held.size)
                checked, refused = await self._checked(key, head, body)
            topic = fulfilment_topic(key.marketplace)
            verdicts: list[Verdict] = list(refused)
            if checked:
                lots = await _handed_over(appender, topic, checked)
                await ended(lots, self.deadline)
                verdicts += verdicts_of(topic, lots)
                verdicts.sort(key=_index)
        finally:
            _leave_when_ended(held, lots)
        said = answer_of(verdicts)
        words = Counter(accepted=said.accepted, refused=said.refused, unknown=said.unknown)
        self.metrics.judged(key.marketplace, words, time.monotonic() - begun)
        return response_of(head.mode, said)

    def _appender(self) -> Appender:
        appender = self.broker.appender
        if self.broker.away or appender is None:
            remedy = "keep the events, and send them again in some seconds"
            raise refusal(503, "request", self.broker.away, remedy, headers=_AGAIN, title=NOT_NOW)
        return appender

    async def _body(self, receive: Receive) -> bytes | None:
        try:
            return await bodies.read(receive, self.body_seconds)
        except TimeoutError:
            raise refusal(408, "body", "took too long", f"send it in {self.body_seconds:g} s") from None
        except bodies.TooLargeError as error:
            raise refusal(413, "body", "is too large", str(error)) from None

    def _decoded(self, key: ApiKey, decode: Callable[[bytes], bytes], body: bytes) -> bytes:
        """The body without its compression, charged for: what cannot be taken off costs as the largest body does."""
        size = bodies.MAX_DECODED
        try:
            decoded = decode(body)
            size = len(decoded)
        except bodies.TooLargeError as error:
            raise refusal(413, "body", "is too large", str(error)) from None
        except bodies.UndecodableError:
            raise refusal(400, "body", "is not what its Content-Encoding says", "correct either of them") from None
        finally:
            self.admission.charge_body(key, size)
        return decoded

    async def _checked(self, key: ApiKey, head: Head, body: bytes) -> tuple[list[Checked], list[Refused]]:
        """The events that may be appended, and the verdicts of the others; others get their turn in between."""
        try:
            events = events_of(head, body)
        except EventsError as error:
            status = 422 if error.field == "events" else 400
            raise refusal(status, error.field, error.problem, error.remedy) from None
        self.admission.charge_events(key, len(events), len(body))
        marketplace, topic, now_ms = key.marketplace, fulfilment_topic(key.marketplace), int(self.now() * 1000)
        checked: list[Checked] = []
        refused: list[Refused] = []
        turn = 0
        for index, event in enumerate(events):
            verdict = check(index, event, marketplace, topic, now_ms)
            if isinstance(verdict, Checked):
                checked.append(verdict)
            else:
                refused.append(verdict)
            turn += len(event)
            if turn > _TURN_BYTES or index % _TURN_EVENTS == _TURN_EVENTS - 1:
                turn = 0
                await asyncio.sleep(0)
        return checked, refused


def response_of(mode: Mode, said: Answer) -> Response:
    """All verdicts; of a single event that was not accepted its problem."""
    if mode is not Mode.BATCH:
        (verdict,) = said.verdicts
        if isinstance(verdict, Refused):
            return problem_of(verdict)
        if isinstance(verdict, Unknown):
            errors = [FieldProblem(field="event", problem=verdict.problem, remedy=verdict.remedy)]
            return answer(503, errors, _AGAIN, "It is not known whether the event was taken")
    headers = _AGAIN if said.unknown else None
    return Response(said.to_json(), said.status, headers, media_type="application/json")


def problem_of(refused: Refused) -> Response:
    """The refusal of a single event as the whole answer."""
    status = 400 if refused.code in _UNREADABLE else 422
    return answer(413 if refused.code == DeadLetterCode.TOO_LARGE else status, problems_of(refused))


def _read_head(headers: list[tuple[bytes, bytes]]) -> tuple[Head, Callable[[bytes], bytes], int]:
    """Mode, decompression and length of a body that nobody has read yet. Raises RefusedError."""
    encoding, length = "", bodies.MAX_BODY
    for name, value in headers:
        if name == b"content-encoding":
            encoding = f"{encoding},{value.decode('latin-1')}" if encoding else value.decode("latin-1")
        elif name == b"content-length" and value.isdigit():
            length = int(value)
    if length > bodies.MAX_BODY:
        raise refusal(413, "body", "is too large", f"send at most {bodies.MAX_BODY} bytes, compressed or not")
    try:
        return head_of(headers), bodies.decoder_of(encoding), length
    except WrongMediaTypeError as error:
        raise refusal(415, "content-type", "is not offered", str(error)) from None
    except bodies.WrongEncodingError as error:
        offered = {"accept-encoding": ", ".join(bodies.ENCODINGS)}
        raise refusal(415, "content-encoding", "is not offered", str(error), headers=offered) from None
    except EventsError as error:
        raise refusal(400, error.field, error.problem, error.remedy) from None


async def _handed_over(appender: Appender, topic: str, checked: list[Checked]) -> list[tuple[int, Lot]]:
    try:
        return appender.add(topic, await appender.partitions_of(topic), checked)
    except NoTopicError:
        remedy = "tell the operators; `greenlane topics apply` makes it"
        raise refusal(503, "request", f"there is no topic {topic}", remedy, headers=_AGAIN, title=NOT_NOW) from None
    except KafkaAwayError:
        remedy = "keep the events, and send them again in some seconds"
        raise refusal(503, "request", "Kafka does not answer", remedy, headers=_AGAIN, title=NOT_NOW) from None


def _leave_when_ended(held: Held, lots: list[tuple[int, Lot]]) -> None:
    """Give the room back as soon as nothing of the request waits for Kafka any more."""
    open_ones = [lot.done for _, lot in lots if not lot.done.done()]
    if not open_ones:
        held.leave()
        return
    left = len(open_ones)

    def one_less(_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            held.leave()

    for done in open_ones:
        done.add_done_callback(one_less)


def _index(verdict: Accepted | Refused | Unknown) -> int:
    return verdict.index
