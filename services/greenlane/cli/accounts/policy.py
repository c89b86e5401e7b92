"""`greenlane policy`: checks a badge policy, shows the rules that the log has adopted, and adopts others."""

from pathlib import Path
from typing import Annotated

import typer

from greenlane.accounts.aggregator.process import SERVICE as AGGREGATOR
from greenlane.accounts.clock.day_closer import SCORERS
from greenlane.cli.accounts.switching import Switch
from greenlane.cli.connection import kafka_settings, some_kafka
from greenlane.cli.output import AsJson, notes, print_json, print_table
from greenlane.contracts.rules import RulesAdopted, policy_name
from greenlane.contracts.topics import group_of
from greenlane.factors.loading import load_policy
from greenlane.factors.registry import TableError
from greenlane.operations.rules import Registered, own_rules, read_rules, refuse_running
from greenlane.operations.rules import adopt as adopt_rules

app = typer.Typer(help="Check, show and adopt badge policies.", no_args_is_help=True)


@app.callback()
def _policy() -> None:
    """Check, show and adopt badge policies."""


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A badge policy (YAML).")], as_json: AsJson = False) -> None:
    """Check a badge policy: every field, and that each level asks at least as much as the one below. Exits 1 if wrong.

    Example: `greenlane policy check services/greenlane/factors/policies/v2.yaml`
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
            "proven" if level.proven else "all",
            f"{level.complete_share_min_percent} %",
            f"{level.measured_share_min_percent} %",
            f"{level.packed_min} / {level.delivered_min}",
            level.active_days_min,
            f"{level.thin_bags_max_percent} %",
        )
        for level in policy.levels
    ]
    columns = (
        "level", ">green", ">each dimension", "scores", ">complete", ">measured", ">packed / delivered", ">days",
        ">thin bags",
    )  # fmt: skip
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
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="What `greenlane restate` has written; needed when the method changes.", dir_okay=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Adopt other rules from now on: this policy, and the factors and marketplaces of the settings.

    The policy decides from each marketplace's next closed day on. Factors and method hold for every assessment after
    this; so the command refuses to change them while scorers run. The rules are adopted in every partition or in none.
    Another method is adopted only with the accounts made again under it (--checkpoint), once the log has nothing that
    they do not contain, and no aggregator runs: after that the earlier release can take nothing in any more.
    Workers whose settings name other rules stop, and wait until their settings name these. If no Kafka runs, the
    command starts the embedded one and stops it again.

    Example: `greenlane policy adopt policy.yaml --dry-run`
    """
    with some_kafka() as settings:
        servers = settings.kafka_bootstrap_servers
        named = settings if file is None else settings.model_copy(update={"policy_file": file})
        registered = read_rules(servers)
        wanted = _beside(registered, own_rules(named, first=False))
        switch = Switch.between(named, registered, wanted, checkpoint)
        if switch is not None and (checkpoint is not None or not dry_run):
            switch.refuse_misfit()
        if not dry_run:
            if _scores_otherwise(registered.current, wanted):
                services = SCORERS if switch is None else (*SCORERS, AGGREGATOR)
                refuse_running(servers, tuple(map(group_of, services)))
            adopt_rules(
                servers,
                lambda found: _beside(found, wanted),
                None if switch is None else switch.refuse_left_behind,
            )
    changes = _changes(registered.current, wanted)
    if as_json:
        print_json({"adopted": not dry_run, "id": wanted.id, "changes": changes})
        return
    if changes:
        rows = [(name, change["from"] or "", change["to"] or "") for name, change in changes.items()]
        print_table("Would change" if dry_run else "Changed", ("rule", "from", "to"), rows)
    else:
        notes.print("These are the rules of the log already.")


def _beside(registered: Registered, wanted: RulesAdopted) -> RulesAdopted:
    """The wanted rules as the next ones of the log, which keeps the marketplaces that it has."""
    current = registered.current
    if current is None:
        return wanted.model_copy(update={"first": True})
    return wanted.with_marketplaces(current.marketplaces).model_copy(update={"first": False})


def _scores_otherwise(current: RulesAdopted | None, wanted: RulesAdopted) -> bool:
    """Whether assessments by the rules in use would be refused under the wanted ones."""
    return current is not None and (current.method_version, current.factors) != (wanted.method_version, wanted.factors)


def _changes(current: RulesAdopted | None, wanted: RulesAdopted) -> dict[str, dict[str, str | None]]:
    """Every rule that is another one, by name."""
    before = {} if current is None else _figures(current)
    after = _figures(wanted)
    return {
        name: {"from": before.get(name), "to": after.get(name)}
        for name in {**after, **before}
        if before.get(name) != after.get(name)
    }


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
