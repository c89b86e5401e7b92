"""What is guessed, what is asked, and that a saved mapping reads back to the same."""

import pytest
from tests.unit.publishing.tables.reading import guess_of, read_table

from greenlane.publishing.tables.facts import names
from greenlane.publishing.tables.faults import MappingError
from greenlane.publishing.tables.header_words import BY_NAME, EITHER, split_unit
from greenlane.publishing.tables.mapping import Mapping, parse_mapping, written_mapping
from greenlane.publishing.tables.values.words import words_of

HEADER = "Mã vận đơn;Mã shop;Ngày giao;Khối lượng kiện (kg);Số lần giao;Tỉnh gửi;Tỉnh nhận"
ROW = "VD{0};s-1;{1};{2};1;Hà Nội;Đà Nẵng"


def table(*rows: tuple[str, str], header: str = HEADER) -> bytes:
    return "\n".join([header, *(ROW.format(number, *row) for number, row in enumerate(rows))]).encode()


def test_what_is_certain_is_guessed_and_reads_the_table() -> None:
    file = table(("13/07/2026 09:30", "0,5"), ("01/08/2026", "1.234"))
    found = guess_of(file)
    assert found.questions == ()
    assert {line.fact: (line.form, line.confidence) for line in found.lines} == {
        "parcel_id": ("", "sure"),
        "seller_id": ("", "sure"),
        "delivered.time": ("DD/MM/YYYY", "sure"),
        "delivered.mass": ("kg, decimal comma", "sure"),
        "delivered.attempts": ("", "sure"),
        "delivered.origin.province": ("", "sure"),
        "delivered.destination.province": ("", "sure"),
    }
    assert found.mapping.country == "VN"
    assert found.mapping.zone == "+07:00"
    read = read_table(file, found.mapping)
    assert [event["data"]["mass_g"] for event in read.events] == [500]
    assert [fault.line for fault in read.faults] == [3], "1.234 kg with a decimal comma is more than a tonne"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("01/02/2026", "0,5"), "column Ngày giao has two meanings (day or month first), such as '01/02/2026'"),
        (("01/02/2026", "0,5"), '`delivered.time: {column: "Ngày giao", date: DD/MM/YYYY}`'),
        (("13/02/2026", "1.234"), "column Khối lượng kiện (kg) has two meanings (the sign before three digits)"),
        (("13/02/2026", "1.234"), '{column: "Khối lượng kiện (kg)", unit: kg, decimal: ","}`'),
        (("hôm qua", "0,5"), "are no times"),
        (("13/07/26", "0,5"), "date: DD/MM/YY}` or"),
    ],
)
def test_what_has_two_meanings_is_asked_with_examples_and_the_line_to_write(row: tuple[str, str], words: str) -> None:
    questions = guess_of(table(row, row)).questions
    assert any(words in question for question in questions), questions


def test_an_answered_question_makes_the_mapping_sound() -> None:
    file = table(("01/02/2026", "1.234"), ("02/03/2026", "5.678"))
    found = guess_of(file)
    text = written_mapping(found.mapping, found.questions)
    assert text.count("# open: ") == 2
    answered = text.replace("{column: Ngày giao}", "{column: Ngày giao, date: DD/MM/YYYY}").replace(
        "unit: kg}", "unit: kg, decimal: '.'}"
    )
    read = read_table(file, answered)
    assert [(event["time"], event["data"]["mass_g"]) for event in read.events] == [
        ("2026-02-01T12:00:00+07:00", 1234),
        ("2026-03-02T12:00:00+07:00", 5678),
    ]


def test_values_that_contradict_one_another_decide_nothing() -> None:
    found = guess_of(table(("13/02/2026", "12,5"), ("02/13/2026", "12.5"), ("01/02/2026", "1.234")))
    assert len(found.questions) >= 2


def test_a_missing_unit_zone_or_fact_is_asked() -> None:
    header = "Tracking,Shop ID,Delivered at,Weight,Origin code"
    questions = " ".join(guess_of(f"{header}\nA-1,s,2026-07-01 09:30,500,BR\n".encode()).questions)
    assert "no unit" in questions
    assert "no time zone" in questions
    assert "`country: VN`" in questions
    assert "`delivered.attempts: {value: 1}`" in questions
    assert "`delivered.destination.province: {column: …}`" in questions


