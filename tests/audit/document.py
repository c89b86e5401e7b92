"""The tables of the method's document, read from its own markdown, and the points of the places beside it."""

import csv
import datetime as dt
import re
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import yaml

METHODOLOGY = Path(__file__).resolve().parents[2] / "schemas" / "methodology"
DOCUMENT = METHODOLOGY / "method-2.0.0.md"
POLICY = METHODOLOGY / "policy-2.0.0.yaml"

Row = dict[str, str]
Point = tuple[float, float]


@dataclass(frozen=True)
class Material:
    """A row of the table of materials; cover in g per m²."""

    primary: Fraction
    closed_loop: Fraction
    plastic: bool
    known: bool
    cover: Fraction
    film: bool


@dataclass(frozen=True)
class Vehicle:
    """A row of the table of vehicles joined with its bounds; an electric figure is in kWh."""

    per_km: Fraction | None
    per_tkm: Fraction | None
    electric_km: bool
    electric_tkm: bool
    stands_in: bool
    cooling: Fraction
    energy: str | None
    least_per_km: Fraction
    most_per_km: Fraction
    detour: Fraction
    payload_mg: int
    round_m: int
    parcels: int


@dataclass(frozen=True)
class Level:
    """A level of the badge policy."""

    name: str
    proven: bool
    green: Fraction
    dimension: Fraction
    complete_percent: int
    measured_percent: int
    packed: int
    delivered: int
    days: int
    thin_bags_percent: int


def _cells(line: str) -> list[str]:
    """The cells of a line of a table; a bar with a backslash before it is a part of its cell."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


@cache
def _lines() -> list[str]:
    return DOCUMENT.read_text(encoding="utf-8").splitlines()


def table(*header: str) -> list[Row]:
    """The rows of the only table whose first columns are `header`."""
    lines = _lines()
    starts = [
        i for i, line in enumerate(lines) if line.startswith("|") and tuple(_cells(line)[: len(header)]) == header
    ]
    if len(starts) != 1:
        raise LookupError(f"{len(starts)} tables begin with {header}")
    names = _cells(lines[starts[0]])
    rows = []
    for line in lines[starts[0] + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(names, _cells(line), strict=True)))
    return rows


@cache
def factors() -> dict[str, tuple[Fraction, str]]:
    """Value and unit of every factor of section 6."""
    return {row["factor"]: (Fraction(row["value"]), row["unit"]) for row in table("factor", "value")}


def factor(name: str) -> Fraction:
    return factors()[name][0]


@cache
def materials() -> dict[str, Material]:
    """The table of materials; one without a closed-loop factor keeps its primary one."""
    found = {}
    for row in table("material", "primary"):
        primary = factor(row["primary"])
        closed = primary if row["closed loop"] == "-" else factor(row["closed loop"])
        yes = {name: row[name] == "yes" for name in ("plastic", "known", "film")}
        found[row["material"]] = Material(
            primary, closed, yes["plastic"], yes["known"], Fraction(row["cover"]), yes["film"]
        )
    return found


def _bounds_of_vehicles() -> dict[str, Row]:
    return {name: row for row in table("vehicles", "payload kg") for name in row["vehicles"].split(", ")}


def _none_or(number: str) -> int:
    return 0 if number == "-" else int(number)


def _figure(name: str) -> tuple[Fraction | None, bool]:
    """A figure per km or tonne-km, and whether it is in kWh."""
    if name == "-":
        return None, False
    value, unit = factors()[name]
    return value, unit.startswith("kWh")


@cache
def vehicles() -> dict[str, Vehicle]:
    """The table of vehicles with their bounds."""
    bounds = _bounds_of_vehicles()
    found = {}
    for row in table("vehicle", "per km"):
        name = row["vehicle"]
        km, km_electric = _figure(row["per km"])
        tkm, tkm_electric = _figure(row["per tonne-km"])
        span = row["plausible per km"].split()
        found[name] = Vehicle(
            per_km=km,
            per_tkm=tkm,
            electric_km=km_electric,
            electric_tkm=tkm_electric,
            stands_in=row["energy"] == "electricity" and km is not None and not km_electric,
            cooling=factor(row["cooling"]),
            energy=None if row["energy"] == "-" else row["energy"],
            least_per_km=Fraction(span[0]) if row["energy"] != "-" else Fraction(0),
            most_per_km=Fraction(span[2]) if row["energy"] != "-" else Fraction(0),
            detour=Fraction(row["detour"]),
            payload_mg=int(bounds[name]["payload kg"]) * 1_000_000,
            round_m=_none_or(bounds[name]["round km"]) * 1000,
            parcels=_none_or(bounds[name]["parcels"]),
        )
    return found


@cache
def bound(fact: str) -> tuple[int, int]:
    """Least and most of a fact in the second table of bounds; without one, whatever there is."""
    for row in table("fact", "least"):
        if row["fact"] == fact:
            least, most = row["least"], row["most"]
            return 0 if least == "-" else int(least), sys.maxsize if most == "-" else int(most)
    raise LookupError(fact)


@cache
def certificate_forms() -> dict[str, re.Pattern[str]]:
    """The form of the ids of each scheme."""
    return {row["scheme"]: re.compile(row["id"].strip("`")) for row in table("scheme", "id")}


@cache
def energy_rows() -> dict[tuple[str, str], list[tuple[dt.date, Fraction]]]:
    """Fuels and electricity by country and carrier, oldest row first."""
    found: dict[tuple[str, str], list[tuple[dt.date, Fraction]]] = {}
    for row in table("country", "energy"):
        key = (row["country"], row["energy"])
        found.setdefault(key, []).append((dt.date.fromisoformat(row["from"]), factor(row["factor"])))
    return {key: sorted(rows) for key, rows in found.items()}


def energy_factor(country: str, carrier: str, day: dt.date) -> Fraction:
    """The factor of the latest row up to the day; a day before the first row takes the first."""
    rows = energy_rows()
    dated = rows.get((country, carrier)) or rows["*", carrier]
    past = [value for start, value in dated if start <= day]
    return past[-1] if past else dated[0][1]


@cache
def thin_bag_rules() -> list[tuple[str, dt.date, dt.date]]:
    """Country, first and last day of each rule of section 2.4."""
    found = []
    for row in table("rule", "country"):
        first, last = row["in force"].split(" to ")
        end = dt.date.max if last == "open" else dt.date.fromisoformat(last)
        found.append((row["country"], dt.date.fromisoformat(first), end))
    return found


@cache
def places(name: str) -> dict[str, dict[str, str]]:
    """A table of places by code."""
    with (METHODOLOGY / "places" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file)}


@cache
def policy() -> tuple[dict[str, int], list[Level]]:
    """The plain numbers of the policy and its levels, lowest first."""
    text = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    numbers = {name: value for name, value in text.items() if isinstance(value, int)}
    levels = [
        Level(
            name=row["level"],
            proven=row["proven"],
            green=Fraction(row["green_min"]),
            dimension=Fraction(row["dimension_min"]),
            complete_percent=row["complete_share_min_percent"],
            measured_percent=row["measured_share_min_percent"],
            packed=row["packed_min"],
            delivered=row["delivered_min"],
            days=row["active_days_min"],
            thin_bags_percent=row["thin_bags_max_percent"],
        )
        for row in text["levels"]
    ]
    return numbers, levels
