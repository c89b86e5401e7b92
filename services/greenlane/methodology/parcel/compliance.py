"""Whether a parcel's packaging breaks a rule in force on its day: the dated bans of thin plastic bags."""

from greenlane.methodology.assessment import Notes, Step
from greenlane.methodology.facts import Component, PackedFacts
from greenlane.methodology.tables import Method, ThinBagRule
from greenlane.methodology.vocabulary import ComponentRole, DefaultUsed, ImplausibleFact, OuterKind


def non_compliant(components: tuple[Component, ...], facts: PackedFacts, method: Method, notes: Notes) -> int:
    """1 if the parcel breaks a rule in force on its day in the country of packing, else 0."""
    for rule in method.thin_bag_rules:
        if _in_force(rule, facts) and _any_thin_bag(components, facts, rule, method, notes):
            if notes.steps is not None:
                notes.steps.append(Step("thin bag: the score is capped", rule.law, 1, "parcel", (rule.id,)))
            return 1
    return 0


def breaks(rule: ThinBagRule, facts: PackedFacts, method: Method) -> bool:
    """Whether a parcel breaks this rule on its day."""
    return _in_force(rule, facts) and _any_thin_bag(facts.components or (), facts, rule, method, Notes(None))


def _in_force(rule: ThinBagRule, facts: PackedFacts) -> bool:
    """Whether a rule holds where and when a parcel was packed."""
    return (
        rule.country == facts.country
        and rule.valid_from <= facts.day
        and (rule.valid_to is None or facts.day <= rule.valid_to)
    )


def _any_thin_bag(
    components: tuple[Component, ...], facts: PackedFacts, rule: ThinBagRule, method: Method, notes: Notes
) -> bool:
    return any(
        part.role is ComponentRole.OUTER and _is_thin_bag(part, facts, rule, method, notes) for part in components
    )


def _is_thin_bag(part: Component, facts: PackedFacts, rule: ThinBagRule, method: Method, notes: Notes) -> bool:
    """Whether a component is a forbidden bag; undeclared kind, size or thickness count as if it were."""
    outer = facts.outer
    if part.material not in rule.materials or (outer is not None and outer.kind is not OuterKind.FLEXIBLE_MAILER):
        return False
    sides = () if outer is None else (outer.length_mm or 0, outer.width_mm or 0)
    if sides and min(sides) >= rule.below_side_mm:
        return False
    thickness = part.film_thickness_um
    if thickness is None:
        notes.defaults.append(DefaultUsed.FILM_THICKNESS_UNDECLARED)
        return True
    least, most = method.bounds.film_thickness_um
    if not least <= thickness <= most:
        notes.implausible.append(ImplausibleFact.FILM_THICKNESS)
        return True
    return thickness < rule.below_thickness_um
