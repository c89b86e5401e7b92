"""`greenlane import csv` and `import jsonl` on the command line, without a broker."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from greenlane.cli.app import app

ROOT = Path(__file__).parents[3]
TABLES = ROOT / "examples" / "tables"
ORDERS, MAPPING = str(TABLES / "orders.csv"), str(TABLES / "orders.yaml")


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("GREENLANE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return CliRunner()


def test_a_dry_run_names_what_is_refused_and_counts_the_rest(runner: CliRunner) -> None:
    done = runner.invoke(app, ["import", "csv", ORDERS, "--mapping", MAPPING, "--dry-run"])
    assert done.exit_code == 1
    assert done.stdout == (
        "line 7, column Tỉnh nhận: 'Hà Nộii' is no province of Vietnam; "
        "candidates: Hà Nội, or write the official code\n"
    )
    assert "6 rows, 5 parcels, 9 events: 8 would be published, 1 refused" in done.stderr


def test_json_has_every_fault_and_counts_that_add_up(runner: CliRunner) -> None:
    done = runner.invoke(app, ["import", "csv", ORDERS, "--mapping", MAPPING, "--dry-run", "--json"])
    fault, counts = map(json.loads, done.stdout.splitlines())
    assert (fault["line"], fault["column"], fault["value"]) == (7, "Tỉnh nhận", "Hà Nộii")
    assert fault["problem"]
    assert fault["remedy"]
    assert counts["read"] == counts["published"] + counts["refused"] + counts["not_sent"] + counts["unknown"] == 9


def test_events_go_into_a_file_that_validate_accepts(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    done = runner.invoke(app, ["import", "csv", ORDERS, "--mapping", MAPPING, "--events", str(file)])
    assert done.exit_code == 1
    assert "8 written, 1 refused" in done.stderr
    checked = runner.invoke(app, ["validate", "--strict", str(file)])
    assert checked.exit_code == 0, checked.stdout
    again = tmp_path / "again.jsonl"
    runner.invoke(app, ["import", "csv", ORDERS, "--mapping", MAPPING, "--events", str(again)])
    assert again.read_bytes() == file.read_bytes(), "the same file makes the same events"


def test_a_revision_is_a_correction_with_an_id_of_its_own(runner: CliRunner) -> None:
    words = ["import", "csv", ORDERS, "--mapping", MAPPING, "--events", "-", "--revision", "2"]
    events = [json.loads(line) for line in runner.invoke(app, words).stdout.splitlines() if line.startswith("{")]
    assert {event["data"]["revision"] for event in events} == {2}
    assert {event["data"]["correction_reason"] for event in events} == {"data_entry"}
    assert all(event["id"].endswith(".r2") for event in events)


def test_a_guess_is_shown_and_saved_and_nothing_is_published(runner: CliRunner, tmp_path: Path) -> None:
    saved = tmp_path / "m.yaml"
    shown = runner.invoke(app, ["import", "csv", ORDERS, "--marketplace", "demo-vn", "--save-mapping", str(saved)])
    assert shown.exit_code == 0, shown.stderr
    assert "packed.outer.kind" in shown.stdout
    assert "Not used: Sản phẩm, Người nhận" in shown.stdout
    assert "Question 1: no column tells packed.component.role" in shown.stdout
    assert "Nguyễn" not in shown.stdout + shown.stderr
    with saved.open("a", encoding="utf-8") as stream:
        stream.write("  packed.component.role: {value: outer}\n")
    done = runner.invoke(app, ["import", "csv", ORDERS, "--mapping", str(saved), "--dry-run"])
    assert "8 would be published, 1 refused" in done.stderr


def test_a_file_without_a_header_shows_none_of_its_values(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("P-1,s-1,2026-07-01,Nguyễn Thị A,0912345678\nP-2,s-1,2026-07-02,Trần B,0987654321\n", "utf-8")
    for words in ([], ["--json"]):
        shown = runner.invoke(app, ["import", "csv", str(file), "--marketplace", "demo-vn", *words])
        assert "Nguyễn" not in shown.stdout + shown.stderr
        assert "0912345678" not in shown.stdout + shown.stderr
    plain = runner.invoke(app, ["import", "csv", str(file), "--marketplace", "demo-vn"])
    assert "5 columns, and too few names that are known to show them" in plain.stdout


def test_open_questions_are_no_mapping(runner: CliRunner) -> None:
    done = runner.invoke(app, ["import", "csv", ORDERS, "--marketplace", "demo-vn", "--yes"])
    assert done.exit_code == 2
    assert "1 question about the mapping open" in done.stderr


def test_json_lines_of_orders_become_events(runner: CliRunner) -> None:
    words = ["import", "jsonl", str(TABLES / "orders.jsonl"), "--mapping", str(TABLES / "orders-jsonl.yaml")]
    done = runner.invoke(app, [*words, "--events", "-"])
    assert done.exit_code == 0, done.stderr
    first, delivered, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["data"]["items"] == [{"quantity": 2, "mass_g": 220}, {"quantity": 1, "mass_g": 95}]
    assert delivered["data"]["mass_g"] == 550
    assert second["data"]["parcel_id"] == "GH-2002"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mapping", "no-such.yaml"], "no-such.yaml: cannot be read"),
        (["--mapping", "README.md"], "README.md: is n"),
        (["--mapping", MAPPING, "--save-mapping", "x.yaml"], "leave --mapping out"),
        (["--mapping", MAPPING, "--marketplace", "other"], "the mapping is for demo-vn"),
        (["--mapping", MAPPING, "--events", "/no/such/folder/x"], "cannot write"),
        (["--save-mapping", "/no/such/folder/x"], "cannot write"),
    ],
)
def test_wrong_use_is_one_line_with_the_remedy(words: list[str], said: str, runner: CliRunner) -> None:
    done = runner.invoke(app, ["import", "csv", ORDERS, *words])
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


def test_no_table_is_one_line(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "orders.xlsx"
    file.write_bytes(b"PK\x03\x04....")
    done = runner.invoke(app, ["import", "csv", str(file)])
    assert done.exit_code == 2
    assert 'save it in the spreadsheet as "CSV UTF-8"' in done.stderr


def test_without_a_broker_it_says_so(runner: CliRunner) -> None:
    done = runner.invoke(app, ["import", "csv", ORDERS, "--mapping", MAPPING])
    assert done.exit_code == 2
    assert "Start one with `greenlane up`" in done.stderr
