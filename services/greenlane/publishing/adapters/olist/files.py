"""Finds and reads the files of the public Olist data set and the municipality table, and says what is missing."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from greenlane.errors import GreenlaneError

ORDERS = "olist_orders_dataset.csv"
ITEMS = "olist_order_items_dataset.csv"
PRODUCTS = "olist_products_dataset.csv"
SELLERS = "olist_sellers_dataset.csv"
CUSTOMERS = "olist_customers_dataset.csv"
MUNICIPALITIES = "municipios.csv"

COLUMNS: Mapping[str, tuple[str, ...]] = {
    ORDERS: (
        *("order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at"),
        *("order_delivered_carrier_date", "order_delivered_customer_date"),
    ),
    ITEMS: ("order_id", "order_item_id", "product_id", "seller_id"),
    PRODUCTS: ("product_id", "product_weight_g", "product_length_cm", "product_height_cm", "product_width_cm"),
    SELLERS: ("seller_id", "seller_city", "seller_state"),
    CUSTOMERS: ("customer_id", "customer_city", "customer_state"),
    MUNICIPALITIES: ("codigo_ibge", "nome", "codigo_uf"),
}
"""Every file that is read, with the columns it must have; others are ignored."""


ROW = "#"
"""Key under which a row keeps its number in the file; the header is row 1."""

_SEPARATORS = (",", ";", "\t")
_PORTUGUESE = frozenset("áàâãäçéèêëíìîïóòôõöúùûüñýÁÀÂÃÄÇÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÑÝªº°'\u2019\u00b4\u2013")
_PACKED = {b"PK\x03\x04": "a zip archive or an Excel workbook", b"\x1f\x8b": "a gzip archive"}

Row = dict[str, str]


class OlistError(GreenlaneError):
    """The data set cannot be read; the text names every file, row and column with the problem and the remedy."""


def find_files(directories: Sequence[Path]) -> dict[str, Path]:
    """Where each file lies, in or below `directories`; of several copies the one least deep. Raises OlistError."""
    found: dict[str, Path] = {}
    for directory in directories:
        for path in sorted(directory.rglob("*.csv"), key=lambda path: (len(path.parts), path)):
            if path.name in COLUMNS and path.is_file():
                found.setdefault(path.name, path)
    problems = [f"{name} is missing" for name in COLUMNS if name not in found]
    problems += [problem for path in found.values() for problem in _missing_columns(path)]
    if problems:
        where = ", ".join(str(directory) for directory in directories)
        raise OlistError(
            f"The Olist data set under {where} is incomplete: {'; '.join(problems)}. Put the five olist_*.csv files as "
            f"they are distributed, and the municipality table {MUNICIPALITIES}, into one of these folders."
        )
    return found


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV file by column name, each with its number as ROW. Raises OlistError.

    UTF-8 and UTF-16 are told by their bytes; text that is neither is Windows-1252 if all of it is Portuguese then. The
    separator is the one that splits the header into the known columns.
    """
    text = _text(path)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(path.name, text))
    try:
        header = next(rows, [])
        for cells in rows:
            if cells and len(cells) != len(header):
                problem = f"has {len(cells)} cells and the header {len(header)}; put values with a comma in quotes"
                raise OlistError(f"{path.name}: row {rows.line_num} {problem}")
            if cells:
                yield dict(zip(header, cells, strict=True)) | {ROW: str(rows.line_num)}
    except csv.Error as error:
        raise OlistError(f"{path.name}: row {rows.line_num} cannot be read: {error}; fetch the file again") from error


def encoding_of(raw: bytes) -> str | None:
    """The encoding of a CSV file as far as it is certain; None if it is not."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "cp1252" or all(character.isascii() or character in _PORTUGUESE for character in text):
            return encoding
    return None


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise OlistError(f"{path.name}: cannot be read: {error.strerror}; look at {path}") from error
    for begin, what in _PACKED.items():
        if raw.startswith(begin):
            raise OlistError(f"{path.name}: is {what}; unpack it, or save it as CSV in UTF-8")
    try:
        return raw.decode(encoding_of(raw) or "utf-8")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        raise OlistError(f"{path.name}: row {row} is no text in UTF-8; save the file as CSV in UTF-8") from error


def _separator(name: str, text: str) -> str:
    line = text.split("\n", 1)[0]
    return max(
        _SEPARATORS, key=lambda mark: len(set(next(csv.reader([line], delimiter=mark), [])) & set(COLUMNS[name]))
    )


def index(rows: Iterable[Row], column: str) -> dict[str, Row]:
    """The rows by the value of one column."""
    return {row[column]: row for row in rows}


def _missing_columns(path: Path) -> list[str]:
    text = _text(path)
    if not text.strip():
        return [f"{path.name} is empty"]
    header = next(csv.reader(io.StringIO(text, newline=""), delimiter=_separator(path.name, text)), [])
    return [f"{path.name} has no column {name}" for name in COLUMNS[path.name] if name not in header]
