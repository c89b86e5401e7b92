"""Ugly files: one table of two parcels written in every way that programs write it, and shapes that go wrong."""

import codecs
import unicodedata
from typing import NamedTuple

MAPPING = """
marketplace: demo-vn
country: VN
zone: "+07:00"
decimal: ","
facts:
  parcel_id: Mã vận đơn
  seller_id: Mã shop
  packed.time: {column: Ngày đóng gói, date: DD/MM/YYYY}
  packed.item.mass: {column: Khối lượng, unit: kg}
  packed.component.role: {value: outer}
  packed.component.mass: {column: Bao bì, unit: g}
  delivered.time: {column: Ngày giao, date: DD/MM/YYYY}
  delivered.mass: {column: Khối lượng, unit: kg}
  delivered.attempts: {value: 1}
  delivered.origin.province: Tỉnh gửi
  delivered.destination.province: Tỉnh nhận
"""
HEADER = [
    "Mã vận đơn",
    "Mã shop",
    "Ngày đóng gói",
    "Khối lượng",
    "Bao bì",
    "Ngày giao",
    "Tỉnh gửi",
    "Tỉnh nhận",
    "Ghi chú",
]
ROWS = [
    ["A-1", "shop-1", "01/07/2026 09:30", "1.234,5", "87", "03/07/2026 15:10", "Đà Nẵng", "Hà Nội", "gọi trước"],
    ["A-2", "shop-2", "02/07/2026 10:00", "0,45", "12,5", "", "TP. Hồ Chí Minh", "Cần Thơ", ""],
]
PLAIN_ROWS = [
    [*row[:6], "Da Nang" if n == 0 else "Ho Chi Minh", "Ha Noi" if n == 0 else "Can Tho", ""]
    for n, row in enumerate(ROWS)
]
PLAIN_HEADER = ["Ma don", "Shop", "Dong goi", "Mass", "Bi", "Giao", "Tu", "Den", "Note"]


def quoted(cell: str, mark: str) -> str:
    """A cell as a CSV writer quotes it where it must."""
    return f'"{cell.replace(chr(34), chr(34) * 2)}"' if any(one in cell for one in (mark, '"', "\n", "\r")) else cell


def written(rows: list[list[str]], mark: str = ";", end: str = "\r\n") -> str:
    """Rows as CSV text."""
    return "".join(mark.join(quoted(cell, mark) for cell in row) + end for row in rows)


NUMBERED = MAPPING
for _number, _name in enumerate(HEADER[:8], start=1):
    NUMBERED = NUMBERED.replace(_name, str(_number))

TABLE = [HEADER, *ROWS]
TEXT = written(TABLE)


def vietnamese_1258(text: str) -> bytes:
    """Text as Windows-1258 has it: some letters whole, tone marks behind their letter."""
    out = []
    for letter in unicodedata.normalize("NFC", text):
        try:
            letter.encode("cp1258")
            out.append(letter)
        except UnicodeEncodeError:
            decomposed = unicodedata.normalize("NFD", letter)
            tone = "".join(mark for mark in decomposed if mark in "\u0300\u0301\u0303\u0309\u0323")
            base = unicodedata.normalize("NFC", "".join(mark for mark in decomposed if mark not in tone))
            out.append(base + tone)
    return "".join(out).encode("cp1258")


def plain_mapping() -> str:
    """The mapping of the table whose header has no marks."""
    found = MAPPING
    for name, plain in zip(HEADER, PLAIN_HEADER, strict=True):
        found = found.replace(name, plain)
    return found


