"""The scorers' and the aggregator's work written the usual way: pydantic in and out, one record at a time.

Nothing here is the product's hot path; contract, method and statements are the product's own models and functions.
"""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from operator import add, sub
from typing import Any, NamedTuple

from greenlane.contracts.assessing import assessment_of, output_key
from greenlane.contracts.assessments import Assessment, account_key
from greenlane.contracts.events import DELIVERED, EVENT_MODELS, RETURNED
from greenlane.contracts.rules import AGGREGATOR_RECORD
from greenlane.contracts.statements import BadgeState, StatedAccount, score_statement
from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.seller.score import score
from greenlane.methodology.sums import SUMS, CircularitySums, DeliverySums, PackagingSums, ReturnSums, Totals

METHOD = load_method()
POLICY = load_policy()
RANKS = {dimension: rank for rank, dimension in enumerate(SUMS)}


class Record(NamedTuple):
    """A record whichever client read it; the time is in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def scored(record: Record) -> tuple[bytes, bytes] | None:
    """Key and value of what the packaging scorer writes about a record in binary mode; None when it is not its own."""
    attributes = {name.removeprefix("ce_"): value.decode() for name, value in record.headers}
    if attributes["type"] in {DELIVERED, RETURNED}:
        return None
    attributes["datacontenttype"] = attributes.pop("content-type")
    document = json.dumps(attributes)[:-1].encode() + b',"data":' + (record.value or b"null") + b"}"
    event = EVENT_MODELS[attributes["type"]].model_validate_json(document)
    message = assessment_of(record, event, METHOD)
    return output_key(message), message.model_dump_json().encode()


def read(value: bytes) -> Assessment | None:
    """The assessment, None for everything else on its topic."""
    said = AGGREGATOR_RECORD.validate_json(value)
    return said if isinstance(said, Assessment) else None


def new_account() -> dict[str, Any]:
    """An account without any day."""
    return {"sequence": 0, "days": {}, "window": [[0] * len(sums._fields) for sums in SUMS.values()]}


def entry_name(said: Assessment) -> str:
    """Which parcel and dimension of the seller it is about."""
    return f"{said.parcel_id}/{said.dimension}"


def fold(account: dict[str, Any], old: list[Any] | None, said: Assessment) -> list[Any] | None:
    """Put this version in place of the old one; the entry that stands now, None if nothing changed."""
    if old is not None and tuple(old[0]) >= said.version:
        return None
    rank, day = RANKS[said.dimension], said.day.isoformat()
    if old is not None:
        _move(account, old[1], rank, old[2], -1)
    contribution = list(said.sums())
    _move(account, day, rank, contribution, 1)
    account["sequence"] += 1
    return [list(said.version), day, contribution]


def _move(account: dict[str, Any], day: str, rank: int, contribution: list[int], sign: int) -> None:
    operate = add if sign > 0 else sub
    bucket = account["days"].setdefault(day, [0, *([0] * len(sums._fields) for sums in SUMS.values())])
    bucket[0] += sign
    bucket[rank + 1] = list(map(operate, bucket[rank + 1], contribution))
    account["window"][rank] = list(map(operate, account["window"][rank], contribution))
    if not bucket[0]:
        del account["days"][day]


def stated(account: dict[str, Any], said: Assessment, open_day: date) -> tuple[bytes, bytes]:
    """Key and value of the score of the open day."""
    packaging, delivery, returns, circularity = account["window"]
    active = sum(bucket[1][0] > 0 or bucket[2][0] > 0 for bucket in account["days"].values())
    totals = Totals(
        PackagingSums(*packaging), DeliverySums(*delivery), ReturnSums(*returns), CircularitySums(*circularity), active
    )
    statement = score_statement(
        StatedAccount(
            marketplace=said.marketplace,
            seller_id=said.seller_id,
            day=open_day,
            sequence=account["sequence"],
            first_day=open_day - timedelta(days=POLICY.window_days - 1),
            last_day=None,
            totals=totals,
            scores=score(totals, POLICY.prior_parcels),
            badge=BadgeState(),
            policy=POLICY,
        ),
        said.occurred_at,
    )
    return account_key(said.marketplace, said.seller_id), statement.model_dump_json().encode()
