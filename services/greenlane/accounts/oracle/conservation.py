"""Follows every published record to its one fate, and names whatever the inputs do not explain."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from greenlane.accounts.oracle.assess import Expected, digest, is_bulky
from greenlane.accounts.oracle.partition_accounts import Outcome
from greenlane.contracts.assessments import Assessment, Retraction, account_key
from greenlane.contracts.dead_letters import RAW_OMITTED, DeadLetter, DeadLetterCode
from greenlane.contracts.reading.fulfilment import KafkaRecord
from greenlane.contracts.rules import RulesAdopted
from greenlane.methodology.method import METHOD_VERSION

Position = tuple[str, int, int]
"""Topic, partition and offset of a record."""

UNKNOWN, REFUSED = "unknown", "refused"
"""So far no account took the record; or one refused it, which ends it unless another one of the same is taken."""

OWN_FAULTS = frozenset({DeadLetterCode.UNEXPECTED_ERROR, DeadLetterCode.OUTPUT_TOO_LARGE, DeadLetterCode.SKIPPED})
"""Reasons for which a record may be a dead letter although the contract accepts it."""


def position_of(record: KafkaRecord) -> Position:
    """Where a record stands."""
    return (record.topic, record.partition, record.offset)


@dataclass(slots=True)
class Conservation:
    """The books: what was published, what must have become of it, and what was found.

    `firsts` names the first offset still kept of each input partition: what stood before it can no longer be checked.
    """

    expected: Mapping[Position, Expected]
    firsts: Mapping[tuple[str, int], int]
    fingerprints: frozenset[str] = frozenset()
    fates: dict[Position, str] = field(default_factory=dict)
    repeats: int = 0
    unexplained: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    lacking: Counter[str] = field(default_factory=Counter)
    _refused: dict[Position, DeadLetterCode] = field(default_factory=dict)
    _ended: set[Position] = field(default_factory=set)
    _unreadable: dict[Position, Expected] = field(default_factory=dict)
    _letters: dict[Position, str] = field(default_factory=dict)

    def assessed(self, record: KafkaRecord, message: Assessment | Retraction, outcome: Outcome) -> None:
        """A record of the assessments topic, and what became of it in the account."""
        origin = (message.origin.topic, message.origin.partition, message.origin.offset)
        wanted = self.expected.get(origin)
        if wanted is None:
            if origin[2] >= self.firsts.get(origin[:2], 0):
                self._complain(record, f"is about {_place(origin)}, where no published record stands")
        elif not self._says(wanted, record, message):
            self._complain(record, f"does not say what the record at {_place(origin)} has to become")
        elif record.key != account_key(message.marketplace, message.seller_id):
            self._complain(record, f"has a key that is not the seller of {_place(origin)}")
        elif origin in self.fates:
            self.repeats += 1
        else:
            self.fates[origin] = outcome

    def _says(self, wanted: Expected, record: KafkaRecord, message: Assessment | Retraction) -> bool:
        """Whether the record says what has to be said; of factors that are not here nobody can tell."""
        contents = {wanted.content, *wanted.others}
        if not isinstance(message, Assessment) or digest(record.value) in contents:
            return digest(record.value) in contents
        if message.factors is not None:
            if message.factors in self.fingerprints:
                return False
            self.lacking[f"factors {message.factors}; name their file with --factors"] += 1
            return True
        dated = {message.model_copy(update={"factors": name}).model_dump_json().encode() for name in self.fingerprints}
        early = message.model_dump_json(exclude={"factors"}).encode() == record.value
        return early and not contents.isdisjoint(map(digest, dated))

    def adopted(self, rules: RulesAdopted) -> None:
        """Rules of the log."""
        if rules.method_version != METHOD_VERSION:
            self.lacking[f"method {rules.method_version}; run the release that has it"] += 1

    def refused_source(self, message: Assessment) -> None:
        """A refused assessment: its source ends with that dead letter unless another record is accepted."""
        origin = (message.origin.topic, message.origin.partition, message.origin.offset)
        if origin in self.expected:
            self._ended.add(origin)

    def unreadable(self, record: KafkaRecord) -> None:
        """A record of the assessments topic that no reader accepts: a dead letter has to tell of it."""
        self._unreadable[position_of(record)] = Expected(digest(record.value), bulky=is_bulky(record))

    def refused(self, record: KafkaRecord, code: DeadLetterCode) -> None:
        """A record that no account may take: a dead letter has to tell of it, with this code."""
        self.unreadable(record)
        self._refused[position_of(record)] = code

    def unexplained_yet(self) -> Mapping[Position, Expected]:
        """The records of the assessments topic of which no dead letter told so far."""
        return self._unreadable

    def code_of(self, position: Position) -> DeadLetterCode | None:
        """The code that the dead letter of a refused record must have; None where any will do."""
        return self._refused.get(position)

    def restore_refused(self, position: Position, wanted: Expected, code: DeadLetterCode | None) -> None:
        """A record that was read before: a dead letter still has to tell of it."""
        self._unreadable[position] = wanted
        if code is not None:
            self._refused[position] = code

    def restore_fates(self, topic: str, partition: int, offsets: Iterable[int], fate: str) -> None:
        """What became of published records before; only of those that are still to be explained."""
        for position in ((topic, partition, offset) for offset in offsets):
            if position in self.expected and fate == REFUSED:
                self._ended.add(position)
            elif position in self.expected:
                self.fates[position] = fate

    def fate_of(self, position: Position) -> str:
        """What became of a published record so far, as far as the assessments tell."""
        return self.fates.get(position, REFUSED if position in self._ended else UNKNOWN)

    def dead_letter(self, record: KafkaRecord) -> None:
        """A record of the dead-letter topic; those about other topics are not this comparison's.

        What is no dead letter at all was written by somebody else.
        """
        try:
            letter = DeadLetter.model_validate_json(record.value or b"")
            raw = digest(letter.data.raw())
        except ValueError as error:  # of pydantic and of base64 alike
            self.foreign.append(f"{_place(position_of(record))} is no dead letter: {type(error).__name__}")
            return
        found = letter.data.origin
        origin = (found.topic, found.partition, found.offset)
        if origin in self._unreadable and _holds(letter, raw, self._unreadable[origin]):
            del self._unreadable[origin]
            wanted = self._refused.get(origin)
            if wanted is not None and letter.data.failure.code is not wanted:
                self._complain(record, f"gives {letter.data.failure.code} for {_place(origin)}; expected {wanted}")
        elif origin in self.expected:
            self._account_for(record, origin, letter, raw)

    def _account_for(self, record: KafkaRecord, origin: Position, letter: DeadLetter, raw: bytes | None) -> None:
        wanted, failure = self.expected[origin], letter.data.failure
        if not _holds(letter, raw, wanted):
            self._complain(record, f"does not hold the bytes of {_place(origin)}")
            return
        allowed = OWN_FAULTS if wanted.code is None else {wanted.code, DeadLetterCode.SKIPPED}
        known = letter.data.processor.method_version == METHOD_VERSION  # another method may refuse other records
        if known and (failure.code not in allowed or (wanted.ignored and failure.code is not DeadLetterCode.SKIPPED)):
            self._complain(record, f"gives {failure.code} for {_place(origin)}; expected {wanted.code or 'none'}")
        if origin not in self.fates:
            self.fates[origin] = "dead_letter"
            self._letters[origin] = letter.id
        elif self._letters.get(origin) == letter.id or failure.code is DeadLetterCode.SKIPPED:
            self.repeats += 1  # a scorer may be told to skip what the other one answers for
        else:
            self._complain(record, f"tells of {_place(origin)}, which has another fate already: {self.fates[origin]}")

    def close(self) -> Counter[str]:
        """How many published records ended in which way; call once everything was read."""
        for position in self._unreadable:
            why = f"is refused ({self._refused[position]})" if position in self._refused else "cannot be read"
            self.unexplained.append(f"{_place(position)} {why} and no dead letter tells of it")
        for position in self._ended:
            self.fates.setdefault(position, "dead_letter")
        return Counter(
            "ignored" if wanted.ignored else self.fates.get(position, "unaccounted")
            for position, wanted in self.expected.items()
        )

    def first_unaccounted(self) -> str | None:
        """Where the first published record stands that nothing tells of."""
        lost: Iterable[Position] = (
            position for position, wanted in self.expected.items() if not wanted.ignored and position not in self.fates
        )
        return next((_place(position) for position in lost), None)

    def _complain(self, record: KafkaRecord, what: str) -> None:
        self.unexplained.append(f"{_place(position_of(record))} {what}")


def _holds(letter: DeadLetter, raw: bytes | None, wanted: Expected) -> bool:
    """Whether the letter repeats the record's bytes, or says that it left out what it could not hold."""
    if raw == wanted.raw:
        return True
    omitted = any(problem.keyword == RAW_OMITTED for problem in letter.data.failure.messages)
    return raw is None and wanted.bulky and omitted


def _place(position: Position) -> str:
    return f"{position[0]} partition {position[1]} offset {position[2]}"
