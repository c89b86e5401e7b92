"""`greenlane convert`: events to standard output or a file, the report to standard error, exit codes 0, 1 and 2."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from greenlane.cli.app import app

ROOT = Path(__file__).parents[3]
DOCUMENTS = Path("examples") / "documents"
SAMPLE = DOCUMENTS / "ucp" / "shipped-and-delivered.json"
SENDER = ("--marketplace", "demo-vn", "--seller", "seller-0042", "--country", "VN")
KNOWN = ("--known", str(DOCUMENTS / "known.json"))


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(ROOT)
    return CliRunner()


def test_events_go_out_and_the_report_beside_them(runner: CliRunner) -> None:
    result = runner.invoke(app, ["convert", "--from", "ucp", *SENDER, *KNOWN, str(SAMPLE)])

    assert result.exit_code == 0
    assert [json.loads(line)["type"].split(".")[2] for line in result.stdout.splitlines()] == ["packed", "delivered"]
    assert "line 1: 2 events, 0 refusals" in result.stderr
    assert "line_items.*.item.title (2)" in result.stderr
    assert "not said: packaging_undeclared (packaging, 1 event): 11.2 points alone." in result.stderr
    assert "all of it together (delivery): " in result.stderr
    assert result.stderr.splitlines()[-1] == "1 document: 2 events, 0 refusals, 45 values not used"


def test_what_it_writes_is_what_validate_accepts(runner: CliRunner, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"

    done = runner.invoke(app, ["convert", "--from", "ucp", *SENDER, *KNOWN, "--output", str(events), str(SAMPLE)])
    checked = runner.invoke(app, ["validate", str(events)])

    assert (done.exit_code, done.stdout) == (0, "")
    assert checked.exit_code == 0
    assert "2 accepted, 0 refused" in checked.stderr


def test_a_refusal_exits_with_1_and_leaves_the_other_documents_alone(runner: CliRunner, tmp_path: Path) -> None:
    several = tmp_path / "orders.json"
    sample = SAMPLE.read_text(encoding="utf-8")
    several.write_text(f'[{sample}, {{"products": []}}, {sample}]', encoding="utf-8")

    result = runner.invoke(app, ["convert", "--from", "ucp", *SENDER, *KNOWN, "--json", str(several)])

    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 4
    first, bad, again, counts = map(json.loads, result.stderr.splitlines())
    assert bad["refusals"] == [
        {
            "path": "ucp",
            "problem": "is no UCP order: it has no version",
            "remedy": "send an order with ucp.version",
        }
    ]
    assert (first["events"], again["events"]) == (2, 2)
    assert counts == {"documents": 3, "events": 4, "refusals": 1, "unused": 91}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--from", "edifact", *SENDER), "there is no vocabulary edifact; use one of ucp, "),
        (("--from", "ucp", *SENDER, "--stated-by", "verifier"), "are not verifier's"),
        (("--from", "ucp", "--marketplace", "Demo VN", "--seller", "a"), "--marketplace must match"),
        (("--from", "ucp", "--marketplace", "demo-vn", "--seller", "đ"), "--seller must be letters"),
        (("--from", "ucp", "--marketplace", "demo-vn", "--seller", "a", "--origin", "79"), "--origin needs --country"),
        (("--from", "ucp", *SENDER, "--origin", "Sài Gòn"), "--origin must be an official code"),
        (("--from", "ucp", *SENDER, "--known", str(SAMPLE)), "ucp is not a field of this contract"),
        (("--from", "ucp", *SENDER, "--known", "nowhere.json"), "cannot read nowhere.json"),
        (("--from", "ucp", *SENDER, "--output", "nowhere/events.jsonl"), "cannot write nowhere/events.jsonl"),
    ],
)
def test_wrong_use_exits_with_2_and_names_the_option(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], problem: str
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    result = runner.invoke(app, ["convert", *options, str(SAMPLE)])
    assert result.exit_code == 2
    assert problem in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize("written", ["documents.json", "known.json", "link.json"])
def test_a_file_that_is_read_is_not_written_over(runner: CliRunner, tmp_path: Path, written: str) -> None:
    documents, known, link = (tmp_path / name for name in ("documents.json", "known.json", "link.json"))
    documents.write_bytes(SAMPLE.read_bytes())
    known.write_bytes((DOCUMENTS / "known.json").read_bytes())
    link.symlink_to(documents)
    before = [documents.read_bytes(), known.read_bytes()]
    options = ["--known", str(known), "--output", str(tmp_path / written), str(documents)]

    result = runner.invoke(app, ["convert", "--from", "ucp", *SENDER, *options])

    assert result.exit_code == 2
    assert "is a file that is read" in " ".join(result.stderr.replace("│", " ").split())
    assert [documents.read_bytes(), known.read_bytes()] == before
