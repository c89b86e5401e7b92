"""City names find their municipality, or none: a wrong one is worse than an unknown one."""

import pytest

from greenlane.publishing.adapters.olist.municipalities import STATES, Match, Municipalities, normalise

TABLE = [
    {"codigo_ibge": "3550308", "nome": "São Paulo", "codigo_uf": "35"},
    {"codigo_ibge": "3518800", "nome": "Guarulhos", "codigo_uf": "35"},
    {"codigo_ibge": "3554607", "nome": "Timburi", "codigo_uf": "35"},
    {"codigo_ibge": "3515004", "nome": "Embu das Artes", "codigo_uf": "35"},
    {"codigo_ibge": "4217204", "nome": "São Miguel do Oeste", "codigo_uf": "42"},
    {"codigo_ibge": "5300108", "nome": "Brasília", "codigo_uf": "53"},
    {"codigo_ibge": "2910800", "nome": "Feira Nova do Sul", "codigo_uf": "29"},
    {"codigo_ibge": "2910801", "nome": "Feira Nova do Sal", "codigo_uf": "29"},
]


@pytest.mark.parametrize(
    ("city", "state", "code", "match"),
    [
        ("sao paulo", "SP", "3550308", Match.EXACT),
        ("SÃO-PAULO", "SP", "3550308", Match.EXACT),
        ("sao paulo / sao paulo", "SP", "3550308", Match.CLEANED),
        ("sao paulo - sp", "SP", "3550308", Match.CLEANED),
        ("sao paulo sp", "SP", "3550308", Match.CLEANED),
        ("brasilia df", "DF", "5300108", Match.CLEANED),
        ("sao miguel d'oeste", "SC", "4217204", Match.CLEANED),
        ("guarulhos, sao paulo, brasil", "SP", "3518800", Match.CLEANED),
        ("garulhos", "SP", "3518800", Match.MISSPELT),
        ("sao pauo", "SP", "3550308", Match.MISSPELT),
        ("guarulhos", "SC", None, Match.UNKNOWN),
        ("sp", "SP", None, Match.UNKNOWN),
        ("4482255", "SP", None, Match.UNKNOWN),
        ("feira nova do sol", "BA", None, Match.UNKNOWN),
        ("sao paulo", "XX", None, Match.UNKNOWN),
        ("", "SP", None, Match.UNKNOWN),
    ],
)
def test_finds_the_one_municipality_meant(city: str, state: str, code: str | None, match: Match) -> None:
    municipalities = Municipalities(TABLE)

    assert municipalities.code(city, state) == code
    assert municipalities.found == {match: 1}


def test_each_distinct_city_is_counted_once() -> None:
    municipalities = Municipalities(TABLE)

    for _ in range(3):
        municipalities.code("sao paulo", "SP")

    assert municipalities.found.total() == 1


def test_every_state_has_its_own_code() -> None:
    assert len(STATES) == len(set(STATES.values())) == 27
    assert (STATES["SP"], STATES["RJ"], STATES["BA"], STATES["DF"]) == ("35", "33", "29", "53")


def test_normalising_twice_changes_nothing() -> None:
    assert (
        normalise(normalise("Santa Bárbara d'Oeste")) == normalise("Santa Bárbara d'Oeste") == "santa barbara d oeste"
    )
