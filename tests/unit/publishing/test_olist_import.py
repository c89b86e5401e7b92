"""The Olist data set becomes events: every kind of order, in order, nothing invented and nothing dropped unsaid."""

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from greenlane.contracts.events import ParcelDelivered, ParcelPacked
from greenlane.publishing.adapters.olist.events import Olist, read_olist
from greenlane.publishing.adapters.olist.files import (
    COLUMNS,
    CUSTOMERS,
    ITEMS,
    MUNICIPALITIES,
    ORDERS,
    PRODUCTS,
    SELLERS,
    OlistError,
)
from greenlane.publishing.adapters.olist.municipalities import Match
from greenlane.publishing.history.timeline import Kind, RawRecord, TimedEvent
from greenlane.publishing.sdk.encoding import encode

SAMPLE = Path(__file__).parents[4] / "shared" / "data"

Rows = dict[str, list[dict[str, str]]]


def order(number: int, status: str = "delivered", **changes: str) -> dict[str, str]:
    return {
        "order_id": f"order{number}",
        "customer_id": "lan",
        "order_status": status,
        "order_purchase_timestamp": "2018-01-10 09:00:00",
        "order_approved_at": "2018-01-10 10:00:00",
        "order_delivered_carrier_date": "2018-01-11 12:00:00",
        "order_delivered_customer_date": "2018-01-15 23:30:00",
    } | changes


def item(number: int, product: str = "book", seller: str = "shop", line: int = 1) -> dict[str, str]:
    return {"order_id": f"order{number}", "order_item_id": str(line), "product_id": product, "seller_id": seller}


def product(name: str, mass: str = "350", length: str = "21", height: str = "3", width: str = "14") -> dict[str, str]:
    names = COLUMNS[PRODUCTS]
    return dict(zip(names, (name, mass, length, height, width), strict=True))


def data_set(**changes: list[dict[str, str]]) -> Rows:
    rows: Rows = {
        ORDERS: [order(1)],
        ITEMS: [item(1)],
        PRODUCTS: [product("book"), product("lamp", "1200.5", "30", "20", "20"), product("unknown", "", "", "", "")],
        SELLERS: [
            {"seller_id": "shop", "seller_city": "sao paulo", "seller_state": "SP"},
            {"seller_id": "stall", "seller_city": "mogi-guaçu", "seller_state": "SP"},
            {"seller_id": "lost", "seller_city": "curitiba", "seller_state": "SP"},
        ],
        CUSTOMERS: [{"customer_id": "lan", "customer_city": "belo horizonte", "customer_state": "MG"}],
        MUNICIPALITIES: [
            {"codigo_ibge": "3550308", "nome": "São Paulo", "codigo_uf": "35"},
            {"codigo_ibge": "3530706", "nome": "Mogi Guaçu", "codigo_uf": "35"},
            {"codigo_ibge": "4106902", "nome": "Curitiba", "codigo_uf": "41"},
            {"codigo_ibge": "3106200", "nome": "Belo Horizonte", "codigo_uf": "31"},
        ],
    }
    return rows | {{"orders": ORDERS, "items": ITEMS}[name]: value for name, value in changes.items()}


def write(folder: Path, rows: Rows) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in rows.items():
        with (folder / name).open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS[name])
            writer.writeheader()
            writer.writerows(content)
    return folder


def olist(folder: Path, **changes: list[dict[str, str]]) -> Olist:
    return read_olist([write(folder, data_set(**changes))])


def types(events: Iterable[TimedEvent]) -> list[str]:
    return [event.payload.type.split(".")[2] for event in events if not isinstance(event.payload, RawRecord)]


def bodies(found: Olist) -> list[Any]:
    return [event.payload.data for event in found.events() if not isinstance(event.payload, RawRecord)]


def test_a_delivered_order_is_packed_at_the_carrier_and_delivered_at_the_customer(tmp_path: Path) -> None:
    packed, delivered = olist(tmp_path).events()

    assert types([packed, delivered]) == ["packed", "delivered"]
    assert [packed.at.isoformat(), delivered.at.isoformat()] == [
        "2018-01-11T14:00:00+00:00",  # 12:00 in São Paulo's summer time, two hours behind UTC
        "2018-01-16T01:30:00+00:00",
    ]
    assert b"-02:00" in dict(encode(packed.payload).headers)["ce_time"]  # type: ignore[arg-type] # an event


def test_winter_time_is_three_hours_behind(tmp_path: Path) -> None:
    winter = order(1, order_delivered_carrier_date="2018-07-11 12:00:00", order_delivered_customer_date="")

    (packed,) = olist(tmp_path, orders=[winter]).events()

    assert packed.at.isoformat() == "2018-07-11T15:00:00+00:00"


