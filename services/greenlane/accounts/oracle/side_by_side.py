"""Every account under two methods: scores and levels before and after, what lowers the new score, and what to do."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from greenlane.accounts.oracle.badge_step import LADDER
from greenlane.accounts.oracle.checkpoint import restore_accounts
from greenlane.accounts.oracle.partition_accounts import ONE_DAY, PartitionAccounts
from greenlane.accounts.oracle.restating import Place, Reassessed, Restating, score_of
from greenlane.accounts.oracle.seller import Seller
from greenlane.contracts.assessments import account_key
from greenlane.contracts.checkpoints import Checkpoint, Content, EntryLine, PartitionLine, ScoreLine, SellerLine
from greenlane.contracts.scores import SellerScore
from greenlane.contracts.statements import next_level
from greenlane.methodology.explaining.account_text import NO_PARCELS, is_empty, lowered_most, to_do
from greenlane.methodology.explaining.effects import effects_of
from greenlane.methodology.explaining.rule_text import missing_text
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.account import Judged, assess_all
from greenlane.methodology.seller.arithmetic import DELIVERIES, arithmetic_of
from greenlane.methodology.seller.eligibility import Policy, evaluate, level_met
from greenlane.methodology.seller.score import green_points, score
from greenlane.methodology.sums import Totals
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import BadgeLevel, Dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """An account under one method; scores in points of 100. `level` is the highest one whose rules it meets.

    An earlier method's figures are those of the score that stands, and its level that of the last closed day.
    """

    method_version: str
    day: date | None
    green: Decimal
    packaging: Decimal
    delivery: Decimal
    proven_green: Decimal | None = None
    proven_packaging: Decimal | None = None
    proven_delivery: Decimal | None = None
    level: BadgeLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerChange:
    """One seller under both methods. `old` is None where no score stands; `held` is the badge, which carries over.

    `lowered_by` is the part of the new score that costs most points of 100; empty without any parcel in the window.
    """

    marketplace: str
    seller_id: str
    held: BadgeLevel
    old: Figures | None
    new: Figures
    lowered_by: str
    lowered_points: Decimal
    to_do: str
    missing: str

    @property
    def difference(self) -> Decimal | None:
        """Points of the green score that the new method gives more."""
        return None if self.old is None else self.new.green - self.old.green

    def document(self) -> dict[str, Any]:
        """The same as plain values."""
        old, new = self.old, self.new
        changes = None
        if old is not None:
            changes = {name: float(getattr(new, name) - getattr(old, name)) for name in _COMPARED}
        return {
            "kind": "seller",
            "seller": f"{self.marketplace}/{self.seller_id}",
            "held": self.held,
            "old": None if old is None else _plain(old),
            "new": _plain(new),
            "difference": changes,
            "lowered_by": self.lowered_by,
            "lowered_points": float(round(self.lowered_points, 1)),
            "to_do": self.to_do,
            "missing": self.missing,
        }


_COMPARED = ("green", "packaging", "delivery")


def _plain(figures: Figures) -> dict[str, Any]:
    return {
        name: float(value) if isinstance(value, Decimal) else value if value is None else str(value)
        for name, value in asdict(figures).items()
    }


class Sides(NamedTuple):
    """What both sides are made of beside the accounts: method, policy, and the record that stands of each score."""

    method: Method
    policy: Policy
    scores: Mapping[bytes, bytes | None]


def side_by_side(
    old: Checkpoint, restating: Restating, accounts: Mapping[int, PartitionAccounts], sides: Sides
) -> Iterator[SellerChange]:
    """Every seller of the checkpoint in the order of their names; `accounts` are the new ones, by partition."""
    stood = {
        account_key(line.marketplace, line.seller_id): line.statement.encode()
        for line in old.lines
        if isinstance(line, ScoreLine)
    }
    counts = _counts(restating.found)
    sellers = {key: (part, seller) for part in accounts.values() for key, seller in part.standing()[1].items()}
    for key, (part, seller) in sorted(sellers.items(), key=lambda item: item[0]):
        name = account_key(*key)
        stated = score_of(sides.scores.get(name)) or score_of(stood.get(name))
        totals, day = _window(seller, part.standing()[0].get(key[0]), sides.policy)
        lowered, points, advice = "", Decimal(0), NO_PARCELS
        if not is_empty(totals):
            lowered, points = lowered_most(arithmetic_of(totals, sides.policy.prior_parcels))
            advice = _to_do(key, lowered, counts.get(key, {}), restating, sides.method)
        yield SellerChange(
            marketplace=key[0],
            seller_id=key[1],
            held=seller.badge.level,
            old=None if stated is None else _before(stated, seller),
            new=_now(totals, day, sides.policy),
            lowered_by=lowered,
            lowered_points=points,
            to_do=advice,
            missing=_missing(totals, sides.policy),
        )


def accounts_of(lines: Iterable[Content], policy: Policy) -> dict[int, PartitionAccounts]:
    """The accounts that lines with new contributions make, by partition."""
    accounts: defaultdict[int, PartitionAccounts] = defaultdict(lambda: PartitionAccounts(policy))
    for line in lines:
        if isinstance(line, PartitionLine | SellerLine | EntryLine):
            restore_accounts((line,), accounts[line.partition])
    return accounts


def _window(seller: Seller, closed: date | None, policy: Policy) -> tuple[Totals, date | None]:
    """The sums of the open window, or of the one of the last closed day if nothing came since, and its day."""
    day = None if closed is None else closed + ONE_DAY if seller.accepted else closed
    first = date.min if day is None else day - (policy.window_days - 1) * ONE_DAY
    return seller.window(first, None if closed is None or seller.accepted else closed), day


def _now(totals: Totals, day: date | None, policy: Policy) -> Figures:
    scores = score(totals, policy.prior_parcels)
    return Figures(
        method_version=METHOD_VERSION,
        day=day,
        green=scores.green,
        packaging=scores.packaging,
        delivery=scores.delivery,
        proven_green=scores.proven.green,
        proven_packaging=scores.proven.packaging,
        proven_delivery=scores.proven.delivery,
        level=level_met(totals, scores, policy),
    )


def _missing(totals: Totals, policy: Policy) -> str:
    scores = score(totals, policy.prior_parcels)
    following = next_level(level_met(totals, scores, policy))
    return missing_text(following, () if following is None else evaluate(following, totals, scores, policy))


def _before(stated: SellerScore, seller: Seller) -> Figures:
    met = [level for level, days in zip(LADDER[1:], seller.badge.streaks, strict=True) if days]
    figures = stated.data.score
    return Figures(
        method_version=stated.data.method_version,
        day=stated.data.day,
        green=figures.green,
        packaging=figures.packaging,
        delivery=figures.delivery,
        proven_green=figures.proven_green,
        proven_packaging=figures.proven_packaging,
        proven_delivery=figures.proven_delivery,
        level=met[-1] if met else BadgeLevel.NONE,
    )


Counts = dict[Dimension, tuple[Counter[str], Counter[str]]]
"""By dimension in how many entries each fact was implausible, and each default used."""


def _counts(found: Mapping[Place, Reassessed]) -> dict[tuple[str, str], Counts]:
    counts: dict[tuple[str, str], Counts] = {}
    for (marketplace, seller_id, _, dimension), reassessed in found.items():
        of_seller = counts.setdefault((marketplace, seller_id), {})
        implausible, defaults = of_seller.setdefault(dimension, (Counter(), Counter()))
        implausible.update(reassessed.implausible)
        defaults.update(reassessed.defaults)
    return counts


def _to_do(key: tuple[str, str], part: str, counts: Counts, restating: Restating, method: Method) -> str:
    """What to do about a part of the score, found on a sample of the parcels; about the rest if nothing is there."""
    about_delivery = part == DELIVERIES
    near = [one for one in counts if (one in {Dimension.DELIVERY, Dimension.RETURN}) == about_delivery]
    for dimensions in (near, [one for one in counts if one not in near]):
        implausible, used = Counter[str](), Counter[str]()
        judged: list[Judged] = []
        for dimension in dimensions:
            implausible.update(counts[dimension][0])
            used.update(counts[dimension][1])
            judged += assess_all(restating.samples[*key, dimension], method)
        if implausible or used:
            return to_do(effects_of(judged, method, partial(green_points, prior_parcels=0)), implausible, used)
    return to_do((), {}, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How many sellers rise, fall and keep their green score, and who meets which level before and after."""

    sellers: int
    rise: int
    fall: int
    keep: int
    without_old_score: int
    levels_before: dict[str, int]
    levels_after: dict[str, int]
    badges_held: dict[str, int]

    @classmethod
    def of(cls, changes: Iterable[SellerChange]) -> "Summary":
        """The sums over all sellers."""
        everyone = list(changes)
        differences = [change.difference for change in everyone if change.difference is not None]
        return cls(
            sellers=len(everyone),
            rise=sum(1 for points in differences if points > 0),
            fall=sum(1 for points in differences if points < 0),
            keep=sum(1 for points in differences if points == 0),
            without_old_score=len(everyone) - len(differences),
            levels_before=_levels(change.old.level for change in everyone if change.old is not None),
            levels_after=_levels(change.new.level for change in everyone),
            badges_held=_levels(change.held for change in everyone),
        )


def _levels(levels: Iterable[BadgeLevel]) -> dict[str, int]:
    counted = Counter(levels)
    return {str(level): counted[level] for level in LADDER}
