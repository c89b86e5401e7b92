"""Records that somebody writes to topics that are not theirs, where no access list stops them."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from greenlane.contracts.topics import ASSESSMENTS, BADGE_DECISIONS, DEAD_LETTERS, SELLER_SCORES, declared_topics

EXAMPLES = Path(__file__).parents[3] / "schemas/examples/greenlane.assessment.v1"
_LIMITS = {topic.name: topic.max_message_bytes - 2_048 for topic in declared_topics(())}
"""Bytes of a value that each topic takes."""
_WRONG = {
    "nonsense": b"nonsense",
    "null": None,
    "empty": b"",
    "bytes_ff": b"\xff" * 1_000,
    "a_list": b"[]",
    "large": b'"' + b"a" * 900_000 + b'"',
    "quotes_and_backslashes": b'"' + b'\\"' * 200_000,
    "deep": b"[" * 200_000,
    "terminal_codes": b'{"id": "\\u001b]0;owned\\u0007"}',
}


class Forgery(NamedTuple):
    """One record for a topic that its writer does not own."""

    name: str
    topic: str
    key: bytes | None
    value: bytes | None

    @property
    def fits(self) -> bool:
        """Whether its topic takes a record of this size."""
        return len(self.value or b"") < _LIMITS[self.topic]


def forgeries(marketplace: str, at: datetime) -> tuple[Forgery, ...]:
    """Every forgery in the name of `marketplace` or of one that does not exist; `at` is now."""
    ours = f"{marketplace}/forged".encode()
    return (
        *(
            Forgery(f"forged.{topic.split('.')[1]}_{name}", topic, ours, value)
            for topic in (ASSESSMENTS, SELLER_SCORES, BADGE_DECISIONS, DEAD_LETTERS)
            for name, value in _WRONG.items()
        ),
        *(
            Forgery(f"forged.day_closed_{name}", ASSESSMENTS, key, _day_closed(market, first, last))
            for name, market, key, first, last in _closings(marketplace, at)
        ),
        Forgery(
            "forged.assessment_of_nobody",
            ASSESSMENTS,
            b"nobody-vn/s",
            _assessment(marketplace="nobody-vn", seller_id="s"),
        ),
        Forgery("forged.assessment_under_another_key", ASSESSMENTS, ours, _assessment(marketplace="nobody-vn")),
        Forgery(
            "forged.assessment_from_the_future",
            ASSESSMENTS,
            ours,
            _assessment(
                marketplace=marketplace, seller_id="forged", day="2999-01-01", occurred_at="2999-01-01T00:00:00Z"
            ),
        ),
        Forgery("forged.key_null", ASSESSMENTS, None, b"{}"),
        Forgery("forged.key_without_slash", ASSESSMENTS, b"nobody", b"{}"),
        Forgery("forged.key_of_bytes", ASSESSMENTS, b"\xff\xfe/\xff", b"{}"),
    )


def _closings(marketplace: str, at: datetime) -> list[tuple[str, str, bytes, str, str]]:
    today, tomorrow = at.date().isoformat(), (at.date() + timedelta(days=1)).isoformat()
    yesterday = (at.date() - timedelta(days=1)).isoformat()
    ours = f"{marketplace}/forged".encode()
    return [
        ("today", marketplace, ours, today, today),
        ("tomorrow", marketplace, ours, tomorrow, tomorrow),
        ("in_a_thousand_years", marketplace, ours, yesterday, "2926-11-29"),
        ("in_the_last_year", marketplace, ours, yesterday, "9999-12-31"),
        ("backwards", marketplace, ours, today, "0001-01-01"),
        ("of_nobody", "nobody-vn", b"nobody-vn/forged", yesterday, yesterday),
    ]


def _day_closed(marketplace: str, first: str, last: str) -> bytes:
    named = {"marketplace": marketplace, "first_day": first, "last_day": last}
    return json.dumps({"type": "greenlane.day-closed.v1"} | named).encode()


def _assessment(**changed: Any) -> bytes:
    document: dict[str, Any] = json.loads(next(EXAMPLES.glob("*.json")).read_bytes())
    return json.dumps(document | changed).encode()
