"""Dead letters: a record that could not be processed, its raw bytes, and why, in words that name the remedy."""

import base64
import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_REDRIVES = 5
RAW_OMITTED = "raw_omitted"
"""Keyword by which a letter says that it does not hold the record's bytes."""

REDRIVE_HEADER = "greenlane-redrive"
"""Header of a re-driven record: how often its bytes were appended again."""

REDRIVE_OF_HEADER = "greenlane-redrive-of"
"""Header of a re-driven record: the id of the first letter of these bytes."""


class DeadLetterCode(StrEnum):
    """The closed list of reasons; it is also the label of the metric."""

    NULL_VALUE = "null_value"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    NOT_A_CLOUD_EVENT = "not_a_cloud_event"
    UNKNOWN_TYPE = "unknown_type"
    SCHEMA_VIOLATION = "schema_violation"
    NAIVE_TIME = "naive_time"
    FUTURE_TIME = "future_time"
    SOURCE_MISMATCH = "source_mismatch"
    KEY_MISMATCH = "key_mismatch"
    DAY_NOT_OVER = "day_not_over"
    UNKNOWN_MARKETPLACE = "unknown_marketplace"
    OTHER_RULES = "other_rules"
    UNREADABLE_BATCH = "unreadable_batch"
    OUTPUT_TOO_LARGE = "output_too_large"
    UNEXPECTED_ERROR = "unexpected_error"
    SKIPPED = "skipped"


class Problem(BaseModel):
    """One thing wrong: where (a dotted path), which rule, and what to do. Never the offending value."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str = Field(description="dotted path of the field, or the envelope attribute; empty for the whole record")
    keyword: str = Field(description="the rule that was broken, as a stable word")
    message: str = Field(description="the problem and the remedy in one sentence, without the value")


class Refusal(Exception):  # noqa: N818 - it is the refusal of a record, raised to its handler, not a fault of ours
    """A record cannot be accepted; it carries the closed reason and every problem found."""

    def __init__(self, code: DeadLetterCode, problems: Sequence[Problem]) -> None:
        """`problems` has at least one entry."""
        super().__init__(f"{code}: " + "; ".join(f"{item.path or 'record'}: {item.message}" for item in problems))
        self.code = code
        self.problems = tuple(problems)

    @classmethod
    def because(cls, code: DeadLetterCode, path: str, message: str) -> "Refusal":
        """A refusal for a single problem."""
        return cls(code, [Problem(path=path, keyword=code.value, message=message)])


class Failure(BaseModel):
    """Which stage refused the record, and why."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    stage: str
    code: DeadLetterCode
    retriable: bool = Field(description="whether re-driving may succeed without a change of the record")
    first_at_ms: int = Field(description="append time of the refused record, milliseconds since 1970 UTC")
    messages: tuple[Problem, ...]


class Origin(BaseModel):
    """Where the record stood, with everything needed to append it again."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    timestamp_ms: int
    key_b64: str | None
    headers: tuple[tuple[str, str | None], ...] = Field(description="names with base64 of their values, null for null")


class Processor(BaseModel):
    """Which code refused the record."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    service: str
    version: str
    method_version: str


class Redrive(BaseModel):
    """How often the bytes were appended to their topic again."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    count: int = Field(default=0, ge=0, le=MAX_REDRIVES)
    of: str | None = Field(default=None, max_length=64, description="id of the first letter of these bytes")


class DeadLetterData(BaseModel):
    """The body of a dead letter."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    failure: Failure
    origin: Origin
    processor: Processor
    raw_b64: str | None = Field(description="the value's bytes as they came, base64; null for a null value")
    redrive: Redrive = Redrive()

    def raw(self) -> bytes | None:
        """The refused record's bytes, exactly as they came."""
        return None if self.raw_b64 is None else base64.b64decode(self.raw_b64)


class DeadLetter(BaseModel):
    """The record on the dead-letter topic: a structured CloudEvent. Its key is its id."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    type: Literal["greenlane.dead-letter.v1"] = "greenlane.dead-letter.v1"
    source: Annotated[str, Field(description="/services/<service>")]
    id: str = Field(description="hash of topic, partition, offset and stage, so that repeats collapse")
    datacontenttype: Literal["application/json"] = "application/json"
    data: DeadLetterData


def dead_letter_id(topic: str, partition: int, offset: int, stage: str) -> str:
    """The same failure of the same record always has the same id (32 hexadecimal digits)."""
    return hashlib.sha256(f"{topic}\n{partition}\n{offset}\n{stage}".encode()).hexdigest()[:32]
