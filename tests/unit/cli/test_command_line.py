"""The command line without servers: help with examples that work, clear errors, exit codes."""

import errno
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from greenlane.cli.app import MODULES, app

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "schemas" / "examples"
PACKED = EXAMPLES / "greenlane.parcel.packed.v1" / "average-vietnamese-parcel.json"


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(command, TyperGroup):
        yield path, command
        return
    context = typer.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None, name
        yield from _commands(child, (*path, name))


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("GREENLANE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return CliRunner()


def example_of(command: Any) -> list[str]:
    """The words after `greenlane` in the example of a command's help, without redirections."""
    found = re.search(r"Example: `(?:[A-Z_]+=\S+ )*greenlane ([^`>]+)`?", command.help or "")
    assert found, f"{command.name}: the help has no example"
    return shlex.split(found.group(1))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_that_its_own_parser_accepts(path: tuple[str, ...]) -> None:
    words = example_of(COMMANDS[path])
    assert tuple(words[: len(path)]) == path
    COMMANDS[path].make_context(path[-1], words[len(path) :], resilient_parsing=False)


def test_a_good_event_is_accepted_and_a_bad_one_named_with_line_field_and_remedy(
    runner: CliRunner, tmp_path: Path
) -> None:
    bad = json.loads(PACKED.read_text(encoding="utf-8"))
    bad["time"] = "2026-07-01T09:30:00"
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(json.loads(PACKED.read_text(encoding="utf-8"))) + "\n" + json.dumps(bad) + "\n")
    accepted = runner.invoke(app, ["validate", str(PACKED)])
    refused = runner.invoke(app, ["validate", str(file)])
    assert accepted.exit_code == 0
    assert refused.exit_code == 1
    assert "line 2: time needs an offset" in refused.stdout
    assert "naive_time" in refused.stdout


def test_explain_shows_each_factor_with_its_source_and_reproduces_the_average_parcel(runner: CliRunner) -> None:
    shown = runner.invoke(app, ["explain", str(PACKED)])
    told = json.loads(runner.invoke(app, ["explain", "--json", str(PACKED)]).stdout)
    assert shown.exit_code == 0
    assert "UK Government GHG Conversion Factors" in shown.stdout
    assert told["sums"]["packaging_co2e_mg"] == 334_780  # 0.087 x 1.19972542 + 0.079 x 2.91650513 kg
    assert {factor["id"] for factor in told["factors"]} == {"pk.board.primary", "pk.film.primary"}


def test_score_reproduces_the_usual_round_and_the_lorry_of_the_method(runner: CliRunner) -> None:
    folder = EXAMPLES / "greenlane.parcel.delivered.v1"
    usual = runner.invoke(app, ["score", "--json", str(folder / "usual-petrol-motorbike-round.json")])
    lorry = runner.invoke(
        app, ["explain", "--json", str(folder / "articulated-lorry-from-hanoi-to-ho-chi-minh-city.json")]
    )
    whole = runner.invoke(app, ["score", "--json", str(folder / "whole-chain-that-the-carrier-states.json")])
    assert round(json.loads(usual.stdout)["co2e_mg"] / 1000) == 190
    assert json.loads(usual.stdout)["score"] == 26.2
    assert json.loads(whole.stdout)["score"] == 93.5
    assert round(json.loads(lorry.stdout)["sums"]["line_haul_co2e_mg"] / 1000) == 55


def test_a_delivery_is_exported_as_an_ileap_shipment_footprint_and_a_packing_is_left_out(runner: CliRunner) -> None:
    usual = EXAMPLES / "greenlane.parcel.delivered.v1" / "usual-petrol-motorbike-round.json"
    exported = runner.invoke(app, ["ileap", str(usual)])
    assert json.loads(exported.stdout)["shipmentId"] == "VN-0001"
    assert runner.invoke(app, ["ileap", str(PACKED)]).stdout == ""


