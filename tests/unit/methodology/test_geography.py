"""Points and the great circle between them."""

from math import cos, radians

import pytest

from greenlane.methodology.geography import EARTH_RADIUS_M, great_circle_m, point


def test_a_point_holds_radians_the_cosine_and_what_lies_outside_the_two_cities() -> None:
    place = point("10.5", "-106.25", outside_63=True)
    assert (place.latitude, place.longitude) == (radians(10.5), radians(-106.25))
    assert place.cos_latitude == cos(radians(10.5))
    assert (place.outside_two_cities_63, place.outside_two_cities_34) == (True, False)
    other = point("0", "0", outside_34=True)
    assert (other.outside_two_cities_63, other.outside_two_cities_34) == (False, True)


@pytest.mark.parametrize(("latitude", "longitude"), [("90", "180"), ("-90", "-180"), ("0", "0"), ("-0.5", "179.9")])
def test_the_whole_earth_has_points(latitude: str, longitude: str) -> None:
    assert point(latitude, longitude).latitude == radians(float(latitude))


@pytest.mark.parametrize(
    ("latitude", "longitude"), [("90.1", "0"), ("-90.1", "0"), ("0", "180.1"), ("0", "-180.1"), ("nan", "0")]
)
def test_what_is_outside_the_earth_is_refused_by_name(latitude: str, longitude: str) -> None:
    with pytest.raises(ValueError, match=f"^latitude {latitude} or longitude {longitude} is outside the Earth$"):
        point(latitude, longitude)


def test_great_circles_of_a_quarter_a_half_and_no_turn() -> None:
    north, south, origin = point("90", "0"), point("-90", "0"), point("0", "0")
    quarter = round(EARTH_RADIUS_M * radians(90))
    assert great_circle_m(origin, north) == great_circle_m(north, origin) == quarter
    assert great_circle_m(origin, point("0", "90")) == quarter
    assert (
        great_circle_m(north, south)
        == great_circle_m(origin, point("0", "180"))
        == round(EARTH_RADIUS_M * radians(180))
    )
    assert great_circle_m(origin, origin) == 0
    assert great_circle_m(point("60", "0"), point("60", "90")) == 4_604_546  # acos(3/4) x radius
