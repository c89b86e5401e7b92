"""The rows of the method document's larger tables, taken from the loaded method."""

import csv
from decimal import Decimal

from greenlane.methodology.seller.eligibility import Policy
from greenlane.methodology.tables import Factor, Method, VehicleFactor
from greenlane.methodology.vocabulary import Vehicle

FACTOR_HEAD = ("factor", "value", "unit", "boundary", "region", "grade", "TTW", "source", "where or how")


def factor_rows(method: Method) -> list[tuple[object, ...]]:
    """Every factor with its source and cell, or its formula."""
    return [
        (
            factor.id,
            factor.value,
            factor.unit,
            factor.boundary,
            factor.region,
            factor.grade,
            factor.ttw or "-",
            factor.source.id,
            _where(factor),
        )
        for factor in method.factors.values()
    ]


def _where(factor: Factor) -> str:
    how = [f"= {factor.formula}"] if factor.formula else []
    return "; ".join(part for part in (factor.where, *how, factor.note) if part)


def vehicle_rows(method: Method) -> list[tuple[object, ...]]:
    """Every vehicle with the factors it uses."""
    return [_vehicle_row(word, row, method.cooled_vehicles[word]) for word, row in method.vehicles.items()]


def _vehicle_row(word: Vehicle, row: VehicleFactor, cooled: VehicleFactor) -> tuple[object, ...]:
    per_km, per_tkm = row.km or row.kwh_km, row.tkm or row.kwh_tkm
    figure = cooled.km or cooled.kwh_km or cooled.tkm or cooled.kwh_tkm
    least, most = row.energy_per_km
    unit = "kWh" if row.carrier == "electricity" else "l"
    return (
        word,
        "-" if per_km is None else per_km.ids[0],
        "-" if per_tkm is None else per_tkm.ids[0],
        "-" if figure is None else figure.ids[-1],
        row.carrier or "-",
        f"{Decimal(least) / 1000} to {Decimal(most) / 1000} {unit}" if row.carrier else "-",
        Decimal(row.detour_permille) / 1000,
    )


def level_rows(policy: Policy) -> list[tuple[object, ...]]:
    """What each badge level asks for."""
    return [
        (
            level.level,
            "proven" if level.proven else "all parcels",
            level.green_min,
            level.dimension_min,
            f"{level.complete_share_min_percent} %",
            f"{level.measured_share_min_percent} %",
            f"{level.packed_min} and {level.delivered_min}",
            level.active_days_min,
            f"{level.thin_bags_max_percent} %",
        )
        for level in policy.levels
    ]


def lie_rows(text: str) -> list[tuple[object, ...]]:
    """What the adversary found: the acts that gain most, from `lies.csv`."""
    return [tuple(row) for row in csv.reader(text.splitlines()[1:])]


def series_rows(method: Method) -> list[tuple[object, ...]]:
    """Which factor a litre or kWh takes, by country and first day; `*` is every other country."""
    return [
        (country, carrier, dated.first_day, dated.factor.id)
        for (country, carrier), series in method.carriers.items()
        for dated in reversed(series)
    ]
