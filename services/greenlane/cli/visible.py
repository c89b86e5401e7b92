"""Text from outside, made harmless for a terminal: what would steer it is shown by its number instead."""

import re
from typing import Any

from rich.console import Console
from rich.text import Text

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
"""Control characters but tab and line feed, what turns the direction of writing, and lone surrogates."""


def visible(text: str) -> str:
    r"""The text with every steering character as `\\x1b` or `\\u202e`; all else stays."""
    return _STEERING.sub(lambda found: _number(found.group()), text)


def one_line(text: str) -> str:
    r"""As `visible`, and line feeds and tabs shown too: for an id, which must not forge a second line."""
    return visible(text).replace("\n", r"\x0a").replace("\t", r"\x09")


def visible_json(text: str) -> str:
    r"""A JSON text whose strings have every steering character as `\\u001b`: the same document, harmless."""
    return _STEERING.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _number(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class PlainConsole(Console):
    """A console for which text is text: no markup, no emoji names, and nothing in it steers the terminal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """What rich does with every string, titles and cells of tables too."""
        return super().render_str(visible(text), **options)
