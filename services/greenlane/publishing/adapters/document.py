"""A stranger's document, read field by field: what was read is noted, so that what no event uses can be named."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from pydantic_core import PydanticCustomError

from greenlane.contracts.events import PATTERN_WORDS
from greenlane.contracts.times import parse_date_time

MAX_DOCUMENT_BYTES = 1_000_000
"""Most bytes of one document; an event has at most 262,144."""

_NAMEABLE = re.compile(r"[A-Za-z_$][A-Za-z0-9_:$-]{0,63}|@(context|graph|id|language|list|set|type|value)")
_REVERSE_DOMAIN = re.compile(r"(app|br|com|dev|io|net|org|vn)\.[a-z0-9_.-]{1,80}")
_NUMBERED = re.compile(r"([0-9][_:.-]?){6}")
"""Digits that may be a phone number, or that of a person."""

_UNNAMEABLE = "?"
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
_IDENTIFIER_WORDS = next(words for words in PATTERN_WORDS.values() if words.startswith("letters, digits and . _ : -,"))
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_LONGEST_IDENTIFIER = 64

_SEND_A_TIME = "send an RFC 3339 time with its offset, for example 2026-07-01T09:30:00+07:00"

_LOCAL_DAY = timedelta(days=1)
"""More than any country's day is before or after that of UTC."""

Path = tuple[str | int, ...]
_ValueT = TypeVar("_ValueT")


