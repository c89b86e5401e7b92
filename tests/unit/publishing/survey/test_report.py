"""The report on events: nothing that an event holds becomes markup, and its figures are those of scoring."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from greenlane.cli.app import app
from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.explaining.effects import effects_of
from greenlane.methodology.seller.score import green_points
from greenlane.publishing.files.checking import in_file
from greenlane.publishing.files.reading import read_file
from greenlane.publishing.survey.gains import gains
from greenlane.publishing.survey.page.markup import tag, text
from greenlane.publishing.survey.page.report import Report, page, percent_text
from greenlane.publishing.survey.page.texts import CODES, DIMENSIONS, FACTS, TEXTS
from greenlane.publishing.survey.survey import MOST_GROUPS, Survey, shares

NOW = datetime(2026, 11, 30, tzinfo=UTC)
METHOD, POLICY = load_method(), load_policy()
EXAMPLES = sorted((Path(__file__).parents[4] / "schemas" / "examples").glob("greenlane.p*/*.json"))
HOSTILE = '"><script>document.title="taken"</script><img src=x onerror=alert(1)>&lt;\u202e\x00</style>\' onload=x '
ELEMENTS = frozenset(
    {"html", "head", "meta", "title", "style", "body", "input", "div", "label", "main", "h1", "h2", "h3", "p", "span",
     "code", "ul", "li", "b", "article", "figure", "svg", "rect", "line", "text", "table", "thead", "tbody", "tr", "th",
     "td", "small", "footer", "i"}
)  # fmt: skip


class Looking(HTMLParser):
    """Collects elements, attributes and the text of a page as a browser reads them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def looked(report: Report) -> Looking:
    found = Looking()
    found.feed(page(report))
    found.close()
    return found


def survey_of(documents: Iterable[object]) -> Survey:
    survey = Survey(METHOD)
    raw = b"\n".join(json.dumps(document).encode() for document in documents)
    for item in read_file(BytesIO(raw), NOW):
        if item.refusal is not None:
            survey.refuse(item.line, item.refusal)
        elif item.event is not None:
            survey.accept(item.line, item.event, [])
    return survey


def report_of(survey: Survey, source: str = "events.jsonl") -> Report:
    return Report(source, NOW, survey, gains(survey.accounts, METHOD, POLICY), in_file)


def examples() -> list[dict[str, object]]:
    documents = [json.loads(path.read_bytes()) for path in EXAMPLES]
    assert len(documents) > 15
    return documents


def test_the_page_is_whole_and_takes_nothing_from_elsewhere() -> None:
    found = looked(report_of(survey_of(examples())))
    assert set(found.elements) <= ELEMENTS
    assert {"svg", "rect", "table"} <= set(found.elements)
    assert not {"src", "href", "srcset", "action"} & {name for name, _ in found.attributes}
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    languages = [value for name, value in found.attributes if name == "lang"]
    assert languages.count("vi") >= languages.count("en") - 1, "the document itself is English"


@settings(max_examples=40)
@given(st.text(max_size=60) | st.just(HOSTILE), st.text(max_size=60) | st.just(HOSTILE))
def test_nothing_that_an_event_holds_becomes_markup(path: str, message: str) -> None:
    survey = Survey(METHOD)
    survey.refuse(3, Refusal.because(DeadLetterCode.SCHEMA_VIOLATION, path, message))
    plain, hostile = looked(report_of(Survey(METHOD))), looked(report_of(survey, message + path))
    added = set(hostile.elements) - set(plain.elements)
    assert added <= {"article", "h3", "code"}
    assert [item for item in hostile.attributes if item[0] not in {"class", "lang"}] == [
        item for item in plain.attributes if item[0] not in {"class", "lang"}
    ]


def test_what_is_escaped_reads_as_it_was_written() -> None:
    found = Looking()
    found.feed(tag("p", "<b>&amp;", title='"quoted"'))
    assert (found.elements, found.attributes, found.words) == (["p"], [("title", '"quoted"')], ["<b>&amp;"])
    assert "\u202e" not in text("a\u202eb")


def test_gains_of_one_seller_are_the_effects_that_explain_shows() -> None:
    document = next(item for item in examples() if item["type"] == "greenlane.parcel.packed.v1")
    bare = {**document, "data": {"parcel_id": "P-1", "country": "VN"}}
    accounts = survey_of([bare]).accounts
    (judged,) = accounts.values()
    prior = POLICY.prior_parcels
    effects = {e.default: e for e in effects_of(judged, METHOD, lambda totals: green_points(totals, prior))}
    found = {gain.default: gain for gain in gains(accounts, METHOD, POLICY) if gain.default is not None}
    assert set(found) == set(effects)
    for default, effect in effects.items():
        assert found[default].supposed == effect.supposed
        if effect.supposed is not None:
            assert found[default].points == effect.points
            assert found[default].co2e_change_g == Decimal(effect.co2e_change_mg) / 1000


def test_shares_count_events_and_no_gain_is_invented_where_nobody_can_know() -> None:
    survey = survey_of(examples())
    assert all(0 <= share.declared <= share.events for share in shares(survey))
    for gain in gains(survey.accounts, METHOD, POLICY):
        assert (gain.supposed is None) == (gain.points is None) == (gain.levels is None)
    assert [percent_text(part, 1_000) for part in (0, 1, 500, 999, 1_000)] == ["0 %", "<1 %", "50 %", ">99 %", "100 %"]


def test_kinds_of_problems_are_bounded_and_the_worst_come_first() -> None:
    survey = Survey(METHOD)
    for number in range(3 * MOST_GROUPS):
        path = f"data.{'x' * (number % 100)}{chr(0x4E00 + number)}"
        survey.refuse(number, Refusal.because(DeadLetterCode.SCHEMA_VIOLATION, path, "is wrong"))
    problems = survey.problems
    assert len(problems) <= MOST_GROUPS + 1
    assert sum(problem.events for problem in problems) == survey.refused == 3 * MOST_GROUPS
    assert problems[0].events == max(problem.events for problem in problems)


def test_every_text_stands_in_both_languages() -> None:
    for pair in [*TEXTS.values(), *FACTS.values(), *CODES.values(), *DIMENSIONS.values()]:
        assert all(pair), pair
        assert len(pair) == 2
    assert set(CODES) >= set(DeadLetterCode)


def test_the_command_writes_a_report_and_machines_get_the_same_figures(tmp_path: Path) -> None:
    file, html = tmp_path / "events.jsonl", tmp_path / "report.html"
    lines = [json.dumps(document) for document in examples()]
    file.write_text("\n".join([*lines, '{"specversion": "1.0", "id": "<script>"}']), encoding="utf-8")
    done = CliRunner().invoke(app, ["validate", str(file), "--html", str(html), "--json"])
    summary = json.loads(done.stdout.splitlines()[-1])
    assert done.exit_code == 1
    assert (summary["accepted"], summary["refused"]) == (len(lines), 1)
    assert summary["gains"][-1]["default"] is None
    assert summary["problems"][0]["severity"] == "refused"
    assert "<script" not in html.read_text(encoding="utf-8")
