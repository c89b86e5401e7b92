"""`greenlane conformance`: what a marketplace publishes, as a table of rules to hand to a partner."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from greenlane.cli.checks.reconcile import shown_progress
from greenlane.cli.checks.validate import OptionalFile, TopicOption
from greenlane.cli.connection import kafka_settings
from greenlane.cli.events import opened, utc_now
from greenlane.cli.late_progress import late_progress
from greenlane.cli.output import AsJson, console, notes, print_json, print_table
from greenlane.factors.loading import load_method
from greenlane.operations.topics_reader import TopicsReader
from greenlane.publishing.conformance.listening import arriving
from greenlane.publishing.conformance.observations import Observation, of_file, of_topic
from greenlane.publishing.conformance.rules import Conformance, Row, Verdict
from greenlane.publishing.files.reading import read_file
from greenlane.publishing.survey.sources import topic_of
from greenlane.settings import load_settings

app = typer.Typer()
Minutes = Annotated[
    float, typer.Option(min=0, max=1_440, help="Wait so long for new records; 0 reads what stands there.")
]
Count = Annotated[int | None, typer.Option(min=1, help="End after so many records.")]
FromBeginning = Annotated[bool, typer.Option("--from-beginning", help="With --minutes: read what stands there first.")]


@app.command()
def conformance(  # noqa: PLR0913, PLR0917 - one option each
    file: OptionalFile = None,
    topic: TopicOption = None,
    minutes: Minutes = 0,
    count: Count = None,
    from_beginning: FromBeginning = False,
    as_json: AsJson = False,
) -> None:
    """Judge what a marketplace publishes, rule by rule. Exits 1 if a rule fails; a row is pass, fail or not judged.

    It looks at envelope, key, headers, ids, time zones, order of steps, corrections, retractions, sizes, delays, what
    is declared and what is refused. A rule that nothing tried is not passed. Ctrl-C ends the waiting and judges.

    Example: `greenlane conformance --topic demo-vn --minutes 10 --count 5000`

    Example: `greenlane conformance schemas/examples/greenlane.parcel.packed.v1/average-vietnamese-parcel.json`
    """
    if (file is None) == (topic is None):
        raise typer.BadParameter("name either a file of events or --topic")
    if file is not None and minutes:
        raise typer.BadParameter("--minutes waits for records of a topic; leave it out for a file")
    now = utc_now() if file is not None else None
    seen = Conformance(load_method(load_settings().factors_file), now)
    try:
        with _observed(file, topic, minutes, from_beginning=from_beginning) as found, late_progress("records") as tick:
            for item in islice(found, count):
                tick()
                seen.look(item)
    except KeyboardInterrupt:
        notes.print("interrupted: judged by what was seen so far", highlight=False)
    rows = seen.rows()
    _show(seen, rows, topic_of(topic) if topic is not None else str(file), as_json=as_json)
    raise typer.Exit(1 if any(row.verdict is Verdict.FAIL for row in rows) else 0)


@contextmanager
def _observed(
    file: Path | None, topic: str | None, minutes: float, *, from_beginning: bool
) -> Iterator[Iterator[Observation]]:
    if file is not None:
        with opened(file) as stream:
            yield of_file(read_file(stream, utc_now()))
        return
    assert topic is not None, "the caller has one of the two"
    name, servers = topic_of(topic), kafka_settings().kafka_bootstrap_servers
    if minutes:
        yield of_topic(arriving(servers, name, minutes * 60, from_beginning=from_beginning))
        return
    with shown_progress() as telling, TopicsReader(servers, [name], telling(name)) as reader:
        yield of_topic(reader.records(name))


def _show(seen: Conformance, rows: list[Row], source: str, *, as_json: bool) -> None:
    counts = {verdict: sum(row.verdict is verdict for row in rows) for verdict in Verdict}
    if as_json:
        print_json(
            {
                "source": source,
                "records": seen.records,
                "rules": [row._asdict() for row in rows],
                "failed": counts[Verdict.FAIL],
                "not_judged": counts[Verdict.NOT_JUDGED],
                "passed": counts[Verdict.PASS],
            }
        )
        return
    table = [
        (
            row.verdict,
            row.name,
            row.seen,
            row.rule,
            "; ".join(part for part in (row.remedy, row.example and f"first: {row.example}") if part),
        )
        for row in rows
    ]
    print_table(f"Conformance of {source}", ("verdict", "rule", "~seen", "~asks", "~what to do"), table)
    text = f"{seen.records:,} records: {counts[Verdict.FAIL]} rules failed, {counts[Verdict.NOT_JUDGED]} not judged, "
    console.print(f"{text}{counts[Verdict.PASS]} passed", highlight=False, markup=False, soft_wrap=True)
