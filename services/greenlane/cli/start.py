"""Where the command line begins: streams that take every character, and one line when it is interrupted.

Nothing of the product is imported before `main` runs, so that Ctrl-C is heard from the first moment on.
"""

import codecs
import importlib
import io
import os
import sys
import unicodedata
from typing import NoReturn

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""

_BESIDE_ASCII = str.maketrans(
    {"đ": "d", "Đ": "D", "ø": "o", "·": ".", "—": "-", "→": "->", "≤": "<=", "≥": ">=", "“": '"', "”": '"', "•": "*"}
    | {"\u00d7": "x", "\u2013": "-", "\u2212": "-", "\u2018": "'", "\u2019": "'", "\u2501": "-"}
)


def main() -> None:
    """Run the command line; exit 0 done, 1 a check failed, 2 wrong use or settings, 130 interrupted."""
    prepare_streams()
    try:
        importlib.import_module("greenlane.cli.app").main()
    except KeyboardInterrupt:
        _interrupted()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _interrupted()
        raise


def _interrupted() -> NoReturn:
    sys.stderr.write("greenlane: interrupted\n")
    sys.exit(INTERRUPTED)


def prepare_streams() -> None:
    """Let standard output and error write what their encoding lacks in similar letters, and exist when closed."""
    codecs.register_error("greenlane.similar", _similar)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - lives to the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="greenlane.similar")


def _similar(error: UnicodeError) -> tuple[str, int]:
    """What is written instead of characters that an encoding lacks: letters without their marks, else `?`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_plain(character) for character in error.object[error.start : error.end]), error.end


def _plain(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character.translate(_BESIDE_ASCII))
    return "".join(mark for mark in decomposed if mark.isascii()) or "?"
