"""Properties: any dialect reads back to the same events or is refused; hostile bytes are refused; both ways agree."""

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.publishing.tables.reading import NOW, guess_of, read_table
from tests.unit.publishing.tables.test_ugly_cells import TOP, mapping_for
from tests.unit.publishing.tables.ugly_cells import CASES, COLUMNS
from tests.unit.publishing.tables.ugly_files import HEADER, MAPPING, ROWS, quoted, vietnamese_1258

from greenlane.contracts.events import EVENT_MODELS
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.publishing.files.place_names import place_names, plain
from greenlane.publishing.sdk.encoding import encode
from greenlane.publishing.tables import events as joining
from greenlane.publishing.tables.cells import Moments
from greenlane.publishing.tables.facts import SHAPES, TYPES, Text
from greenlane.publishing.tables.faults import CellFault, MappingError, UnreadableTableError
from greenlane.publishing.tables.mapping import parse_mapping
from greenlane.publishing.tables.parcels import Line, Made, outcome, quick
from greenlane.publishing.tables.plan import plan
from greenlane.publishing.tables.values.dates import Clock, DateForm, day_of, moment
from greenlane.publishing.tables.values.numbers import decimal_of, written
from greenlane.publishing.tables.values.places import marked, province_code, ward_code
from greenlane.publishing.tables.wire import Wire

_MAPPING = MAPPING.replace("unit: kg", "unit: g")
_ENCODERS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode("utf-8", "surrogatepass"),
    "utf-8 with its mark": lambda text: b"\xef\xbb\xbf" + text.encode("utf-8", "surrogatepass"),
    "utf-16": lambda text: b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass"),
    "utf-16-be": lambda text: b"\xfe\xff" + text.encode("utf-16-be", "surrogatepass"),
    "windows-1258": vietnamese_1258,
}
_NOTES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ['"', '""', ';"', "a\nb", ";;;;;;;;;;\n;;;;;;;;;;", "x\r", '"a";b', ",", "|", "\t", "\x00", "="]
)


@st.composite
def _dialects(draw: st.DrawFn) -> tuple[bytes, list[list[str]]]:
    rows = []
    for number in range(draw(st.integers(1, 6))):
        row = [f"A-{number}", *ROWS[number % 2][1:8], draw(_NOTES)]
        row[3] = draw(st.sampled_from(["0,5", "12", "1.234,5", "1.234", "99,25"]))
        rows.append(row)
    mark, end = draw(st.sampled_from(";\t|,")), draw(st.sampled_from(["\n", "\r\n"]))
    every = draw(st.booleans())
    lines = [
        mark.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' if every else quoted(cell, mark) for cell in row)
        for row in (HEADER, *rows)
    ]
    encoder = draw(st.sampled_from(list(_ENCODERS)))
    text = end.join(lines) + draw(st.sampled_from(["", end]))
    try:
        return _ENCODERS[encoder](text), rows
    except UnicodeEncodeError:
        return text.encode("utf-8"), rows


@given(_dialects())
def test_any_dialect_reads_back_to_the_same_events_or_is_refused(drawn: tuple[bytes, list[list[str]]]) -> None:
    file, rows = drawn
    try:
        read = read_table(file, _MAPPING)
    except UnreadableTableError as error:
        assert any(words in str(error) for words in ("Windows-125", "separator", "fit the rows", "NUL"))  # noqa: PT017
        return
    grams = {"0,5": 0.5, "12": 12, "1.234,5": 1234.5, "1.234": 1234, "99,25": 99.25}
    expected = {f"{row[0]}.packed": (row[1], grams[row[3]]) for row in rows}
    found = {
        event["id"]: (event["subject"], event["data"]["items"][0]["mass_g"])
        for event in read.events
        if event["type"] == TYPES["packed"]
    }
    assert found.items() <= expected.items()
    assert read.faults or found == expected


@given(st.binary(max_size=300), st.integers(0, 10_000), st.booleans())
def test_hostile_bytes_are_refused_and_never_raise_anything_else(noise: bytes, at: int, json_lines: bool) -> None:
    table = ";".join(HEADER).encode() + b"\n" + "\n".join(";".join(row) for row in ROWS * 3).encode()
    for file in (noise, table[: at % len(table)] + noise + table[at % len(table) :]):
        for read in (partial(read_table, file, _MAPPING), partial(guess_of, file)):
            try:
                read(json_lines=json_lines)
            except (UnreadableTableError, MappingError) as error:
                assert str(error)  # noqa: PT017


@given(st.text(max_size=400))
def test_hostile_mappings_are_refused(text: str) -> None:
    with pytest.raises(MappingError):
        parse_mapping(text, "mapping")


_CELLS = {
    column: [cell, *(case.text for case in CASES if case.column == column and not case.said)]
    for column, (_, cell) in COLUMNS.items()
}


