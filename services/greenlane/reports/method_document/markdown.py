"""Tables in Markdown."""

from collections.abc import Iterable


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A table; booleans stand as yes and no; a bar stands as a slash, in code as itself with a backslash before it."""
    lines = [_line(head), _line(tuple("---" for _ in head))]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(cells: tuple[object, ...]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text.replace("|", "\\|" if text.startswith("`") else "/")
