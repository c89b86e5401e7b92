"""Tries an event: its verdict, what is improbable in it, its score; without a key and without publishing anything."""

from datetime import UTC, datetime
from typing import Any

from greenlane.contracts.declarations import declaration_of
from greenlane.contracts.events import CancelledEvent
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.methodology.explaining.explain import explain, explanation_text, parcel_score
from greenlane.methodology.seller.account import assess
from greenlane.methodology.tables import Method
from greenlane.publishing.files.plausibility import Doubt, doubts

_REMEDY = "correct the value or its unit; if it is right, publish it as it is"


def tried(value: bytes, method: Method, now_ms: int) -> dict[str, Any]:
    """The parcel's own score and why, null where it has none, and warnings. Raises Refusal with every problem."""
    event = read_document(value, datetime.fromtimestamp(now_ms / 1000, UTC))
    if isinstance(event, CancelledEvent):
        return {"dimension": None, "score": None, "explanation": "", "warnings": []}
    declaration = declaration_of(event)
    score = parcel_score(assess(declaration, method).sums)
    return {
        "dimension": declaration.dimension,
        "score": None if score is None else float(score),
        "explanation": explanation_text(explain(declaration, method)),
        "warnings": [_warning(doubt) for doubt in doubts(event, method)],
    }


def _warning(doubt: Doubt) -> dict[str, str]:
    problem, _, remedy = doubt.message.partition("; ")
    return {"field": doubt.path, "problem": problem, "remedy": remedy or _REMEDY}
