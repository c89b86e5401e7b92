"""Every row is accounted for, no key stands twice, and what has the wrong shape is refused by line and column."""

import pytest
from tests.unit.publishing.tables.reading import read_table

TOP = 'marketplace: demo-vn\nzone: "+07:00"\n'


@pytest.mark.parametrize(("cell", "country"), [("TH", "TH"), ("", "VN")])
def test_a_country_of_the_row_counts_more_than_the_mappings_and_stands_once(cell: str, country: str) -> None:
    mapping = TOP + "country: VN\nfacts: {parcel_id: id, seller_id: {value: s-1}, packed.time: t, packed.country: c}\n"
    (event,) = read_table(f"id,t,c\nP1,2026-07-13,{cell}\n".encode(), mapping).events
    assert event["data"] == {"parcel_id": "P1", "country": country}


def test_a_program_that_does_not_quote_never_gives_a_parcel_the_next_ones_mass() -> None:
    mapping = TOP + (
        "country: VN\nfacts: {parcel_id: id, seller_id: {value: s-1}, packed.time: t, packed.item.mass: m}\n"
    )
    read = read_table(b'id,name,m,t\nP1,"Hop,100 g,2026-07-13\nP2,Ao 5",200 g,2026-07-14\n', mapping)
    assert [(event["data"]["parcel_id"], event["data"]["items"]) for event in read.events] == [
        ("P2", [{"mass_g": 200}])
    ]
    (fault,) = read.faults
    assert (fault.line, "joins it with the next line" in fault.problem) == (2, True)