@given(st.integers(0, 2**32))
def test_the_short_way_makes_what_the_long_one_makes(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    mapping = parse_mapping(mapping_for(CASES[0]) + 'decimal: ","\ndate: DD/MM/YYYY\n', "m")
    made = plan(mapping, list(COLUMNS), NOW)
    for _ in range(5):
        row = [chance.choice(cells) if chance.random() < 0.2 else cells[0] for cells in _CELLS.values()]
        line = Line(2, tuple(row[column] for column in made.columns))
        short, long = quick(made, "P-2", line), outcome(made, "P-2", [line])
        assert short is None or short == long.made
        assert (short is None) == bool(long.faults)
        for event in long.made:
            read_document(Wire("demo-vn").line(event).encode(), NOW)


def test_both_ways_give_the_entries_of_a_list_in_one_order() -> None:
    mapping = TOP + (
        "facts: {parcel_id: id, seller_id: {value: s-1}, packed.time: t, packed.item.mass: m, "
        "packed.item.2.mass: {value: 5 g}}\n"
    )
    made = plan(parse_mapping(mapping, "m"), ["id", "t", "m"], NOW)
    line = Line(2, tuple({"id": "P-1", "t": "2026-07-01", "m": "7 g"}[name] for name in made.names))
    (event,) = outcome(made, "P-1", [line]).made
    assert quick(made, "P-1", line) == [event]
    assert json.loads(event.data)["items"] == [{"mass_g": 5}, {"mass_g": 7}]


def test_records_are_those_of_the_models() -> None:
    wire = Wire("demo-vn")
    for case in CASES:
        made = plan(parse_mapping(mapping_for(case), "m"), list(COLUMNS), NOW)
        usual = {column: cell for column, (_, cell) in COLUMNS.items()} | (case.others or {}) | {case.column: case.text}
        line = Line(2, tuple(list(usual.values())[column] for column in made.columns))
        for event in outcome(made, "P-2", [line]).made:
            model = read_document(wire.line(event).encode(), NOW)
            ours, theirs = wire.record(event), encode(model)
            assert (ours.key, sorted(ours.headers)) == (theirs.key, sorted(_times_alike(theirs.headers, event)))
            body = EVENT_MODELS[TYPES[event.word]].model_fields["data"].annotation
            assert body is not None
            assert body.model_validate_json(ours.value or b"") == model.data


def _times_alike(headers: tuple[tuple[str, bytes], ...], event: Made) -> list[tuple[str, bytes]]:
    """The headers, with the time in our own spelling once it is known to be the same instant."""
    own = []
    for name, value in headers:
        if name == "ce_time":
            assert datetime.fromisoformat(value.decode()) == datetime.fromisoformat(event.time)
            own.append((name, event.time.encode()))
        else:
            own.append((name, value))
    return own


@given(
    st.datetimes(NOW.replace(tzinfo=None) - timedelta(days=9830), NOW.replace(tzinfo=None) + timedelta(days=2)),
    st.sampled_from(["%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M"]),
)
def test_times_that_were_learnt_in_halves_are_those_read_whole(at: datetime, form: str) -> None:
    clock = Clock(timezone(timedelta(hours=7)))
    learnt = Moments(DateForm.DAY_FIRST, clock, NOW + timedelta(days=1), frozenset({""}))
    for other in (at, at + timedelta(days=1), at + timedelta(hours=5), at + timedelta(days=1, hours=5)):
        text = other.strftime(form)
        try:
            whole = moment(text, DateForm.DAY_FIRST, clock)
        except CellFault:
            whole = None
        try:
            assert learnt[text] == whole
        except CellFault:
            assert whole is None or whole.utc > NOW + timedelta(days=1)


@given(
    st.decimals(0, 10**9, allow_nan=False, places=3),
    st.sampled_from([(",", "."), (".", ","), (",", " ")]),
    st.booleans(),
)
def test_numbers_written_with_either_sign_read_back(value: object, marks: tuple[str, str], grouped: bool) -> None:
    sign, group = marks
    text = f"{value:,.3f}" if grouped else f"{value:.3f}"
    text = text.translate({ord(","): group, ord("."): sign})
    assert decimal_of(text, sign) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "form"), [("46,204", DateForm.EXCEL), ("1999-12-31", None), ("31/12/1999", DateForm.DAY_FIRST)]
)
def test_a_day_before_the_year_2000_is_refused(text: str, form: DateForm | None) -> None:
    with pytest.raises(CellFault, match="before the year 2000"):
        day_of(text, form)


def test_every_key_is_the_contracts() -> None:
    assert written(decimal_of("1.50", ".")) == "1.5"
    for event, shapes in SHAPES.items():
        body = EVENT_MODELS[TYPES[event]].model_fields["data"].annotation
        assert body is not None
        schema = json.dumps(body.model_json_schema())
        for shape in shapes.values():
            for fact in shape.facts.values():
                if fact.key:
                    assert f'"{fact.key}"' in schema, fact.key


