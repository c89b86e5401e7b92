"""An account's explanation and its advice as text for people."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from greenlane.methodology.explaining.account_explanation import AccountExplanation, Contribution, ThinBags
from greenlane.methodology.explaining.advice import Advice
from greenlane.methodology.explaining.effects import Effect
from greenlane.methodology.explaining.explain import DEFAULT_MEANING, IMPLAUSIBLE_MEANING, factor_line
from greenlane.methodology.seller.arithmetic import Arithmetic
from greenlane.methodology.sums import Totals
from greenlane.methodology.vocabulary import ImplausibleFact


def account_text(explanation: AccountExplanation) -> str:
    """Sums, arithmetic, CO2e by factor, defaults with what declaring would change, and every factor's source."""
    arithmetic = explanation.arithmetic
    if is_empty(explanation.totals):
        return f"{NO_PARCELS}; method {explanation.method_version}"
    head = f"green {arithmetic.score}, grade {arithmetic.grade}, method {explanation.method_version}"
    lowered = _lowered_line(arithmetic)
    thin = [_thin_bags_line(row, explanation.totals) for row in explanation.thin_bags]
    lines = [head, lowered, *thin, "", "Sums", *_sum_lines(explanation.totals)]
    lines += ["", "From sums to score", *_arithmetic_lines(arithmetic)]
    if explanation.contributions:
        lines += ["", "CO2e by factor and data category", *map(_contribution_line, explanation.contributions)]
    if explanation.effects:
        lines += ["", "Not declared, and what declaring each would change by itself"]
        for effect in explanation.effects:
            lines.append(f"  {effect.default}, {times(effect.used)}: {DEFAULT_MEANING[effect.default]}")
            lines.append(f"    {effect_line(effect)}")
    if explanation.implausible:
        lines += ["", "Not plausible, so counted as not declared"]
        lines += [f"  {code}, {times(used)}: {IMPLAUSIBLE_MEANING[code]}" for code, used in explanation.implausible]
    if explanation.factors:
        lines += ["", "Factors", *map(factor_line, explanation.factors)]
    return "\n".join(lines)


NO_PARCELS = "no parcels in the window, so there is no score to explain and no advice"
SHOWN_PARCELS = 5
"""Parcels that a text names before it counts the rest."""


def lowered_most(arithmetic: Arithmetic) -> tuple[str, Decimal]:
    """What costs the score most, of its five parts, and how many points of the green score."""
    lost = [(line.weight / 2 * (100 - line.points), line.name) for line in arithmetic.lines[:-1]]
    last = arithmetic.lines[-1]
    points, name = max([*lost, ((100 - last.points) / 2, last.name)])
    return name, points


def to_do(effects: Sequence[Effect], implausible: Mapping[str, int], used: Mapping[str, int]) -> str:
    """The first thing to do about an account: what raises the score most of what nobody declared, or what is wrong.

    `implausible` and `used` say in how many parcels a fact was implausible, and a default was used.
    """
    best = max(effects, key=lambda effect: effect.points, default=None)
    wrong = max(implausible, key=lambda name: (implausible[name], name), default=None)
    if wrong is not None and (best is None or 2 * implausible[wrong] >= used.get(best.default, 0)):
        return f"Correct {wrong} ({parcels(implausible[wrong])}). {IMPLAUSIBLE_MEANING[ImplausibleFact(wrong)]}"
    if best is not None and best.points > 0:
        return f"{DEFAULT_MEANING[best.default]} ({parcels(used.get(best.default, best.used))})"
    return "Nothing is missing. `greenlane advise` says what would raise the score."


def _lowered_line(arithmetic: Arithmetic) -> str:
    name, points = lowered_most(arithmetic)
    return f"Lowered most by {name}: {points:.1f} points. `greenlane advise` says what would raise it."


def is_empty(totals: Totals) -> bool:
    """Whether an account has no parcel that was packed or delivered in its window."""
    return not totals.packaging.parcels and not totals.delivery.parcels


def times(count: int) -> str:
    """How often, with the right singular."""
    return "once" if count == 1 else f"{count} times"


