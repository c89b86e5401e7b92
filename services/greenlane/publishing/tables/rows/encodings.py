"""Which encoding a file has: by its byte order mark, else UTF-8, else what the bytes themselves decide."""

import unicodedata
from typing import NamedTuple

from greenlane.publishing.tables.faults import UnreadableTableError
from greenlane.publishing.tables.mapping import Encoding

CODECS: dict[Encoding, str] = {
    "utf-8": "utf-8",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "windows-1258": "cp1258",
    "windows-1252": "cp1252",
}
_MARKS: tuple[tuple[bytes, Encoding], ...] = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_FOREIGN = (
    (b"\x1f\x8b", "is compressed (gzip)", "unpack it: gzip -dc FILE > ORDERS.csv"),
    (b"PK\x03\x04", "is an Excel workbook or a zip archive", 'save it in the spreadsheet as "CSV UTF-8"'),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook", 'save it in the spreadsheet as "CSV UTF-8"'),
    (b"%PDF", "is a PDF", "export the table as CSV"),
    (b"\x28\xb5\x2f\xfd", "is compressed (zstd)", "unpack it: zstd -dc FILE > ORDERS.csv"),
    (b"BZh", "is compressed (bzip2)", "unpack it: bzip2 -dc FILE > ORDERS.csv"),
    (b"\xfd7zXZ\x00", "is compressed (xz)", "unpack it: xz -dc FILE > ORDERS.csv"),
    (b"\xff\xfe\x00\x00", "is UTF-32", "save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "is UTF-32", "save it as UTF-8"),
    (b"<!DOCTYPE", "is a web page", "export the table as CSV"),
    (b"<html", "is a web page", "export the table as CSV"),
    (b"<table", "is a web page", "export the table as CSV"),
    (b"<?xml", "is XML", "export the table as CSV"),
)
_VOWELS = frozenset("aeiouyAEIOUY")
_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")


class Encoded(NamedTuple):
    """An encoding, how many bytes its mark has, and why it was taken."""

    encoding: Encoding
    mark: int
    reason: str


def encoding_of(head: bytes, said: Encoding | None) -> Encoded:
    """The encoding of a file by its first bytes; `said` is what the mapping says.

    Raises UnreadableTableError for what is no table, and where two encodings read the bytes as different texts.
    """
    for begin, problem, remedy in _FOREIGN:
        if head.startswith(begin):
            raise UnreadableTableError(f"the file {problem}; {remedy}")
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            if said not in {None, encoding}:
                raise UnreadableTableError(
                    f"the file begins with the mark of {encoding} and the mapping says {said}; correct `encoding` there"
                )
            return Encoded(encoding, len(mark), "its byte order mark")
    if said is not None:
        return Encoded(said, 0, "the mapping")
    if b"\x00" in head:
        return _wide(head)
    if _decodes(head, "utf-8"):
        return Encoded("utf-8", 0, "every byte of its beginning fits")
    return _old(head)


def _wide(head: bytes) -> Encoded:
    """UTF-16 without a mark: a quarter of its characters or more have a byte of zero, always on the same side."""
    low, high = head[0::2].count(0), head[1::2].count(0)
    many, even = len(head) // 8, head[: len(head) & ~1]
    if high > max(low, many) and "\n" in even.decode("utf-16-le", "replace"):
        return Encoded("utf-16-le", 0, "every other byte is zero")
    if low > max(high, many) and "\n" in even.decode("utf-16-be", "replace"):
        return Encoded("utf-16-be", 0, "every other byte is zero")
    raise UnreadableTableError(
        "the file has NUL bytes and is no UTF-16: it is damaged or no text; export it as CSV again, or say what it is: "
        "`file: {encoding: utf-8}`"
    )


def _decodes(head: bytes, codec: str) -> bool:
    for cut in range(4):  # the head may end inside a character
        try:
            head[: len(head) - cut].decode(codec)
        except UnicodeDecodeError as error:
            if error.start < len(head) - cut - 4:
                return False
        else:
            return True
    return False


def _old(head: bytes) -> Encoded:
    """Windows-1258 where its tone marks stand behind vowels, Windows-1252 where both read the same; else asked for."""
    latin, vietnamese = head.decode("cp1252", "replace"), head.decode("cp1258", "replace")
    if latin == vietnamese and "\ufffd" not in latin:
        return Encoded("windows-1252", 0, "it is no UTF-8, and Windows-1252 and Windows-1258 read it the same")
    marks = [place for place, character in enumerate(vietnamese) if character in _TONES]
    if marks and all(place and _is_vowel(vietnamese[place - 1]) for place in marks):
        return Encoded("windows-1258", 0, "it is no UTF-8, and its tone marks stand behind vowels")
    first = next((n for n, (one, other) in enumerate(zip(latin, vietnamese, strict=True)) if one != other), 0)
    in_header = "\n" not in latin[:first]
    near = slice(max(0, first - 4), first + 4) if in_header else slice(first, first + 1)
    shown = (_shown(latin[near]), _shown(vietnamese[near]))
    raise UnreadableTableError(
        f"the file is no UTF-8 and may be Windows-1252 ({shown[0]!r}) or Windows-1258 ({shown[1]!r}); say which in the "
        "mapping: `file: {encoding: windows-1252}` or `file: {encoding: windows-1258}`, or save it as UTF-8"
    )


def _is_vowel(character: str) -> bool:
    return unicodedata.normalize("NFD", character)[:1] in _VOWELS


def _shown(text: str) -> str:
    """The letters of a piece of text."""
    return "".join(letter for letter in unicodedata.normalize("NFC", text) if letter.isalpha())
