"""The method on the command line: scoring, explaining, advising and checking policies without a server."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from greenlane.cli.app import app
from greenlane.cli.late_progress import late_progress

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "schemas" / "examples"
PACKED = EXAMPLES / "greenlane.parcel.packed.v1" / "average-vietnamese-parcel.json"
NOTHING = EXAMPLES / "greenlane.parcel.packed.v1" / "nothing-declared-about-the-packaging.json"
POLICY = ROOT / "services" / "greenlane" / "factors" / "policies" / "v1.yaml"

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("GREENLANE_DATA_DIR", str(tmp_path))

    def invoke(*words: str | Path) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return invoke


def test_explaining_an_event_says_what_declaring_each_default_would_change(run: Run) -> None:
    shown = run("explain", NOTHING)
    told = json.loads(run("explain", "--json", NOTHING).stdout)
    (packaging,) = (one for one in told["effects"] if one["default"] == "packaging_undeclared")
    assert shown.exit_code == 0
    assert "packaging_undeclared if declared as the average parcel's board and film around its goods: -" in shown.stdout
    assert (packaging["co2e_change_mg"], packaging["points"]) == (-63_965, 11.1706)


def test_advice_for_a_file_names_each_sellers_best_changes(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in (PACKED, NOTHING)]
    file.write_text("\n".join(json.dumps(document) for document in documents))
    shown = run("advise", file)
    told = [json.loads(line) for line in run("advise", "--json", file).stdout.splitlines()]
    assert shown.exit_code == 0
    assert [one["seller"] for one in told] == [f"demo-vn/{document['subject']}" for document in documents]
    assert told[1]["suggestions"][0]["change"] == "declare"
    for one in told:
        assert one["seller"] in shown.stdout
        assert all(change["points"] > 0 for change in one["suggestions"])
        assert all(f"{change['text']} ({change['change']})" in shown.stdout for change in one["suggestions"])


@pytest.mark.parametrize("command", ["explain", "advise"])
def test_a_file_or_a_seller_is_named_and_not_both(run: Run, command: str) -> None:
    for words in ((command,), (command, PACKED, "--seller", "demo-vn/ann")):
        refused = run(*words)
        assert refused.exit_code == 2
        assert "--seller" in refused.output


def test_scoring_prints_as_many_rows_as_asked_and_says_how_many_more_there_are(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    document = json.loads(PACKED.read_text(encoding="utf-8"))
    file.write_text("\n".join(json.dumps(document | {"id": f"event-{number}"}) for number in range(5)))
    shown = run("score", "--limit", "2", file)
    assert shown.exit_code == 0
    assert shown.stdout.count("packaging") == 2
    assert "and 3 more" in shown.stderr
    assert len(run("score", "--json", file).stdout.splitlines()) == 5


def test_advice_leaves_out_what_the_contract_refuses_and_exits_with_1(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(PACKED.read_text(encoding="utf-8").replace("\n", "") + '\n{"specversion": "1.0"}\n')
    shown = run("advise", file)
    assert shown.exit_code == 1
    assert "line 2" in shown.stderr
    assert "stated_by_others" in shown.stdout


def test_the_shipped_policy_is_valid(run: Run) -> None:
    assert "Policy 1.0.0 is valid" in run("policy", "check", POLICY).stdout
    assert json.loads(run("policy", "check", "--json", POLICY).stdout) == {
        "valid": True,
        "version": "1.0.0",
        "levels": ["bronze", "silver", "gold"],
    }


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("green_min: 70", "green_min: 50", "silver"),
        ("window_days: 90", "window_days: 0", "window_days"),
        ("enter_days: 3", "enter_dayz: 3", "enter_days"),
        ("levels:", "levels: [", "is not YAML"),
    ],
)
def test_a_wrong_policy_is_refused_by_row_and_reason(
    run: Run, tmp_path: Path, before: str, after: str, named: str
) -> None:
    text = POLICY.read_text(encoding="utf-8")
    assert before in text
    file = tmp_path / "policy.yaml"
    file.write_text(text.replace(before, after))
    refused = run("policy", "check", file)
    told = json.loads(run("policy", "check", "--json", file).stdout)
    assert refused.exit_code == 1
    assert "policy.yaml" in refused.stderr
    assert named in refused.stderr
    assert told["valid"] is False
    assert named in told["problem"]


def test_a_policy_that_cannot_be_read_is_refused(run: Run, tmp_path: Path) -> None:
    assert run("policy", "check", tmp_path / "none.yaml").exit_code == 1


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, False), (1.9, False), (2.1, True)])
def test_progress_shows_only_when_it_takes_longer_than_two_seconds(
    capsys: pytest.CaptureFixture[str], seconds: float, *, shown: bool
) -> None:
    moments = iter([0.0, seconds, seconds])
    with late_progress("things", lambda: next(moments)) as tick:
        for _ in range(1_000):
            tick()
    assert ("things" in capsys.readouterr().err) is shown
