"""The oracle's books: every published record has exactly one fate, and whatever nothing explains is named."""

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from greenlane.accounts.oracle.assess import Expected, digest
from greenlane.accounts.oracle.conservation import Conservation
from greenlane.contracts.assessments import Assessment, SourcePosition
from greenlane.contracts.dead_letters import (
    DeadLetter,
    DeadLetterCode,
    DeadLetterData,
    Failure,
    Origin,
    Processor,
    dead_letter_id,
)
from greenlane.contracts.topics import ASSESSMENTS
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.vocabulary import DataCategory, Dimension

TOPIC = "greenlane.fulfilment.shop.v1"
RAW = b"the event"


@dataclass
class Stored:
    """A record as a consumer hands it over."""

    value: bytes | None
    key: bytes | None = b"shop/ann"
    topic: str = ASSESSMENTS
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


def message(offset: int, parcels: int = 1) -> Assessment:
    return Assessment(
        marketplace="shop",
        seller_id="ann",
        parcel_id="p",
        revision=0,
        occurred_at="2026-06-01T12:00:00.000000Z",
        event_id="e",
        origin=SourcePosition(topic=TOPIC, partition=0, offset=offset, appended_ms=0),
        dimension=Dimension.PACKAGING,
        contribution={"parcels": parcels},
        data_category=DataCategory.PRIMARY,
        factor_ids=(),
        method_version="1.0.0",
    )


def content(item: Assessment) -> bytes:
    return item.model_dump_json().encode()


def letter(
    offset: int,
    code: DeadLetterCode = DeadLetterCode.NOT_JSON,
    raw: bytes | None = RAW,
    stage: str = "packaging_scorer",
    topic: str = TOPIC,
) -> Stored:
    data = DeadLetterData(
        failure=Failure(stage=stage, code=code, retriable=False, first_at_ms=0, messages=()),
        origin=Origin(topic=topic, partition=0, offset=offset, timestamp_ms=0, key_b64=None, headers=()),
        processor=Processor(service=stage, version="1", method_version=METHOD_VERSION),
        raw_b64=None if raw is None else base64.b64encode(raw).decode(),
    )
    found = DeadLetter(source=f"/services/{stage}", id=dead_letter_id(topic, 0, offset, stage), data=data)
    return Stored(found.model_dump_json().encode(), key=None, topic="greenlane.dead-letters.v1")


def books(*expected: Expected, first: int = 0) -> Conservation:
    numbered = {(TOPIC, 0, first + number): item for number, item in enumerate(expected)}
    return Conservation(numbered, {(TOPIC, 0): first})


def scored(offset: int) -> Expected:
    return Expected(digest(RAW), content=digest(content(message(offset))))


REFUSED = Expected(digest(RAW), code=DeadLetterCode.NOT_JSON)
IGNORED = Expected(digest(RAW))


def test_the_fate_of_an_assessed_record_is_the_accounts_outcome() -> None:
    account = books(scored(0), scored(1), IGNORED)
    account.assessed(Stored(content(message(0))), message(0), "assessed")
    account.assessed(Stored(content(message(1))), message(1), "late")
    assert (account.close(), account.unexplained) == (Counter(assessed=1, late=1, ignored=1), [])


def test_a_record_without_a_fate_is_unaccounted_and_the_first_is_named() -> None:
    account = books(scored(0), IGNORED, scored(2), REFUSED)
    account.assessed(Stored(content(message(0))), message(0), "assessed")
    assert account.close() == Counter(assessed=1, ignored=1, unaccounted=2)
    assert account.first_unaccounted() == f"{TOPIC} partition 0 offset 2"


def test_a_scorers_repeat_is_harmless_and_the_first_occurrence_decides() -> None:
    account = books(scored(0))
    account.assessed(Stored(content(message(0))), message(0), "assessed")
    account.assessed(Stored(content(message(0)), offset=1), message(0), "duplicate")
    assert (account.close(), account.repeats, account.unexplained) == (Counter(assessed=1), 1, [])


def test_an_assessment_with_another_content_accounts_for_nothing() -> None:
    account = books(scored(0))
    account.assessed(Stored(content(message(0, parcels=2))), message(0, parcels=2), "assessed")
    assert account.close() == Counter(unaccounted=1)
    assert "does not say what the record at" in account.unexplained[0]


def test_an_assessment_under_another_key_accounts_for_nothing() -> None:
    account = books(scored(0))
    account.assessed(Stored(content(message(0)), key=b"shop/bob"), message(0), "assessed")
    assert account.close() == Counter(unaccounted=1)
    assert len(account.unexplained) == 1


@pytest.mark.parametrize("expected", [REFUSED, IGNORED])
def test_an_assessment_of_a_record_that_has_none_is_unexplained(expected: Expected) -> None:
    account = books(expected)
    account.assessed(Stored(content(message(0))), message(0), "assessed")
    assert len(account.unexplained) == 1


def test_an_invented_assessment_is_unexplained() -> None:
    account = books()
    account.assessed(Stored(content(message(5))), message(5), "assessed")
    assert "no published record" in account.unexplained[0]


def test_an_assessment_of_a_record_that_retention_took_is_left_alone() -> None:
    account = books(first=9)
    account.assessed(Stored(content(message(5))), message(5), "assessed")
    assert (account.close(), account.unexplained) == (Counter(), [])