def _thin_bags_line(row: ThinBags, totals: Totals) -> str:
    named = ", ".join(row.parcels[:SHOWN_PARCELS])
    rest = len(row.parcels) - SHOWN_PARCELS
    more = f" and {rest} more" if rest > 0 else ""
    return (
        f"{len(row.parcels)} of {totals.packaging.parcels} parcels count as undeclared: they use, or may use, "
        f"bags under {row.rule.below_thickness_um} µm. Use thicker bags, or declare packaging and thickness. "
        f"Parcels: {named}{more}."
    )


def effect_line(effect: Effect) -> str:
    """What would change if it had been declared."""
    if effect.supposed is None:
        return "No single figure; declare it with the other missing facts."
    return f"if declared as {effect.supposed}: {grams(effect.co2e_change_mg)} g CO2e, {signed(effect.points)} points"


def advice_text(advice: Advice) -> str:
    """The suggestions, best first, and which of them reach the next badge level."""
    if advice.empty:
        return NO_PARCELS
    if not advice.suggestions:
        return "None of the known changes would raise this score."
    lines = [
        f"{rank}. {item.text} ({item.change})\n   {parcels(item.parcels)}, {signed(item.points)} points, "
        f"{grams(-item.co2e_saved_mg)} g CO2e; the score would be {item.green} ({item.grade})"
        for rank, item in enumerate(advice.suggestions, start=1)
    ]
    return "\n".join([*lines, *_way_lines(advice)])


def _way_lines(advice: Advice) -> list[str]:
    if advice.next_level is None:
        return ["The account meets every rule of the highest badge level."]
    if not advice.way:
        return [f"No set of up to three of these changes meets every rule of {advice.next_level}."]
    changes = " and ".join(advice.way)
    suffices = "suffices" if len(advice.way) == 1 else "together suffice"
    return [f"To meet every rule of {advice.next_level}, {changes} {suffices}."]


def parcels(count: int) -> str:
    """So many parcels, with the right singular."""
    return "1 parcel" if count == 1 else f"{count} parcels"


def grams(milligrams: int) -> str:
    """Milligrams as grams with sign and one decimal."""
    return f"{Decimal(milligrams) / 1000:+.1f}"


def signed(points: Decimal) -> str:
    """Points with sign and two decimals."""
    return f"{points:+.2f}"


def _sum_lines(totals: Totals) -> list[str]:
    named = {
        "packaging": totals.packaging._asdict(),
        "delivery": totals.delivery._asdict(),
        "return": totals.returns._asdict(),
        "circularity": totals.circularity._asdict(),
    }
    lines = [
        f"  {name}: {', '.join(f'{field} {value}' for field, value in sums.items() if value)}"
        for name, sums in named.items()
        if any(sums.values())
    ]
    return [*lines, f"  active days: {totals.active_days}"]


def _arithmetic_lines(arithmetic: Arithmetic) -> list[str]:
    lines = [
        f"  {line.name}: {line.formula} -> {line.points:.4f} points x {line.weight:.4f}" for line in arithmetic.lines
    ]
    weights = " + ".join(f"{line.weight:.4f}" for line in arithmetic.lines[:-1])
    return [
        *lines,
        f"  packaging = weighted sum of the first four / ({weights}) = {arithmetic.packaging:.4f}",
        f"  delivery = {arithmetic.delivery:.4f}",
        f"  green = 0.5 x packaging + 0.5 x delivery = {arithmetic.green:.4f}, rounded half to even {arithmetic.score}",
        f"  grade {arithmetic.grade}: A from 80, B from 60, C from 45, D from 30, else E",
        _proven_line(arithmetic),
    ]


def _proven_line(arithmetic: Arithmetic) -> str:
    proven = arithmetic.proven
    measured, complete = (
        Decimal(share) / 10 for share in (arithmetic.measured_share_permille, arithmetic.complete_share_permille)
    )
    return (
        f"  proven: green {proven.green}, packaging {proven.packaging}, delivery {proven.delivery}; {measured} % of "
        f"the parcels are stated by somebody else than the seller, {complete} % are complete"
    )


def _contribution_line(row: Contribution) -> str:
    behind = ", ".join(row.factor_ids) or "declared figures"
    steps = "1 step" if row.steps == 1 else f"{row.steps} steps"
    return f"  {row.dimension} [{row.category}] {behind}: {row.co2e_mg / 1000:.1f} g in {steps}"
