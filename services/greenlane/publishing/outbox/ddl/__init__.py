"""The table as each kind of database makes it: what the shop's own transactions write into."""

from importlib.resources import files
from typing import Literal

Dialect = Literal["postgresql", "mysql"]
DIALECTS: tuple[Dialect, ...] = ("postgresql", "mysql")


def ddl(dialect: Dialect, marketplace: str) -> str:
    """The statements that make the table for events of this marketplace, each ended by a semicolon."""
    text = files(__name__).joinpath(f"{dialect}.sql").read_text(encoding="utf-8")
    return text.replace("{marketplace}", marketplace)
