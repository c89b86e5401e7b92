"""Which place a region or a city of a document means: one that is meant beyond doubt, or none."""

import pytest

from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.facts import place


def code(country: str, region: str | None = None, city: str | None = None) -> str | None:
    found = place(country, (region,), StatedBy.SELLER, cities=(city,))
    return None if found is None else found.code


@pytest.mark.parametrize("state", ["São Paulo", "Goiás", "Rio de Janeiro", "Tocantins", "SP"])
def test_a_state_of_brazil_is_no_municipality_of_its_name(state: str) -> None:
    assert code("BR", state) is None


@pytest.mark.parametrize(
    ("country", "city", "expected"),
    [
        ("BR", "São Paulo", "3550308"),
        ("BR", "Tinhaém", None),
        ("BR", "TP São Paulo", None),
        ("VN", "TP. Hồ Chí Minh", "79"),
        ("VN", "Nghệ An", "40"),
        ("US", "LA", None),
        ("US", "NYC", None),
    ],
)
def test_a_city_is_a_place_of_our_tables_or_none(country: str, city: str, expected: str | None) -> None:
    assert code(country, city=city) == expected


def test_a_region_that_we_have_no_table_of_is_its_short_code_and_comes_before_the_city() -> None:
    assert code("US", "CA", "LA") == "CA"
    assert code("VN", "Hà Nội", "Hồ Chí Minh") == "01"
    assert code("BR", "São Paulo", "Campinas") == "3509502"