def test_mass_and_dimensions_are_the_product_s_and_packaging_stays_undeclared(tmp_path: Path) -> None:
    lines = [item(1, "book", line=1), item(1, "lamp", line=2), item(1, "book", line=3)]

    packed, delivered = bodies(olist(tmp_path, items=lines))

    assert [(line.quantity, line.mass_g, line.length_mm, line.width_mm, line.height_mm) for line in packed.items] == [
        (2, 350.0, 210, 140, 30),
        (1, 1200.5, 300, 200, 200),
    ]
    assert (packed.country, packed.outer, packed.components) == ("BR", None, None)
    assert (delivered.mass_g, delivered.attempts, delivered.transport_chain) == (1900.5, 1, None)
    assert (delivered.origin.code, delivered.destination.code) == ("3550308", "3106200")


def test_each_seller_of_an_order_sends_a_parcel_of_its_own(tmp_path: Path) -> None:
    found = olist(tmp_path, items=[item(1, seller="shop"), item(1, seller="stall", line=2)])

    assert [body.parcel_id for body in bodies(found)] == ["order1-1", "order1-2", "order1-1", "order1-2"]
    subjects = [event.payload.subject for event in found.events() if not isinstance(event.payload, RawRecord)]
    assert subjects == ["shop", "stall", "shop", "stall"]


def test_a_shipped_order_is_packed_only(tmp_path: Path) -> None:
    shipped = order(1, "shipped", order_delivered_customer_date="")

    assert types(olist(tmp_path, orders=[shipped]).events()) == ["packed"]


@pytest.mark.parametrize("status", ["created", "approved", "invoiced", "processing", "unavailable", "canceled"])
def test_an_order_that_was_never_handed_over_is_counted_and_makes_no_event(tmp_path: Path, status: str) -> None:
    waiting = order(1, status, order_delivered_carrier_date="", order_delivered_customer_date="")

    found = olist(tmp_path, orders=[waiting])

    assert (list(found.events()), found.days, found.report.never_packed) == ([], None, Counter({status: 1}))


def test_a_cancelled_order_that_was_packed_is_cancelled_after_the_last_thing_known(tmp_path: Path) -> None:
    cancelled = order(1, "canceled", order_delivered_customer_date="")

    packed, last = olist(tmp_path, orders=[cancelled]).events()

    assert types([packed, last]) == ["packed", "cancelled"]
    assert (last.at, last.kind) == (packed.at, Kind.CANCELLATION)


def test_a_delivery_without_handover_time_was_packed_when_approved(tmp_path: Path) -> None:
    packed, _ = olist(tmp_path, orders=[order(1, order_delivered_carrier_date="")]).events()

    assert packed.at.isoformat() == "2018-01-10T12:00:00+00:00"


def test_an_unclear_municipality_leaves_the_delivery_out_and_says_so(tmp_path: Path) -> None:
    found = olist(tmp_path, items=[item(1, seller="lost")])

    assert types(found.events()) == ["packed"]
    assert found.report.unknown_place == 1
    assert found.report.cities[Match.UNKNOWN] == 1
    assert "1 of unclear municipality" in "\n".join(found.report.lines())


def test_an_unknown_mass_leaves_the_delivery_out_and_the_item_undeclared(tmp_path: Path) -> None:
    found = olist(tmp_path, items=[item(1, "unknown"), item(1, "no-such-product", line=2)])

    (packed,) = bodies(found)

    assert isinstance(packed, ParcelPacked)
    assert [(line.mass_g, line.length_mm) for line in packed.items] == [(None, None), (None, None)]
    assert (found.report.unknown_mass, found.report.unmeasured_items) == (1, 2)


def test_an_order_without_items_is_counted(tmp_path: Path) -> None:
    found = olist(tmp_path, items=[])

    assert (len(found), found.report.without_items) == (0, 1)


def test_events_come_in_the_order_in_which_they_happened_and_the_same_on_every_run(tmp_path: Path) -> None:
    early = order(2, order_delivered_carrier_date="2018-01-01 08:00:00")
    change = {"orders": [order(1), early, order(3)], "items": [item(3), item(1), item(2)]}

    first, second = list(olist(tmp_path, **change).events()), list(olist(tmp_path, **change).events())

    assert first == second
    assert [event.at for event in first] == sorted(event.at for event in first)
    assert [event.payload.id for event in first if not isinstance(event.payload, RawRecord)] == [
        "order2-1.packed",
        *("order1-1.packed", "order3-1.packed"),
        *("order1-1.delivered", "order2-1.delivered", "order3-1.delivered"),
    ]


