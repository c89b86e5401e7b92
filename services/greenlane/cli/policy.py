"""`greenlane policy`: checks a badge policy, shows the rules that the log has adopted, and adopts others."""

from pathlib import Path
from typing import Annotated

import typer

from greenlane.cli.connection import kafka_settings
from greenlane.cli.output import AsJson, notes, print_json, print_table
from greenlane.contracts.factor_registry import TableError
from greenlane.contracts.rules import RulesAdopted, policy_name
from greenlane.contracts.tables import load_policy
from greenlane.operations.rules import adopt as adopt_rules
from greenlane.operations.rules import own_rules, read_rules

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


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show the rules that the log has adopted: policy, method, factors and marketplaces. Exits 1 if there are none.

    Example: `greenlane policy show --json`
    """
    current = read_rules(kafka_settings().kafka_bootstrap_servers).current
    if current is None:
        notes.print("The log has adopted no rules yet; `greenlane topics apply` adopts those of the settings.")
        raise typer.Exit(1)
    if as_json:
        print_json({"id": current.id, **current.model_dump(mode="json", exclude={"type", "first"})})
        return
    print_table("Rules of the log", ("rule", "value"), list(_figures(current).items()))


@app.command()
def adopt(
    file: Annotated[
        Path | None, typer.Argument(help="A badge policy (YAML); without one, that of the settings.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let other rules hold from here on: this policy, and the factors and marketplaces of the settings.

    A policy decides from each marketplace's next closed day on; factors and method hold for every assessment behind
    this. Stop the scorers first if the factors change. Run it again if it was cut off: a repeat changes nothing.
    Workers whose settings name other rules stop and wait until they name these.

    Example: `greenlane policy adopt policy.yaml --dry-run`
    """
    settings = kafka_settings()
    if file is not None:
        settings = settings.model_copy(update={"policy_file": file})
    registered = read_rules(settings.kafka_bootstrap_servers)
    current = registered.current
    wanted = own_rules(settings, first=current is None)
    if current is not None:
        wanted = wanted.with_marketplaces(current.marketplaces)
    before = {} if current is None else _figures(current)
    changes = {
        name: {"from": before.get(name), "to": value}
        for name, value in _figures(wanted).items()
        if before.get(name) != value
    }
    if not dry_run:
        adopt_rules(settings.kafka_bootstrap_servers, wanted)
    if as_json:
        print_json({"adopted": not dry_run, "id": wanted.id, "changes": changes})
        return
    if changes:
        rows = [(name, change["from"] or "", change["to"]) for name, change in changes.items()]
        print_table("Would change" if dry_run else "Changed", ("rule", "from", "to"), rows)
    else:
        notes.print("These are the rules of the log already.")


def _figures(rules: RulesAdopted) -> dict[str, str]:
    """Every rule by name, as text."""
    policy = rules.policy
    figures = {name: str(value) for name, value in policy.model_dump(exclude={"levels"}).items() if name != "version"}
    for level in policy.levels:
        figures |= {f"{level.level}.{name}": str(value) for name, value in level.model_dump(exclude={"level"}).items()}
    return {
        "policy": policy_name(policy),
        **figures,
        "method": rules.method_version,
        "factors": rules.factors,
        "marketplaces": ", ".join(rules.marketplaces),
    }
