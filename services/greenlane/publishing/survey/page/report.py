"""The report on events: as plain values for machines, and as one HTML page for people."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

from greenlane.methodology.explaining.explain import IMPLAUSIBLE_MEANING
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.score import parcel_delivery_score, parcel_packaging_score
from greenlane.methodology.sums import DeliverySums, PackagingSums
from greenlane.methodology.vocabulary import ImplausibleFact
from greenlane.publishing.files.checking import Where
from greenlane.publishing.survey.gains import Gain
from greenlane.publishing.survey.page.markup import Markup, joined, tag
from greenlane.publishing.survey.page.plots import Bar, Column, columns, rows
from greenlane.publishing.survey.page.texts import CODES, DIMENSIONS, FACTS, TEXTS, both, fact_name, place_pair, say
from greenlane.publishing.survey.survey import Problem, Survey, shares

MOST_SHOWN = 25
"""Kinds of problems that the page shows."""

_MOST_COLUMNS = 120
_SEVERITIES = ("improbable", "impossible", "refused")
_TENTHS = 10


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at and when, what was found, and how a place is said in words."""

    source: str
    made: datetime
    survey: Survey
    gains: tuple[Gain, ...]
    where: Where

    def document(self) -> dict[str, Any]:
        """The survey as plain values."""
        survey = self.survey
        return {
            "problems": [
                {**item._asdict(), "severity": _SEVERITIES[item.severity], "first": self.where(item.first)}
                for item in survey.problems
            ],
            "types": dict(survey.types),
            "declared": [
                {"fact": str(share.default), "dimension": str(share.dimension), "declared": share.declared,
                 "events": share.events}
                for share in shares(survey)
            ],
            "gains": [gain.document() for gain in self.gains],
            "not_scored_again": survey.beyond,
            "implausible": dict(survey.implausible),
        }  # fmt: skip


