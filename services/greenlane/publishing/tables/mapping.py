"""The mapping of a table: which column tells which fact, in which unit and form; read from YAML and written to it."""

from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from greenlane.factors.yaml_text import YamlTextError, read_yaml_text
from greenlane.publishing.tables.facts import Named, Text, named, names
from greenlane.publishing.tables.faults import MappingError
from greenlane.publishing.tables.values.dates import DateForm, zone_of
from greenlane.publishing.tables.values.numbers import UNIT_OF, Quantity, Sign, plain_unit
from greenlane.publishing.tables.values.words import words_of

MAX_BYTES = 262_144
_MARKETPLACE = "^[a-z0-9][a-z0-9-]{0,39}$"
_COUNTRY = "^[A-Z]{2}$"

Encoding = Literal["utf-8", "utf-16-le", "utf-16-be", "windows-1258", "windows-1252"]
Separator = Literal[",", ";", "\t", "|"]


class Part(BaseModel):
    """Base of every part: frozen; a key that it lacks is refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def _zone(text: str | None) -> str | None:
    if text is not None:
        zone_of(text)
    return text


def _date_form(value: Any) -> Any:
    return DateForm(value) if isinstance(value, str) else value


class Source(Part):
    """Where a fact comes from: a column by its name or its number (from 1), or one value for all rows."""

    column: str | Annotated[int, Field(ge=1, le=1_000)] | None = None
    value: str | int | float | bool | None = None
    unit: str | None = None
    decimal: Sign | None = None
    date: DateForm | None = None
    zone: str | None = None
    words: dict[str, str] = {}

    _known_zone = field_validator("zone")(_zone)

    _form = field_validator("date", mode="before")(_date_form)

    @field_validator("words", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {_text(word): _text(meaning) for word, meaning in value.items()}

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.column is None) == (self.value is None):
            raise ValueError("needs either column or value")
        return self


def _text(value: Any) -> Any:
    """A word that YAML read as something else: yes and no are booleans, 1 is a number."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        raise ValueError(f"{value} is a number for YAML, which drops zeros; put it in quotation marks")  # noqa: TRY004
    return str(value) if isinstance(value, int) else value


class FileForm(Part):
    """How the file is written; what is left out is found out. `header_line` 0: there is none, columns have numbers."""

    encoding: Encoding | None = None
    separator: Separator | None = None
    header_line: Annotated[int, Field(ge=0, le=100)] | None = None


class Mapping(Part):
    """The whole mapping. What stands here and not at a fact counts for every fact."""

    mapping: Literal[1] = 1
    marketplace: Annotated[str, Field(pattern=_MARKETPLACE)] | None = None
    country: Annotated[str, Field(pattern=_COUNTRY)] | None = None
    zone: str | None = None
    decimal: Sign | None = None
    date: DateForm | None = None
    time_of_day: Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "12:00"
    empty: tuple[str, ...] = ()
    same_rows: Literal["refuse", "once", "each"] = "refuse"
    file: FileForm = FileForm()
    facts: dict[str, Source]

    _known_zone = field_validator("zone")(_zone)
    _form = field_validator("date", mode="before")(_date_form)

    @field_validator("empty", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return tuple(_text(word) for word in value) if isinstance(value, list) else value

    @field_validator("facts", mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """`parcel_id: Mã đơn` is short for `parcel_id: {column: Mã đơn}`."""
        if not isinstance(value, dict):
            return value
        return {name: {"column": source} if isinstance(source, str | int) else source for name, source in value.items()}

    @model_validator(mode="after")
    def _known(self) -> Self:
        first: dict[Named, str] = {}
        for name, source in self.facts.items():
            found = named(name)
            if found is None:
                close = get_close_matches(name, names(), n=3, cutoff=0.5)
                raise ValueError(f"facts: there is no fact {name!r}; near it: {', '.join(close) or 'parcel_id'}")
            if first.setdefault(found, name) != name:
                raise ValueError(f"facts: {name!r} is {first[found]}; keep one of the two")
            kind = found.fact.kind
            if source.unit is not None:
                quantity = Quantity.LENGTH if kind is Text.SIZE else kind
                units = quantity.factors if isinstance(quantity, Quantity) else {}
                if UNIT_OF.get(plain_unit(source.unit)) not in units:
                    raise ValueError(
                        f"facts.{name}.unit: {source.unit!r} is no unit of it; use one of {', '.join(units)}"
                    )
        return self

    def names_columns(self) -> list[str]:
        """The columns that it has by their names."""
        return [source.column for source in self.facts.values() if isinstance(source.column, str)]

    def has_numbers_only(self) -> bool:
        """Whether it has columns, all of them by their numbers."""
        return not self.names_columns() and any(source.column is not None for source in self.facts.values())

    def words(self, name: str) -> dict[str, str]:
        """The words of a fact, as `words_of` writes them."""
        return {words_of(text): meaning for text, meaning in self.facts[name].words.items()}


def parse_mapping(text: str, name: str) -> Mapping:
    """A mapping from YAML. Raises MappingError that names the line to correct."""
    try:
        content = read_yaml_text(text)
    except YamlTextError as error:
        raise MappingError(f"{name}: {error}") from error
    if not isinstance(content, dict):
        raise MappingError(f"{name}: is no mapping; `greenlane import csv FILE --save-mapping {name}` writes one")
    try:
        return Mapping.model_validate(content)
    except ValidationError as error:
        lines = [_problem(dict(found)) for found in error.errors(include_url=False, include_context=False)[:5]]
        raise MappingError(f"{name}: " + "; ".join(lines)) from error


def _problem(found: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in found["loc"] if part not in {"str", "int"})
    message = str(found["msg"]).removeprefix("Value error, ")
    if where == "time_of_day" or isinstance(found.get("input"), bool | date):
        message += '; put it in quotation marks, as in "12:00" or "NO"'
    if where == "facts":
        where = ""
    return f"{where}: {message}" if where else message


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file. Raises MappingError."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise MappingError(f"{path}: is larger than {MAX_BYTES} bytes; name the mapping, not the table")
        return parse_mapping(raw.decode("utf-8-sig"), path.name)
    except OSError as error:
        raise MappingError(f"{path}: cannot be read: {error.strerror or error}; check the path") from error
    except ValueError as error:
        if isinstance(error, UnicodeDecodeError):
            raise MappingError(f"{path}: is not UTF-8; save it as UTF-8") from error
        raise MappingError(f"{path}: cannot be read: {error}; check the path") from error


def written_mapping(mapping: Mapping, questions: Iterable[str] = ()) -> str:
    """The mapping as YAML that reads back to the same; questions stand in it as comments."""
    content = mapping.model_dump(mode="json", exclude_defaults=True)
    facts = content.pop("facts", {})
    file = content.pop("file", None)
    parts = [_line("mapping", 1), *(_line(name, value) for name, value in content.items())]
    parts += [] if file is None else [_line("file", file)]
    asked = [f"# open: {' '.join(question.split())}\n" for question in questions]
    lines = [f"  {_line(name, source)}" for name, source in facts.items()]
    head = "# greenlane import csv FILE --mapping THIS_FILE\n"
    return "".join((head, *asked, *parts, "facts:\n" if lines else "facts: {}\n", *lines))


def _line(name: str, value: Any) -> str:
    """One key with its value on one line of YAML."""
    text: str = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=10**6, default_flow_style=True)
    return f"{name}: {text.removesuffix(chr(10)).removesuffix('...').rstrip()}\n"
