"""The architecture, checked by machine: who may import whom, what pure means, and that lists agree."""

import importlib
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp

import greenlane
from greenlane import errors
from greenlane.cli.running.services import FOLDERS
from greenlane.settings import OPTIONAL_SERVICES, SERVICES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "services" / "greenlane"
PROCESSES = (
    "scoring/packaging_scorer",
    "scoring/delivery_scorer",
    "accounts/aggregator",
    "accounts/clock",
    "accounts/oracle",
    "webhooks/dispatcher",
    "webhooks/api",
    "publishing/gateway",
    "publishing/outbox",
)
ROOMS = tuple(path.name for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith(("_", ".")))
PURE = (
    "greenlane.methodology",
    "greenlane.accounts.aggregator.seller_days",
    "greenlane.accounts.aggregator.badge",
    "greenlane.accounts.aggregator.closing",
    "greenlane.accounts.aggregator.ledger",
    "greenlane.webhooks.dispatcher.claiming.agenda",
    "greenlane.webhooks.dispatcher.claiming.breaker",
    "greenlane.webhooks.dispatcher.verdicts",
    "greenlane.webhooks.dispatcher.schedule",
    "greenlane.webhooks.states",
)
ALLOWED = {
    "math", "dataclasses", "enum", "decimal", "fractions", "datetime", "typing", "collections", "functools",
    "itertools", "operator", "re", "bisect", "heapq", "struct", "__future__",
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


def test_every_room_has_a_readme_and_a_process_says_what_happens_when_it_dies() -> None:
    for room in ROOMS:
        text = (PACKAGE / room / "README.md").read_text(encoding="utf-8")
        assert "owns" in text.lower(), f"{room}/README.md does not say what it owns"
        assert (PACKAGE / room / "__init__.py").exists()
    for folder in PROCESSES:
        text = (PACKAGE / folder / "README.md").read_text(encoding="utf-8")
        assert "owns" in text.lower(), f"{folder}/README.md does not say what it owns"
        assert "dies" in text, f"{folder}/README.md does not say what happens when it dies"


def test_the_layers_name_every_folder_and_every_process() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers, wings, processes, *_ = project["tool"]["importlinter"]["contracts"]
    named = [word for layer in layers["layers"] for word in layer.replace("|", " ").replace(":", " ").split()]
    present = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if not path.name.startswith("_")}
    assert present - {"py.typed"} == set(named)
    assert [f"greenlane.{wing}" for wing in layers["layers"][1].split(" : ")] == wings["modules"]
    assert {f"greenlane.{folder.replace('/', '.')}" for folder in PROCESSES} == set(processes["modules"])


def test_a_folder_with_a_process_is_a_service_and_every_service_has_one() -> None:
    found = {str(path.parent.relative_to(PACKAGE)) for path in PACKAGE.rglob("process.py")} - {"operations/metrics"}
    assert {f"greenlane.{folder.replace('/', '.')}" for folder in found} == set(FOLDERS.values())
    assert set(FOLDERS) == {*SERVICES, *OPTIONAL_SERVICES}


def test_no_folder_has_more_than_twenty_files_side_by_side() -> None:
    crowded = {
        str(folder.relative_to(ROOT)): len(files)
        for folder in (PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir() and path.name != "__pycache__"))
        if len(files := [path for path in folder.iterdir() if path.is_file()]) > 20
    }
    assert not crowded


def test_the_errors_are_drawn_as_the_tree_they_are() -> None:
    for info in pkgutil.walk_packages(greenlane.__path__, "greenlane."):
        if not info.name.startswith(("greenlane.__main__", "greenlane.database.migrations")):
            importlib.import_module(info.name)
    lines = [line for line in (errors.__doc__ or "").splitlines() if line.startswith("    ")]
    drawn = [((len(line) - len(line.lstrip())) // 2 - 2, line.split()[0]) for line in lines]
    assert sorted(drawn) == sorted(_tree(errors.GreenlaneError))


def _tree(root: type[Exception], depth: int = 0) -> list[tuple[int, str]]:
    below = [item for kind in root.__subclasses__() for item in _tree(kind, depth + 1)]
    return [(depth, root.__name__), *below]


def test_locked_requirements_carry_hashes_and_name_no_registry() -> None:
    for name in ("build.txt", "runtime.txt", "embedded.txt", "dev.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text, f"requirements/{name} names a host"
