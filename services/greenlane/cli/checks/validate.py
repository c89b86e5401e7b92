"""`greenlane validate`: a file or a topic of events: problems, what is declared, and what declaring more would add."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from greenlane.cli.checks.reconcile import shown_progress
from greenlane.cli.connection import kafka_settings
from greenlane.cli.events import Limit, opened, utc_now
from greenlane.cli.late_progress import late_progress
from greenlane.cli.output import AsJson, console, notes, print_json, print_table
from greenlane.cli.start import INTERRUPTED
from greenlane.contracts.dead_letters import Refusal
from greenlane.factors.loading import load_method, load_policy
from greenlane.publishing.files.checking import Checking, Where, in_file
from greenlane.publishing.files.plausibility import Doubt
from greenlane.publishing.files.reading import read_file
from greenlane.publishing.survey.gains import Gain, gains
from greenlane.publishing.survey.page.report import Report, page, percent_text
from greenlane.publishing.survey.sources import Source, topic_events, topic_of
from greenlane.publishing.survey.survey import MOST_KEPT, Survey, shares
from greenlane.settings import load_settings

app = typer.Typer()
OptionalFile = Annotated[
    Path | None,
    typer.Argument(help="JSON Lines, a JSON array or one event; structured CloudEvents. - reads standard input."),
]
TopicOption = Annotated[
    str | None, typer.Option("--topic", help="Read this fulfilment topic, or this marketplace's, instead of a file.")
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="Write a report there: one HTML file, English and Vietnamese.")
]


@app.command()
def validate(  # noqa: PLR0913, PLR0917 - one option each
    file: OptionalFile = None,
    topic: TopicOption = None,
    strict: Annotated[bool, typer.Option(help="Also refuse places that no table has, and impossible values.")] = False,
    html: HtmlOption = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Check events against the contract: where, field, problem and remedy. Exits 1 if one is refused.

    Warnings name what is improbable: unknown places, units that look wrong, events that contradict one another. A
    warning refuses nothing. Then it shows how much is declared, and what declaring each missing fact would add: every
    account is scored again under it.

    Example: `greenlane validate schemas/examples/greenlane.parcel.packed.v1/board-box-with-recycled-content.json`

    Example: `greenlane validate --topic demo-vn --html report.html`
    """
    if (file is None) == (topic is None):
        raise typer.BadParameter("name either a file of events or --topic")
    settings = load_settings()
    method = load_method(settings.factors_file)
    named = topic_of(topic) if topic is not None else str(file)
    check = _Check(Checking(method, strict), Survey(method), limit, as_json)
    with _source(file, topic) as source:
        check.read(source)
    policy = load_policy(settings.policy_file)
    report = Report(named, utc_now(), check.survey, gains(check.survey.accounts, method, policy), source.where)
    check.show(report)
    if html is not None:
        _write(html, report)
    raise typer.Exit(INTERRUPTED if check.interrupted else 1 if check.checking.refused else 0)


@contextmanager
def _source(file: Path | None, topic: str | None) -> Iterator[Source]:
    if file is not None:
        with opened(file) as stream:
            yield Source(read_file(stream, utc_now()), in_file)
        return
    assert topic is not None, "the caller has one of the two"
    name = topic_of(topic)
    with (
        shown_progress() as telling,
        topic_events(kafka_settings().kafka_bootstrap_servers, name, telling(name)) as found,
    ):
        yield found


