"""Plots as SVG: narrow enough for a phone, in black on paper, told in words for whoever cannot see them."""

from collections.abc import Sequence
from typing import NamedTuple

from greenlane.publishing.survey.page.markup import Markup, joined, tag
from greenlane.publishing.survey.page.texts import LANGUAGES, both

WIDTH = 360
_ROW, _BAR = 40, 12
_HEIGHT, _FOOT, _HEAD = 110, 22, 18


class Bar(NamedTuple):
    """A bar: its name in both languages, its length from -1 to 1 of the room, and what stands beside it."""

    name: tuple[str, str]
    length: float
    value: str


def rows(bars: Sequence[Bar], title: tuple[str, str], *, of_whole: bool = False) -> Markup:
    """Horizontal bars, each below its name. `of_whole` shows the room that each one could fill."""
    height = _ROW * len(bars)
    parts: list[Markup] = []
    room = WIDTH - 70
    signed = any(bar.length < 0 for bar in bars)
    zero, unit = (room / 2, room / 2) if signed else (0, room)
    for number, bar in enumerate(bars):
        top = number * _ROW
        parts.append(_both_languages(bar.name, 0, top + 14, "name"))
        if of_whole:
            parts.append(tag("rect", x=0, y=top + 20, width=room, height=_BAR, class_="room"))
        length = abs(bar.length) * unit
        left = zero - length if bar.length < 0 else zero
        kind = "bar loss" if bar.length < 0 else "bar"
        parts.append(tag("rect", x=_n(left), y=top + 20, width=_n(max(length, 0.5)), height=_BAR, class_=kind))
        parts.append(tag("text", bar.value, x=WIDTH, y=top + 31, class_="value", text_anchor="end"))
    return _figure(parts, height, title)


class Column(NamedTuple):
    """A column: what stands below it (may be empty) and its heights, one for each series."""

    name: str
    heights: tuple[int, ...]


def columns(found: Sequence[Column], title: tuple[str, str], names: Sequence[tuple[str, str]]) -> Markup:
    """Columns beside one another, each of one or more series side by side, with the greatest height written above."""
    most = max((max(column.heights) for column in found), default=0) or 1
    parts = [tag("text", f"{most:,}", x=0, y=12, class_="value")]
    base, scale = _HEAD + _HEIGHT, _HEIGHT / most
    parts.append(tag("line", x1=0, y1=_HEAD, x2=WIDTH, y2=_HEAD, class_="rule"))
    parts.append(tag("line", x1=0, y1=base, x2=WIDTH, y2=base, class_="axis"))
    step = WIDTH / max(1, len(found))
    series = len(names)
    for number, column in enumerate(found):
        wide = step * 0.8 / series
        for place, count in enumerate(column.heights):
            if count:
                tall, left = max(count * scale, 1), number * step + step * 0.1 + place * wide
                parts.append(
                    tag("rect", x=_n(left), y=_n(base - tall), width=_n(max(wide, 0.5)), height=_n(tall),
                        class_=f"bar series-{place}")
                )  # fmt: skip
        if column.name:
            middle = number * step + step / 2
            anchor = "start" if middle < 40 else "end" if middle > WIDTH - 40 else "middle"
            left = {"start": number * step, "end": (number + 1) * step, "middle": middle}[anchor]
            parts.append(tag("text", column.name, x=_n(left), y=base + 15, class_="tick", text_anchor=anchor))
    legend = joined()
    if series > 1:
        keys = [tag("span", tag("i", class_=f"key series-{place}"), both(name)) for place, name in enumerate(names)]
        legend = tag("p", *keys, class_="legend")
    return _figure(parts, base + _FOOT, title, legend)


def _figure(parts: Sequence[Markup], height: float, title: tuple[str, str], legend: Markup | None = None) -> Markup:
    drawing = tag(
        "svg", tag("title", " / ".join(title)), *parts, viewBox=f"0 0 {WIDTH} {_n(height)}", role="img",
        aria_label=" / ".join(title), xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip
    return tag("figure", drawing, legend or "")


def _both_languages(pair: tuple[str, str], x: float, y: float, kind: str) -> Markup:
    words = zip(LANGUAGES, pair, strict=True)
    return joined(*(tag("text", word, x=x, y=y, class_=kind, lang=language) for language, word in words))


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