SAME: dict[str, tuple[bytes, str]] = {
    "UTF-8": (TEXT.encode(), MAPPING),
    "UTF-8 with its mark": (codecs.BOM_UTF8 + TEXT.encode(), MAPPING),
    "UTF-16 little end first": (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), MAPPING),
    "UTF-16 big end first": (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), MAPPING),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), MAPPING),
    "UTF-16 BE without a mark": (TEXT.encode("utf-16-be"), MAPPING),
    "Windows-1258": (vietnamese_1258(TEXT), MAPPING),
    "Windows-1258 that is said": (vietnamese_1258(TEXT), MAPPING + "file: {encoding: windows-1258}\n"),
    "decomposed letters": (unicodedata.normalize("NFD", TEXT).encode(), MAPPING),
    "line feeds alone": (written(TABLE, end="\n").encode(), MAPPING),
    "carriage returns alone": (written(TABLE, end="\r").encode(), MAPPING),
    "no line feed at the end": (TEXT.rstrip().encode(), MAPPING),
    "tabs": (written(TABLE, "\t").encode(), MAPPING),
    "bars": (written(TABLE, "|").encode(), MAPPING),
    "commas, so decimal commas are quoted": (written(TABLE, ",").encode(), MAPPING),
    "tabs in UTF-16, Excel's Unicode text": (codecs.BOM_UTF16_LE + written(TABLE, "\t").encode("utf-16-le"), MAPPING),
    "Excel's sep= line": (("sep=;\r\n" + TEXT).encode(), MAPPING),
    "a quoted sep= line": (('"sep=;"\r\n' + TEXT).encode(), MAPPING),
    "separator that is said": (TEXT.encode(), MAPPING + 'file: {separator: ";"}\n'),
    "every cell quoted": ("".join(";".join(f'"{cell}"' for cell in row) + "\n" for row in TABLE).encode(), MAPPING),
    "titles above the header": (("BÁO CÁO ĐƠN HÀNG;;;;;;;;\n;;;;;;;;\n" + TEXT).encode(), MAPPING),
    "titles of another width": (
        ("BÁO CÁO ĐƠN HÀNG\nTháng 7\n\n" + TEXT).encode(),
        MAPPING + "file: {header_line: 4}\n",
    ),
    "titles, header found": (("BÁO CÁO ĐƠN HÀNG\nTháng 7\n\n" + TEXT).encode(), MAPPING),
    "blank rows between": (written([HEADER, ROWS[0], [""] * 9, ROWS[1], [""] * 9]).encode(), MAPPING),
    "blank lines between": (TEXT.replace("\r\n", "\r\n\r\n").encode(), MAPPING),
    "empty columns at the ends": (written([[*row, "", ""] for row in TABLE]).encode(), MAPPING),
    "separators at the ends of rows": (written([HEADER, *([*row, "", ""] for row in ROWS)]).encode(), MAPPING),
    "a line feed in a note": (written([HEADER, [*ROWS[0][:8], "gọi\ntrước\nkhi giao"], ROWS[1]]).encode(), MAPPING),
    "marks and separators in a note": (written([HEADER, [*ROWS[0][:8], '5" hộp; gấp'], ROWS[1]]).encode(), MAPPING),
    "spaces around cells": (written([[f" {cell} " for cell in row] for row in TABLE]).encode(), MAPPING),
    "no-break spaces around cells": (
        written([HEADER, *([f"\u00a0{cell}\u00a0" for cell in row] for row in ROWS)]).encode(),
        MAPPING,
    ),
    "line feeds in names of columns": (
        written([[name.replace(" ", "\n", 1) for name in HEADER], *ROWS]).encode(),
        MAPPING,
    ),
    "other order of columns": (
        written([[row[n] for n in (8, 3, 0, 7, 1, 2, 5, 4, 6)] for row in TABLE]).encode(),
        MAPPING,
    ),
    "a column name twice that is not mapped": (
        written([[*HEADER, "Ghi chú"], *([*row, "x"] for row in ROWS)]).encode(),
        MAPPING,
    ),
    "columns by number": (
        written([["a"] * 9, *ROWS]).encode(),
        NUMBERED + "file: {header_line: 1}\n",
    ),
    "no header": (
        written(ROWS).encode(),
        NUMBERED + "file: {header_line: 0}\n",
    ),
    "ASCII alone": (written([PLAIN_HEADER, *PLAIN_ROWS]).encode(), plain_mapping()),
    "Windows-1252 in a note": (
        written([PLAIN_HEADER, [*PLAIN_ROWS[0][:8], "caf\u00e9"], PLAIN_ROWS[1]]).encode("cp1252"),
        plain_mapping(),
    ),
    "Windows-1252 that is said": (
        written([PLAIN_HEADER, [*PLAIN_ROWS[0][:8], "S\u00e3o Paulo"], PLAIN_ROWS[1]]).encode("cp1252"),
        plain_mapping() + "file: {encoding: windows-1252}\n",
    ),
    "a byte of nowhere in a note": (
        TEXT.encode().replace("gọi".encode(), b"g\xff\xfei"),
        MAPPING + "file: {encoding: utf-8}\n",
    ),
    "NUL in a note": (TEXT.replace("gọi", "g\x00i").encode(), MAPPING + "file: {encoding: utf-8}\n"),
}
"""Files that all say the same."""


