"""An account's explanation and its advice as text for people."""

from collections.abc import Sequence
from decimal import Decimal

from greenlane.methodology.account_explanation import AccountExplanation, Contribution
from greenlane.methodology.advice import Suggestion
from greenlane.methodology.arithmetic import Arithmetic
from greenlane.methodology.effects import Effect
from greenlane.methodology.explain import DEFAULT_MEANING, IMPLAUSIBLE_MEANING, factor_line
from greenlane.methodology.sums import Totals


def account_text(explanation: AccountExplanation) -> str:
    """Sums, arithmetic, CO2e by factor, defaults with what declaring would change, and every factor's source."""
    arithmetic = explanation.arithmetic
    head = f"green {arithmetic.score}, grade {arithmetic.grade}, method {explanation.method_version}"
    lines = [head, "", "Sums", *_sum_lines(explanation.totals)]
    lines += ["", "From sums to score", *_arithmetic_lines(arithmetic)]
    if explanation.contributions:
        lines += ["", "CO2e by factor and data category", *map(_contribution_line, explanation.contributions)]
    if explanation.effects:
        lines += ["", "Defaults used, and what declaring each would change by itself"]
        for effect in explanation.effects:
            lines.append(f"  {effect.default}, {effect.used} times: {DEFAULT_MEANING[effect.default]}")
            lines.append(f"    {effect_line(effect)}")
    if explanation.implausible:
        lines += ["", "Implausible, counted as undeclared"]
        lines += [f"  {code}, {times} times: {IMPLAUSIBLE_MEANING[code]}" for code, times in explanation.implausible]
    if explanation.factors:
        lines += ["", "Factors", *map(factor_line, explanation.factors)]
    return "\n".join(lines)


def effect_line(effect: Effect) -> str:
    """What would change if it had been declared."""
    if effect.supposed is None:
        return "cannot be computed by itself: it depends on what else would be declared"
    return f"if declared as {effect.supposed}: {grams(effect.co2e_change_mg)} g CO2e, {signed(effect.points)} points"


def advice_text(suggestions: Sequence[Suggestion]) -> str:
    """The suggestions, best first."""
    if not suggestions:
        return "none of the known changes would raise this score"
    return "\n".join(
        f"{rank}. {item.change}: {item.text}\n   parcels {item.parcels}, {signed(item.points)} points, "
        f"{grams(-item.co2e_saved_mg)} g CO2e; the score would be {item.green} ({item.grade})"
        for rank, item in enumerate(suggestions, start=1)
    )


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
    cap = ", at most 40: over 2 % of the parcels are not compliant" if arithmetic.capped else ""
    return [
        *lines,
        f"  packaging = weighted sum of the first four / ({weights}) = {arithmetic.packaging:.4f}{cap}",
        f"  delivery = {arithmetic.delivery:.4f}",
        f"  green = 0.5 x packaging + 0.5 x delivery = {arithmetic.green:.4f}, rounded half to even {arithmetic.score}",
        f"  grade {arithmetic.grade}: A from 80, B from 60, C from 45, D from 30, else E",
    ]


def _contribution_line(row: Contribution) -> str:
    behind = ", ".join(row.factor_ids) or "declared figures"
    return f"  {row.dimension} [{row.category}] {behind}: {row.co2e_mg / 1000:.1f} g in {row.steps} steps"
