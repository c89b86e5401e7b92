"""A parcel's packaging: CO2e and plastic of its components beside what an average parcel of that volume uses."""

from datetime import date
from functools import lru_cache
from re import compile as compiled

from msgspec import Struct

from greenlane.methodology.assessment import Assessed, Notes, Step
from greenlane.methodology.facts import Component, PackedFacts
from greenlane.methodology.parcel.cover import covers_mm2, thin_bag
from greenlane.methodology.parcel.reference_packaging import packaging_reference
from greenlane.methodology.parcel.space import measure_space
from greenlane.methodology.parcel.words import (
    DECLARED,
    DEFAULT,
    MEASURED,
    MODELLED,
    PACKAGING_UNDECLARED,
    RECYCLED_UNCERTIFIED,
    SELLER,
    TRIPS_UNVERIFIED,
)
from greenlane.methodology.rounding import divide_half_even, ratio_of
from greenlane.methodology.sums import RATIO_MOST, PackagingSums
from greenlane.methodology.tables import SCALE, AveragePackaging, MaterialFactor, Method
from greenlane.methodology.vocabulary import DataCategory, DefaultUsed, ImplausibleFact, StatedBy

_PERMILLE = 1000
_TRIP = {True: "trip", False: "trips"}
_FACTOR_SCALE = SCALE * _PERMILLE
_POINTS_MILLI = 100_000
_form = lru_cache(maxsize=64)(compiled)


class _Used(Struct, frozen=True, gc=False):
    """What packaging was used, in mg; CO2e and plastic of a reusable asset are those of one trip.

    `measured` and `declared` are the CO2e that others state and that the seller states; `category` is of the whole.
    `solid_mm2` is the surface that everything but film can cover.
    """

    mass: int = 0
    plastic: int = 0
    co2e: int = 0
    circular: int = 0
    measured: int = 0
    declared: int = 0
    category: DataCategory = DEFAULT
    solid_mm2: int = 0


_NOTHING = _Used()


def assess_packed(facts: PackedFacts, method: Method, steps: list[Step] | None = None) -> Assessed:
    """The contribution of one packed parcel (method section 2); `steps` collects the explanation when given."""
    notes = Notes(steps)
    space = measure_space(facts.items, facts.outer, method.bounds.goods_g_per_m3, notes)
    reference = packaging_reference(space.product_mm3, facts.order, method, notes)
    used, known = _NOTHING, False
    if facts.components is None:
        notes.defaults.append(PACKAGING_UNDECLARED)
    else:
        day = facts.local_day or facts.day
        used, known = _declared(facts.components, day, space.surface_mm2, method, notes)
    surface = space.surface_mm2 if known else 0
    enclosed = 0 < surface <= used.solid_mm2
    thin = not enclosed and thin_bag(facts, surface, method, notes) is not None
    if not known or thin:
        used = _at_least_undeclared(used, reference, method, notes)
        co2e_ratio = plastic_ratio = RATIO_MOST
        measured = False
    else:
        co2e_ratio = ratio_of(used.co2e, reference.co2e_mg, RATIO_MOST)
        plastic_ratio = ratio_of(used.plastic, reference.plastic_mg, RATIO_MOST) if used.plastic else 0
        measured = used.category is MEASURED and _outer_by_others(facts)
    return notes.assessed(
        PackagingSums(
            1,
            used.mass,
            used.plastic,
            used.co2e,
            used.measured,
            used.declared,
            space.outer_mm3,
            space.empty_mm3,
            used.circular,
            co2e_ratio,
            plastic_ratio,
            space.score_milli,
            divide_half_even(_POINTS_MILLI * used.circular, used.mass) if measured else 0,
            1 if known and not thin else 0,
            1 if thin else 0,
            1 if measured else 0,
            co2e_ratio if measured else 0,
            plastic_ratio if measured else 0,
        ),
        used.category,
    )


def _outer_by_others(facts: PackedFacts) -> bool:
    return facts.outer is not None and facts.outer.stated_by is not SELLER


