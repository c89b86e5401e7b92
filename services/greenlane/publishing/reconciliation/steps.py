"""The steps of a parcel that are compared, as words and as the small numbers that the workspace keeps of them."""

from greenlane.contracts.events import CANCELLED, DELIVERED, PACKED, RECOVERED, RETURNED

WORDS = ("packed", "delivered", "returned", "recovered", "cancelled")
"""Each step by its number."""

CANCELLED_STEP = WORDS.index("cancelled")
WHOLE_PARCEL = -1
"""Stands for a step that is not known, and for a parcel of which the list says no time."""

STEP_OF = dict(zip((PACKED, DELIVERED, RETURNED, RECOVERED, CANCELLED), range(len(WORDS)), strict=True))
"""The step that an event type tells."""


def word_of(step: int) -> str:
    """The step as a word; empty for one that is not known."""
    return WORDS[step] if step >= 0 else ""