def test_files_may_lie_in_several_folders_and_below(tmp_path: Path) -> None:
    rows = data_set()
    write(tmp_path / "a" / "deep", {name: rows[name] for name in (ORDERS, ITEMS, CUSTOMERS)})
    write(tmp_path / "b", {name: rows[name] for name in (PRODUCTS, SELLERS, MUNICIPALITIES)})

    assert len(read_olist([tmp_path / "a", tmp_path / "b"])) == len(read_olist([tmp_path])) == 2


def test_every_missing_file_and_column_is_named(tmp_path: Path) -> None:
    rows = data_set()
    del rows[ITEMS], rows[CUSTOMERS]
    write(tmp_path, rows)
    (tmp_path / ORDERS).write_text("order_id,customer_id,order_status,order_purchase_timestamp\n", encoding="utf-8")

    with pytest.raises(OlistError) as caught:
        read_olist([tmp_path])

    for problem in (
        f"{ITEMS} is missing",
        f"{CUSTOMERS} is missing",
        f"{ORDERS} has no column order_approved_at",
        f"{ORDERS} has no column order_delivered_customer_date",
    ):
        assert problem in str(caught.value)


def table(name: str, *rows: tuple[str, ...], mark: str = ",") -> str:
    """A file of the data set as text, with the columns that it must have."""
    return "\n".join(mark.join(cells) for cells in (COLUMNS[name], *rows)) + "\n"


def changed(folder: Path, name: str, content: bytes | str) -> Path:
    """The usual data set with another file of this name."""
    write(folder, data_set())
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def first_item(folder: Path) -> tuple[float | None, int | None]:
    packed, *_ = bodies(read_olist([folder]))
    return packed.items[0].mass_g, packed.items[0].length_mm


def book(mass: str = "350", length: str = "21") -> tuple[str, ...]:
    return ("book", mass, length, "3", "14")


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (book('"350,5"'), (350.5, 210)),
        (book("350 g"), (350.0, 210)),
        (book("0.35kg", "210 mm"), (350.0, 210)),
        (book(" 350.0 ", "0.21 m"), (350.0, 210)),
        (book("NaN", "null"), (None, None)),
        (book("", ""), (None, None)),
        (book("0", "21"), (None, 210)),
    ],
)
def test_a_cell_that_has_one_meaning_is_read(cells: tuple[str, ...], read: tuple[object, ...], tmp_path: Path) -> None:
    assert first_item(changed(tmp_path, PRODUCTS, table(PRODUCTS, cells))) == read


@pytest.mark.parametrize(
    ("cells", "column", "said"),
    [
        (book('"1,350"'), "product_weight_g", "'1,350' has two meanings; write it like 1350"),
        (book("'1.350,5'".replace("'", '"')), "product_weight_g", "is no number of g; write it like 350.5"),
        (book("1200000"), "product_weight_g", "'1200000' is outside 0.0005 to 1,000,000 g"),
        (book("0.0000001"), "product_weight_g", "is outside"),
        (book("350 lb"), "product_weight_g", "is no number of g"),
        (book("-350"), "product_weight_g", "is no number of g"),
        (book("1e3"), "product_weight_g", "is no number of g"),
        (book("inf"), "product_weight_g", "is no number of g"),
        (book("³"), "product_weight_g", "is no number of g"),
        (book(length="0.04"), "product_length_cm", "'0.04' is outside 0.05 to 2,000 cm"),
        (book(length="99999"), "product_length_cm", "is outside"),
        (book(length="about 20"), "product_length_cm", "is no number of cm"),
    ],
)
def test_a_cell_without_one_meaning_is_named_and_nothing_is_published(
    cells: tuple[str, ...], column: str, said: str, tmp_path: Path
) -> None:
    folder = changed(tmp_path, PRODUCTS, table(PRODUCTS, ("lamp", "1", "1", "1", "1"), cells))

    with pytest.raises(OlistError) as caught:
        read_olist([folder])

    start, line = str(caught.value).splitlines()
    assert "nothing was published" in start
    assert line.startswith(f"{PRODUCTS}: row 3, column {column}: ")
    assert said in line


@pytest.mark.parametrize(
    "moment",
    ["soon", "11/01/2018 12:00", "43111.5", "2018-01-11", "2018-02-30 12:00:00", "2018-W02-4", "1999-01-01 00:00:00"],
)
def test_a_time_that_is_none_is_named_with_its_row(moment: str, tmp_path: Path) -> None:
    with pytest.raises(OlistError, match=rf"{ORDERS}: row 3,.*(column order_delivered_carrier_date.*2018-01-11|time)"):
        olist(tmp_path, orders=[order(2), order(1, order_delivered_carrier_date=moment)])