def _at_least_undeclared(used: _Used, reference: AveragePackaging, method: Method, notes: Notes) -> _Used:
    """Undeclared packaging: twice the reference or what is declared, whichever is more; nothing of it is circular."""
    times = method.packaging.undeclared_times
    worst = _Used(
        max(used.mass, times * reference.mass_mg),
        max(used.plastic, times * reference.plastic_mg),
        max(used.co2e, times * reference.co2e_mg),
    )
    if notes.steps is not None:
        formula = f"the larger of what is declared ({used.co2e} mg) and {times} x reference"
        notes.steps.append(Step("undeclared packaging", formula, worst.co2e, "mg", method.packaging.ids, DEFAULT))
        for label, declared, taken in (("plastic", used.plastic, worst.plastic), ("mass", used.mass, worst.mass)):
            formula = f"the larger of what is declared ({declared} mg) and {times} x reference"
            notes.steps.append(Step(f"undeclared {label}", formula, taken, "mg"))
    return worst


def _declared(
    components: tuple[Component, ...], day: date, surface: int, method: Method, notes: Notes
) -> tuple[_Used, bool]:
    """The components' sum, and whether it is known: every mass and material, and enough of both to cover the parcel."""
    mass = plastic = co2e = circular = by_others = by_seller = film_mm2 = solid_mm2 = 0
    complete = others = named = True
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
        if row.film:
            film_mm2 += covers_mm2(part, method)
        elif row.least_mg_per_m2:
            solid_mm2 += part.mass_mg * 1_000_000 // row.least_mg_per_m2
        if not row.known:
            notes.defaults.append(DefaultUsed.MATERIAL_UNKNOWN)
            named = False
        elif part.stated_by is SELLER:
            by_seller += part_co2e
            others = False
        else:
            by_others += part_co2e
    if notes.steps is not None:
        notes.steps.append(Step("packaging CO2e", "sum of the components", co2e, "mg"))
        notes.steps.append(Step("packaging mass", "sum of the components", mass, "mg"))
        notes.steps.append(Step("plastic", "sum of the plastic components", plastic, "mg"))
        notes.steps.append(Step("circular", "recycled content and verified reuse", circular, "mg"))
    if complete and film_mm2 + solid_mm2 < surface:
        notes.implausible.append(ImplausibleFact.PACKAGING_MASS)
        complete = False
    category = DECLARED if not others else MEASURED
    category = category if named else MODELLED
    return _Used(mass, plastic, co2e, circular, by_others, by_seller, category, solid_mm2), complete and surface > 0


def _component(  # noqa: PLR0913, PLR0917 - the hot path passes what it already holds instead of looking it up again
    part: Component, mass: int, row: MaterialFactor, day: date, method: Method, notes: Notes
) -> tuple[int, int, int]:
    """CO2e, plastic and circular mass of one component in mg, each rounded once."""
    permille = _certified_permille(part, day, method, notes) if part.recycled_permille else 0
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
        stated = DECLARED if part.stated_by is SELLER else MEASURED
        category = stated if row.known else MODELLED
        notes.steps.append(Step(f"{part.role}: {part.material}", formula, co2e, "mg", ids, category))
    return co2e, plastic, circular


def _certified_permille(part: Component, day: date, method: Method, notes: Notes) -> int:
    """Recycled content in thousandths; 0 unless somebody else states it with a certificate valid on the day."""
    scheme = part.certificate_scheme
    known = scheme is not None and part.stated_by is not SELLER
    if not known or part.certificate_valid_until is None or part.certificate_valid_until < day:
        notes.defaults.append(RECYCLED_UNCERTIFIED)
        return 0
    if scheme is None or _form(method.certificates[scheme]).fullmatch(part.certificate_id) is None:
        notes.implausible.append(ImplausibleFact.CERTIFICATE)
        return 0
    return part.recycled_permille


def _verified_trips(part: Component, method: Method, notes: Notes) -> int:
    """Trips over which a reusable asset is spread; 1 unless somebody else states a plausible number."""
    trips = None if part.reusable is None else part.reusable.verified_trips
    if trips is None or part.stated_by is SELLER:
        notes.defaults.append(TRIPS_UNVERIFIED)
        return 1
    bounds = method.bounds
    most = bounds.carrier_trips if part.stated_by is StatedBy.CARRIER else bounds.verified_trips
    if trips > most:
        notes.implausible.append(ImplausibleFact.VERIFIED_TRIPS)
        return 1
    return trips
