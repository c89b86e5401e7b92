"""The rules: what was seen of each, whether it is kept, and what to do; a rule that was not tried is never passed."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.declarations import declaration_of
from greenlane.contracts.events import CancelledEvent, DeliveredEvent, FulfilmentEvent, PackedEvent, ReturnedEvent
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.methodology.seller.account import assess
from greenlane.methodology.sums import DeliverySums, PackagingSums
from greenlane.methodology.tables import Method
from greenlane.publishing.conformance.observations import Observation

MOST_REMEMBERED = 500_000
"""Ids, parcels and sellers that are compared with one another; of what is beyond, the rules about them say so."""

AHEAD_MS = 5 * 60_000
"""Clocks differ by minutes at the most: what lies further ahead has the wrong offset."""

DELAY_MS = 24 * 3_600_000
ON_TIME_PERCENT = 99
REFUSED_PERMILLE = 1
COMPLETE_PERCENT = 50

_K = TypeVar("_K")
_V = TypeVar("_V")


class Verdict(StrEnum):
    """What may be said of a rule, the worst first."""

    FAIL = "fail"
    NOT_JUDGED = "not judged"
    PASS = "pass"  # noqa: S105 - a verdict


class Row(NamedTuple):
    """A rule with its verdict: what was seen, what is asked, what to do, and the first place that breaks it."""

    name: str
    verdict: Verdict
    seen: str
    rule: str
    remedy: str
    example: str = ""


class _Parcel(NamedTuple):
    """What is remembered of a parcel's step: its time and its revision, the seller and the content."""

    at: float
    revision: int
    seller: bytes
    content: bytes


@dataclass(slots=True)
class Broken:
    """How often a rule was tried and broken, and the first place."""

    tried: int = 0
    broken: int = 0
    example: str = ""

    def look(self, place: str, problem: str = "") -> None:
        """Try it once; a problem breaks it."""
        self.tried += 1
        if problem:
            self.broken += 1
            self.example = self.example or f"{place}: {problem}"


_ENVELOPE = frozenset(
    {DeadLetterCode.NULL_VALUE, DeadLetterCode.NOT_UTF8, DeadLetterCode.NOT_JSON, DeadLetterCode.TOO_DEEP,
     DeadLetterCode.NOT_A_CLOUD_EVENT, DeadLetterCode.UNKNOWN_TYPE}
)  # fmt: skip
_STEPS: dict[type, int] = {PackedEvent: 0, DeliveredEvent: 1, ReturnedEvent: 2}


