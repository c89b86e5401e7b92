"""The product's answers, by its public functions."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from greenlane.contracts.assessing import ASSESSORS
from greenlane.contracts.events import CancelledEvent
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.factors import load_method
from greenlane.methodology.assessment import Assessed

METHOD = load_method()
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def assessed(event: Mapping[str, Any]) -> Assessed:
    """The product's assessment of an event that it accepts."""
    read = read_document(json.dumps(event).encode(), LATER)
    assert not isinstance(read, CancelledEvent), "a cancellation has no sums"
    return ASSESSORS[read.type][1](read.data.to_facts(read.time.astimezone(UTC)), METHOD)


def sums_of(event: Mapping[str, Any]) -> dict[str, int]:
    """The product's named sums of an event."""
    return dict(assessed(event).sums._asdict())
