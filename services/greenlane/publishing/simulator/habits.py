"""How the sellers of the synthetic marketplace pack and ship, as data; the figures are invented but plausible."""

from dataclasses import dataclass, replace

from greenlane.methodology.vocabulary import Material, RoundDensity, Vehicle


@dataclass(frozen=True, slots=True)
class Wrapping:
    """How goods are packed: flat ones in `mailer` if there is one, the others in a box of `board`.

    `slack` multiplies each side of the goods; `filler_g_per_l` fills the empty litres; `reused` gives the verified
    trips of a reusable box that replaces both.
    """

    declared: bool = True
    mailer: Material | None = None
    film_um: int | None = None
    mailer_g_m2: float = 110.0
    board: Material = Material.CORRUGATED_BOARD
    board_g_m2: float = 420.0
    slack: float = 1.25
    filler: Material | None = None
    filler_g_per_l: float = 0.0
    recycled_percent: float = 0.0
    certified: bool = False
    reused: int | None = None


@dataclass(frozen=True, slots=True)
class LastMile:
    """The round that brings parcels to the door; what is None is not declared."""

    vehicle: Vehicle | None = None
    km: float | None = None
    parcels: int = 1
    kwh_per_km: float | None = None
    litres_per_km: float | None = None
    density: RoundDensity | None = None


@dataclass(frozen=True, slots=True)
class Haul:
    """Between provinces: the vehicle, and the parcels that shared it when the trip is declared."""

    vehicle: Vehicle | None = None
    shared_by: int | None = None


@dataclass(frozen=True, slots=True)
class Habit:
    """One way of selling. `rate` multiplies the parcels of a day; `busy_every` concentrates them on every nth day."""

    name: str
    wrapping: Wrapping
    last_mile: LastMile | None
    haul: Haul
    local_share: float = 0.5
    pickup_share: float = 0.1
    failed_share: float = 0.08
    returned_share: float = 0.04
    rate: float = 1.0
    busy_every: int = 1
    later: str | None = None


_PAPER = Wrapping(mailer=Material.KRAFT_PAPER, slack=1.1, recycled_percent=90, certified=True)
_ORDINARY = Wrapping(mailer=Material.LDPE_FILM, film_um=60, slack=1.4, filler=Material.BUBBLE_WRAP, filler_g_per_l=6.0)
_WASTEFUL = Wrapping(slack=2.0, filler=Material.AIR_CUSHION, filler_g_per_l=8.0, board_g_m2=550)
_UNPROVEN = replace(_PAPER, mailer=Material.UNKNOWN_FIBRE, board=Material.UNKNOWN_FIBRE, board_g_m2=300)
_THIN = Wrapping(mailer=Material.LDPE_FILM, film_um=30, mailer_g_m2=60, slack=1.3)

_ELECTRIC = LastMile(Vehicle.MOTORBIKE_ELECTRIC, km=45, parcels=120, kwh_per_km=0.03)
_CYCLE = LastMile(Vehicle.CARGO_BIKE, km=30, parcels=70, kwh_per_km=0.015)
_PETROL = LastMile(Vehicle.MOTORBIKE_PETROL, density=RoundDensity.USUAL)
_METERED = LastMile(Vehicle.MOTORBIKE_PETROL, km=60, parcels=110, litres_per_km=0.025)
_DENSE = LastMile(Vehicle.MOTORBIKE_PETROL, density=RoundDensity.DENSE)
_VAN = LastMile(Vehicle.VAN_DIESEL, km=120, parcels=60)

_LORRY = Haul(Vehicle.LORRY_AVERAGE)
_FULL_LORRY = Haul(Vehicle.LORRY_ARTICULATED)
_RAIL = Haul(Vehicle.TRAIN)
_AIR = Haul(Vehicle.AIRCRAFT_DOMESTIC)

_CAREFUL = Habit("careful", _PAPER, _ELECTRIC, _RAIL, local_share=0.8, pickup_share=0.3)
_AVERAGE = Habit("average", _ORDINARY, _PETROL, _LORRY)
_OVER_BOXED = Habit("over-boxed", _WASTEFUL, _PETROL, _LORRY)

HABITS: tuple[Habit, ...] = (
    _AVERAGE,
    _CAREFUL,
    Habit("undeclared", Wrapping(declared=False), None, Haul()),
    Habit("reuser", replace(_PAPER, mailer=None, reused=40), _CYCLE, _RAIL, local_share=0.9, returned_share=0.02),
    Habit("thin-bags", _THIN, _METERED, _LORRY),
    Habit("electric-rider", replace(_PAPER, certified=False, slack=1.3), _ELECTRIC, _FULL_LORRY, local_share=0.7),
    _OVER_BOXED,
    Habit("modest", replace(_PAPER, slack=1.4, recycled_percent=30), _METERED, _FULL_LORRY, local_share=0.7),
    _AVERAGE,
    Habit("air-freight", _ORDINARY, _VAN, _AIR, local_share=0.2),
    replace(_CAREFUL, name="small", rate=0.35),
    Habit("unproven", _UNPROVEN, _DENSE, _RAIL, local_share=0.8),
    Habit("one-sided", _PAPER, _VAN, _LORRY, local_share=0.6),
    replace(_CAREFUL, name="bursty", busy_every=20),
    replace(_OVER_BOXED, name="improving", later="careful"),
    replace(_CAREFUL, name="declining", rate=1.5, later="over-boxed"),
)
"""The cast: seller n has habit n modulo its length. A `later` habit takes over half-way."""

BY_NAME: dict[str, Habit] = {habit.name: habit for habit in HABITS}
