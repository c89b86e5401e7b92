"""From bytes that a stranger chose to a JSON document, or a refusal: linear in the bytes, bounded in all they hold."""

import json
import re
from typing import Any

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal

MAX_DEPTH = 16
MAX_VALUES = 10_000
"""Most values of one document. The largest event that the schema has holds about 2,500."""

_MAX_DIGITS = 100
_LONGEST_NAME = 64
_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_ONE_KIND_OF_BRACKET = bytes.maketrans(b"[{]}", b"(())")
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"()")


def load(value: bytes, path: str = "") -> Any:
    """The document in `value`; `path` is where the problems are said to be. Raises Refusal.

    Refused are, beside what is not UTF-8 or not JSON: NaN and Infinity, keys that stand twice in one object, halves of
    surrogate pairs, numbers of more than 100 digits before the point, more than 16 levels and more than 10,000 values.
    """
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8; encode the event as UTF-8"
        raise Refusal.because(DeadLetterCode.NOT_UTF8, path, message) from None
    _check_frame(value, path)
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_whole)
    except json.JSONDecodeError as error:
        message = f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}; correct the syntax"
        raise Refusal.because(DeadLetterCode.NOT_JSON, path, message) from None
    except ValueError as error:  # of the three functions below
        raise Refusal.because(DeadLetterCode.NOT_JSON, path, str(error)) from None


def _check_frame(value: bytes, path: str) -> None:
    """Refuse what would be expensive or ambiguous to parse, by looking at brackets, commas and escapes alone."""
    unescaped = value.replace(b"\\\\", b"__").replace(b'\\"', b"__")  # the quotes that are left begin and end texts
    frame = b"".join(unescaped.split(b'"')[::2])
    if _deeper(frame):
        message = f"nested deeper than {MAX_DEPTH} levels; publish the event as its schema has it"
        raise Refusal.because(DeadLetterCode.TOO_DEEP, path, message)
    if frame.count(b",") + frame.count(b"[") + frame.count(b"{") > MAX_VALUES:
        message = f"holds more than {MAX_VALUES:,} values; publish the event as its schema has it"
        raise Refusal.because(DeadLetterCode.TOO_LARGE, path, message)
    if b"\\u" in unescaped and _HALF.search(_PAIR.sub(b"__", unescaped)):
        message = (
            "a text holds half of a surrogate pair (\\ud800 to \\udfff), which is not a character; send both halves"
        )
        raise Refusal.because(DeadLetterCode.NOT_UTF8, path, message)


def _deeper(frame: bytes) -> bool:
    """Whether brackets nest deeper than `MAX_DEPTH`: each round takes the innermost pairs away."""
    brackets = frame.translate(_ONE_KIND_OF_BRACKET).translate(None, _NO_BRACKET)
    for _ in range(MAX_DEPTH):
        if b"()" not in brackets:
            break
        brackets = brackets.replace(b"()", b"")
    return b"()" in brackets or brackets.count(b"(") > MAX_DEPTH


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:_LONGEST_NAME]} appears twice in one object; send each key once")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON; leave an unknown number out")


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number has too many digits; publish numbers within the schema's bounds")
    return int(digits)