@dataclass(slots=True)
class Conformance:
    """Looks at every record in turn and judges at the end. `now` is None where records have their own append times."""

    method: Method
    now: datetime | None = None
    records: int = 0
    refused: Counter[DeadLetterCode] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    largest: int = 0
    complete: int = 0
    scored: int = 0
    on_topic: bool = False
    full: bool = False
    _tries: dict[str, Broken] = field(default_factory=dict)
    _ids: dict[bytes, bytes] = field(default_factory=dict)
    _parcels: dict[tuple[bytes, int], _Parcel] = field(default_factory=dict)
    _sellers: dict[bytes, int] = field(default_factory=dict)
    _first_refusal: str = ""

    def look(self, seen: Observation) -> None:
        """Try every rule on a record."""
        self.records += 1
        self.largest = max(self.largest, seen.size)
        code, place = seen.code, seen.place
        if code is not None:
            self.refused[code] += 1
            self._first_refusal = self._first_refusal or f"{place}: {seen.message}"
        self._try("envelope", place, seen.message if code in _ENVELOPE else "")
        if code not in _ENVELOPE:
            self._try("body", place, seen.message if code is DeadLetterCode.SCHEMA_VIOLATION else "")
            self._try("offset", place, seen.message if code is DeadLetterCode.NAIVE_TIME else "")
            self._try("fields", place, f"{seen.unknown} fields that the contract lacks" if seen.unknown else "")
        self._try("size", place, seen.message if code is DeadLetterCode.TOO_LARGE else "")
        if seen.on_topic is not None:
            self._look_at_topic(seen)
        if seen.event is not None:
            self._look_at_event(seen, seen.event)

    def _try(self, name: str, place: str, problem: str = "") -> None:
        self._tries.setdefault(name, Broken()).look(place, problem)

    def _look_at_topic(self, seen: Observation) -> None:
        assert seen.on_topic is not None, "the caller has looked"
        self.on_topic = True
        self.modes[seen.on_topic.mode] += 1
        self._try("mode", seen.place, seen.on_topic.mode_problem)
        if seen.event is not None or seen.code in {DeadLetterCode.KEY_MISMATCH, DeadLetterCode.SOURCE_MISMATCH}:
            wrong_source = seen.code is DeadLetterCode.SOURCE_MISMATCH
            self._try("source", seen.place, seen.message if wrong_source else "")
            if not wrong_source:
                self._try("key", seen.place, seen.message if seen.code is DeadLetterCode.KEY_MISMATCH else "")

    def _look_at_event(self, seen: Observation, event: FulfilmentEvent) -> None:
        self._times(seen, event)
        seller, at = _digest(event.subject), event.time.timestamp()
        content = _digest(event.type, event.subject, str(at), event.data.model_dump_json())
        self._id(seen.place, event, content)
        if seen.on_topic is not None:
            first = self._remember(self._sellers, seller, seen.on_topic.partition)
            other = first is not None and first != seen.on_topic.partition
            if first is not None:
                self._try(
                    "partition", seen.place, f"its seller's events also stand in partition {first}" if other else ""
                )
        if isinstance(event, CancelledEvent):
            self._cancelled(seen.place, event, seller)
            return
        self._declared(event)
        step = _STEPS.get(type(event))
        if step is not None:
            self._step(seen.place, event, step, _Parcel(at, event.data.revision, seller, content))

    def _times(self, seen: Observation, event: FulfilmentEvent) -> None:
        appended = None if seen.on_topic is None else seen.on_topic.appended_ms
        if appended is None and self.now is not None and seen.on_topic is None:
            appended = round(self.now.timestamp() * 1000)
        if appended is None:
            return
        delay = appended - round(event.time.timestamp() * 1000)
        ahead = f"happened {-delay / 60_000:,.0f} minutes after it was appended" if delay < -AHEAD_MS else ""
        self._try("clock", seen.place, ahead)
        if seen.on_topic is not None:
            late = f"appended {delay / 3_600_000:,.1f} h after it happened" if delay > DELAY_MS else ""
            self._try("delay", seen.place, late)

    def _id(self, place: str, event: FulfilmentEvent, content: bytes) -> None:
        earlier = self._remember(self._ids, _digest(event.source, event.id), content)
        other = earlier is not None and earlier != content
        self._try("id", place, f"the id {event.id} had other content before" if other else "")

    def _declared(self, event: FulfilmentEvent) -> None:
        if isinstance(event, CancelledEvent):
            return
        sums = assess(declaration_of(event), self.method).sums
        if isinstance(sums, PackagingSums | DeliverySums):
            self.scored += 1
            self.complete += sums.complete_parcels

    def _step(self, place: str, event: FulfilmentEvent, step: int, found: _Parcel) -> None:
        parcel = _digest(event.source, event.data.parcel_id)
        earlier = self._remember(self._parcels, (parcel, step), found)
        if earlier is None:
            self._order(place, parcel, step, found.at)
        elif earlier.content != found.content:
            self._corrected(place, earlier, found)
        if earlier is not None and found.revision > earlier.revision:
            self._parcels[parcel, step] = found

    def _corrected(self, place: str, earlier: _Parcel, found: _Parcel) -> None:
        problem = ""
        if earlier.revision == found.revision:
            problem = "another event of the same parcel, type and revision has other content"
        elif earlier.at != found.at:
            problem = "the correction has another time; the time stays when something is corrected"
        elif earlier.seller != found.seller:
            problem = "the correction names another seller"
        self._try("correction", place, problem)

    def _order(self, place: str, parcel: bytes, step: int, at: float) -> None:
        for other in range(3):
            known = None if other == step else self._parcels.get((parcel, other))
            if known is not None:
                wrong = known.at > at if other < step else known.at < at
                names = ("packed", "delivered", "returned")
                first, last = sorted((step, other))
                self._try("order", place, f"{names[last]} lies before {names[first]}" if wrong else "")

    def _cancelled(self, place: str, event: FulfilmentEvent, seller: bytes) -> None:
        parcel = _digest(event.source, event.data.parcel_id)
        known = [item for step in range(3) if (item := self._parcels.get((parcel, step))) is not None]
        if known:  # of a parcel that was not seen nobody can say whose it is
            other = all(item.seller != seller for item in known)
            self._try("cancellation", place, "the parcel is another seller's" if other else "")

    def _remember(self, memory: dict[_K, _V], key: _K, value: _V) -> _V | None:
        """What is remembered of a key; else the value is from now on, as far as there is room."""
        found = memory.get(key)
        if found is None:
            if len(memory) < MOST_REMEMBERED:
                memory[key] = value
            else:
                self.full = True
        return found

    def rows(self) -> list[Row]:
        """Every rule with its verdict, the worst first."""
        found = [rule(self) for rule in RULES]
        return sorted(found, key=lambda row: list(Verdict).index(row.verdict))

    def tried(self, name: str) -> Broken:
        """How a rule fared."""
        return self._tries.get(name, Broken())

    @property
    def first_refusal(self) -> str:
        """The first record that is refused."""
        return self._first_refusal