class Broken(NamedTuple):
    """A file with faults: its bytes, the ids of the events that remain, and (line, column, words) of each fault."""

    file: bytes
    remain: tuple[str, ...]
    faults: tuple[tuple[int, str, str], ...]
    said: str = ""


ALL = ("A-1.packed", "A-1.delivered", "A-2.packed")
_ONE, _TWO = ROWS
BROKEN: dict[str, Broken] = {
    "a row too short": Broken(written([HEADER, _ONE[:7], _TWO]).encode(), ALL[2:], ((2, "", "7 columns"),)),
    "a row too long": Broken(written([HEADER, [*_ONE, "x"], _TWO]).encode(), ALL[2:], ((2, "", "10 columns"),)),
    "a separator that is not quoted": Broken(
        TEXT.replace("gọi trước", "gọi; trước").encode(), ALL[2:], ((2, "", "quotation marks"),)
    ),
    "a mark that is not closed": Broken(
        TEXT.replace("gọi trước", '"gọi trước').encode(), ALL[2:], ((2, "", "not closed"),)
    ),
    "text behind the closing mark": Broken(
        TEXT.replace("gọi trước", '"gọi" trước').encode(), ALL[2:], ((2, "", "behind the closing"),)
    ),
    "a mark that another row closes": Broken(
        written([HEADER, _ONE, _TWO, ["A-3", *_TWO[1:]]]).replace("gọi trước", '"gọi trước').encode()[:-2] + b'"\r\n',
        ("A-2.packed",),
        ((2, "", "not closed"), (4, "", "not closed")),
    ),
    "marks of a program that quotes nothing": Broken(
        f'{";".join(HEADER)}\n{";".join(_ONE[:1])};"{";".join(_ONE[1:])}\n'
        f'{";".join(_TWO[:1])};{_TWO[1]}";{";".join(_TWO[2:])}\n'.encode(),
        (),
        ((2, "", "joins it with the next line"), (3, "Mã shop", "no id")),
    ),
    "a note of more than a hundred lines": Broken(
        written([HEADER, [*_ONE[:8], "gọi\n" * 101], _TWO]).encode(),
        ALL[2:],
        ((2, "", "within 100 lines"), *((line, "", "1 columns") for line in range(3, 103)), (103, "", "not closed")),
    ),
    "a row of a megabyte": Broken(
        written([HEADER, [*_ONE[:8], "x" * 1_000_000], _TWO]).encode(), ALL[2:], ((2, "", "65,536 characters"),)
    ),
    "a mark open to the end of a large file": Broken(
        (
            written([HEADER, _ONE]).replace("gọi", '"gọi') + written([[f"A-{n}", *_TWO[1:]] for n in range(2, 1500)])
        ).encode(),
        tuple(f"A-{n}.packed" for n in range(2, 1500)),
        ((2, "", "not closed"),),
    ),
    "a byte of nowhere in a name": Broken(
        TEXT.encode().replace("Nẵng".encode(), b"N\xffng"),
        ("A-1.packed", ALL[2]),
        ((2, "Tỉnh gửi", "byte 0xFF"),),
        "file: {encoding: utf-8}\n",
    ),
    "a character that was lost": Broken(
        TEXT.replace("Nẵng", "N\ufffdng").encode(), ("A-1.packed", ALL[2]), ((2, "Tỉnh gửi", "was lost"),)
    ),
    "a row of totals": Broken(
        written([*TABLE, ["", "", "", "1.234,95", "", "", "", "", ""]]).encode(), ALL, ((4, "Mã vận đơn", "is empty"),)
    ),
    "the header again": Broken(written([HEADER, _ONE, HEADER, _TWO]).encode(), ALL, ((3, "Mã vận đơn", "no id"),)),
    "an empty cell of a merged one": Broken(
        written([HEADER, _ONE, ["", *_TWO[1:]]]).encode(), ALL[:2], ((3, "Mã vận đơn", "merged"),)
    ),
    "two faults in a row": Broken(
        written([HEADER, [*_ONE[:6], "Nơi nào", "Ở đâu", ""], _TWO]).encode(),
        ("A-1.packed", ALL[2]),
        ((2, "Tỉnh gửi", "no province"), (2, "Tỉnh nhận", "no province")),
    ),
    "one fault for both events": Broken(
        written([HEADER, [*_ONE[:3], "nặng", *_ONE[4:]], _TWO]).encode(),
        ALL[2:],
        ((2, "Khối lượng", "no number"), (2, "Khối lượng", "no number")),
    ),
    "the same row twice": Broken(
        written([HEADER, _ONE, _ONE, _TWO]).encode(),
        ("A-1.delivered", ALL[2]),
        ((3, "", "the same of items"), (3, "", "the same of components")),
    ),
    "the same row twice, counted once": Broken(
        written([HEADER, _ONE, _ONE, _TWO]).encode(), ALL, (), "same_rows: once\n"
    ),
    "rows of a parcel that contradict one another": Broken(
        written([HEADER, _ONE, [*_ONE[:3], "2", *_ONE[4:7], "Huế", ""], _TWO]).encode(),
        ALL[2:],
        (
            (3, "", "the same of components"),
            (3, "Khối lượng", "differs from line 2"),
            (3, "Tỉnh nhận", "differs from line 2"),
        ),
    ),
    "two sellers of one parcel": Broken(
        written([HEADER, _ONE, ["A-1", "shop-9", *_ONE[2:]], _TWO]).encode(), ALL[2:], ((3, "Mã shop", "differs"),)
    ),
    "an unread row of a parcel": Broken(
        written([HEADER, _ONE, [*_ONE[:3], "2"], _TWO]).encode(),
        ALL[2:],
        ((3, "", "4 columns"), (2, "", "names this parcel too"), (2, "", "names this parcel too")),
    ),
    "rows of a parcel far apart": Broken(
        written([HEADER, _ONE, *([f"B-{n}", *_TWO[1:]] for n in range(1001)), _ONE]).encode(),
        (*ALL[:2], *(f"B-{n}.packed" for n in range(1001))),
        ((1004, "", "stood in the file before"),) * 2,
    ),
    "no time at all": Broken(written([HEADER, [*_ONE[:2], "", *_ONE[3:5], "", *_ONE[6:]], _TWO]).encode(), ALL[2:], ()),
}
"""Files of which a part is refused and the rest is read."""

REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "blanks": (b"\r\n \r\n", "is empty"),
    "a workbook": (b"PK\x03\x04" + bytes(100), "Excel workbook"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + bytes(100), "old Excel workbook"),
    "gzip": (b"\x1f\x8b\x08" + bytes(20), "gzip"),
    "a web page": (b"<table><tr><td>A</td></tr></table>", "web page"),
    "UTF-32": (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), "UTF-32"),
    "NUL bytes": (b"a;b\n1;2\n" + bytes(5), "NUL bytes"),
    "one column": (b"a\n1\n2\n", "no separator"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "NUL bytes"),
    "an encoding of two": (
        written([["Ma don", "Shop", "Den"], ["A-1", "s-1", "S\u00e3o Paulo"]]).encode("cp1252"),
        "Windows-1252 ('ã')",
    ),
    "another encoding than its mark": (
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        "begins with the mark of utf-16-le",
    ),
    "a mapped column twice": (written([[*HEADER, "Khối lượng"], *([*row, ""] for row in ROWS)]).encode(), "4 or 10"),
    "a mapped column that is not there": (written([HEADER[:7], *(row[:7] for row in ROWS)]).encode(), "'Tỉnh nhận'"),
}
"""Files that are refused as a whole, and words of the reason."""
