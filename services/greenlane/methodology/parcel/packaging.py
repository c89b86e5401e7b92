"""A parcel's packaging: CO2e and plastic of its components beside what an average parcel of that volume uses."""

from datetime import date
from typing import NamedTuple

from greenlane.methodology.assessment import Assessed, Notes, Step
from greenlane.methodology.facts import Component, PackedFacts
from greenlane.methodology.parcel.compliance import non_compliant
from greenlane.methodology.parcel.reference_packaging import packaging_reference
from greenlane.methodology.parcel.space import measure_space
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.sums import PackagingSums
from greenlane.methodology.tables import SCALE, MaterialFactor, Method, PackagingClass
from greenlane.methodology.vocabulary import DataCategory, DefaultUsed, ImplausibleFact

_PERMILLE = 1000
_TRIP = {True: "trip", False: "trips"}
_FACTOR_SCALE = SCALE * _PERMILLE


class _Used(NamedTuple):
    """What packaging was used, in mg; CO2e and plastic of a reusable asset are those of one trip."""

    mass: int = 0
    plastic: int = 0
    co2e: int = 0
    circular: int = 0
    primary: int = 0


_NOTHING = _Used()


def assess_packed(facts: PackedFacts, method: Method, steps: list[Step] | None = None) -> Assessed:
    """The contribution of one packed parcel (method section 2); `steps` collects the explanation when given."""
    notes = Notes(steps)
    space = measure_space(facts.items, facts.outer, notes)
    reference = packaging_reference(space.product_mm3, facts.order, method, notes)
    if facts.components is None:
        notes.defaults.append(DefaultUsed.PACKAGING_UNDECLARED)
        used, category, breaks_rule = (
            _at_least_undeclared(_NOTHING, reference, method, notes),
            DataCategory.DEFAULT,
            0,
        )
    else:
        used, category = _declared(facts.components, facts.day, reference, method, notes)
        breaks_rule = non_compliant(facts.components, facts, method, notes)
    sums = PackagingSums(
        1,
        used.mass,
        used.plastic,
        used.co2e,
        reference.co2e_mg,
        reference.plastic_mg,
        space.outer_mm3,
        space.empty_mm3,
        space.applies,
        space.score_milli,
        used.circular,
        used.primary,
        1 if category is DataCategory.DEFAULT else 0,
        breaks_rule,
    )
    return notes.assessed(sums, category)


def _at_least_undeclared(used: _Used, reference: PackagingClass, method: Method, notes: Notes) -> _Used:
    """Undeclared packaging: twice the reference or what is declared, whichever is more; nothing circular or primary."""
    times = method.undeclared_times
    worst = _Used(
        max(used.mass, times * reference.mass_mg),
        max(used.plastic, times * reference.plastic_mg),
        max(used.co2e, times * reference.co2e_mg),
    )
    if notes.steps is not None:
        formula = f"the larger of what is declared ({used.co2e} mg) and {times} x reference"
        notes.steps.append(
            Step("undeclared packaging", formula, worst.co2e, "mg", method.reference_ids, DataCategory.DEFAULT)
        )
        for label, declared, taken in (("plastic", used.plastic, worst.plastic), ("mass", used.mass, worst.mass)):
            formula = f"the larger of what is declared ({declared} mg) and {times} x reference"
            notes.steps.append(Step(f"undeclared {label}", formula, taken, "mg"))
    return worst


def _declared(
    components: tuple[Component, ...], day: date, reference: PackagingClass, method: Method, notes: Notes
) -> tuple[_Used, DataCategory]:
    """The components' sum; if any lacks its material or mass, the parcel counts as undeclared at least."""
    mass = plastic = co2e = circular = primary = 0
    complete = True
    for part in components:
        if part.mass_mg is None:
            notes.defaults.append(DefaultUsed.MASS_UNDECLARED)
            complete = False
            continue
        mass += part.mass_mg
        if part.material is None:
            notes.defaults.append(DefaultUsed.MATERIAL_UNDECLARED)
            complete = False
            continue
        row = method.materials[part.material]
        part_co2e, part_plastic, part_circular = _component(part, part.mass_mg, row, day, method, notes)
        co2e += part_co2e
        plastic += part_plastic
        circular += part_circular
        if row.known:
            primary += part_co2e
        else:
            notes.defaults.append(DefaultUsed.MATERIAL_UNKNOWN)
    used = _Used(mass, plastic, co2e, circular, primary)
    if notes.steps is not None:
        notes.steps.append(Step("packaging CO2e", "sum of the components", co2e, "mg"))
        notes.steps.append(Step("packaging mass", "sum of the components", mass, "mg"))
        notes.steps.append(Step("plastic", "sum of the plastic components", plastic, "mg"))
        notes.steps.append(Step("circular", "recycled content and verified reuse", circular, "mg"))
    if not complete:
        return _at_least_undeclared(used, reference, method, notes), DataCategory.DEFAULT
    return used, DataCategory.PRIMARY if primary == co2e else DataCategory.MODELLED


def _component(  # noqa: PLR0913, PLR0917 - the hot path passes what it already holds instead of looking it up again
    part: Component, mass: int, row: MaterialFactor, day: date, method: Method, notes: Notes
) -> tuple[int, int, int]:
    """CO2e, plastic and circular mass of one component in mg, each rounded once."""
    permille = _certified_permille(part, day, notes) if part.recycled_permille else 0
    trips = _verified_trips(part, method, notes) if part.reusable is not None else 1
    factor = row.primary.value * _PERMILLE
    notes.factors.append(row.primary.id)
    if permille and row.recycled is not None:
        factor += (row.recycled.value - row.primary.value) * permille
        notes.factors.append(row.recycled.id)
    co2e = divide_half_even(mass * factor, _FACTOR_SCALE * trips)
    plastic = 0 if not row.plastic else mass if trips == 1 else divide_half_even(mass, trips)
    reused_and_recycled = permille * trips + _PERMILLE * (trips - 1)
    circular = min(mass, divide_half_even(mass * reused_and_recycled, _PERMILLE * trips)) if reused_and_recycled else 0
    if notes.steps is not None:
        ids = (row.primary.id,) if row.recycled is None or not permille else (row.primary.id, row.recycled.id)
        formula = f"{mass} mg x {factor / _FACTOR_SCALE:.8f} kg/kg / {trips} {_TRIP[trips == 1]}, "
        formula += f"{permille / 10} % recycled"
        category = DataCategory.PRIMARY if row.known else DataCategory.MODELLED
        notes.steps.append(Step(f"{part.role}: {part.material}", formula, co2e, "mg", ids, category))
    return co2e, plastic, circular


def _certified_permille(part: Component, day: date, notes: Notes) -> int:
    """Recycled content in thousandths; 0 without a certificate valid on the day."""
    if part.certificate_valid_until is None or part.certificate_valid_until < day:
        notes.defaults.append(DefaultUsed.RECYCLED_UNCERTIFIED)
        return 0
    return part.recycled_permille


def _verified_trips(part: Component, method: Method, notes: Notes) -> int:
    """Trips over which a reusable asset is spread; 1 when nobody verified them or their number is implausible."""
    trips = None if part.reusable is None else part.reusable.verified_trips
    if trips is None:
        notes.defaults.append(DefaultUsed.TRIPS_UNVERIFIED)
        return 1
    least, most = method.bounds.verified_trips
    if trips > most:
        notes.implausible.append(ImplausibleFact.VERIFIED_TRIPS)
    return trips if least <= trips <= most else 1