class PartRefused(Exception):  # noqa: N818 - the answer to a part of a document, no fault of ours
    """A part of the document cannot become an event; path, problem and remedy, never a value."""

    def __init__(self, path: str, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {problem}; {remedy}")
        self.path = path
        self.problem = problem
        self.remedy = remedy


class Sheet:
    """A document with notes: which of its values were read since the last event, and which ones the events use."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._read: set[Path] = set()
        self._used: set[Path] = set()

    @property
    def root(self) -> "Field":
        """The whole document."""
        return Field(self, (), self._document)

    def note(self, path: Path) -> None:
        """This value was read."""
        self._read.add(path)

    def forget(self) -> None:
        """What was read until now is used by no event."""
        self._read.clear()

    def keep(self) -> None:
        """What was read since is used by an event."""
        self._used |= self._read
        self._read.clear()

    def unused(self) -> tuple[str, ...]:
        """Every value that no event uses, as a dotted path, in the document's order."""
        return tuple(shown(path) for path in _leaves(self._document) if path not in self._used)


class Field:
    """A value of the document with its place. A value that is not there is None, like null."""

    __slots__ = ("_path", "_sheet", "value")

    def __init__(self, sheet: Sheet, path: Path, value: Any) -> None:
        self._sheet = sheet
        self._path = path
        self.value = value

    @property
    def path(self) -> str:
        """Where the value stands, as a dotted path."""
        return shown(self._path)

    def __getitem__(self, name: str) -> "Field":
        """A member of an object; a field without a value if there is none, or this is no object."""
        value = self.value.get(name) if isinstance(self.value, dict) else None
        return Field(self._sheet, (*self._path, name), value)

    def __contains__(self, name: str) -> bool:
        return isinstance(self.value, dict) and name in self.value

    def at(self, *names: str) -> "Field":
        """A member of a member."""
        found = self
        for name in names:
            found = found[name]
        return found

    @property
    def absent(self) -> bool:
        """Whether there is no value."""
        return self.value is None

    def entries(self) -> list["Field"]:
        """The entries of a list; none if there is no list. Raises PartRefused for anything else."""
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            raise self.refusal("is no list", "send a list, as the vocabulary has it")
        return [Field(self._sheet, (*self._path, place), value) for place, value in enumerate(self.value)]

    def text(self) -> str | None:
        """A text; None if there is none. Raises PartRefused for anything else."""
        if self.value is None:
            return None
        if not isinstance(self.value, str):
            raise self.refusal("is no text", "send text, in quotes")
        return self._noted(self.value)

    def needed_text(self) -> str:
        """A text that must be there. Raises PartRefused."""
        return self._needed(self.text())

    def label(self) -> str:
        """Any value as the text by which something is looked up."""
        return self._noted(str(self.value))

    def identifier(self, longest: int = _LONGEST_IDENTIFIER) -> str:
        """An id as our events take it, of a text or a whole number. Raises PartRefused."""
        value = self.value
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else self.needed_text()
        self._sheet.note(self._path)
        if len(text) > longest or not _IDENTIFIER.fullmatch(text):
            words = _IDENTIFIER_WORDS.replace(str(_LONGEST_IDENTIFIER), str(longest))
            raise self.refusal("is no id that our events take", f"use {words}")
        return text

    def whole(self) -> int | None:
        """A whole number; None if there is none. Raises PartRefused for anything else."""
        value = self.value
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refusal("is no whole number", "send a whole number, without quotes")
        self._sheet.note(self._path)
        return value

    def count(self) -> int:
        """A whole number from 1 that must be there. Raises PartRefused."""
        value = self._needed(self.whole())
        if value < 1:
            raise self.refusal("is less than 1", "send how many there are")
        return value

    def decimal(self) -> Decimal | None:
        """A number, or a text that is one; None if there is none. Raises PartRefused for anything else."""
        value = self.value
        if value is None:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and _DECIMAL.fullmatch(value)):
            raise self.refusal("is no number", "send a number like 12.5")
        self._sheet.note(self._path)
        return Decimal(str(value))

    def instant(self) -> datetime | None:
        """An RFC 3339 time with an offset; None if there is none. Raises PartRefused for anything else."""
        text = self.text()
        if text is None:
            return None
        try:
            return self._on_the_calendar(parse_date_time(text))
        except PydanticCustomError as error:
            raise self.refusal(str(error.message_template), _SEND_A_TIME) from None

    def needed_instant(self) -> datetime:
        """A time that must be there. Raises PartRefused."""
        return self._needed(self.instant())

    def utc_instant(self) -> datetime | None:
        """A time that is UTC by the name of its field, with or without an offset. Raises PartRefused."""
        text = self.text()
        if text is None:
            return None
        naive = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?", text)
        try:
            found = datetime.fromisoformat(text).replace(tzinfo=UTC) if naive else parse_date_time(text)
            return self._on_the_calendar(found)
        except (ValueError, PydanticCustomError):
            raise self.refusal("is no time", "send a time like 2026-07-01T09:30:00") from None

    def needed_utc_instant(self) -> datetime:
        """A time that is UTC by the name of its field and must be there. Raises PartRefused."""
        return self._needed(self.utc_instant())

    def refusal(self, problem: str, remedy: str) -> PartRefused:
        """The refusal of this value."""
        return PartRefused(self.path, problem, remedy)

    def _on_the_calendar(self, instant: datetime) -> datetime:
        """The time, if its day is one of the calendar wherever in the world it is read. Raises PartRefused."""
        try:
            _ = (instant.astimezone(UTC) - _LOCAL_DAY, instant.astimezone(UTC) + _LOCAL_DAY)
        except OverflowError:
            raise self.refusal("lies within a day of the ends of the years 1 to 9999", _SEND_A_TIME) from None
        return instant

    def _noted(self, value: str) -> str:
        self._sheet.note(self._path)
        return value

    def _needed(self, value: _ValueT | None) -> _ValueT:
        if value is None:
            raise self.refusal("is missing", "send it")
        return value


def shown(path: Path) -> str:
    """A path for people; a key that is no plain name may be personal data and stands as ?."""
    return ".".join(str(part) if isinstance(part, int) else _shown_name(part) for part in path)


def _shown_name(name: str) -> str:
    if _NUMBERED.search(name):
        return _UNNAMEABLE
    if _NAMEABLE.fullmatch(name):
        return name
    return f"[{name}]" if _REVERSE_DOMAIN.fullmatch(name) else _UNNAMEABLE


def _leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    children: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    if not children:
        yield path
    for name, child in children:
        yield from _leaves(child, (*path, name))
