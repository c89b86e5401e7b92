"""What honest conduct reaches: the habits of the simulator, over one window."""

import pytest
from tests.adversary.accounts import Account, Standing, honest_accounts, standing_of

from greenlane.methodology.vocabulary import BadgeLevel

PARCELS_A_DAY = 3.2


@pytest.fixture(scope="module")
def standings() -> dict[str, Standing]:
    return {account.name: standing_of(account) for account in accounts()}


def accounts() -> tuple[Account, ...]:
    return honest_accounts(days=90, rate=PARCELS_A_DAY)


@pytest.mark.parametrize(
    ("habit", "level"),
    [
        ("modest", BadgeLevel.BRONZE),
        ("electric-rider", BadgeLevel.SILVER),
        ("careful", BadgeLevel.GOLD),
        ("reuser", BadgeLevel.GOLD),
        ("average", BadgeLevel.NONE),
    ],
)
def test_each_level_is_reached_by_honest_conduct(standings: dict[str, Standing], habit: str, level: BadgeLevel) -> None:
    assert standings[habit].level is level


def test_careful_conduct_comes_before_modest_and_modest_before_careless(standings: dict[str, Standing]) -> None:
    careless = ("average", "over-boxed", "air-freight", "thin-bags", "undeclared")
    for points in ("green", "packaging", "delivery"):
        careful, modest = (getattr(standings[name], points) for name in ("careful", "modest"))
        best = max(getattr(standings[name], points) for name in careless)
        assert careful > modest, points
        assert modest > best, points


def test_honest_accounts_have_no_implausible_fact(standings: dict[str, Standing]) -> None:
    assert {name: row.flagged for name, row in standings.items() if row.flagged} == {}
