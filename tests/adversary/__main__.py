"""Does every act on every honest account, pairs of the best, and climbs; one JSON object on the last line."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from tests.adversary.accounts import LEVELS, Account, Standing, changed, honest_accounts, standing_of
from tests.adversary.acts import Act, Kind
from tests.adversary.catalogue import all_acts
from tests.adversary.measures import single_parcel_effect, town_and_country_difference

from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.vocabulary import BadgeLevel

BEST = 50
"""Acts of which pairs are made."""

CLIMBS = 12
"""Acts that a climb takes at most."""

LIES = Path(__file__).parents[2] / "services/greenlane/reports/method_document/lies.csv"
"""What the method's document prints; written with the argument `write`."""

_NOTHING = Decimal("1e-9")
_SILVER = LEVELS.index(BadgeLevel.SILVER)


class Result(NamedTuple):
    """What acts on an account come to."""

    account: str
    acts: tuple[str, ...]
    kind: Kind
    gain: Decimal
    before: BadgeLevel
    after: BadgeLevel
    flagged: int
    declared: bool

    @property
    def level_gained(self) -> bool:
        """Whether the level rose."""
        return LEVELS.index(self.after) > LEVELS.index(self.before)


def done(account: Account, before: Standing, acts: Sequence[Act]) -> Result | None:
    """The acts in a row on every declaration; None where they change nothing."""
    declarations = [_all(acts)(row.declaration) for row in account.judged]
    if all(one is row.declaration for one, row in zip(declarations, account.judged, strict=True)):
        return None
    after = standing_of(changed(account, declarations))
    gain = max(after.green - before.green, Decimal(-100))
    names = tuple(act.name for act in acts)
    flagged = after.flagged - before.flagged
    declared = any(_declares(row.declaration) for row in account.judged)
    return Result(account.name, names, acts[0].kind, gain, before.level, after.level, flagged, declared)


def _declares(declaration: Declaration) -> bool:
    """Whether there is something that can be flagged."""
    facts = declaration.facts
    return bool(getattr(facts, "components", None) or getattr(facts, "chain", None))


def _all(acts: Sequence[Act]) -> Callable[[Declaration], Declaration]:
    def do(row: Declaration) -> Declaration:
        for act in acts:
            row = act.do(row)
        return row

    return do


def climbed(account: Account, before: Standing, acts: Sequence[Act]) -> Result | None:
    """Takes the best act again and again, as long as it gains."""
    chosen: list[Act] = []
    best: Result | None = None
    for _ in range(CLIMBS):
        candidates = [(done(account, before, [*chosen, act]), act) for act in acts if act not in chosen]
        found = [(result, act) for result, act in candidates if result is not None]
        result, act = max(found, key=lambda pair: pair[0].gain)
        if best is not None and result.gain <= best.gain + Decimal("0.01"):
            break
        best = result
        chosen.append(act)
    return best


def report(
    accounts: Iterable[Account], acts: Sequence[Act], most: int = BEST, *, write: bool = False
) -> dict[str, object]:
    """Every figure by which the method is judged."""
    singles: list[Result] = []
    combined: list[Result] = []
    effects: list[Account] = []
    for account in accounts:
        before = standing_of(account)
        effects.append(account)
        here = [result for act in acts if (result := done(account, before, [act])) is not None]
        singles += here
        lies = [act for act in acts if act.kind in {Kind.PLAUSIBLE, Kind.GOODS}]
        by_name = {result.acts[0]: result.gain for result in here}
        best = sorted(lies, key=lambda act: -by_name.get(act.name, Decimal(-100)))[:most]
        pairs = combinations(best, 2)
        combined += [result for pair in pairs if (result := done(account, before, pair)) is not None]
        climb = climbed(account, before, best)
        combined += [climb] if climb is not None else []
    if write:
        write_lies(singles, combined, {act.name: act for act in acts})
    return _judged(acts, singles, combined) | {
        "largest_single_parcel_effect_points": _rounded(single_parcel_effect(tuple(effects))),
        "town_and_country_difference_points": _rounded(town_and_country_difference()),
        "accounts": len(effects),
    }


