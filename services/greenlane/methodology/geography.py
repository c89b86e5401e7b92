"""Points of provinces, wards and municipalities, and the great circle between them."""

from dataclasses import dataclass
from datetime import date
from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

from greenlane.methodology.facts import Place

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth (IUGG)."""


class Point(NamedTuple):
    """A place in radians; the flags say whether it lies outside Hanoi and Ho Chi Minh City in each province coding.

    `countryside`: a rural commune (xã), whose rounds are longer than those of a town.
    """

    latitude: float
    longitude: float
    cos_latitude: float
    outside_two_cities_63: bool = False
    outside_two_cities_34: bool = False
    countryside: bool = False


def point(
    latitude: str, longitude: str, *, outside_63: bool = False, outside_34: bool = False, countryside: bool = False
) -> Point:
    """A point from decimal degrees. Raises ValueError outside -90..90 and -180..180."""
    degrees_north, degrees_east = float(latitude), float(longitude)
    if not (-90 <= degrees_north <= 90 and -180 <= degrees_east <= 180):
        raise ValueError(f"latitude {latitude} or longitude {longitude} is outside the Earth")
    north = radians(degrees_north)
    return Point(north, radians(degrees_east), cos(north), outside_63, outside_34, countryside)


@dataclass(frozen=True, slots=True)
class Places:
    """Points by country and code. Vietnamese two-digit codes mean 63 provinces before `vn_34_from`, 34 from then on."""

    points: dict[str, dict[str, Point]]
    vn_63: dict[str, Point]
    vn_34: dict[str, Point]
    vn_34_from: date

    def find(self, place: Place, day: date) -> Point | None:
        """The point of a place on a day; a province code of the other coding still finds its point."""
        if place.country == "VN" and len(place.code) == 2:
            first, second = (self.vn_63, self.vn_34) if day < self.vn_34_from else (self.vn_34, self.vn_63)
            return first.get(place.code) or second.get(place.code)
        country = self.points.get(place.country)
        return None if country is None else country.get(place.code)


def great_circle_m(start: Point, end: Point) -> int:
    """Whole metres along the great circle (haversine)."""
    south_north = sin((end.latitude - start.latitude) / 2)
    west_east = sin((end.longitude - start.longitude) / 2)
    chord = south_north * south_north + start.cos_latitude * end.cos_latitude * west_east * west_east
    return round(2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord))))
