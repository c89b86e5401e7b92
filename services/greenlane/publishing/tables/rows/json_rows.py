"""JSON Lines of orders become rows: one object a line, a column for each path, a row for each entry of a list."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import orjson

from greenlane.publishing.tables.faults import SHAPE, Fault
from greenlane.publishing.tables.rows.csv_rows import MAX_ROW, Row, Unread

NUMBER = "\x1f"
"""Stands before a number of JSON: it has no unit and no thousands, and its decimal sign is the point."""

_DEEPEST = 4
_MOST_ROWS = 300


def read_json_rows(head: bytes, stream: BinaryIO, columns: Sequence[str], parcel: int = -1) -> Iterator[Row | Unread]:
    """The rows of a file of JSON objects, with the cells of these paths. A line that is no object is one `Unread`.

    `order.weight` is a field inside a field; `items[].weight` is a field of each entry of a list: the first entry
    stands in the object's first row, each other one in a row of its own, with the cell of the column `parcel` again and
    all others empty. Where a value has another shape than its path the cell is `SHAPE`. Raises OSError.
    """
    lines = _lines(head.removeprefix(codecs.BOM_UTF8), stream)
    for number, line in enumerate(lines, start=1):
        if line is None:
            problem = f"has more than {MAX_ROW:,} bytes"
            yield Unread(Fault(number, "", "", problem, "write one order a line"), frozenset())
        elif line.strip():
            yield from _object(number, line, columns, parcel)


def paths(head: bytes) -> list[str]:
    """Every path of the objects in the first bytes of a file, in their order."""
    found: dict[str, None] = {}
    for document in _documents(head):
        found |= dict.fromkeys(_paths(document, 1, listed=False))
    return list(found)


def absent(head: bytes, wanted: Iterable[str]) -> list[str]:
    """The paths that stand in no object of the first bytes; none where the first bytes have no object."""
    left = dict.fromkeys(wanted)
    none = True
    for document in _documents(head):
        none = False
        left = {path: None for path in left if not _stands(document, path.split("."))}
        if not left:
            break
    return [] if none else list(left)


def lists_in(path: str) -> int:
    """How many lists a path goes through."""
    return sum(1 for name in path.split(".") if _is_list(name))


def _is_list(name: str) -> bool:
    return name.endswith("[]") and name != "[]"


def _documents(head: bytes) -> Iterator[dict[str, Any]]:
    for line in head.removeprefix(codecs.BOM_UTF8).split(b"\n"):
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(document, dict):
            yield document


def _paths(document: dict[str, Any], depth: int, *, listed: bool) -> Iterator[str]:
    """Paths that can be read: through one list at most, and no name that a path would take for two."""
    for name, value in document.items():
        if not name or "." in name or _is_list(name):
            continue
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from (f"{name}.{path}" for path in _paths(value, depth + 1, listed=listed))
        elif isinstance(value, list) and depth < _DEEPEST and not listed:
            for entry in value[:20]:
                if isinstance(entry, dict):
                    yield from (f"{name}[].{path}" for path in _paths(entry, depth + 1, listed=True))
        elif not isinstance(value, list | dict):
            yield name


def _stands(value: Any, path: Sequence[str]) -> bool:
    """Whether a path leads to a field, or to nothing because what it goes through is null or an empty list."""
    for depth, name in enumerate(path):
        if value is None:
            return True
        field = name.removesuffix("[]") if _is_list(name) else name
        if not isinstance(value, dict) or field not in value:
            return False
        value = value[field]
        if _is_list(name):
            rest = path[depth + 1 :]
            return value is None or (
                isinstance(value, list) and (not value or any(_stands(entry, rest) for entry in value))
            )
    return True


def _lines(head: bytes, stream: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a file; None for one that is too long."""
    rest, ended = head, False
    while not ended:
        *whole, rest = rest.split(b"\n")
        yield from (line if len(line) <= MAX_ROW else None for line in whole)
        if len(rest) > MAX_ROW:
            yield None
            rest = _after_line_feed(stream)
        piece = stream.read(MAX_ROW)
        ended, rest = not piece, rest + piece
    if rest:
        yield rest if len(rest) <= MAX_ROW else None


def _after_line_feed(stream: BinaryIO) -> bytes:
    while piece := stream.read(MAX_ROW):
        _, found, rest = piece.partition(b"\n")
        if found:
            return rest
    return b""


def _object(number: int, line: bytes, columns: Sequence[str], parcel: int) -> Iterator[Row | Unread]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        yield Unread(Fault(number, "", "", "is no JSON object", "write one object a line, in UTF-8"), frozenset())
        return
    cells = [list(_values(document, path.split("."))) for path in columns]
    height = max((len(values) for values in cells), default=1)
    if height > _MOST_ROWS:
        problem = f"has a list of {height} entries, and {_MOST_ROWS} are the most"
        yield Unread(Fault(number, "", "", problem, "split the order"), frozenset())
        return
    if parcel >= 0 and len(cells[parcel]) == 1:
        cells[parcel] *= max(1, height)
    for place in range(max(1, height)):
        row = [values[place] if place < len(values) else "" for values in cells]
        if any(map(str.strip, row)):
            yield Row(number, row)
        else:
            yield Unread(Fault(number, "", "", "has none of the mapped fields", _NO_FIELD), frozenset())


_NO_FIELD = "every order names its parcel: correct it, or delete the line"


def _values(document: Any, path: Sequence[str]) -> Iterator[str]:
    """The values at a path, one for each entry of the list on the way, or the only one."""
    for depth, name in enumerate(path):
        if document is None:
            yield ""
            return
        if not isinstance(document, dict):
            yield SHAPE
            return
        if not _is_list(name):
            document = document.get(name)
            continue
        entries = document.get(name.removesuffix("[]"))
        if isinstance(entries, list):
            yield from (next(_values(entry, path[depth + 1 :]), "") for entry in entries)
        elif entries is not None:
            yield SHAPE
        return
    yield _cell(document)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{NUMBER}{value}"
    if isinstance(value, float):
        return f"{NUMBER}{value!r}"
    return value.translate(_OURS) if isinstance(value, str) else SHAPE


_OURS = str.maketrans(dict.fromkeys((NUMBER, SHAPE), "\N{REPLACEMENT CHARACTER}"))
"""Characters with a meaning in cells, which no text of a file has."""
