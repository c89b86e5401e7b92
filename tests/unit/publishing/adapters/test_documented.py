"""What the documents about adapters show is true: their commands run, their Python runs, their figures hold."""

import re
import shlex
from pathlib import Path

import pytest
from tests.unit.publishing.adapters.samples import ROOT
from typer.testing import CliRunner

from greenlane.cli.app import app
from greenlane.publishing.adapters.vocabularies import VOCABULARIES

GUIDE = (ROOT / "docs" / "publishing" / "adapters.md").read_text(encoding="utf-8")
SAMPLES = (ROOT / "examples" / "documents" / "README.md").read_text(encoding="utf-8")
README = (ROOT / "services" / "greenlane" / "publishing" / "adapters" / "README.md").read_text(encoding="utf-8")


def commands(text: str) -> list[list[str]]:
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("greenlane convert")]


@pytest.mark.parametrize("words", commands(GUIDE + SAMPLES), ids=lambda words: words[2])
def test_the_commands_run(words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    written = [str(tmp_path / word) if word == "events.jsonl" else word for word in words]

    result = CliRunner().invoke(app, written)

    assert result.exit_code == 0, result.stderr
    assert re.search(r": [1-9][0-9]* events, 0 refusals, ", result.stderr.splitlines()[-1])


def test_the_report_in_the_guide_is_the_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    (words,) = commands(GUIDE)
    report = CliRunner().invoke(app, [*words, "--output", str(tmp_path / "events.jsonl")]).stderr
    (shown,) = re.findall(r"```text\n(.*?)```", GUIDE, re.DOTALL)

    assert all(line.rstrip("…").strip() in report for line in shown.splitlines())


def test_the_python_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    exec(compile(block, "adapters.md", "exec"), {})  # noqa: S102 - the repository's own document


def test_every_vocabulary_is_documented() -> None:
    for name in VOCABULARIES:
        assert f"| `{name}` |" in README
        assert f"`{name}`" in GUIDE