def test_two_columns_for_one_fact_and_one_column_for_two_are_asked() -> None:
    header = "Tracking,Waybill,Shop ID,Province,Delivered at"
    questions = " ".join(guess_of(f"{header}\nA-1,B-1,s,Hà Nội,2026-07-01T09:30:00Z\n".encode()).questions)
    assert '`parcel_id: {column: "Tracking"}` or `parcel_id: {column: "Waybill"}`' in questions
    assert "column Province may tell two things" in questions


def test_words_that_no_list_has_are_asked() -> None:
    questions = " ".join(guess_of(table(("13/07/2026", "0,5"), header=HEADER + ";Phương tiện")
                                  .replace("Đà Nẵng".encode(), "Đà Nẵng;xe máy".encode())).questions)  # fmt: skip
    assert "'xe máy'" in questions
    assert 'words: {"xe máy": …}' in questions


def test_excel_serial_numbers_are_seen_as_such() -> None:
    found = guess_of(table(("46204", "0,5"), ("46205,5", "0,25")))
    assert found.questions == ()
    assert "Excel serial numbers (1900 system)" in {line.form for line in found.lines}


def test_a_return_goes_the_way_of_the_delivery_back() -> None:
    found = guess_of(table(("13/07/2026", "0,5"), header=HEADER + ";Ngày hoàn").replace(
        "Đà Nẵng".encode(), "Đà Nẵng;15/07/2026".encode()))  # fmt: skip
    facts = found.mapping.facts
    assert facts["returned.origin.province"].column == "Tỉnh nhận"
    assert facts["returned.destination.province"].column == "Tỉnh gửi"
    assert facts["returned.attempts"].column == "Số lần giao"


def test_columns_of_people_are_never_used() -> None:
    for name in ("Người nhận", "Số điện thoại", "Địa chỉ", "Phone", "Address", "Buyer name", "Email"):
        words = split_unit(name)[0]
        assert words not in BY_NAME
        assert words not in EITHER


def test_every_word_for_a_column_leads_to_a_fact() -> None:
    facts = set(names())
    assert {fact for fact, _ in BY_NAME.values()} <= facts
    assert {fact for either in EITHER.values() for fact in either} <= facts
    assert all(words_of(name) == name for name in BY_NAME)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no mapping"),
        ("facts: [", "is not YAML"),
        ("facts: &a {parcel_id: *a}", "alias"),
        ("facts: {parcel: x}", "no fact 'parcel'; near it: parcel_id"),
        ("facts: {parcel_id: {column: a, value: b}}", "facts.parcel_id: needs either column or value"),
        ("facts: {parcel_id: {column: a, colour: b}}", "colour"),
        ("facts: {packed.item.mass: {column: a, unit: cm}}", "'cm' is no unit of it; use one of g, kg"),
        ("facts: {packed.time: {column: a, date: D/M}}", "facts.packed.time.date"),
        ("facts: {packed.time: {column: a, zone: Mars/Base}}", "no time zone 'Mars/Base'"),
        ("country: NO\nfacts: {}", "quotation marks"),
        ("time_of_day: 12:00\nfacts: {}", "quotation marks"),
        ("facts: {}\nfile: {encoding: latin-1}", "file.encoding"),
        ("facts: {packed.item.mass: a, packed.item.1.mass: b}", "'packed.item.1.mass' is packed.item.mass; keep one"),
        ("facts: {delivered.hub.1.co2e: a, delivered.hub.co2e: b}", "keep one"),
        ("facts: {seller_id: {value: 0123}}", "line 1: YAML reads 0123 as another number; put it in quotation marks"),
        ("facts: {seller_id: a, seller_id: b}", "line 1: has the key seller_id a second time; keep one of the two"),
        ("facts: {parcel_id: 010}", "YAML reads 010 as another number"),
        ("facts: {seller_id: {value: 1_000}}", "YAML reads 1_000 as another number"),
        ("facts: {}\nzone: +10:00", "YAML reads +10:00 as another number"),
        ("facts: {seller_id: {value: 2026-07-01}}", "put it in quotation marks"),
        ("facts: {packed.outer.kind: {column: a, words: {12.50: box}}}", "put it in quotation marks"),
        ("a: " * 5_000, "is not YAML"),
        ("{" * 20_000, "is not YAML"),
    ],
)
def test_a_mapping_that_is_not_sound_names_the_place(text: str, words: str) -> None:
    with pytest.raises(MappingError) as refused:
        parse_mapping(text, "M.yaml")
    assert words in str(refused.value)


