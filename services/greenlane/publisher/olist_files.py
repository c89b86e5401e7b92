"""Finds and reads the files of the public Olist data set and the municipality table, and says what is missing."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

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


class OlistError(Exception):
    """The data set cannot be read; the text names every missing file or column and the remedy."""


def find_files(directories: Sequence[Path]) -> dict[str, Path]:
    """Where each file lies, in or below `directories`; of several copies the one least deep. Raises OlistError."""
    found: dict[str, Path] = {}
    for directory in directories:
        for path in sorted(directory.rglob("*.csv"), key=lambda path: (len(path.parts), path)):
            if path.name in COLUMNS:
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


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file by column name (UTF-8, with or without a byte order mark). Raises OlistError."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, restval="")
        try:
            yield from rows
        except (csv.Error, UnicodeDecodeError) as error:
            raise OlistError(f"{path} cannot be read after line {rows.line_num}: {error}; fetch it again") from error


def index(rows: Iterable[dict[str, str]], column: str) -> dict[str, dict[str, str]]:
    """The rows by the value of one column."""
    return {row[column]: row for row in rows}


def _missing_columns(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    return [f"{path.name} has no column {name}" for name in COLUMNS[path.name] if name not in header]
