"""A vehicle's figure per km or tonne-km, cooled or not, electric ones by the grid of the place and day."""

from datetime import date
from functools import lru_cache

from greenlane.methodology.parcel.words import ELECTRICITY
from greenlane.methodology.tables import SCALE, Method, PerDistance, Scaled, VehicleFactor


def per_km(row: VehicleFactor, where: tuple[str, date], method: Method) -> PerDistance | None:
    """The vehicle's figure per km; None for one that makes no rounds."""
    return row.km or electric(row.kwh_km, where, method)


def per_tkm(row: VehicleFactor, where: tuple[str, date], method: Method) -> PerDistance | None:
    """The vehicle's figure per tonne-km; None for one that does no line-haul."""
    return row.tkm or electric(row.kwh_tkm, where, method)


def electric(kwh: PerDistance | None, where: tuple[str, date], method: Method) -> PerDistance | None:
    """An electric vehicle's kWh times the plug factor of the country and the day."""
    return None if kwh is None else _powered(kwh, method.carrier_factor(where[0], ELECTRICITY, where[1]))


@lru_cache(maxsize=1024)
def _powered(kwh: PerDistance, plug: Scaled) -> PerDistance:
    """One product for each vehicle and row of the grids' table, kept because it takes as long to make as a round."""
    return kwh.times(plug)


def shown(factor: PerDistance) -> str:
    """The figure as a decimal for an explanation."""
    return f"{factor.value / (SCALE * factor.scale):.8f}"