def test_facts_that_an_event_cannot_be_without_are_named_with_the_line_to_add() -> None:
    with pytest.raises(MappingError) as refused:
        read_table(b"a,b,c\n1,2,3\n", "facts: {parcel_id: a, packed.time: b, packed.outer.size: c}")
    text = str(refused.value)
    assert "`seller_id: {value: YOUR-SHOP}`" in text
    assert "`packed.country: {value: VN}`" in text
    assert "`packed.outer.kind: {value: box}`" in text


def test_a_saved_mapping_reads_back_to_the_same() -> None:
    text = (
        'marketplace: demo-vn\ncountry: VN\nzone: "+07:00"\ndecimal: ","\nempty: ["0", không]\nsame_rows: once\n'
        'file: {separator: "\\t", encoding: windows-1258, header_line: 3}\n'
        "facts:\n  parcel_id: 'Mã: đơn #1'\n  seller_id: {value: 'yes'}\n  packed.time: {column: 7, date: excel}\n"
        "  packed.outer.kind: {column: Hộp, words: {Có: box, 1: own_box}}\n"
        "  packed.item.2.mass: {value: 87.5, unit: g}\n"
    )
    mapping = parse_mapping(text, "m")
    assert parse_mapping(written_mapping(mapping), "m") == mapping
    assert isinstance(mapping, Mapping)


@pytest.mark.parametrize(
    ("fact", "value"),
    [("seller_id", "123"), ("seller_id", "12.50"), ("packed.country", "NO"), ("packed.component.role", "yes"),
     ("delivered.origin.province", "1"), ("delivered.destination.code", "48")],
)  # fmt: skip
def test_a_text_that_yaml_reads_as_something_else_is_refused(fact: str, value: str) -> None:
    facts = {"parcel_id": "a", "seller_id": "b", "packed.time": "c", "packed.country": "d"}
    facts |= {"delivered.time": "c", "delivered.mass": "{value: 1 kg}", "delivered.attempts": "{value: 1}"}
    facts |= {
        "delivered.origin.code": "e",
        "delivered.destination.code": "f",
        "packed.component.role": "{value: outer}",
    }
    if fact.endswith("province"):
        del facts["delivered.origin.code"]
    lines = (facts | {fact: f"{{value: {value}}}"}).items()
    mapping = "country: VN\nfacts:\n" + "".join(f"  {name}: {source}\n" for name, source in lines)
    with pytest.raises(MappingError, match=f"facts.{fact}.value: is a text.*quotation marks"):
        read_table(b"a,b,c,d,e,f\nP,s,2026-07-01,VN,01,48\n", mapping)


def test_numbers_and_flags_need_no_quotation_marks() -> None:
    mapping = (
        'country: VN\nzone: "+07:00"\nfacts: {parcel_id: a, seller_id: {value: "0123"}, delivered.time: b, '
        "delivered.mass: {value: 12.50, unit: g}, delivered.attempts: {value: 2}, delivered.origin.province: c, "
        "delivered.destination.province: c, delivered.last_mile.temperature_controlled: {value: yes}}\n"
    )
    (event,) = read_table("a,b,c\nP-1,2026-07-01,Hà Nội\n".encode(), mapping).events
    assert (event["subject"], event["data"]["mass_g"], event["data"]["attempts"]) == ("0123", 12.5, 2)
    assert event["data"]["transport_chain"] == [{"role": "last_mile", "temperature_controlled": True}]


BUYER = "P-1,s-1,2026-07-01,Nguyễn Thị A,0912345678\nP-2,s-1,2026-07-02,Trần Văn B,0987654321\n".encode()


def test_columns_by_number_only_ask_whether_there_is_a_header() -> None:
    mapping = 'country: VN\nzone: "+07:00"\nfacts: {parcel_id: 1, seller_id: 2, packed.time: 3}\n'
    with pytest.raises(MappingError, match=r"header_line: 0.*header_line: 1"):
        read_table(BUYER, mapping)
    assert len(read_table(BUYER, f"{mapping}file: {{header_line: 0}}\n").events) == 2
    assert len(read_table(b"a,b,c,d,e\n" + BUYER, f"{mapping}file: {{header_line: 1}}\n").events) == 2


def test_the_first_row_of_a_file_without_a_header_is_not_shown() -> None:
    with pytest.raises(MappingError) as refused:
        read_table(BUYER, "country: VN\nfacts: {parcel_id: Mã, seller_id: Shop, packed.time: Ngày}\n")
    assert "Nguyễn" not in str(refused.value)
    assert "it has 5 columns" in str(refused.value)
    assert "header_line" in str(refused.value)
