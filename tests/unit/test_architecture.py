"""The architecture, checked by machine: who may import whom, what pure means, and that lists agree."""

import subprocess
import sys
import tomllib
from pathlib import Path

import grimp

from greenlane.settings import SERVICES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "services" / "greenlane"
ROOMS = ("cli", "contracts", "methodology", "oracle", "operations", "publisher", "scoring", "streaming", *SERVICES)
PURE = (
    "greenlane.methodology",
    "greenlane.aggregator.account",
    "greenlane.aggregator.badge",
    "greenlane.aggregator.closing",
    "greenlane.aggregator.ledger",
    "greenlane.webhook_dispatcher.agenda",
    "greenlane.webhook_dispatcher.breaker",
    "greenlane.webhook_dispatcher.policy",
    "greenlane.webhook_dispatcher.schedule",
)
ALLOWED = {
    "math", "dataclasses", "enum", "decimal", "fractions", "datetime", "typing", "collections", "functools",
    "itertools", "operator", "bisect", "heapq", "struct", "__future__",
    "msgspec",  # for its structs, which are dataclasses that are quick to make
}  # fmt: skip


def test_imports_point_inwards_and_services_meet_only_on_topics() -> None:
    # a process of its own: the linter's logging set-up disables the loggers of this one
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_pure_modules_import_the_allowed_libraries_and_each_other_only() -> None:
    graph = grimp.build_graph("greenlane", include_external_packages=True, cache_dir=None)
    pure = {module for module in graph.modules if any(module == name or module.startswith(f"{name}.") for name in PURE)}
    assert len(pure) > len(PURE), "the pure modules were not found"
    strangers = {
        f"{module} imports {imported}"
        for module in pure
        for imported in graph.find_modules_directly_imported_by(module)
        if imported not in pure and imported.partition(".")[0] not in ALLOWED and imported != "greenlane"
    }
    assert not strangers


def test_every_folder_has_a_readme_that_says_what_it_owns_and_what_happens_when_it_dies() -> None:
    for service in (*SERVICES, "oracle"):
        text = (PACKAGE / service / "README.md").read_text(encoding="utf-8")
        assert "owns" in text, f"{service}/README.md does not say what it owns"
        assert "dies" in text, f"{service}/README.md does not say what happens when it dies"
    for room in ROOMS:
        assert (PACKAGE / room / "__init__.py").exists()


def test_the_layers_name_every_folder_and_every_service() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    named = {word for layer in contracts[0]["layers"] for word in layer.replace("|", " ").replace(":", " ").split()}
    present = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if not path.name.startswith("_")}
    assert present - {"py.typed"} == named
    assert {f"greenlane.{service}" for service in (*SERVICES, "oracle")} == set(contracts[1]["modules"])


def test_locked_requirements_carry_hashes_and_name_no_registry() -> None:
    for name in ("build.txt", "runtime.txt", "embedded.txt", "dev.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text, f"requirements/{name} names a host"