def test_a_dead_letter_with_the_records_bytes_is_its_fate() -> None:
    account = books(REFUSED, Expected(None, code=DeadLetterCode.NULL_VALUE))
    account.dead_letter(letter(0))
    account.dead_letter(letter(1, DeadLetterCode.NULL_VALUE, raw=None))
    assert (account.close(), account.unexplained) == (Counter(dead_letter=2), [])


@pytest.mark.parametrize("raw", [b"the Event", b"", None])
def test_a_corrupted_dead_letter_accounts_for_nothing(raw: bytes | None) -> None:
    account = books(REFUSED)
    account.dead_letter(letter(0, raw=raw))
    assert account.close() == Counter(unaccounted=1)
    assert "does not hold the bytes" in account.unexplained[0]


def test_a_dead_letter_for_another_reason_accounts_for_the_record_but_is_unexplained() -> None:
    account = books(REFUSED)
    account.dead_letter(letter(0, DeadLetterCode.KEY_MISMATCH))
    assert account.close() == Counter(dead_letter=1)
    assert "gives key_mismatch" in account.unexplained[0]


def test_of_another_methods_reason_only_that_method_could_tell_whether_it_is_right() -> None:
    account = books(scored(0))
    said = letter(0, DeadLetterCode.SCHEMA_VIOLATION)
    earlier = (said.value or b"").replace(METHOD_VERSION.encode(), b"1.0.0")
    account.dead_letter(Stored(earlier, key=None, topic="greenlane.dead-letters.v1"))
    assert (account.close(), account.unexplained) == (Counter(dead_letter=1), [])


@pytest.mark.parametrize(
    ("code", "complaints"),
    [(DeadLetterCode.UNEXPECTED_ERROR, 0), (DeadLetterCode.OUTPUT_TOO_LARGE, 0), (DeadLetterCode.NOT_JSON, 1)],
)
def test_a_good_record_may_be_a_dead_letter_only_through_a_fault_of_the_scorer(
    code: DeadLetterCode, complaints: int
) -> None:
    account = books(scored(0))
    account.dead_letter(letter(0, code))
    assert account.close() == Counter(dead_letter=1)
    assert len(account.unexplained) == complaints


@pytest.mark.parametrize("code", [DeadLetterCode.NOT_JSON, DeadLetterCode.UNEXPECTED_ERROR])
def test_a_dead_letter_for_an_ignored_record_is_unexplained(code: DeadLetterCode) -> None:
    account = books(IGNORED)
    account.dead_letter(letter(0, code))
    assert (account.close(), len(account.unexplained)) == (Counter(ignored=1), 1)


@pytest.mark.parametrize("wanted", [scored(0), REFUSED, IGNORED], ids=["good", "refused", "ignored"])
def test_a_record_that_scorers_were_told_to_skip_is_one_dead_letter(wanted: Expected) -> None:
    account = books(wanted)
    for stage in ("packaging_scorer", "delivery_scorer"):
        account.dead_letter(letter(0, DeadLetterCode.SKIPPED, stage=stage))
    assert account.close() == Counter({"ignored" if wanted is IGNORED else "dead_letter": 1})
    assert account.unexplained == []


def test_a_record_that_its_own_scorer_assessed_and_the_other_one_skipped_counts() -> None:
    account = books(scored(0))
    account.assessed(Stored(content(message(0))), message(0), "assessed")
    account.dead_letter(letter(0, DeadLetterCode.SKIPPED, stage="delivery_scorer"))
    assert (account.close(), account.unexplained) == (Counter(assessed=1), [])


def test_a_repeated_dead_letter_is_harmless() -> None:
    account = books(REFUSED)
    account.dead_letter(letter(0))
    account.dead_letter(letter(0))
    assert (account.close(), account.repeats, account.unexplained) == (Counter(dead_letter=1), 1, [])


def test_dead_letters_of_two_scorers_for_one_record_are_one_too_many() -> None:
    account = books(REFUSED)
    account.dead_letter(letter(0))
    account.dead_letter(letter(0, stage="delivery_scorer"))
    assert (account.close(), len(account.unexplained)) == (Counter(dead_letter=1), 1)


def test_a_record_both_assessed_and_dead_lettered_is_unexplained() -> None:
    account = books(scored(0))
    account.assessed(Stored(content(message(0))), message(0), "assessed")
    account.dead_letter(letter(0, DeadLetterCode.UNEXPECTED_ERROR))
    assert (account.close(), len(account.unexplained)) == (Counter(assessed=1), 1)


def test_an_unreadable_assessment_needs_a_dead_letter_with_its_bytes() -> None:
    account = books()
    account.unreadable(Stored(b"rubbish", offset=3))
    account.unreadable(Stored(b"rubbish", offset=4))
    account.dead_letter(letter(3, raw=b"rubbish", stage="aggregator", topic=ASSESSMENTS))
    account.dead_letter(letter(4, raw=b"Rubbish", stage="aggregator", topic=ASSESSMENTS))
    account.close()
    assert account.unexplained == [f"{ASSESSMENTS} partition 0 offset 4 cannot be read and no dead letter tells of it"]


@pytest.mark.parametrize("value", [None, b"{}", b"\xff"])
def test_what_is_no_dead_letter_is_foreign(value: bytes | None) -> None:
    account = books()
    account.dead_letter(replace(letter(0), value=value))
    assert "is no dead letter" in account.foreign[0]
    assert account.unexplained == []


def test_dead_letters_about_other_topics_are_left_alone() -> None:
    account = books()
    account.dead_letter(letter(0, topic="greenlane.seller-scores.v1", stage="webhook_dispatcher"))
    assert account.unexplained == []