def page(report: Report) -> str:
    """The report as one HTML file that needs nothing else."""
    style = (files("greenlane.publishing.survey.page") / "page.css").read_text(encoding="utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("title", f"{TEXTS['title'][0]} / {TEXTS['title'][1]}"),
        tag("style", joined(Markup(style))),
    )
    choice = joined(
        tag("input", type="radio", name="language", id="en", checked="checked"),
        tag("input", type="radio", name="language", id="vi"),
        tag("div", tag("label", "English", for_="en"), " ", tag("label", "Tiếng Việt", for_="vi"), class_="choice"),
    )
    body = tag("body", choice, tag("main", *_sections(report)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _sections(report: Report) -> Iterator[Markup]:
    yield _heading(report)
    yield _problems(report)
    yield _days(report.survey)
    yield _declared(report.survey)
    yield _gains(report)
    yield _scores(report.survey)
    yield _implausible(report.survey)
    yield tag("footer", say("method"), f" {METHOD_VERSION}.")


def _heading(report: Report) -> Markup:
    survey = report.survey
    doubted = Counter(problem.severity for problem in survey.problems for _ in range(problem.events))
    counts = (
        ("accepted", survey.accepted), ("refused", survey.refused), ("impossible", doubted[1]),
        ("improbable", doubted[0]), ("sellers", len(survey.accounts)),
    )  # fmt: skip
    verdict = "bad" if survey.refused else "good" if survey.accepted else "none"
    return joined(
        tag("h1", say("title")),
        tag("p", say("source"), ": ", tag("code", report.source)),
        tag("p", say("made"), f": {report.made:%Y-%m-%d %H:%M} UTC", class_="note"),
        tag("ul", *(tag("li", tag("b", f"{count:,}"), say(name)) for name, count in counts), class_="counts"),
        tag("p", say(verdict), class_=f"verdict {verdict}"),
    )


def _problems(report: Report) -> Markup:
    problems = report.survey.problems
    shown = [_problem(problem, report.where) for problem in problems[:MOST_SHOWN]] or [tag("p", say("no_problem"))]
    if len(problems) > MOST_SHOWN:
        shown.append(tag("p", say("more_problems"), f" ({len(problems) - MOST_SHOWN})", class_="note"))
    return joined(tag("h2", say("problems")), tag("p", TEXTS["in_english"][1], lang="vi", class_="note"), *shown)


def _problem(problem: Problem, where: Where) -> Markup:
    kind = _SEVERITIES[problem.severity]
    return tag(
        "article",
        tag("h3", both(CODES[problem.code]), " · ", say(kind), f" · {problem.events:,}"),
        tag("p", problem.example),
        tag("p", tag("code", problem.code), " · ", say("field"), ": ", tag("code", problem.path or "-"), " · ",
            say("first"), ": ", both(place_pair(where(problem.first))), class_="where"),
        class_=kind,
    )  # fmt: skip


def _days(survey: Survey) -> Markup:
    """Events by day, or by month where the days are many; a day without an event is there too."""
    if not survey.days:
        return joined()
    first, last = min(survey.days), max(survey.days)
    by_month = (last - first).days >= _MOST_COLUMNS
    counts: Counter[str] = Counter()
    for day, count in survey.days.items():
        counts[f"{day:%Y-%m}" if by_month else day.isoformat()] += count
    if by_month:
        months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        names = [f"{month // 12:04}-{month % 12 + 1:02}" for month in months][-_MOST_COLUMNS:]
    else:
        names = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]
    every = max(1, -(-len(names) // 4))
    found = [Column(name if place % every == 0 else "", (counts[name],)) for place, name in enumerate(names)]
    title = "months" if by_month else "days"
    return joined(tag("h2", say(title)), columns(found, TEXTS[title], [TEXTS["events"]]))


def _declared(survey: Survey) -> Markup:
    if not survey.accepted:
        return joined()
    bars = [
        Bar(
            (f"{FACTS[share.default][0]} ({DIMENSIONS[share.dimension][0]})",
             f"{FACTS[share.default][1]} ({DIMENSIONS[share.dimension][1]})"),
            share.declared / share.events,
            percent_text(share.declared, share.events),
        )
        for share in shares(survey)
    ]  # fmt: skip
    drawn = rows(bars, TEXTS["declared"], of_whole=True) if bars else tag("p", say("all_declared"))
    return joined(tag("h2", say("declared")), tag("p", say("declared_note"), class_="note"), drawn)


def percent_text(part: int, whole: int) -> str:
    """Whole percent; what is not all is never 100 %, and what is not nothing never 0 %."""
    found = round(100 * part / whole)
    if 0 < part < whole:
        return ">99 %" if found == 100 else "<1 %" if found == 0 else f"{found} %"
    return f"{found} %"


def _gains(report: Report) -> Markup:
    if not report.gains:
        return joined()
    most = max((abs(gain.points) for gain in report.gains if gain.points is not None), default=Decimal(0)) or Decimal(1)
    bars = [
        Bar(fact_name(gain.default), float(gain.points / most), f"{gain.points:+.2f}")
        for gain in report.gains
        if gain.points is not None
    ]
    names = ("fact", "parcels", "points", "co2e", "plastic", "levels")
    head = tag("thead", tag("tr", *(tag("th", say(name)) for name in names)))
    parts = [
        tag("h2", say("gains")),
        tag("p", say("gains_note"), class_="note"),
        rows(bars, TEXTS["gains"]) if bars else "",
        tag("table", head, tag("tbody", *map(_gain, report.gains))),
    ]
    if report.survey.beyond:
        parts.append(tag("p", say("beyond"), f" {report.survey.beyond:,}", class_="note"))
    return joined(*parts)


def _gain(gain: Gain) -> Markup:
    name = fact_name(gain.default)
    shown = both(name)
    if gain.points is None or gain.co2e_change_g is None or gain.plastic_change_g is None:
        cells: tuple[object, ...] = ("?", "?", "?", "?")
        below = say("only_you")
    else:
        cells = (f"{gain.points:+.2f}", f"{gain.co2e_change_g:+,.0f}", f"{gain.plastic_change_g:+,.0f}", gain.levels)
        below = joined() if gain.default is None else joined(say("supposed"), ": ", tag("span", gain.supposed))
    first = tag("td", shown, tag("small", below))
    return tag("tr", first, tag("td", f"{gain.parcels:,}"), *(tag("td", cell) for cell in cells))


def _scores(survey: Survey) -> Markup:
    packaging, delivery = Counter[int](), Counter[int]()
    for judged in survey.accounts.values():
        for row in judged:
            sums = row.assessed.sums
            if isinstance(sums, PackagingSums):
                packaging[_tenth(parcel_packaging_score(sums))] += 1
            elif isinstance(sums, DeliverySums):
                delivery[_tenth(parcel_delivery_score(sums))] += 1
    if not packaging and not delivery:
        return joined()
    found = [
        Column(str(10 * tenth) if tenth % 2 == 0 else "", (packaging[tenth], delivery[tenth]))
        for tenth in range(_TENTHS)
    ]
    names = [pair for dimension, pair in DIMENSIONS.items() if dimension in {"packaging", "delivery"}]
    drawn = columns(found, TEXTS["scores"], names)
    return joined(tag("h2", say("scores")), tag("p", say("scores_note"), class_="note"), drawn)


def _tenth(score: Decimal) -> int:
    return min(_TENTHS - 1, int(score / 10))


def _implausible(survey: Survey) -> Markup:
    if not survey.implausible:
        return joined()
    found = [
        tag("li", f"{IMPLAUSIBLE_MEANING[ImplausibleFact(code)]} ({count:,})")
        for code, count in survey.implausible.most_common()
    ]
    return joined(tag("h2", say("implausible")), tag("ul", *found))
