"""What a seller's account is made of and what would raise it, from a file or from the topics."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from greenlane.accounts.oracle.seller_events import SellerAccount, read_seller
from greenlane.cli.connection import kafka_settings
from greenlane.cli.output import console, print_json, progress
from greenlane.contracts.declarations import standing
from greenlane.contracts.events import FulfilmentEvent
from greenlane.contracts.scores import AccountSums
from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.explaining.account_explanation import AccountExplanation, explain_account
from greenlane.methodology.explaining.account_text import account_text, advice_text
from greenlane.methodology.explaining.advice import Advice, advise
from greenlane.reports.explained_events import effect_document
from greenlane.settings import Settings, load_settings


def explain_seller(seller: str, checkpoint: Path | None, *, as_json: bool) -> None:
    """Print a seller's account as it stands on the topics, and whether it comes to the same sums again."""
    settings = kafka_settings()
    account = _read(seller, settings, checkpoint)
    prior = load_policy(settings.policy_file).prior_parcels
    explanation = explain_account(account.declarations, load_method(settings.factors_file), prior)
    agrees = AccountSums.of(*explanation.totals) == account.statement.data.sums
    if as_json:
        print_json({**_heading(seller, account), "agrees": agrees, **account_document(explanation)})
        return
    window = account.statement.data.window
    last = "the open day" if window.last_day is None else window.last_day
    verdict = "the same sums as the pipeline's" if agrees else _difference(account)
    text = f"{seller}, {window.first_day} to {last}, {verdict}: {account_text(explanation)}"
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def advise_seller(seller: str, checkpoint: Path | None, *, as_json: bool) -> None:
    """Print the best changes for the account as it stands on the topics."""
    settings = kafka_settings()
    account = _read(seller, settings, checkpoint)
    policy = load_policy(settings.policy_file)
    _print_advice(seller, advise(account.declarations, load_method(settings.factors_file), policy), as_json=as_json)


def advise_file(events: Iterable[FulfilmentEvent], *, as_json: bool) -> None:
    """Print the best changes for each seller in a file, over all of its days."""
    settings = load_settings()
    method, policy = load_method(settings.factors_file), load_policy(settings.policy_file)
    for seller, declarations in standing(events).items():
        _print_advice(seller, advise(declarations, method, policy), as_json=as_json)


def account_document(explanation: AccountExplanation) -> dict[str, Any]:
    """An account's explanation as plain values."""
    arithmetic = explanation.arithmetic
    return {
        "method_version": explanation.method_version,
        "sums": AccountSums.of(*explanation.totals).model_dump(),
        "arithmetic": {
            **arithmetic._asdict(),
            "lines": [line._asdict() for line in arithmetic.lines],
            "score": float(arithmetic.score),
        },
        "contributions": [row._asdict() for row in explanation.contributions],
        "effects": [effect_document(effect) for effect in explanation.effects],
        "thin_bags": [
            {"rule": row.rule.id, "law": row.rule.law, "parcels": row.parcels} for row in explanation.thin_bags
        ],
        "implausible": dict(explanation.implausible),
        "factors": [asdict(factor) for factor in explanation.factors],
    }


def _print_advice(seller: str, advice: Advice, *, as_json: bool) -> None:
    if as_json:
        plain = [
            {**one._asdict(), "points": float(round(one.points, 4)), "green": float(one.green)}
            for one in advice.suggestions
        ]
        print_json({"seller": seller, **advice._asdict(), "suggestions": plain})
        return
    console.print(f"{seller}\n{advice_text(advice)}", highlight=False, markup=False, soft_wrap=True)


def _read(seller: str, settings: Settings, checkpoint: Path | None) -> SellerAccount:
    marketplace, slash, seller_id = seller.partition("/")
    if not (marketplace and slash and seller_id):
        raise typer.BadParameter(f"--seller is {seller!r}; write it as <marketplace>/<seller_id>")
    policy = load_policy(settings.policy_file)
    with progress() as shown:
        task = shown.add_task(f"reading the topics for {seller}", total=None)
        return read_seller(
            settings.kafka_bootstrap_servers,
            marketplace,
            seller_id,
            policy,
            progress=lambda done, total: shown.update(task, completed=done, total=total),
            checkpoint=checkpoint,
        )


def _heading(seller: str, account: SellerAccount) -> dict[str, Any]:
    return {
        "seller": seller,
        "window": account.statement.data.window.model_dump(mode="json"),
        "missing_events": account.missing,
    }


def _difference(account: SellerAccount) -> str:
    if account.missing:
        return f"without {account.missing} parcels whose events are no longer on the topic"
    return "not the pipeline's sums: it assessed under another method version or other factors"
