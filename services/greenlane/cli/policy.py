"""`greenlane policy`: checks a badge policy before anything runs under it."""

from pathlib import Path
from typing import Annotated

import typer

from greenlane.cli.output import AsJson, notes, print_json, print_table
from greenlane.contracts.factor_registry import TableError
from greenlane.contracts.tables import load_policy

app = typer.Typer(help="Badge policies.", no_args_is_help=True)


@app.callback()
def _policy() -> None:
    """Badge policies."""


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A badge policy (YAML).")], as_json: AsJson = False) -> None:
    """Check a badge policy: every field, and that each level asks at least as much as the one below. Exits 1 if wrong.

    Example: `greenlane policy check services/greenlane/methodology/policies/v1.yaml`
    """
    try:
        policy = load_policy(file)
    except TableError as error:
        if as_json:
            print_json({"valid": False, "problem": str(error)})
        else:
            notes.print(str(error), style="bold red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        print_json({"valid": True, "version": policy.version, "levels": [level.level for level in policy.levels]})
        return
    rows = [
        (
            level.level,
            level.green_min,
            level.dimension_min,
            f"{level.primary_share_min_percent} %",
            f"{level.packed_min} / {level.delivered_min}",
            level.active_days_min,
            f"{level.non_compliant_max_percent} %",
        )
        for level in policy.levels
    ]
    columns = ("level", ">green", ">each dimension", ">primary data", ">packed / delivered", ">days", ">not compliant")
    print_table(f"Policy {policy.version} is valid", columns, rows)