def _judged(acts: Sequence[Act], singles: Sequence[Result], combined: Sequence[Result]) -> dict[str, object]:
    by_name = {act.name: act for act in acts}
    gains = {(result.account, result.acts[0]): result.gain for result in singles}
    silent = [result for result in singles if result.kind is Kind.SILENCE]
    goods = [result for result in singles if result.kind is Kind.GOODS]
    lies = [result for result in (*singles, *combined) if result.kind is not Kind.SILENCE]
    beyond = [result for result in singles if result.kind is Kind.BEYOND]

    def beats_its_bound(result: Result) -> bool:
        bound = gains.get((result.account, by_name[result.acts[0]].bound), Decimal(0))
        return result.gain > max(Decimal(0), bound) + _NOTHING or (result.declared and not result.flagged)

    bought = [result for result in lies if result.level_gained and LEVELS.index(result.after) >= _SILVER]
    unlisted = [result for result in silent if result.gain > _NOTHING and not by_name[result.acts[0]].listed]
    failed = [result for result in beyond if beats_its_bound(result)]
    for result in (*bought[:5], *unlisted[:5], *failed[:20], *[r for r in silent if r.level_gained][:5]):
        sys.stdout.write(f"  ! {result}\n")
    _table(singles, combined)
    return {
        "acts": len(acts),
        "acts_done": len(singles) + len(combined),
        "largest_gain_about_goods_points": _rounded(max((result.gain for result in goods), default=Decimal(0))),
        "gains_beyond_bounds": len(failed),
        "silence_levels_gained": sum(result.level_gained for result in silent),
        "silence_gains_unlisted": len({result.acts for result in unlisted}),
        "levels_above_bronze_bought": len(bought),
        "largest_plausible_gain_points": _rounded(max((result.gain for result in lies), default=Decimal(0))),
    }


def _largest(results: Iterable[Result]) -> list[Result]:
    """Of each set of acts the account on which it gains most, the largest gains first."""
    largest: dict[tuple[str, ...], Result] = {}
    for result in results:
        if result.acts not in largest or result.gain > largest[result.acts].gain:
            largest[result.acts] = result
    return sorted(largest.values(), key=lambda one: -one.gain)


def _table(singles: Sequence[Result], combined: Sequence[Result]) -> None:
    for results in (singles, combined):
        for result in _largest(results)[:25]:
            level = f"{result.before} -> {result.after}" if result.level_gained else str(result.before)
            sys.stdout.write(f"{result.gain:+7.2f}  {result.account}: {' + '.join(result.acts)} ({level})\n")


def write_lies(singles: Sequence[Result], combined: Sequence[Result], by_name: dict[str, Act]) -> None:
    """The table of the method's document: the largest gains of each kind."""
    with LIES.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("act", "about", "points", "account", "level", "level then", "flagged"))
        for kind, most in ((Kind.PLAUSIBLE, 20), (Kind.GOODS, 3), (Kind.SILENCE, 3), (Kind.BEYOND, 3)):
            found = _largest(result for result in singles if result.kind is kind)
            for result in found[:most]:
                listed = ", listed" if by_name[result.acts[0]].listed else ""
                writer.writerow(_row(result, f"{kind}{listed}"))
        for result in _largest(combined)[:10]:
            writer.writerow(_row(result, "several"))


def _row(result: Result, about: str) -> tuple[object, ...]:
    act = "; ".join(result.acts)
    flagged = "yes" if result.flagged else "no"
    return act, about, f"{result.gain:+.1f}", result.account, result.before, result.after, flagged


def _rounded(points: Decimal) -> float:
    return float(round(points, 3))


def main() -> None:
    """Play the adversary on accounts of 90 days; `write` renews the document's table, `best=N` makes fewer pairs."""
    accounts = honest_accounts(90, 1.6)
    most = next((int(word[5:]) for word in sys.argv if word.startswith("best=")), BEST)
    sys.stdout.write(json.dumps(report(accounts, all_acts(), most, write="write" in sys.argv)) + "\n")


if __name__ == "__main__":
    main()
