"""How a refused record is appended to its topic again, and how often that was done."""

import base64
import binascii
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from kafka import KafkaProducer

from greenlane.cli.output import notes, progress
from greenlane.contracts.dead_letters import (
    MAX_REDRIVES,
    REDRIVE_HEADER,
    REDRIVE_OF_HEADER,
    DeadLetter,
    DeadLetterCode,
)
from greenlane.contracts.letters import HEADERS_OMITTED
from greenlane.contracts.rules import RULES_KEY
from greenlane.contracts.topics import ASSESSMENTS
from greenlane.operations.topics_reader import TopicsReader
from greenlane.settings import Settings

SEND_SECONDS = 30.0
HOPELESS = frozenset(
    {
        DeadLetterCode.NULL_VALUE,
        DeadLetterCode.TOO_LARGE,
        DeadLetterCode.NOT_UTF8,
        DeadLetterCode.NOT_JSON,
        DeadLetterCode.TOO_DEEP,
        DeadLetterCode.NOT_A_CLOUD_EVENT,
        DeadLetterCode.UNREADABLE_BATCH,
    }
)
"""Reasons that lie in the bytes themselves: the same bytes are refused again, whatever was mended."""

_OWN_HEADERS = frozenset({REDRIVE_HEADER, REDRIVE_OF_HEADER})


class Family(NamedTuple):
    """Letters of the same bytes, which stay in one partition: what is said in another one is of somebody else."""

    topic: str
    partition: int
    first: str
    """The id of their first letter."""


def family_of(letter: DeadLetter) -> Family:
    """The family to which the letter says it belongs."""
    origin = letter.data.origin
    return Family(origin.topic, origin.partition, letter.data.redrive.of or letter.id)


def appended_so_far(
    settings: Settings, letters: list[DeadLetter], everything: list[DeadLetter], known: set[str]
) -> Counter[Family]:
    """How often the bytes of each letter's family were appended again, read from the partitions that they came from.

    A letter that was re-driven before records named their family counts as often as it says itself.
    """
    counts: dict[Family, int] = {}
    for letter in letters:
        family = family_of(letter)
        counts[family] = max(counts.get(family, 0), letter.data.redrive.count)
    begins = {family_of(letter): letter.data.origin.offset for letter in reversed(everything)}
    since: dict[str, dict[int, int]] = {}
    for family in counts:
        if family.topic in known:
            offsets = since.setdefault(family.topic, {})
            offsets[family.partition] = min(offsets.get(family.partition, begins[family]), begins[family])
    found = Counter(family for family in _families(settings, since) if family in counts) if since else Counter()
    return Counter({family: max(count, found[family]) for family, count in counts.items()})


def _families(settings: Settings, since: dict[str, dict[int, int]]) -> Iterator[Family]:
    """The family that each re-driven record names, from these offsets on."""
    with progress() as shown:
        task = shown.add_task("counting earlier re-drives", total=None)
        with TopicsReader(
            settings.kafka_bootstrap_servers,
            since,
            lambda done, total: shown.update(task, completed=done, total=total),
        ) as reader:
            for topic, offsets in since.items():
                for record in reader.records(topic, offsets):
                    for name, value in record.headers:
                        if name == REDRIVE_OF_HEADER:
                            yield Family(topic, record.partition, (value or b"").decode("ascii", "replace"))


def place_of(letter: DeadLetter) -> str:
    """Where the refused record stands."""
    origin = letter.data.origin
    return f"{origin.topic}/{origin.partition}@{origin.offset}"


def bytes_of(letter: DeadLetter) -> bytes | str:
    """The refused bytes; a sentence that says where they are when the letter has none."""
    if letter.data.raw_b64 is None:
        if letter.data.failure.code is DeadLetterCode.NULL_VALUE:
            return f"The record at {place_of(letter)} has no value: there are no bytes."
        return f"This letter has no copy of the bytes: read them at {place_of(letter)} before retention removes them."
    try:
        return base64.b64decode(letter.data.raw_b64, validate=True)
    except binascii.Error:
        return f"This letter's copy of the bytes is no base64: read them at {place_of(letter)}."


def why_not(letter: DeadLetter, known: set[str], appended: int, *, force: bool) -> str | None:
    """Why a letter cannot be appended again, after so many times; None when it can. `known` are this house's topics."""
    value, origin = bytes_of(letter), letter.data.origin
    null = letter.data.failure.code is DeadLetterCode.NULL_VALUE
    reason = None
    if letter.data.failure.code in HOPELESS and not force:
        reason = (
            f"{letter.data.failure.code} lies in the bytes, so they would be refused again: correct the event at its "
            "source, or use --force"
        )
    elif appended >= MAX_REDRIVES:
        reason = f"re-driven {MAX_REDRIVES} times already: correct the event at its source"
    elif any(problem.keyword == HEADERS_OMITTED for problem in letter.data.failure.messages):
        reason = f"the letter is without the record's headers: read the record at {place_of(letter)}"
    elif origin.topic not in known:
        reason = f"{origin.topic} is no topic of this installation"
    elif null and origin.key_b64 is None:
        reason = "a record without key and value cannot be appended"
    elif isinstance(value, str) and not null:
        reason = value
    return reason or _not_appendable(letter)


def _not_appendable(letter: DeadLetter) -> str | None:
    try:
        key, _ = _key(letter), _headers(letter)
    except binascii.Error:
        return f"its key or headers are no base64: read them at {place_of(letter)}"
    if (letter.data.origin.topic, key) == (ASSESSMENTS, RULES_KEY):
        return "only an adoption writes under the key of the rules: use `greenlane policy adopt`"
    return None


def _key(letter: DeadLetter) -> bytes | None:
    key = letter.data.origin.key_b64
    return None if key is None else base64.b64decode(key, validate=True)


def _headers(letter: DeadLetter) -> list[tuple[str, bytes | None]]:
    given = [(name, value) for name, value in letter.data.origin.headers if name not in _OWN_HEADERS]
    return [(name, None if value is None else base64.b64decode(value, validate=True)) for name, value in given]


def append(settings: Settings, letters: list[DeadLetter], counts: Counter[Family]) -> None:
    """Append the letters' bytes to their topics, and say where each went; `counts` grows by what was appended."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers.split(","), acks="all")
    try:
        for letter in letters:
            origin, family, value = letter.data.origin, family_of(letter), bytes_of(letter)
            counts[family] += 1
            written = producer.send(
                origin.topic,
                key=_key(letter),
                value=None if isinstance(value, str) else value,
                headers=[
                    *_headers(letter),
                    (REDRIVE_HEADER, str(counts[family]).encode()),
                    (REDRIVE_OF_HEADER, family.first.encode()),
                ],
                partition=origin.partition,
            ).get(timeout=SEND_SECONDS)
            place = f"{written.topic}/{written.partition}@{written.offset}"
            notes.print(f"Appended to {place}, re-drive {counts[family]} of {MAX_REDRIVES}.", soft_wrap=True)
    finally:
        producer.close(timeout=SEND_SECONDS)