@pytest.mark.parametrize("word", ["packed", "delivered"])
def test_values_at_the_bounds_are_taken_and_those_beyond_are_refused_as_the_models_do(word: str) -> None:
    for group, shape in SHAPES[word].items():
        for leaf, fact in shape.facts.items():
            if not fact.most or isinstance(fact.kind, Text):
                continue
            step = 1 if fact.whole else type(fact.most)("0.001")
            for value, sound in ((fact.least, True), (fact.most, True), (fact.most + step, False)):
                assert _taken(word, group, leaf, written(value)) == sound, (word, group, leaf, value)


def _taken(word: str, group: str, leaf: str, value: str) -> bool:
    """Whether a table with that value of the fact gives the event, which is checked against the contract then."""
    name = ".".join(part for part in (word, group, leaf) if part)
    units = {"mass": "g", "co2e": "g", "length": "mm", "width": "mm", "height": "mm", "fuel": "l", "electricity": "kwh",
             "film_thickness": "um", "product_volume": "ml"}  # fmt: skip
    unit = units.get(leaf) or ("km" if "distance" in leaf else "")
    lines = [
        "parcel_id: P",
        "seller_id: S",
        f"{word}.time: T",
        f"{name}: {{column: V{f', unit: {unit}' if unit else ''}}}",
    ]
    companions = {
        "outer": ["kind: {value: box}"],
        "component": ["role: {value: outer}"] + (["asset_id: {value: a-1}"] if leaf == "verified_trips" else []),
        "order": ["parcels: {value: 2}"] if leaf != "parcels" else [],
    }.get(group, [])
    if leaf in {"fuel", "electricity", "energy_parcels"}:
        companions += ["energy_parcels: {value: 1}"] if leaf != "energy_parcels" else ["fuel: {value: 1, unit: l}"]
        companions += ["energy_carrier: {value: diesel}"] if leaf != "electricity" else []
    if leaf == "distance":
        companions = ["distance_basis: {value: actual}"]
    if leaf.startswith("round"):
        other = "round_parcels: {value: 1}" if leaf == "round_distance" else "round_distance: {value: 1, unit: km}"
        companions = [other]
    lines += [f"{word}.{group}.{line}" for line in companions]
    if word == "delivered":
        usual = {"mass": "{value: 1, unit: g}", "attempts": "{value: 1}", "origin.province": "{value: Hà Nội}"}
        usual |= {"destination.province": "{value: Hà Nội}"}
        lines += [f"delivered.{key}: {said}" for key, said in usual.items() if f"delivered.{key}" != name]
    mapping = TOP + 'decimal: "."\nfacts:\n' + "".join(f"  {line}\n" for line in lines)
    read = read_table(f"P,S,T,V\nP-1,s,2026-07-01,{value}\n".encode(), mapping)
    return bool(read.events)


def test_every_province_and_ward_reads_by_its_own_name() -> None:
    seen: dict[tuple[str, str], int] = {}
    places = place_names("VN")
    for place in places:
        if place.large:
            assert {province_code(place.name, new=True), province_code(place.name, new=False)} >= {place.code}
    _, by_name = joining_wards()
    for _, name, province in by_name:
        key = (marked(name), province)
        seen[key] = seen.get(key, 0) + 1
    for code, name, province in by_name:
        alone = seen[marked(name), province] == 1
        if name.isascii():  # it may stand for a name with marks
            alone = len([1 for _, other, place in by_name if (plain(other), place) == (plain(name), province)]) == 1
        if alone:
            assert ward_code(name, province, new=True) == code
        else:
            with pytest.raises(CellFault, match="several wards"):
                ward_code(name, province, new=True)


def joining_wards() -> tuple[int, list[tuple[str, str, str]]]:
    from greenlane.publishing.tables.values import places  # noqa: PLC0415

    found = [(ward.code, ward.name, ward.province) for ward in places._wards()[0].values()]
    return len(found), found


def test_the_rows_of_a_parcel_are_joined_within_the_window_and_not_beyond_it() -> None:
    header = "id,shop,time,mass"
    mapping = (
        TOP + "facts: {parcel_id: id, seller_id: shop, packed.time: time, packed.item.mass: {column: mass, unit: g}}\n"
    )
    for apart, joined in ((0, True), (joining.WINDOW - 2, True), (joining.WINDOW, False)):
        rows = ["A,s,2026-07-01,1", *(f"B-{n},s,2026-07-01,5" for n in range(apart)), "A,s,2026-07-01,2"]
        read = read_table("\n".join([header, *rows]).encode(), mapping)
        first = next(event for event in read.events if event["id"] == "A.packed")
        masses = [item["mass_g"] for item in first["data"]["items"]]
        assert masses == ([1, 2] if joined else [1])
        assert bool(read.faults) != joined