def _digest(*parts: str) -> bytes:
    return blake2b("\n".join(parts).encode(), digest_size=12).digest()


class _Rule(NamedTuple):
    name: str
    title: str
    rule: str
    remedy: str
    not_tried: str


_EACH = (
    _Rule("envelope", "envelope", "every record is a CloudEvent 1.0 of a known type",
          "write specversion, type, source, id, subject, time and data as schemas/ has them", "no record was seen"),
    _Rule("mode", "mode and headers", "every record says its mode: content-type application/cloudevents+json, or ce_ "
          "headers with the content-type of the data", "set the headers of CloudEvents' Kafka binding",
          "a file has no headers"),
    _Rule("source", "source", "source is the marketplace of the topic", "write /marketplaces/ and your id",
          "a file stands on no topic"),
    _Rule("key", "key", "the record's key is the seller id in subject", "give the producer subject as the key",
          "a file has no keys"),
    _Rule("partition", "one partition a seller", "all events of a seller stand in one partition",
          "let the producer's partitioner hash the key, and use the same one everywhere",
          "no seller was seen twice on a topic"),
    _Rule("body", "body", "every field keeps its type and bounds", "see problem and remedy of the example",
          "no envelope was sound"),
    _Rule("fields", "unknown fields", "no field that the contract lacks; nothing is read of such a field",
          "leave it out, or correct its spelling", "no envelope was sound"),
    _Rule("id", "ids", "an id is given once; sent again it has the same content", "give each event an id of its own",
          "no event was accepted"),
    _Rule("offset", "time zone", "every time has an offset", "write times like 2026-07-01T09:30:00+07:00",
          "no envelope was sound"),
    _Rule("clock", "clock", "no event lies more than 5 minutes ahead of its arrival",
          "is local time written as UTC? Write its offset, +07:00 in Vietnam", "the topic keeps its producers' times"),
    _Rule("order", "order of steps", "packed comes before delivered, delivered before returned, by their times",
          "write when each step happened, not when it was recorded", "no parcel was seen with two steps"),
    _Rule("correction", "corrections", "a correction has a higher revision, and the same time and seller",
          "raise revision with each correction, and keep time and subject",
          "no correction was seen after what it corrects"),
    _Rule("cancellation", "retractions", "cancelled names the seller whose parcel it is",
          "send cancelled with the subject of the parcel's events",
          "no cancelled was seen after an event of its parcel"),
    _Rule("size", "sizes", f"a record has at most {MAX_EVENT_BYTES:,} bytes", "split the parcel's items",
          "no record was seen"),
)  # fmt: skip


