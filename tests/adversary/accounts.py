"""Honest accounts of every habit of the simulator, and what an account scores."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from greenlane.contracts.declarations import standing
from greenlane.contracts.events import FulfilmentEvent
from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.seller.account import Declaration, Judged, assess, assess_all, totals_of
from greenlane.methodology.seller.eligibility import level_met
from greenlane.methodology.seller.score import delivery_points, green_points, packaging_points, score
from greenlane.methodology.sums import Totals
from greenlane.methodology.vocabulary import BadgeLevel
from greenlane.publishing.history.timeline import TimedEvent
from greenlane.publishing.simulator.habits import HABITS
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate

METHOD, POLICY = load_method(), load_policy()
LEVELS = tuple(BadgeLevel)


class Account(NamedTuple):
    """A seller's declarations, each with its assessment."""

    name: str
    judged: tuple[Judged, ...]

    @property
    def totals(self) -> Totals:
        """Its sums."""
        return totals_of(self.judged)


class Standing(NamedTuple):
    """What an account comes to, in unrounded points, and the highest level whose rules it meets."""

    green: Decimal
    packaging: Decimal
    delivery: Decimal
    level: BadgeLevel
    flagged: int


def honest_accounts(days: int, rate: float, seed: int = 1) -> tuple[Account, ...]:
    """One account of each habit, without any oddity of publishing."""
    plan = SimulationPlan(seed=seed, sellers=len(HABITS), days=days, rate=rate, late=0, malformed=0)
    sellers = standing(_event(timed) for timed in simulate(plan))
    found: dict[str, Account] = {}
    for seller, declarations in sellers.items():
        name = seller.partition("sim-")[2][:-4]
        if name not in found:
            found[name] = Account(name, assess_all(declarations, METHOD))
    return tuple(found.values())


def _event(timed: TimedEvent) -> FulfilmentEvent:
    assert not isinstance(timed.payload, tuple), "no malformed record was asked for"
    return timed.payload  # type: ignore[return-value]  # the plan has events alone


def changed(account: Account, declarations: Sequence[Declaration]) -> Account:
    """The account with other declarations; what did not change keeps its assessment."""
    judged = tuple(
        row if declaration is row.declaration else Judged(declaration, assess(declaration, METHOD))
        for row, declaration in zip(account.judged, declarations, strict=True)
    )
    return Account(account.name, judged)


def standing_of(account: Account) -> Standing:
    """Scores, level, and how many facts were flagged."""
    totals, prior = account.totals, POLICY.prior_parcels
    return Standing(
        green_points(totals, prior),
        packaging_points(totals.packaging, prior),
        delivery_points(totals.delivery, totals.returns, prior),
        level_met(totals, score(totals, prior), POLICY),
        sum(len(row.assessed.implausible) for row in account.judged),
    )
