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
from greenlane.operations.metrics import GatewayMetrics
from greenlane.publishing.gateway import bodies
from greenlane.publishing.gateway.admission import NOT_NOW, Admission, Payer, refusal
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
from greenlane.publishing.gateway.known_keys import TRUSTED_FOR
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
_TURN_SECONDS = 0.0005
"""Checked for so long before other requests get their turn."""
_REST_AFTER, _REST = 15, 4.0
"""After so many events of a request, and while other marketplaces have some under way, it rests for a multiple of each
turn: a large request takes longer, and the small ones of others do not."""
AGAIN = {"retry-after": "5"}
_UNREADABLE = {DeadLetterCode.NOT_JSON, DeadLetterCode.NOT_UTF8, DeadLetterCode.TOO_DEEP}


@dataclass(slots=True)
class Held:
    """What one request holds of the room."""

    room: Room
    marketplace: str
    size: int = 0
    lots: list[tuple[int, Lot]] = field(default_factory=list)

    def enter(self, size: int) -> None:
        """Hold so many bytes more. Raises RefusedError when there is no room."""
        if not self.room.enter(self.marketplace, size):
            if self.room.full(self.marketplace, size):
                remedy = "wait for the answers to earlier requests, then send it again"
                problem = "is too much beside what this marketplace has under way"
                raise refusal(429, "body", problem, remedy, headers={"retry-after": "1"})
            problem = "finds no room: Kafka answers slowly"
            raise refusal(503, "body", problem, "send it again in some seconds", headers=AGAIN, title=NOT_NOW)
        self.size += size

    def leave(self) -> None:
        """Hold nothing any more."""
        self.room.leave(self.marketplace, self.size)
        self.size = 0

    def leave_when_ended(self) -> None:
        """Hold nothing any more as soon as no lot of the request waits for Kafka."""
        open_ones = [lot.done for _, lot in self.lots if not lot.done.done()]
        if not open_ones:
            self.leave()
            return
        left = len(open_ones)

        def one_less(_: object) -> None:
            nonlocal left
            left -= 1
            if not left:
                self.leave()

        for done in open_ones:
            done.add_done_callback(one_less)


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
        appender = self.appender()
        head, decode, length = _read_head(scope["headers"])
        held = Held(self.room, key.marketplace)
        held.enter(max(length, LEAST_HELD))
        try:
            body = await self.body(receive)
            if body is None:
                return None
            async with self.lines.turn(key.marketplace):
                body = await self.decoded(key, decode, body)
                if len(body) > held.size:
                    held.enter(len(body) - held.size)
                events = _events(head, body)
                self.admission.charge_events(key, len(events), len(body))
                checked, refused = await self._checked(key.marketplace, events)
            said = await self._appended(appender, key.marketplace, checked, refused, held)
        finally:
            held.leave_when_ended()
        self._note(key.marketplace, said, begun)
        return response_of(head.mode, said)

    async def published(self, marketplace: str, events: list[bytes], held: Held) -> Answer:
        """Check and append structured events that were made here of what a marketplace sent. Raises RefusedError."""
        begun = time.monotonic()
        appender = self.appender()
        async with self.lines.turn(marketplace):
            checked, refused = await self._checked(marketplace, events)
        said = await self._appended(appender, marketplace, checked, refused, held)
        self._note(marketplace, said, begun)
        return said

    async def _appended(
        self, appender: Appender, marketplace: str, checked: list[Checked], refused: list[Refused], held: Held
    ) -> Answer:
        topic = fulfilment_topic(marketplace)
        verdicts: list[Verdict] = list(refused)
        if checked:
            held.lots += await _handed_over(appender, topic, checked)
            await ended(held.lots, self.deadline)
            verdicts += verdicts_of(topic, held.lots)
            verdicts.sort(key=_index)
        return answer_of(verdicts)

    def _note(self, marketplace: str, said: Answer, begun: float) -> None:
        words = Counter(accepted=said.accepted, refused=said.refused, unknown=said.unknown)
        self.metrics.judged(marketplace, words, time.monotonic() - begun)

    def obstacle(self) -> str:
        """Why events are not taken now; empty when they are."""
        if self.broker.away:
            return self.broker.away
        if self.unconfirmed() > TRUSTED_FOR:
            return "the database does not answer, so no key can be looked up"
        return ""

    def unconfirmed(self) -> float:
        """Seconds since the database last answered a question about keys; a long time if it never did."""
        return min(time.monotonic() - self.admission.keys.answered, 1e9)

    def appender(self) -> Appender:
        """What appends to Kafka. Raises RefusedError while Kafka is away."""
        appender = self.broker.appender
        if self.broker.away or appender is None:
            remedy = "keep the events, and send them again in some seconds"
            raise refusal(503, "request", self.broker.away, remedy, headers=AGAIN, title=NOT_NOW)
        return appender

    async def body(self, receive: Receive) -> bytes | None:
        """The whole body; None when the client has gone. Raises RefusedError."""
        try:
            return await bodies.read(receive, self.body_seconds)
        except TimeoutError:
            raise refusal(408, "body", "took too long", f"send it in {self.body_seconds:g} s") from None
        except bodies.TooLargeError as error:
            raise refusal(413, "body", "is too large", str(error)) from None

    async def decoded(self, key: Payer, decode: bodies.Decoder, body: bytes) -> bytes:
        """The body without its compression, charged for: what cannot be taken off costs as the largest body does."""
        if decode is bodies.plain:
            self.admission.charge_body(key, len(body))
            return body
        size = bodies.MAX_DECODED
        try:
            decoded = await asyncio.to_thread(decode, body)  # it leaves the interpreter to others meanwhile
            size = len(decoded)
        except bodies.TooLargeError as error:
            raise refusal(413, "body", "is too large", str(error)) from None
        except bodies.UndecodableError:
            raise refusal(400, "body", "is not what its Content-Encoding says", "correct either of them") from None
        finally:
            self.admission.charge_body(key, size)
        return decoded

    async def _checked(self, marketplace: str, events: list[bytes]) -> tuple[list[Checked], list[Refused]]:
        """The events that may be appended, and the verdicts of the others; others get their turn in between."""
        topic, now_ms = fulfilment_topic(marketplace), int(self.now() * 1000)
        checked: list[Checked] = []
        refused: list[Refused] = []
        begun = time.monotonic()
        for index, event in enumerate(events):
            verdict = check(index, event, marketplace, topic, now_ms)
            if isinstance(verdict, Checked):
                checked.append(verdict)
            else:
                refused.append(verdict)
            spent = time.monotonic() - begun
            if spent >= _TURN_SECONDS:
                rests = index >= _REST_AFTER and self.room.others(marketplace)
                await asyncio.sleep(_REST * spent if rests else 0)
                begun = time.monotonic()
        return checked, refused


