"""Every act of the adversary."""

from tests.adversary.acts import Act, about_goods, silences
from tests.adversary.impossible import beyond
from tests.adversary.lies import plausible


def all_acts() -> tuple[Act, ...]:
    """Every act, each name once."""
    found = (*silences(), *about_goods(), *plausible(), *beyond())
    assert len({act.name for act in found}) == len(found), "an act's name stands twice"
    return found
