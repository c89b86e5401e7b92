"""HTML and SVG as text in which every value is escaped: what comes from events can never become markup."""

import re
from html import escape

_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]"
)
"""Control characters, what turns the direction of writing, and what no document may hold."""

_VOID = frozenset({"meta", "input", "br"})


class Markup(str):
    """Text that is markup already. Only `tag` and `joined` make it."""

    __slots__ = ()


def text(value: object) -> Markup:
    """A value as text: escaped, what cannot be shown replaced."""
    if isinstance(value, Markup):
        return value
    return Markup(escape(_UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", str(value)), quote=True))


def tag(name: str, /, *inside: object, **attributes: object) -> Markup:
    """An element. `class_` and `for_` are the attributes of these names, an underscore inside is a hyphen."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{''.join(map(text, inside))}</{name}>")


def joined(*parts: object) -> Markup:
    """Parts one after another."""
    return Markup("".join(map(text, parts)))
