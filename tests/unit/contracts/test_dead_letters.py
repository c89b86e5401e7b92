"""Whatever a record holds, its encoded letter fits into the topic and says what it is without."""

from types import SimpleNamespace
from typing import Any

import pytest

from greenlane.contracts.dead_letters import DeadLetter, DeadLetterCode, Problem, Redrive, Refusal
from greenlane.contracts.letters import Stamp, letter_of
from greenlane.contracts.topics import MAX_DEAD_LETTER_BYTES, MAX_EVENT_BYTES

STAMP = Stamp("stage", "service", "1", "1")
MANY = [Problem(path="ü" * 9_000, keyword="wrong", message='"' * 9_000)] * 9_000


def record(value: bytes | None, headers: Any = (), key: bytes | None = b"k") -> Any:
    return SimpleNamespace(topic="t" * 249, partition=0, offset=0, timestamp=0, key=key, value=value, headers=headers)


@pytest.mark.parametrize("problems", [1, 9_000])
@pytest.mark.parametrize(
    ("whole", "said"),
    [
        (record(bytes(MAX_EVENT_BYTES - 10)), set()),
        (record(b"{}", [("h", b"")] * 60_000), {"headers_omitted"}),
        (record(b"{}", [("\x01" * 200_000, b"")]), {"headers_omitted"}),
        (record(bytes(1_000_000), [("h", b"")]), {"headers_omitted", "raw_omitted"}),
        (record(b"{}", key=bytes(1_000_000)), {"raw_omitted"}),
    ],
)
def test_a_letter_fits_and_says_what_was_cut(whole: Any, said: set[str], problems: int) -> None:
    letter = letter_of(whole, Refusal(DeadLetterCode.NOT_JSON, MANY[:problems]), STAMP)
    found = DeadLetter.model_validate_json(letter.value)
    assert len(letter.value) + len(letter.id) + 128 <= MAX_DEAD_LETTER_BYTES
    cut = {item.keyword for item in found.data.failure.messages} - {"wrong"}
    assert cut >= said if problems > 1 else cut == said
    if not cut:
        assert found.data.raw() == whole.value


def test_null_headers_stay_null_and_absurd_counts_are_none() -> None:
    headers = [("ce_id", None), ("greenlane-redrive", b"9" * 5_000)]
    found = DeadLetter.model_validate_json(
        letter_of(record(b"{}", headers), Refusal.because(DeadLetterCode.NOT_JSON, "", "x"), STAMP).value
    )
    assert found.data.origin.headers[0] == ("ce_id", None)
    assert found.data.redrive == Redrive()


@pytest.mark.parametrize(
    ("said", "of"), [(b"0f" * 16, "0f" * 16), (b"0F" * 16, None), (b"0f" * 17, None), (None, None)]
)
def test_a_letter_names_the_first_letter_of_its_bytes(said: bytes | None, of: str | None) -> None:
    headers = [("greenlane-redrive", b"2"), ("greenlane-redrive-of", said)]
    found = DeadLetter.model_validate_json(
        letter_of(record(b"{}", headers), Refusal.because(DeadLetterCode.NOT_JSON, "", "x"), STAMP).value
    )
    assert found.data.redrive == Redrive(count=2, of=of)
