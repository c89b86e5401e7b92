"""Reads files of events, one after the other, as they stand: JSON Lines, a JSON array or one JSON object."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import BinaryIO

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.events import FulfilmentEvent
from greenlane.contracts.reading import read_document
from greenlane.contracts.topics import MAX_EVENT_BYTES

MAX_ARRAY_BYTES = 64 * 1_048_576
"""Largest JSON array that is read, for it is read whole; JSON Lines have no limit."""

_LINE_BYTES = MAX_EVENT_BYTES + 2
_BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class FileEvent:
    """One event of a file: the line where it begins (from 1), its bytes, and the event or why it is refused."""

    line: int
    raw: bytes
    event: FulfilmentEvent | None
    refusal: Refusal | None


def read_file(stream: BinaryIO, now: datetime) -> Iterator[FileEvent]:
    """Every event of `stream`, good or bad, read as it goes; `now` judges times that lie in the future.

    The first character tells an array; a file no larger than one event that is a single object over several lines is
    read as that; all else is JSON Lines, where a bad line leaves the others alone. Blank lines are skipped.
    """
    head = stream.read(_LINE_BYTES).removeprefix(_BOM)
    if head.lstrip().startswith(b"["):
        documents = _array(head + stream.read(MAX_ARRAY_BYTES + 1 - len(head)))
    elif len(head) < _LINE_BYTES - len(_BOM) and _is_one_object(head):
        documents = iter([(_first_line(head), head.strip())])
    else:
        documents = _lines(head, stream)
    for line, raw in documents:
        yield _check(line, raw, now)


def _check(line: int, raw: bytes, now: datetime) -> FileEvent:
    try:
        return FileEvent(line, raw, read_document(raw, now), None)
    except Refusal as refusal:
        return FileEvent(line, raw, None, refusal)


def _first_line(text: bytes) -> int:
    return text[: len(text) - len(text.lstrip())].count(b"\n") + 1


def _is_one_object(text: bytes) -> bool:
    """Whether the outermost brace closes at the very end, and not on the first line."""
    body = text.strip()
    depth = 0
    for token in _TOKEN.finditer(body):
        depth += {b"{": 1, b"}": -1}.get(token[0], 0)
        if depth == 0:
            return token.end() == len(body) and b"\n" in body
    return False


def _lines(head: bytes, stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    *complete, begun = head.split(b"\n")
    following = chain([_line(stream, begun)], iter(partial(_line, stream), b""))
    for number, line in enumerate(chain(complete, following), start=1):
        if line.strip():
            yield number, line.strip()


def _line(stream: BinaryIO, begun: bytes = b"") -> bytes:
    """The next line, of which `begun` was read before; of one too long to be an event only the beginning is kept."""
    line = tail = begun + stream.readline(_LINE_BYTES)
    while tail and not tail.endswith(b"\n"):
        tail = stream.readline(_LINE_BYTES)
    return line


def _array(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Elements of an array with the line of each; brackets and commas are followed, the elements not yet parsed.

    Raises Refusal when the array is too large, and at its end when it is not closed.
    """
    if len(text) > MAX_ARRAY_BYTES:
        message = f"the array is over {MAX_ARRAY_BYTES} bytes; write one event a line (JSON Lines), which has no limit"
        raise Refusal.because(DeadLetterCode.TOO_LARGE, "", message)
    depth, begin, line, counted = 0, text.index(b"[") + 1, 1, 0
    for token in _TOKEN.finditer(text):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth == 0 or (depth == 1 and token[0] == b","):
            element = text[begin : token.start()]
            start = begin + len(element) - len(element.lstrip())
            line, counted = line + text.count(b"\n", counted, start), start
            if element.strip():
                yield line, element.strip()
            begin = token.end()
        if depth == 0:
            break
    if depth != 0 or text[begin:].strip():
        message = f"the array that begins the file does not end with it; look at line {line} and after"
        raise Refusal.because(DeadLetterCode.NOT_JSON, "", message)