def _each(rule: _Rule, seen: Conformance) -> Row:
    tried = seen.tried(rule.name)
    text = f"{tried.broken:,} of {tried.tried:,} break it"
    if rule.name == "mode" and tried.tried:
        text += ": " + ", ".join(f"{count:,} {mode}" for mode, count in sorted(seen.modes.items()))
    if rule.name == "size" and tried.tried:
        text += f"; the largest has {seen.largest:,} bytes"
    if seen.full and rule.name in {"id", "partition", "order", "correction", "cancellation"}:
        text += f"; compared with the first {MOST_REMEMBERED:,}"
    if tried.broken:
        return Row(rule.title, Verdict.FAIL, text, rule.rule, rule.remedy, tried.example)
    if not tried.tried:
        why = "no record was seen" if not seen.records else rule.not_tried
        return Row(rule.title, Verdict.NOT_JUDGED, why, rule.rule, rule.remedy)
    return Row(rule.title, Verdict.PASS, text, rule.rule, "")


def _refused(seen: Conformance) -> Row:
    rule = f"at most {REFUSED_PERMILLE} of 1,000 records is refused"
    count = seen.refused.total()
    codes = ", ".join(f"{number:,} {code}" for code, number in seen.refused.most_common(5))
    text = f"{count:,} of {seen.records:,} refused" + (f": {codes}" if codes else "")
    if not seen.records:
        return Row("refused", Verdict.NOT_JUDGED, "no record was seen", rule, "publish some events")
    if count * 1000 > REFUSED_PERMILLE * seen.records:
        remedy = "check events before sending: `greenlane validate`, the SDK, or the gateway's verdicts"
        return Row("refused", Verdict.FAIL, text, rule, remedy, seen.first_refusal)
    return Row("refused", Verdict.PASS, text, rule, "")


def _complete(seen: Conformance) -> Row:
    rule = f"at least {COMPLETE_PERCENT} % of packed and delivered events declare every part"
    if not seen.scored:
        return Row("declared", Verdict.NOT_JUDGED, "no packed or delivered event was accepted", rule, "publish some")
    text = f"{seen.complete:,} of {seen.scored:,} declare every part"
    if seen.complete * 100 < COMPLETE_PERCENT * seen.scored:
        remedy = "`greenlane validate` lists what is not declared, and what declaring it would add"
        return Row("declared", Verdict.FAIL, text, rule, remedy)
    return Row("declared", Verdict.PASS, text, rule, "")


def _on_time(seen: Conformance) -> Row:
    rule = f"{ON_TIME_PERCENT} % of the events arrive within 24 hours"
    tried = seen.tried("delay")
    if not tried.tried:
        why = "the topic keeps its producers' times" if seen.on_topic else "a file says nothing of arrival"
        return Row("delay", Verdict.NOT_JUDGED, why if seen.records else "no record was seen", rule, "judge the topic")
    text = f"{tried.broken:,} of {tried.tried:,} came later"
    if (tried.tried - tried.broken) * 100 < ON_TIME_PERCENT * tried.tried:
        remedy = "publish what happened on the day on which it happens"
        return Row("delay", Verdict.FAIL, text, rule, remedy, tried.example)
    return Row("delay", Verdict.PASS, text, rule, "")


def _bound(rule: _Rule) -> Callable[[Conformance], Row]:
    return lambda seen: _each(rule, seen)


RULES: tuple[Callable[[Conformance], Row], ...] = (*map(_bound, _EACH), _complete, _on_time, _refused)
"""Every rule, as a function of what was seen."""
