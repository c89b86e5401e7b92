"""The example for researchers and students in `docs/method-in-python.md` runs as it stands."""

import re
from pathlib import Path

import pytest

import greenlane.methodology

DOCUMENT = Path(__file__).parents[3] / "docs" / "method-in-python.md"


def test_the_example_in_the_document_runs_and_prints_what_it_promises(capsys: pytest.CaptureFixture[str]) -> None:
    cells = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert len(cells) > 1
    exec(compile("\n".join(cells), str(DOCUMENT), "exec"), {})  # noqa: S102 - this project's own documentation
    printed = capsys.readouterr().out
    assert "packaging, method 2.0.0, measured data, score 38.0 of 100" in printed
    assert "From sums to score" in printed
    assert "swap_material" in printed


def test_every_name_the_package_offers_exists_and_is_listed_in_order() -> None:
    names = greenlane.methodology.__all__
    assert all(hasattr(greenlane.methodology, name) for name in names)
    assert len(set(names)) == len(names)
