"""Loads the points of provinces, wards and municipalities, each table with its licence."""

from importlib.resources.abc import Traversable

from greenlane.factors.files import read_csv, read_yaml
from greenlane.factors.registry import SHIPPED_LICENCES, TableError
from greenlane.factors.rows import PlacesFile
from greenlane.methodology.geography import Places, Point, point


def load_places(folder: Traversable) -> Places:
    """Every place the method knows. Raises TableError for a forbidden licence, a bad point or a stray file."""
    index = read_yaml(folder / "places.yaml", PlacesFile)
    for table in index.tables:
        if table.licence not in SHIPPED_LICENCES:
            raise TableError(
                "places.yaml", table.file, f"licence {table.licence!r} does not allow shipping", "Remove it"
            )
    inside = index.two_cities
    vn_63 = {
        code: _point("vn_provinces_63.csv", (code, *degrees), (code, code_34), inside)
        for code, *degrees, code_34 in read_csv(folder / "vn_provinces_63.csv", ("code", "lat", "lon", "code_34"))
    }
    vn_34 = {
        code: _point("vn_provinces_34.csv", (code, *degrees), (code, code), inside)
        for code, *degrees in read_csv(folder / "vn_provinces_34.csv", ("code", "lat", "lon"))
    }
    wards = {
        code: _point("vn_wards_2025.csv", (code, *degrees), (province, province), inside, kind)
        for code, *degrees, province, kind in read_csv(
            folder / "vn_wards_2025.csv", ("code", "lat", "lon", "province", "kind")
        )
    }
    municipalities = {
        code: _point("br_municipalities.csv", (code, *degrees), None, inside)
        for code, *degrees in read_csv(folder / "br_municipalities.csv", ("code", "lat", "lon"))
    }
    return Places({"VN": wards, "BR": municipalities}, vn_63, vn_34, index.vn_34_from)


_KINDS = {"town": False, "island": False, "country": True}
"""Whether a ward's rounds are those of the countryside; an island (đặc khu) is as small as a town's ward."""


def _point(
    file: str, row: tuple[str, ...], provinces: tuple[str, str] | None, inside: frozenset[str], kind: str = "town"
) -> Point:
    """A point from (code, latitude, longitude); `provinces` are its codes in both codings, None outside Vietnam.

    A code of 2025 that covers Ho Chi Minh City and its merged neighbours counts as inside in both codings.
    """
    code, latitude, longitude = row
    if kind not in _KINDS:
        raise TableError(file, code, f"unknown kind {kind!r}", f"Use one of: {', '.join(_KINDS)}")
    outside_63, outside_34 = (
        (False, False) if provinces is None else tuple(province not in inside for province in provinces)
    )
    try:
        return point(latitude, longitude, outside_63=outside_63, outside_34=outside_34, countryside=_KINDS[kind])
    except ValueError as error:
        raise TableError(file, code, str(error), "Give decimal degrees") from error
