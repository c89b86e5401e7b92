"""The fault suite runs on demand only: `make faults`. Its last line is one JSON object with a figure for each fault."""

import json
import sys
from typing import Any

import pytest

CONNECTIONS_GIVEN_UP = (
    "ignore:unclosed <socket:ResourceWarning",
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
)
"""kafka-python does not close the connections it was about to make when a broker ends; the next test would pay."""

_figures = pytest.StashKey[dict[str, dict[str, Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "faults: long runs with kills, frozen processes and restarted servers")
    config.stash[_figures] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if wanted(config):
        for item in items:
            item.add_marker(pytest.mark.filterwarnings(*CONNECTIONS_GIVEN_UP))
        return
    on_demand = [item for item in items if item.get_closest_marker("faults")]
    items[:] = [item for item in items if not item.get_closest_marker("faults")]
    config.hook.pytest_deselected(items=on_demand)


def wanted(config: pytest.Config) -> bool:
    return "faults" in str(config.getoption("-m"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report: pytest.TestReport = yield
    figures = item.config.stash[_figures].setdefault(item.name, {"outcome": "passed", "seconds": 0.0})
    figures["seconds"] = round(figures["seconds"] + report.duration, 1)
    if not report.passed:
        figures["outcome"] = report.outcome
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    figures = config.stash.get(_figures, {})
    if wanted(config) and figures:
        failed = sum(figure["outcome"] == "failed" for figure in figures.values())
        sys.stdout.write(json.dumps({"failed": failed, "faults": figures}) + "\n")
