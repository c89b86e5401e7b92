"""Tries an event: what its verdict would be and what it scores, without a key and without publishing anything."""

from datetime import UTC, datetime
from typing import Any

from greenlane.contracts.declarations import declaration_of
from greenlane.contracts.events import CancelledEvent
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.methodology.explaining.explain import explain, explanation_text, parcel_score
from greenlane.methodology.seller.account import assess
from greenlane.methodology.tables import Method


def tried(value: bytes, method: Method, now_ms: int) -> dict[str, Any]:
    """The parcel's own score and why, null where it has none. Raises Refusal with every problem."""
    event = read_document(value, datetime.fromtimestamp(now_ms / 1000, UTC))
    if isinstance(event, CancelledEvent):
        return {"dimension": None, "score": None, "explanation": ""}
    declaration = declaration_of(event)
    score = parcel_score(assess(declaration, method).sums)
    return {
        "dimension": declaration.dimension,
        "score": None if score is None else float(score),
        "explanation": explanation_text(explain(declaration, method)),
    }
