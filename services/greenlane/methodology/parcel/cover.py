"""What covers a parcel: whether the declared masses can enclose it, and whether a thin bag does."""

from datetime import date

from greenlane.methodology.assessment import Notes, Step
from greenlane.methodology.facts import Component, Outer, PackedFacts
from greenlane.methodology.tables import Method, ThinBagRule
from greenlane.methodology.vocabulary import DefaultUsed, ImplausibleFact

FILM_MG_PER_M2_UM = 782
"""Least mass of a square metre of film of one micrometre, in mg: 0.92 g (polyethylene) less 15 %."""

_MM2_PER_M2 = 1_000_000


def covers_mm2(part: Component, method: Method) -> int:
    """The largest surface that a component can cover; a film covers less the thicker it is, tape and labels nothing."""
    if part.material is None or part.mass_mg is None:
        return 0
    row = method.materials[part.material]
    least = row.least_mg_per_m2
    if not least:
        return 0
    if row.film and part.film_thickness_um is not None:
        least = max(least, FILM_MG_PER_M2_UM * part.film_thickness_um)
    return part.mass_mg * _MM2_PER_M2 // least


def thin_bag(facts: PackedFacts, surface: int, method: Method, notes: Notes) -> ThinBagRule | None:
    """The first rule under which a parcel has a thin bag, or may have one because its packaging is not known.

    The bag is found by what it does: where everything that is no thin film cannot cover the parcel, the film does.
    """
    day = facts.local_day or facts.day
    for rule in method.thin_bag_rules:
        if _in_force(rule, facts.country, day) and _encloses_in_thin_film(
            rule, facts.components or (), facts.outer, surface, method, notes
        ):
            if notes.steps is not None:
                notes.steps.append(
                    Step("thin bag or unknown packaging: counts as undeclared", rule.law, 1, "parcel", (rule.id,))
                )
            return rule
    return None


def breaks(rule: ThinBagRule, facts: PackedFacts, surface: int, method: Method) -> bool:
    """Whether a parcel breaks this rule on its day, or may break it."""
    day = facts.local_day or facts.day
    return _in_force(rule, facts.country, day) and _encloses_in_thin_film(
        rule, facts.components or (), facts.outer, surface, method, Notes(None)
    )


def _in_force(rule: ThinBagRule, country: str, day: date) -> bool:
    return rule.country == country and rule.valid_from <= day and (rule.valid_to is None or day <= rule.valid_to)


def _is_sheet(part: Component, surface: int, most_um: int) -> bool:
    """Whether a part without a thickness is too heavy for the thickest film around the parcel: a box of plastic."""
    mass = part.mass_mg or 0
    return part.film_thickness_um is None and mass * _MM2_PER_M2 > FILM_MG_PER_M2_UM * most_um * surface


def _encloses_in_thin_film(  # noqa: PLR0913, PLR0917 - the hot path passes what it already holds
    rule: ThinBagRule,
    components: tuple[Component, ...],
    outer: Outer | None,
    surface: int,
    method: Method,
    notes: Notes,
) -> bool:
    if not surface or outer is None:
        return True
    if min(outer.length_mm or 0, outer.width_mm or 0) >= rule.below_side_mm:
        return False
    covered = 0
    undeclared = False
    least, most = method.bounds.film_thickness_um
    for part in components:
        if part.material in rule.materials and not _is_sheet(part, surface, most):
            thickness = part.film_thickness_um
            if thickness is None:
                undeclared = True
                continue
            if not least <= thickness <= most:
                notes.implausible.append(ImplausibleFact.FILM_THICKNESS)
                continue
            if thickness < rule.below_thickness_um:
                continue
        covered += covers_mm2(part, method)
        if covered >= surface:
            return False
    if undeclared:
        notes.defaults.append(DefaultUsed.FILM_THICKNESS_UNDECLARED)
    return True
