"""Ugly cells: column, cell, what the mapping says of it, and what it must become or why it must be refused.

Each makes a table of three rows of which the second has the cell. The expected end is `path=JSON` of one of the row's
events, or `!` and words of the refusal. `refuses` names the events that are refused with it.
"""

from typing import NamedTuple

COLUMNS = {
    "Mã đơn": ("parcel_id", "P-2"),
    "Shop": ("seller_id", "s-1"),
    "Đóng gói": ("packed.time", "2026-07-01 09:30"),
    "Nước": ("packed.country", ""),
    "Hàng": ("packed.item.mass", "450 g"),
    "Cỡ hàng": ("packed.item.size", "20x15x10 cm"),
    "Loại": ("packed.outer.kind", "box"),
    "Dài": ("packed.outer.length", "300 mm"),
    "Vai": ("packed.component.role", "outer"),
    "Chất liệu": ("packed.component.material", "corrugated_board"),
    "Bì": ("packed.component.mass", "87 g"),
    "Tái chế": ("packed.component.recycled_percent", ""),
    "Giao": ("delivered.time", "2026-07-03 15:10"),
    "Cân": ("delivered.mass", "0.6 kg"),
    "Lần": ("delivered.attempts", "1"),
    "Từ": ("delivered.origin.province", "Hà Nội"),
    "Đến": ("delivered.destination.province", "Đà Nẵng"),
    "Phường": ("delivered.destination.ward", ""),
    "Xe": ("delivered.last_mile.vehicle", ""),
    "Km": ("delivered.last_mile.round_distance", ""),
    "Đơn": ("delivered.last_mile.round_parcels", ""),
    "Dầu": ("delivered.last_mile.fuel", ""),
    "Điện": ("delivered.last_mile.electricity", ""),
    "Loại dầu": ("delivered.last_mile.energy_carrier", ""),
    "Chia": ("delivered.last_mile.energy_parcels", ""),
    "Ghi chú": ("", "Nguyễn Văn A, 12 Hàng Bài"),
}
"""Column, its fact, and what stands in it otherwise; the last one is not mapped."""

BOTH = ("packed", "delivered")


class Cell(NamedTuple):
    """A case: see above. `others` are cells of the same row; `top` stands at the top of the mapping."""

    column: str
    text: str
    said: str
    expected: str
    others: dict[str, str] | None = None
    top: str = ""


def _mass(text: str, grams: str, said: str = "") -> Cell:
    return Cell("Hàng", text, said, f"packed.items.0.mass_g={grams}" if grams[0] != "!" else grams)


def _time(text: str, expected: str, said: str = "", top: str = "") -> Cell:
    return Cell("Đóng gói", text, said, f'packed.time="{expected}"' if expected[0] != "!" else expected, None, top)


def _from(text: str, code: str, day: str = "2026-07-03 15:10") -> Cell:
    return Cell("Từ", text, "", f'delivered.origin.code="{code}"' if code[0] != "!" else code, {"Giao": day})


def _ward(text: str, province: str, code: str, day: str = "2026-07-03 15:10") -> Cell:
    expected = f'delivered.destination.code="{code}"' if code[0] != "!" else code
    return Cell("Phường", text, "", expected, {"Đến": province, "Giao": day})