def response_of(mode: Mode, said: Answer) -> Response:
    """All verdicts; of a single event that was not accepted its problem."""
    if mode is not Mode.BATCH:
        (verdict,) = said.verdicts
        if isinstance(verdict, Refused):
            return problem_of(verdict)
        if isinstance(verdict, Unknown):
            errors = [FieldProblem(field="event", problem=verdict.problem, remedy=verdict.remedy)]
            return answer(503, errors, AGAIN, "It is not known whether the event was taken")
    headers = AGAIN if said.unknown else None
    return Response(said.to_json(), said.status, headers, media_type="application/json")


def problem_of(refused: Refused) -> Response:
    """The refusal of a single event as the whole answer."""
    status = 400 if refused.code in _UNREADABLE else 422
    return answer(413 if refused.code == DeadLetterCode.TOO_LARGE else status, problems_of(refused))


def _events(head: Head, body: bytes) -> list[bytes]:
    try:
        return events_of(head, body)
    except EventsError as error:
        status = 422 if error.field == "events" else 400
        raise refusal(status, error.field, error.problem, error.remedy) from None


def _read_head(headers: list[tuple[bytes, bytes]]) -> tuple[Head, bodies.Decoder, int]:
    """Mode, decompression and length of a body that nobody has read yet. Raises RefusedError."""
    decode, length = read_encoding(headers, bodies.MAX_BODY)
    try:
        return head_of(headers), decode, length
    except WrongMediaTypeError as error:
        raise refusal(415, "content-type", "is not offered", str(error)) from None
    except EventsError as error:
        raise refusal(400, error.field, error.problem, error.remedy) from None


def read_encoding(headers: list[tuple[bytes, bytes]], most: int) -> tuple[bodies.Decoder, int]:
    """Decompression, and length of at most so many bytes, of a body that nobody has read yet. Raises RefusedError."""
    encoding, length = "", most
    for name, value in headers:
        if name == b"content-encoding":
            encoding = f"{encoding},{value.decode('latin-1')}" if encoding else value.decode("latin-1")
        elif name == b"content-length" and value.isdigit():
            length = int(value)
    if length > most:
        raise refusal(413, "body", "is too large", f"send at most {most} bytes, compressed or not")
    try:
        return bodies.decoder_of(encoding), length
    except bodies.WrongEncodingError as error:
        offered = {"accept-encoding": ", ".join(bodies.ENCODINGS)}
        raise refusal(415, "content-encoding", "is not offered", str(error), headers=offered) from None


async def _handed_over(appender: Appender, topic: str, checked: list[Checked]) -> list[tuple[int, Lot]]:
    try:
        return appender.add(topic, await appender.partitions_of(topic), checked)
    except NoTopicError:
        remedy = "tell the operators; `greenlane topics apply` makes it"
        raise refusal(503, "request", f"there is no topic {topic}", remedy, headers=AGAIN, title=NOT_NOW) from None
    except KafkaAwayError:
        remedy = "keep the events, and send them again in some seconds"
        raise refusal(503, "request", "Kafka does not answer", remedy, headers=AGAIN, title=NOT_NOW) from None


def _index(verdict: Accepted | Refused | Unknown) -> int:
    return verdict.index
