"""Where two JSON records part: the dotted path of the first field that differs, with both values."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """One disagreement: whose, in which record, at which path, and both values as JSON; None where nothing stands."""

    seller: str
    record: str
    path: str
    expected: str | None
    found: str | None


def difference(seller: str, record: str, expected: bytes | None, found: bytes | None) -> Difference | None:
    """The first difference of two records; None when every byte agrees."""
    if expected == found:
        return None
    wanted, seen = _flat_document(expected), _flat_document(found)
    if wanted and seen:
        for path in [*wanted, *seen]:
            if wanted.get(path) != seen.get(path):
                return Difference(seller, record, path, wanted.get(path), seen.get(path))
    return Difference(seller, record, "", _text(expected), _text(found))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _flat_document(value: bytes | None) -> dict[str, str]:
    """Every field by path; empty for what is absent or no JSON, so that the whole records are shown instead."""
    try:
        return {} if value is None else dict(_flat("", json.loads(value)))
    except (ValueError, RecursionError):  # a foreign record may be nested deeper than Python goes
        return {}


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    parts = dict(enumerate(value)) if isinstance(value, list) else value
    if not isinstance(parts, dict) or not parts:
        yield path, json.dumps(value)
        return
    for name, part in parts.items():
        yield from _flat(f"{path}.{name}" if path else str(name), part)