@dataclass(slots=True)
class _Check:
    """Looks at every event, keeps the first findings of both kinds for people, and prints every one for machines."""

    checking: Checking
    survey: Survey
    limit: int
    as_json: bool
    interrupted: bool = False
    _refusals: list[str] = field(default_factory=list)
    _warnings: list[str] = field(default_factory=list)
    _found: int = 0

    def read(self, source: Source) -> None:
        """Look at all events."""
        try:
            with late_progress("events") as tick:
                for item in source.events:
                    tick()
                    refusal, doubted = self.checking.look(item, source.where)
                    if refusal is not None:
                        self.survey.refuse(item.line, refusal)
                        self._refusal(item.line, refusal, source.where)
                    elif item.event is not None:
                        self.survey.accept(item.line, item.event, doubted)
                    self._doubts(item.line, doubted, source.where)
                whole = self.checking.of_file()
                for doubt in whole:
                    self.survey.doubt(0, doubt)
                self._doubts(0, whole, source.where)
        except KeyboardInterrupt:
            self.interrupted = True

    def _refusal(self, line: int, refusal: Refusal, where: Where) -> None:
        if self.as_json:
            problems = [problem.model_dump() for problem in refusal.problems]
            print_json({**_place(line, where), "code": refusal.code, "problems": problems})
            return
        self._found += 1
        if len(self._refusals) < self.limit:
            lines = [
                f"{where(line)}: {item.path or 'event'} {item.message} [{refusal.code}]" for item in refusal.problems
            ]
            self._refusals.append("\n".join(lines))

    def _doubts(self, line: int, doubts: list[Doubt], where: Where) -> None:
        if not doubts:
            return
        if self.as_json:
            print_json({**_place(line, where), "warnings": [asdict(doubt) for doubt in doubts]})
            return
        for doubt in doubts:
            self._found += 1
            if len(self._warnings) < self.limit:
                place = f"{doubt.path}: " if doubt.path else ""
                self._warnings.append(f"{where(line)}: warning: {place}{doubt.message} [{doubt.code}]")

    def show(self, report: Report) -> None:
        """The findings, the worst first, and what the survey found."""
        if self.as_json:
            counts = {name: getattr(self.checking, name) for name in ("accepted", "refused", "warnings", "repeated")}
            print_json(counts | report.document())
            return
        shown = [*self._refusals, *self._warnings][: self.limit]
        for text in shown:
            console.print(text, highlight=False, markup=False, soft_wrap=True)
        if self._found > len(shown):
            notes.print(f"and {self._found - len(shown)} more; --limit shows more of them, --json every one")
        _show_problems(report)
        _show_declared(report)
        notes.print(_summary(self.checking, self.interrupted), highlight=False)


def _place(line: int, where: Where) -> dict[str, Any]:
    if where is in_file:
        return {"line": line or None}
    return {"place": where(line)}


def _show_problems(report: Report) -> None:
    """The kinds of problems, where there are many of one kind."""
    problems = [problem for problem in report.survey.problems if problem.events > 1]
    severities = ("improbable", "impossible", "refused")
    rows = [
        (severities[item.severity], item.code, f"{item.events:,}", item.path, item.example, report.where(item.first))
        for item in problems[:15]
    ]
    if rows:
        columns = ("what", "code", ">events", "~field", "~for example", "first")
        print_table("Problems of a kind, the worst first", columns, rows)


def _show_declared(report: Report) -> None:
    """How much is declared, and what declaring the rest would add."""
    found = {(share.default, share.dimension): share for share in shares(report.survey)}
    rows = [
        (share.default, share.dimension, percent_text(share.declared, share.events), f"{share.events:,}")
        for share in list(found.values())[:20]
    ]
    if not rows:
        return
    print_table("How often facts are declared", ("undeclared elsewhere", "dimension", ">declared", ">events"), rows)
    columns = ("declare", ">parcels", ">points", ">g CO2e", ">g plastic", ">levels", "~which means")
    print_table("What declaring it would add, by scoring every account again", columns, map(_gain_row, report.gains))
    if report.survey.beyond:
        notes.print(
            f"these gains are of the first {MOST_KEPT:,} parcels; {report.survey.beyond:,} more events were not scored "
            "again",
            highlight=False,
        )


def _gain_row(gain: Gain) -> tuple[object, ...]:
    name = "everything" if gain.default is None else gain.default
    if gain.points is None or gain.co2e_change_g is None or gain.plastic_change_g is None:
        return name, f"{gain.parcels:,}", "?", "?", "?", "?", f"{gain.meaning} Only you know what to declare."
    return (
        name, f"{gain.parcels:,}", f"{gain.points:+.2f}", f"{gain.co2e_change_g:+,.0f}",
        f"{gain.plastic_change_g:+,.0f}", gain.levels, f"{gain.meaning} Supposed: {gain.supposed}.".strip(),
    )  # fmt: skip


def _write(path: Path, report: Report) -> None:
    try:
        path.write_text(page(report), encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"cannot write {path}: {error.strerror}") from error
    notes.print(f"report written to {path}", highlight=False, markup=False, soft_wrap=True)


def _summary(checking: Checking, interrupted: bool) -> str:
    text = f"{checking.accepted} accepted, {checking.refused} refused"
    if checking.warnings:
        text += f", {checking.warnings} warning{'s' if checking.warnings > 1 else ''}"
    if checking.repeated:
        text += f"; {checking.repeated} appear twice and count once"
    if interrupted:
        return f"{text} so far"
    return text if checking.accepted + checking.refused else f"{text}: there is no event in it"
