"""How the sellers of the synthetic marketplace pack and ship, as data; the figures are invented but plausible."""

from dataclasses import dataclass, replace

from greenlane.methodology.vocabulary import Material, Vehicle


@dataclass(frozen=True, slots=True)
class Wrapping:
    """How goods are packed: flat ones in `mailer` if there is one, the others in a box of `board`.

    A box is the smallest one on sale that the goods fit, or one that is `larger` by so many sizes, or it is `cut` to
    their height. `slack` multiplies the sides of flat goods for a mailer; `filler_g_per_l` fills the empty litres of a
    box; `reused` gives the verified trips of a reusable box that replaces both.
    """

    declared: bool = True
    mailer: Material | None = None
    film_um: int | None = None
    mailer_g_m2: float = 110.0
    board: Material = Material.CORRUGATED_BOARD
    board_g_m2: float = 420.0
    slack: float = 1.25
    larger: int = 0
    cut: bool = False
    filler: Material | None = None
    filler_g_per_l: float = 0.0
    recycled_percent: float = 0.0
    certified: bool = False
    reused: int | None = None


@dataclass(frozen=True, slots=True)
class Mile:
    """A round that collects parcels or brings them to the door; what is None is not declared."""

    vehicle: Vehicle | None = None
    km: float | None = None
    parcels: int = 1
    kwh_per_km: float | None = None
    litres_per_km: float | None = None


@dataclass(frozen=True, slots=True)
class Haul:
    """Between provinces: the vehicle, and the parcels that shared it when the trip is declared."""

    vehicle: Vehicle | None = None
    shared_by: int | None = None


@dataclass(frozen=True, slots=True)
class Habit:
    """One way of selling. `rate` multiplies the parcels of a day; `busy_every` concentrates them on every nth day.

    `measured`: marketplace and carrier state the facts; otherwise the seller does. `hub_g` is what the carrier states.
    """

    name: str
    wrapping: Wrapping
    last_mile: Mile | None
    haul: Haul
    first_mile: Mile | None = None
    measured: bool = False
    hub_g: float | None = None
    local_share: float = 0.5
    pickup_share: float = 0.1
    failed_share: float = 0.08
    returned_share: float = 0.04
    rate: float = 1.0
    busy_every: int = 1
    later: str | None = None


_PAPER = Wrapping(mailer=Material.KRAFT_PAPER, slack=1.1, cut=True, recycled_percent=90, certified=True)
_ORDINARY = Wrapping(mailer=Material.LDPE_FILM, film_um=60, slack=1.4, filler=Material.BUBBLE_WRAP, filler_g_per_l=6.0)
_WASTEFUL = Wrapping(larger=2, filler=Material.AIR_CUSHION, filler_g_per_l=8.0, board_g_m2=550)
_UNPROVEN = replace(_PAPER, mailer=Material.UNKNOWN_FIBRE, board=Material.UNKNOWN_FIBRE, board_g_m2=300)
_THIN = Wrapping(mailer=Material.LDPE_FILM, film_um=30, mailer_g_m2=60, slack=1.3)

_ELECTRIC = Mile(Vehicle.MOTORBIKE_ELECTRIC, km=45, parcels=120, kwh_per_km=0.03)
_CYCLE = Mile(Vehicle.CARGO_BIKE, km=30, parcels=70, kwh_per_km=0.015)
_PETROL = Mile(Vehicle.MOTORBIKE_PETROL, km=50, parcels=100)
_METERED = Mile(Vehicle.MOTORBIKE_PETROL, km=50, parcels=110, litres_per_km=0.025)
_DENSE = Mile(Vehicle.MOTORBIKE_PETROL, km=40, parcels=115)
_VAN = Mile(Vehicle.VAN_DIESEL, km=120, parcels=60)
_COLLECTING = Mile(Vehicle.MOTORBIKE_PETROL, km=38, parcels=115)
_COLLECTING_ELECTRIC = Mile(Vehicle.MOTORBIKE_ELECTRIC, km=38, parcels=115, kwh_per_km=0.03)

_LORRY = Haul(Vehicle.LORRY_AVERAGE)
_FULL_LORRY = Haul(Vehicle.LORRY_ARTICULATED)
_RAIL = Haul(Vehicle.TRAIN)
_AIR = Haul(Vehicle.AIRCRAFT_DOMESTIC)

_CAREFUL = Habit(
    "careful", _PAPER, _ELECTRIC, _RAIL, _COLLECTING_ELECTRIC, measured=True, hub_g=12.0, local_share=0.8,
    pickup_share=0.3,
)  # fmt: skip
_AVERAGE = Habit("average", _ORDINARY, _PETROL, _LORRY, _COLLECTING)
_OVER_BOXED = Habit("over-boxed", _WASTEFUL, _PETROL, _LORRY, _COLLECTING)

HABITS: tuple[Habit, ...] = (
    _AVERAGE,
    _CAREFUL,
    Habit("undeclared", Wrapping(declared=False), None, Haul()),
    replace(
        _CAREFUL, name="reuser", wrapping=replace(_PAPER, mailer=None, reused=12), last_mile=_CYCLE, local_share=0.9,
        returned_share=0.02,
    ),
    Habit("thin-bags", _THIN, _METERED, _LORRY, _COLLECTING),
    Habit(
        "electric-rider", replace(_PAPER, certified=False, slack=1.3), _ELECTRIC, _FULL_LORRY, _COLLECTING_ELECTRIC,
        measured=True, local_share=0.7,
    ),
    _OVER_BOXED,
    Habit(
        "modest", replace(_PAPER, board_g_m2=250, mailer_g_m2=75, recycled_percent=30), _ELECTRIC, _RAIL,
        _COLLECTING_ELECTRIC, local_share=0.7,
    ),
    _AVERAGE,
    Habit("air-freight", _ORDINARY, _VAN, _AIR, _COLLECTING, local_share=0.2),
    replace(_CAREFUL, name="small", rate=0.35),
    Habit("unproven", _UNPROVEN, _DENSE, _RAIL, local_share=0.8),
    Habit("one-sided", _PAPER, _VAN, _LORRY, _COLLECTING, local_share=0.6),
    replace(_CAREFUL, name="bursty", busy_every=20),
    replace(_OVER_BOXED, name="improving", later="careful"),
    replace(_CAREFUL, name="declining", rate=1.5, later="over-boxed"),
)  # fmt: skip
"""The cast: seller n has habit n modulo its length. A `later` habit takes over half-way."""

BY_NAME: dict[str, Habit] = {habit.name: habit for habit in HABITS}
