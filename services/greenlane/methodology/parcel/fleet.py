"""A vehicle's figure per km or tonne-km, cooled or not, electric ones by the grid of the place and day."""

from datetime import date

from greenlane.methodology.assessment import Notes
from greenlane.methodology.facts import ChainElement
from greenlane.methodology.tables import SCALE, Method, PerDistance, VehicleFactor
from greenlane.methodology.vocabulary import DataCategory, DefaultUsed, EnergyCarrier, ImplausibleFact, Vehicle


def fleet(element: ChainElement, method: Method) -> dict[Vehicle, VehicleFactor]:
    """The vehicle table, with the figures of cooled vehicles where the element is under temperature control."""
    return method.cooled_vehicles if element.temperature_controlled else method.vehicles


def per_km(
    element: ChainElement, where: tuple[str, date], method: Method, notes: Notes
) -> tuple[PerDistance, DataCategory]:
    """The vehicle's figure per km; the undeclared vehicle's when there is none."""
    rows = fleet(element, method)
    if element.vehicle is not None:
        row = rows[element.vehicle]
        factor = row.km or electric(row.kwh_km, where, method)
        if factor is not None:
            if not row.stand_in:
                return factor, DataCategory.PRIMARY
            notes.defaults.append(DefaultUsed.VEHICLE_CONSUMPTION_UNKNOWN)
            return factor, DataCategory.DEFAULT
        notes.implausible.append(ImplausibleFact.VEHICLE)
    notes.defaults.append(DefaultUsed.VEHICLE_UNDECLARED)
    return _present(rows[method.undeclared_round_vehicle].km), DataCategory.DEFAULT


def per_tkm(
    element: ChainElement, where: tuple[str, date], method: Method, notes: Notes
) -> tuple[PerDistance, DataCategory]:
    """The vehicle's figure per tonne-km; the undeclared vehicle's when there is none."""
    rows = fleet(element, method)
    if element.vehicle is not None:
        row = rows[element.vehicle]
        factor = row.tkm or electric(row.kwh_tkm, where, method)
        if factor is not None:
            return factor, DataCategory.MODELLED
        notes.implausible.append(ImplausibleFact.VEHICLE)
    notes.defaults.append(DefaultUsed.VEHICLE_UNDECLARED)
    return _present(rows[method.undeclared_line_haul_vehicle].tkm), DataCategory.DEFAULT


def electric(kwh: PerDistance | None, where: tuple[str, date], method: Method) -> PerDistance | None:
    """An electric vehicle's kWh times the plug factor of the country and the day."""
    return None if kwh is None else kwh.times(method.carrier_factor(where[0], EnergyCarrier.ELECTRICITY, where[1]))


def _present(figure: PerDistance | None) -> PerDistance:
    assert figure is not None, "the loader refuses an undeclared vehicle without its factor"
    return figure


def shown(factor: PerDistance) -> str:
    """The figure as a decimal for an explanation."""
    return f"{factor.value / (SCALE * factor.scale):.8f}"
