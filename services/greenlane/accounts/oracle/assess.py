"""What must have become of one fulfilment record at the scorers, straight from the contract and the method."""

import hashlib
from dataclasses import dataclass

from greenlane.contracts.assessing import assessment_of, owner_of
from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.reading.fulfilment import KafkaRecord, read_event
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.contracts.unreadable import Unreadable
from greenlane.methodology.tables import Method

_HEADER_BYTES = 8
"""What a header takes in a letter beside its name and value, at least."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The one fate of a record: an assessment (digest of its bytes), a dead letter (its code), or ignored (neither).

    `raw` is the digest of the record's own value, which a dead letter must repeat; None for a null value and for
    offsets that nobody can read. Of a `bulky` record the letter may leave the bytes out. `others` are the digests of
    what the record becomes under other factors.
    """

    raw: bytes | None
    content: bytes | None = None
    code: DeadLetterCode | None = None
    bulky: bool = False
    others: tuple[bytes | None, ...] = ()

    @property
    def ignored(self) -> bool:
        """Whether nobody answers for records of this type."""
        return self.content is None and self.code is None


def digest(value: bytes | None) -> bytes | None:
    """Stands for the bytes in a comparison, so that millions of them fit into memory; None if there are none."""
    return None if value is None or isinstance(value, Unreadable) else hashlib.blake2b(value, digest_size=16).digest()


def is_bulky(record: KafkaRecord) -> bool:
    """Whether a dead letter may be unable to hold the record's bytes beside everything else it says."""
    headers = sum(len(name) + len(value or b"") + _HEADER_BYTES for name, value in record.headers or ())
    return len(record.key or b"") + len(record.value or b"") + headers > MAX_EVENT_BYTES // 2


def expected_of(record: KafkaRecord, method: Method, *others: Method) -> Expected:
    """The fate of one record; depends on nothing but its arguments."""
    raw, bulky = digest(record.value), is_bulky(record)
    try:
        reading = read_event(record)
        if owner_of(reading.type) is None:
            return Expected(raw)
        if reading.event is not None:
            contents = [
                digest(assessment_of(record, reading.event, each).model_dump_json().encode())
                for each in (method, *others)
            ]
            return Expected(raw, content=contents[0], bulky=bulky, others=tuple(contents[1:]))
    except Exception:  # noqa: BLE001 - whatever the contract did not foresee must have become a dead letter that says so
        return Expected(raw, code=DeadLetterCode.UNEXPECTED_ERROR, bulky=bulky)
    return Expected(raw, code=None if reading.refusal is None else reading.refusal.code, bulky=bulky)
