"""How often a property is tried, and what is done where somebody else's file is not beside this checkout.

A property is tried with few examples in the normal run, with 10,000 under `--hypothesis-profile=nightly`. A test that
needs a file whose licence does not allow it in here is marked `foreign_file("path below ../shared")`.
"""

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

# a shell that starts the suite in the background lets it ignore Ctrl-C, and so would every process that a test starts
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("normal", max_examples=60, deadline=None)
settings.register_profile(
    "nightly", max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile(
    "mutation", max_examples=15, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
)
settings.load_profile("normal")

SHARED = Path(__file__).parents[2] / ".." / "shared"
_absent = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "foreign_file(path): needs a file of somebody else's below ../shared")
    config.stash[_absent] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What cannot be tried here is not collected, and told in one line."""
    left_out = []
    for item in items:
        marker = item.get_closest_marker("foreign_file")
        if marker is not None and not (SHARED / marker.args[0]).exists():
            left_out.append(item)
            absent = config.stash[_absent]
            absent[marker.args[0]] = absent.get(marker.args[0], 0) + 1
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    absent = config.stash[_absent]
    if absent:
        named = "; ".join(f"{path} ({count})" for path, count in sorted(absent.items()))
        terminalreporter.write_line(f"{sum(absent.values())} tests not run, for want of files in ../shared: {named}")