def test_without_a_broker_a_command_says_how_to_get_one_and_exits_with_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "greenlane", "scores"],
        env=os.environ | {"GREENLANE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "greenlane up" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_service_is_refused_with_the_names_of_those_there_are(runner: CliRunner) -> None:
    refused = runner.invoke(app, ["run", "teleporter"])
    assert refused.exit_code == 2
    assert "aggregator" in refused.output


def test_a_data_set_that_cannot_be_read_is_a_line_for_each_problem(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GREENLANE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    (tmp_path / "municipios.csv").write_bytes(b"PK\x03\x04")

    refused = runner.invoke(app, ["import", "olist", str(tmp_path)])

    assert refused.exit_code == 2
    assert refused.stderr.splitlines() == [
        "municipios.csv: is a zip archive or an Excel workbook; unpack it, or save it as CSV in UTF-8"
    ]


def program(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "greenlane", *words],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("option", ["--version", "--help", "-h"])
def test_version_and_help_load_no_command_and_no_library_of_one(option: str) -> None:
    looked_at = (
        "import sys; sys.argv = ['greenlane', sys.argv[1]]\n"
        "from greenlane.cli.start import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'pydantic', 'rich', 'kafka', 'sqlalchemy', 'faust', 'httpx', 'prometheus_client', 'yaml'}\n"
        "loaded = heavy & sys.modules.keys()\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", looked_at, option], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "0.1.0" in done.stdout if option == "--version" else "dead-letters" in done.stdout


def test_each_command_is_listed_with_the_first_sentence_of_its_own_help() -> None:
    for name, listed in MODULES.items():
        command = typer.main.get_command(app).get_command(None, name)  # type: ignore[attr-defined]
        sentence = listed.summary.rstrip(".")
        own = " ".join((command.help or "").split())
        assert own.startswith(sentence) or name in {"explain", "demo"}, f"{name}: {own}"


@pytest.mark.parametrize(
    ("typed", "meant"), [("scoers", "scores"), ("dead-leters", "dead-letters"), ("dotcor", "doctor")]
)
def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(runner: CliRunner, typed: str, meant: str) -> None:
    done = runner.invoke(app, [typed])
    assert done.exit_code == 2
    assert f"'{meant}'" in done.output


@pytest.mark.parametrize(
    "moment", ["greenlane.cli.app", "greenlane.cli.running.machine", "greenlane.operations.embedded"]
)
def test_ctrl_c_while_something_is_being_imported_ends_with_one_line(tmp_path: Path, moment: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {moment!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
    )
    done = program("up", PYTHONPATH=str(tmp_path), GREENLANE_DATA_DIR=str(tmp_path))
    assert done.returncode == 130
    assert done.stderr.strip() == "greenlane: interrupted"


def test_a_disk_without_room_and_a_folder_that_may_not_be_written_are_one_line(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/.greenlane/webhook.key")

    monkeypatch.setattr("greenlane.cli.connection.load_settings", full)
    done = runner.invoke(app, ["scores"])
    assert done.exit_code == 2
    assert "cannot write /data/.greenlane/webhook.key: No space left on device. Free some space" in done.output


def test_validate_warns_of_what_is_improbable_and_refuses_it_when_strict(runner: CliRunner, tmp_path: Path) -> None:
    path = EXAMPLES / "greenlane.parcel.delivered.v1" / "usual-petrol-motorbike-round.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["data"]["destination"]["code"] = "HN"
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(document), encoding="utf-8")

    warned = runner.invoke(app, ["validate", str(file)])
    strict = runner.invoke(app, ["validate", "--strict", str(file)])
    told = [json.loads(line) for line in runner.invoke(app, ["validate", "--json", str(file)]).stdout.splitlines()]

    assert (warned.exit_code, strict.exit_code) == (0, 1)
    assert "line 1: warning: data.destination.code" in warned.stdout
    assert "nearest: 01 Hà Nội" in warned.stdout
    assert "1 accepted, 0 refused, 1 warning" in warned.stderr
    assert "0 accepted, 1 refused" in strict.stderr
    assert told[0]["warnings"][0]["code"] == "unknown_place"
    assert {name: told[1][name] for name in ("accepted", "refused", "warnings")} == {
        "accepted": 1, "refused": 0, "warnings": 1,
    }  # fmt: skip


def test_validate_prints_at_most_the_limit_and_says_so(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("no event\n" * 30, encoding="utf-8")

    shown = runner.invoke(app, ["validate", "--limit", "5", str(file)])

    assert len([text for text in shown.stdout.splitlines() if text.startswith("line ")]) == 5
    assert "and 25 more; --limit shows more of them" in shown.stderr


@pytest.mark.parametrize(
    ("words", "found"), [("greenlane dea", "dead-letters"), ("greenlane webhooks del", "deliveries")]
)
def test_a_shell_completes_commands(words: str, found: str) -> None:
    asked = {"_GREENLANE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    program = Path(sys.executable).with_name("greenlane")
    done = subprocess.run([program], env=os.environ | asked, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [found]
