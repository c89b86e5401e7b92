"""SQL that speaks of deliveries by their state."""

import sqlalchemy as sa

from greenlane.webhooks.states import OPEN

_OPEN = ", ".join(f"'{state}'" for state in OPEN)


def sql(text: str) -> sa.TextClause:
    """A statement in which {OPEN} stands for the list of the open states."""
    return sa.text(text.replace("{OPEN}", _OPEN))