@pytest.mark.parametrize("offset", ["+00:00", "Z", " +0000", "+07:00", "-03:00"])
def test_an_offset_that_stands_in_the_file_counts(offset: str, tmp_path: Path) -> None:
    found = olist(tmp_path, orders=[order(1, order_delivered_carrier_date=f"2018-01-11 12:00:00{offset}")])

    hours = {"+07:00": 5, "-03:00": 15}.get(offset, 12)
    assert next(found.events()).at.isoformat() == f"2018-01-11T{hours:02}:00:00+00:00"
    assert found.report.own_offsets == 1


def test_an_id_that_the_contract_does_not_take_is_named_in_its_file(tmp_path: Path) -> None:
    items = [item(1, seller="loja da serra"), item(2)]
    orders = [order(1), order(2, order_id="pedido nº 2"), order(3)]

    with pytest.raises(OlistError) as caught:
        olist(tmp_path, orders=orders, items=[*items, item(2) | {"order_id": "pedido nº 2"}])

    text = str(caught.value)
    assert f"{ITEMS}: row 2, column seller_id: 'loja da serra' is no id" in text
    assert f"{ORDERS}: row 3, column order_id: 'pedido nº 2' is no id" in text


def test_what_the_cells_come_to_together_is_checked_before_anything_is_published(tmp_path: Path) -> None:
    folder = changed(tmp_path, PRODUCTS, table(PRODUCTS, book("900000")))
    with (folder / ITEMS).open("a", encoding="utf-8") as file:
        file.write("order1,2,book,shop\n")

    with pytest.raises(OlistError, match=rf"{ORDERS}: row 2, order order1, as delivered: mass_g must be at most"):
        read_olist([folder])


def test_many_problems_are_counted_and_the_first_named(tmp_path: Path) -> None:
    products = [(f"p{number}", "heavy", "1", "1", "1") for number in range(50)]
    folder = changed(tmp_path, PRODUCTS, table(PRODUCTS, *products))
    items = table(ITEMS, *(("order1", str(number), f"p{number}", "shop") for number in range(50)))
    (folder / ITEMS).write_text(items, encoding="utf-8")

    with pytest.raises(OlistError) as caught:
        read_olist([folder])

    lines = str(caught.value).splitlines()
    assert (len(lines), lines[-1]) == (22, "and 30 more")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_separators_and_line_ends_that_are_certain_are_read(
    encoding: str, mark: str, end: str, tmp_path: Path
) -> None:
    cities = [("3550308", "São Paulo", "35"), ("3106200", "Belo Horizonte", "31")]
    folder = changed(
        tmp_path, MUNICIPALITIES, table(MUNICIPALITIES, *cities, mark=mark).replace("\n", end).encode(encoding)
    )

    assert types(read_olist([folder]).events()) == ["packed", "delivered"]


def test_a_folder_that_is_named_like_a_file_is_a_folder(tmp_path: Path) -> None:
    rows = data_set()
    products = rows.pop(PRODUCTS)
    write(tmp_path, rows)
    write(tmp_path / PRODUCTS, {PRODUCTS: products})

    assert len(read_olist([tmp_path])) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 and so on", "is a zip archive or an Excel workbook; unpack it, or save it as CSV"),
        (b"\x1f\x8b and so on", "is a gzip archive; unpack it"),
        (b"", "is empty"),
        (b"\r\n\r\n", "is empty"),
        (table(PRODUCTS, book("350,5")).encode(), "row 2 has 6 cells and the header 5"),
        (table(PRODUCTS, ("book", "350")).encode(), "row 2 has 2 cells and the header 5"),
        (table(PRODUCTS, book("\0")).encode(), ""),
        (table(PRODUCTS, book(), ("pão", "1", "1", "1", "1")).encode("mac_roman"), "row 3 is no text in UTF-8"),
        (table(PRODUCTS, book("9" * 200_000)).encode(), "row 2"),
        (b"product_id\n\xff", "row 2 is no text in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_for_certain_is_one_line(content: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(OlistError) as caught:
        read_olist([changed(tmp_path, PRODUCTS, content)])

    assert PRODUCTS in str(caught.value)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.foreign_file("data/unlicensed-test-only/olist_orders_1000")
def test_the_public_sample_adds_up() -> None:
    found = read_olist([SAMPLE / "olist", SAMPLE / "unlicensed-test-only" / "olist_orders_1000", SAMPLE / "brazil"])

    report = found.report
    assert report.orders == 1000
    packed = {body.parcel_id.split("-")[0] for body in bodies(found)}
    assert report.orders == len(packed) + report.never_packed.total()
    assert report.events["packed"] == report.parcels
    assert report.events.total() == len(found) == sum(1 for _ in found.events())
    assert found.days is not None
    assert [day.year for day in found.days] == [2016, 2018]
    deliveries = [body for body in bodies(found) if isinstance(body, ParcelDelivered)]
    assert len(deliveries) == report.events["delivered"] > 950
    assert report.unknown_place < 20
