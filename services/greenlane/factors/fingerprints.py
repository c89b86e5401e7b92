"""Short names of what decides a result: equal content, equal name, on every machine."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from greenlane.methodology.tables import Method


def fingerprint_of(method: Method) -> str:
    """16 hexadecimal digits that stand for everything in the tables that an assessment can depend on.

    The provenance of factors is left out: another note or licence text changes no figure.
    """
    parts = {part.name: getattr(method, part.name) for part in fields(method) if part.name not in _NO_FIGURES}
    return digest_of(_plain(parts))


_NO_FIGURES = {"factors", "fingerprint"}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return [_plain(getattr(value, part.name)) for part in fields(value)]
    if isinstance(value, Mapping):
        return sorted(([_plain(key), _plain(item)] for key, item in value.items()), key=json.dumps)
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item) for item in value), key=json.dumps)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return format(value, ".12g")  # the last digits of a cosine are the machine's own
    return value if value is None or isinstance(value, (bool, int)) else str(value)


def digest_of(value: Any) -> str:
    """16 hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
