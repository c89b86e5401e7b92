"""What a newcomer sees before there is anything to see: the reason and what to do, and no table without rows."""

from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from greenlane.cli.accounts import results
from greenlane.cli.running.stack import Service, Stack
from greenlane.operations.running_stack import StackFolder
from greenlane.settings import SERVICES, Settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def _an_empty_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "kafka_settings", Settings)
    monkeypatch.setattr(results, "latest_scores", lambda _: [])
    monkeypatch.setattr(results, "all_decisions", lambda _: [])


@pytest.mark.usefixtures("_an_empty_log")
@pytest.mark.parametrize(("command", "remedy"), [("scores", "greenlane close-days"), ("decisions", "greenlane scores")])
def test_a_list_with_nothing_in_it_says_why_and_what_to_do(command: str, remedy: str) -> None:
    shown = CliRunner().invoke(results.app, [command])
    assert shown.exit_code == 0
    assert remedy in shown.stderr
    assert not shown.stdout


@pytest.mark.usefixtures("_an_empty_log")
@pytest.mark.parametrize("command", ["scores", "decisions"])
def test_a_list_with_nothing_in_it_has_no_json_line(command: str) -> None:
    assert not CliRunner().invoke(results.app, [command, "--json"]).output


def test_no_two_rows_of_what_runs_where_have_one_name(tmp_path: Path) -> None:
    stack = Stack(Settings(data_dir=tmp_path), notify=print)
    stack._api_port, stack._gateway_port = 9106, 9108
    stack.services = {
        name: Service(name, "127.0.0.1", 9100 + number, tmp_path / name, {}, StackFolder(tmp_path))
        for number, name in enumerate(SERVICES)
    }
    console = Console(width=120)
    with console.capture() as capture:
        console.print(stack.table())
    names = [line.split("│")[1].strip() for line in capture.get().splitlines() if line.startswith("│")]
    assert len(names) > len(SERVICES)
    assert len({name.replace("_", " ").lower() for name in names}) == len(names)


def test_readme_shows_the_command_that_explains_its_parcel_and_where_its_kafka_is() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    explained = readme.split("## Why did this parcel score", 1)[1].split("\n## ", 1)[0]
    command = next(line for line in explained.splitlines() if line.startswith(".venv/bin/greenlane explain "))
    event = (ROOT / command.split()[-1]).read_text(encoding="utf-8")
    assert explained.split("```text\n", 1)[1].split(":", 1)[0] in event
    example = readme.index('os.environ.get("GREENLANE_KAFKA_BOOTSTRAP_SERVERS"')
    assert "export GREENLANE_KAFKA_BOOTSTRAP_SERVERS=" in readme[:example]