_OLD_DAY = "2025-03-03 15:10"
_COMMA, _POINT = 'decimal: ","', 'decimal: "."'
NUMBERS = (
    _mass("1.234,5 kg", "!outside"),
    _mass("1.234,5 g", "1234.5"),
    _mass("1,234.5 g", "1234.5"),
    _mass("1.234 g", "!two meanings"),
    _mass("1,234 g", "!two meanings"),
    _mass("1.234 g", "1234", _COMMA),
    _mass("1.234 g", "1.234", _POINT),
    _mass("1,234 g", "1.234", _COMMA),
    _mass("1,234 g", "1234", _POINT),
    _mass("12.5 g", "!no number", _COMMA),
    _mass("12,5 g", "!no number", _POINT),
    _mass("0,125 kg", "125"),
    _mass("0.125kg", "125"),
    _mass(".5 kg", "500"),
    _mass("12.345.678 mg", "12345.678"),
    _mass("1 234,5 g", "1234.5"),
    _mass("1\u00a0234,5\u00a0g", "1234.5"),
    _mass("1\u202f234 g", "1234"),
    _mass("1'234.5 g", "1234.5"),
    _mass("12.34.56 g", "!no number"),
    _mass("1,23,456 g", "!no number"),
    _mass("1.5 kí", "1500"),
    _mass("1,5 ký", "1500"),
    _mass("0,5 KG", "500"),
    _mass("250 gam", "250"),
    _mass("250gr", "250"),
    _mass("2 lb", "907.18474"),
    _mass("450", "!no unit"),
    _mass("450", "450", "unit: g"),
    _mass("0,45", "450", "unit: kg"),
    _mass("450 cm", "!does not fit"),
    _mass("450 g", "450", "unit: kg"),
    _mass("-450 g", "!negative"),
    _mass("0 g", "!outside"),
    _mass("4,5E+02", "!scientific"),
    _mass("#REF!", "!no number"),
    _mass("khoảng 450 g", "!no number"),
    _mass("450 g / 500 g", "!no number"),
    _mass("\uff14\uff15\uff10 g", "!no number"),
    _mass("1/2 kg", "!no number"),
    _mass("   450 g  ", "450"),
    _mass('="450 g"', "450"),
    Cell("Hàng", "n/a", "", 'packed.items.0={"length_mm": 200, "width_mm": 150, "height_mm": 100}'),
    Cell("Hàng", "không rõ", "", 'packed.items.0={"length_mm": 200, "width_mm": 150, "height_mm": 100}', None,
         "empty: [không rõ]"),
    Cell("Dài", "30,05 cm", "", "packed.outer.length_mm=300"),
    Cell("Dài", "30,15 cm", "", "packed.outer.length_mm=302"),
    Cell("Dài", "0,3 m", "", "packed.outer.length_mm=300"),
    Cell("Dài", "30", "unit: cm", "packed.outer.length_mm=300"),
    Cell("Dài", "12 inch", "", "packed.outer.length_mm=305"),
    Cell("Dài", "30 m", "", "!outside"),
    Cell("Cỡ hàng", "20 x 15 x 10 cm", "", "packed.items.0.width_mm=150"),
    Cell("Cỡ hàng", "20\u00d715\u00d710cm", "", "packed.items.0.height_mm=100"),
    Cell("Cỡ hàng", "200*150*100", "unit: mm", "packed.items.0.length_mm=200"),
    Cell("Cỡ hàng", "20cm x 150mm x 0,1m", "", "packed.items.0.height_mm=100"),
    Cell("Cỡ hàng", "20x15", "unit: cm", "!length x width x height"),
    Cell("Cỡ hàng", "20x15x10", "", "!no unit"),
    Cell("Cỡ hàng", "1.234x15x10 mm", "", "!two meanings"),
    Cell("Tái chế", "30%", "", "packed.components.0.recycled_content_percent=30"),
    Cell("Tái chế", "12,5 %", "", "packed.components.0.recycled_content_percent=12.5"),
    Cell("Tái chế", "0,3", "", "!two meanings"),
    Cell("Tái chế", "1", "", "!two meanings"),
    Cell("Tái chế", "0,3", 'unit: "%"', "packed.components.0.recycled_content_percent=0.3"),
    Cell("Tái chế", "30", "", "packed.components.0.recycled_content_percent=30"),
    Cell("Tái chế", "130%", "", "!outside"),
    Cell("Cân", "0,6 kg", "", "delivered.mass_g=600"),
    Cell("Cân", "", "", "!is empty"),
    Cell("Lần", "3", "", "delivered.attempts=3"),
    Cell("Lần", "1,5", "", "!no whole number"),
    Cell("Lần", "0", "", "!outside"),
    Cell("Lần", "2 lần", "", "!pieces"),
    Cell("Lần", "", "", "!is empty"),
    Cell("Km", "60 km", "", 'delivered.transport_chain.0.round={"distance_km": 60, "parcels": 100}', {"Đơn": "100"}),
    Cell("Km", "45.000 m", _COMMA, "delivered.transport_chain.0.round.distance_km=45", {"Đơn": "100"}),
    Cell("Km", "60 km", "", "!round_parcels"),
    Cell("Dầu", "4,5 lít", "", "delivered.transport_chain.0.energy.litres=4.5", {"Chia": "90", "Loại dầu": "xăng"}),
    Cell("Dầu", "4500 ml", "", "delivered.transport_chain.0.energy.litres=4.5", {"Chia": "90", "Loại dầu": "diesel"}),
    Cell("Dầu", "4,5 l", "", "!energy_carrier", {"Chia": "90"}),
    Cell("Dầu", "4,5 l", "", "!is electricity", {"Chia": "90", "Loại dầu": "điện"}),
    Cell("Điện", "1,2 kWh", "", "delivered.transport_chain.0.energy.kwh=1.2", {"Chia": "40"}),
    Cell("Điện", "1200 Wh", "", 'delivered.transport_chain.0.energy.carrier="electricity"', {"Chia": "40"}),
    Cell("Điện", "1,2 kWh", "", "!is a fuel", {"Chia": "40", "Loại dầu": "xăng"}),
)  # fmt: skip
TIMES = (
    _time("2026-07-01T09:30:00+07:00", "2026-07-01T09:30:00+07:00"),
    _time("2026-07-01T02:30:00Z", "2026-07-01T02:30:00+00:00"),
    _time("2026-07-01 09:30:15.250", "2026-07-01T09:30:15.250000+07:00"),
    _time("2026/7/1 9:30", "2026-07-01T09:30:00+07:00"),
    _time("2026.07.01 09h30", "2026-07-01T09:30:00+07:00"),
    _time("13/07/2026 09:30", "2026-07-13T09:30:00+07:00"),
    _time("07/13/2026 09:30", "2026-07-13T09:30:00+07:00"),
    _time("01/02/2026 09:30", "!two meanings"),
    _time("01/02/2026 09:30", "2026-02-01T09:30:00+07:00", "date: DD/MM/YYYY"),
    _time("01/02/2026 09:30", "2026-01-02T09:30:00+07:00", "date: MM/DD/YYYY"),
    _time("1-2-2026", "2026-02-01T12:00:00+07:00", "date: DD/MM/YYYY"),
    _time("09:30 13/07/2026", "2026-07-13T09:30:00+07:00"),
    _time("09:30, ngày 13 tháng 7 năm 2026", "2026-07-13T09:30:00+07:00"),
    _time("13 thg 7 2026 9:30 CH", "2026-07-13T21:30:00+07:00"),
    _time("13/07/2026 9:30 SA", "2026-07-13T09:30:00+07:00"),
    _time("13/07/2026 12:05 AM", "2026-07-13T00:05:00+07:00"),
    _time("13/07/2026 13:05 PM", "!twelve hours"),
    _time("1 Jul 2026 09:30", "2026-07-01T09:30:00+07:00"),
    _time("Jul 1, 2026", "2026-07-01T12:00:00+07:00"),
    _time("1 August 2026 09:30", "2026-08-01T09:30:00+07:00"),
    _time("1 Foo 2026", "!no day"),
    _time("01/07/26 09:30", "!two digits"),
    _time("01/07/26 09:30", "2026-07-01T09:30:00+07:00", "date: DD/MM/YY"),
    _time("31/02/2026", "!no day of the calendar"),
    _time("13/13/2026", "!no day of the calendar"),
    _time("13/07/2026 25:10", "!no clock"),
    _time("13/07/2026", "2026-07-13T08:00:00+07:00", "", 'time_of_day: "08:00"'),
    _time("46204", "!is a number"),
    _time("46204", "2026-07-01T12:00:00+07:00", "date: excel"),
    _time("46204.0", "2026-07-01T12:00:00+07:00", "date: excel"),
    _time("46204,000", "2026-07-01T12:00:00+07:00", "date: excel"),
    _time("46204.395833333", "2026-07-01T09:30:00+07:00", "date: excel"),
    _time("46204,395833333", "2026-07-01T09:30:00+07:00", "date: excel"),
    _time("44742", "2026-07-01T12:00:00+07:00", "date: excel-1904"),
    _time("60", "!29 February 1900", "date: excel"),
    _time("61", "!before the year 2000", "date: excel"),
    _time("20260701", "2026-07-01T12:00:00+07:00", "date: YYYYMMDD"),
    _time("1782873000", "2026-07-01T02:30:00+00:00", "date: unix"),
    _time("1782873000000", "2026-07-01T02:30:00+00:00", "date: unix-ms"),
    _time("13/07/2036 09:30", "!future"),
    _time("hôm qua", "!no day"),
    _time("#####", "!no day"),
    _time("2026-07-01 09:30", "2026-07-01T09:30:00+02:00", "zone: Europe/Berlin"),
    _time("2026-03-29 02:30", "!twice or never", "zone: Europe/Berlin"),
    _time("2026-10-25 02:30", "!twice or never", "zone: Europe/Berlin"),
    _time("2026-07-01T09:30:00+99:00", "!offset"),
)
PLACES = (
    *(_from(text, "79") for text in ("TP. Hồ Chí Minh", "TP.HCM", "tp hcm", "TPHCM", "HCM", "Ho Chi Minh", "SÀI GÒN")),
    *(_from(text, "01") for text in ("Thành phố Hà Nội", "ha noi", "HaNoi", "Hanoi City", "HN", "1", "01")),
    _from("Thừa Thiên - Huế", "46"),
    _from("Tỉnh Đắc Lắc", "66"),
    _from("BRVT", "77"),
    _from("Bà Rịa \u2013 Vũng Tàu", "77"),
    _from("Bình Dương", "74"),
    _from("Lào Cai", "15"),
    _from("Lào Cai", "10", _OLD_DAY),
    _from("Tỉnh Quảng Trị", "44"),
    _from("Tinh Quang Tri", "45", _OLD_DAY),
    _from("Yên Bái", "15", _OLD_DAY),
    _from("12 Hàng Bài, Hoàn Kiếm, Hà Nội, Việt Nam", "01"),
    _from("Hà Nộ", "!candidates: Hà Nội"),
    _from("ĐN", "!Đà Nẵng"),
    _from("Quận 1", "!no province"),
    _from("99", "!no code"),
    _from("", "!is empty"),
    _from("H\u0061\u0300 N\u00f4\u0323i", "01"),
    _ward("Phường Bến Thành", "TP. Hồ Chí Minh", "26743"),
    _ward("P. Bến Thành", "79", "26743"),
    _ward("ben thanh", "Ho Chi Minh", "26743"),
    _ward("Xã Tân Phú", "Đồng Nai", "26116"),
    _ward("Phường Vũng Tàu", "Bà Rịa - Vũng Tàu", "26506"),
    _ward("00004", "Hà Nội", "00004"),
    _ward("4", "Hà Nội", "00004"),
    _ward("00004", "TP. Hồ Chí Minh", "!another province"),
    _ward("Bến Nghé", "TP. Hồ Chí Minh", "!no ward"),
    _ward("Bén Thành", "TP. Hồ Chí Minh", "!no ward"),
    _ward("Quận 1", "TP. Hồ Chí Minh", "!no ward"),
    _ward("Phường Bến Thành", "TP. Hồ Chí Minh", "!before 2025-07-01", _OLD_DAY),
)
WORDS = (
    Cell("Loại", "Thùng carton", "", 'packed.outer.kind="box"'),
    Cell("Loại", "TÚI NILON", "", 'packed.outer.kind="flexible_mailer"'),
    Cell("Loại", "hộp đặc biệt", "", "!word that no list has"),
    Cell("Loại", "hộp đặc biệt", "words: {Hộp đặc biệt: own_box}", 'packed.outer.kind="own_box"'),
    Cell("Loại", "", "", "!is empty"),
    Cell("Chất liệu", "Xốp hơi", "", 'packed.components.0.material="bubble_wrap"'),
    Cell("Chất liệu", "Corrugated-Board", "", 'packed.components.0.material="corrugated_board"'),
    Cell("Chất liệu", "giấy bìa lạ", "", "!word that no list has"),
    Cell("Xe", "xe máy", "", "!word that no list has"),
    Cell("Xe", "xe máy điện", "", 'delivered.transport_chain.0.vehicle="motorbike_electric"'),
    Cell("Xe", "xe máy", "words: {xe máy: motorbike_petrol}", 'delivered.transport_chain.0.vehicle="motorbike_petrol"'),
)
COUNTRIES = (
    Cell("Nước", "", "", 'packed.country="VN"'),
    Cell("Nước", "TH", "", 'packed.country="TH"'),
    Cell("Nước", "Việt Nam", "", 'packed.country="VN"'),
    Cell("Nước", "NA", "", 'packed.country="NA"'),
    Cell("Nước", "Thái Lan", "", "!no country"),
)
IDS = (
    Cell("Mã đơn", "VN 0041", "", "!no id"),
    Cell("Mã đơn", "đơn-1", "", "!no id"),
    Cell("Mã đơn", "1.23457E11", "", "!read as a number"),
    Cell("Mã đơn", "12345.0", "", "!read as a number"),
    Cell("Mã đơn", "", "", "!is empty"),
    Cell("Mã đơn", '="00123"', "", 'packed.parcel_id="00123"'),
    Cell("Mã đơn", " P-7 ", "", 'packed.parcel_id="P-7"'),
    Cell("Mã đơn", "x" * 65, "", "!no id"),
    Cell("Shop", "", "", "!is empty"),
    Cell("Shop", "Cửa hàng Hoa", "", "!no id"),
)
CASES = (*NUMBERS, *TIMES, *PLACES, *WORDS, *COUNTRIES, *IDS)
