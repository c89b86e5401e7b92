"""Mutates methodology/ and counts the mutants its unit tests kill: `make mutation`. Exits 1 below the least share.

Prints the survivors, and one JSON object on its last line. README.md beside says why those that are known survive.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

LEAST_KILLED_PERCENT = 95.0
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BENCH = ROOT / ".greenlane" / "mutation"
TESTS = ROOT / "tests" / "unit" / "methodology"
WITHOUT = ("test_example.py", "test_honest_habits.py")
"""What calls everything and asserts little of it, and would only take time."""


def lay_out() -> None:
    """Copy what is mutated and what tests it into a fresh folder."""
    shutil.rmtree(BENCH, ignore_errors=True)
    shutil.copytree(ROOT / "services", BENCH / "src", ignore=shutil.ignore_patterns("__pycache__"))
    unit = BENCH / "tests" / "unit"
    unit.mkdir(parents=True)
    shutil.copy(TESTS.parent / "conftest.py", unit / "conftest.py")
    shutil.copytree(TESTS, unit / TESTS.name, ignore=shutil.ignore_patterns("__pycache__", *WITHOUT))
    shutil.copytree(ROOT / "tests" / "audit", BENCH / "tests" / "audit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "schemas" / "methodology", BENCH / "schemas" / "methodology")
    shutil.copy(HERE / "mutmut.toml", BENCH / "pyproject.toml")


def mutmut(*words: str) -> str:
    """Run mutmut in that folder and return what it printed. Raises CalledProcessError when it fails."""
    command = [sys.executable, "-m", "mutmut", *words]
    done = subprocess.run(command, cwd=BENCH, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def main() -> int:
    """Run it and print the result."""
    lay_out()
    mutmut("run", "--max-children", "2")
    mutmut("export-cicd-stats")
    sys.stdout.write(mutmut("results"))
    stats = json.loads((BENCH / "mutants" / "mutmut-cicd-stats.json").read_text(encoding="utf-8"))
    killed = stats["killed"] + stats["timeout"]
    percent = round(100 * killed / stats["total"], 1)
    result = {"mutants": stats["total"], "killed": killed, "survived": stats["survived"], "killed_percent": percent}
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if percent >= LEAST_KILLED_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
