"""Ids and revisions that depend on the document alone: the same one twice changes nothing, a later one wins."""

import hashlib
from datetime import UTC, datetime

import orjson

from greenlane.contracts.events import CorrectionReason, ParcelCancelled
from greenlane.publishing.sdk.envelope import Address, Data

GREATEST_REVISION = 1_000_000
CARRIERS_REVISION = 900_000
"""Revisions from here on are those of carriers' own figures: they outrank what a shop says of the same delivery."""

_BY_THE_SECOND = 500_000
_DIGITS = 16


def event_id(address: Address, what: str, body: Data, happened: datetime) -> str:
    """`<parcel>.<what>.<digest>`: the same facts always have the same id, and other facts another one."""
    instant = happened.astimezone(UTC).isoformat()
    facts = [address.marketplace, address.seller_id, what, instant, body.model_dump(mode="json")]
    digest = hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:_DIGITS]
    return f"{body.parcel_id}.{what}.{digest}"


def revision(began: datetime, changed: datetime | None) -> int:
    """The revision of a document that was made at `began` and last changed at `changed`: later is never less.

    It counts seconds for the first 500,000 of them (nearly six days), then minutes, at most to 899,999 (277 days).
    """
    if changed is None or changed <= began:
        return 0
    seconds = int((changed - began).total_seconds())
    if seconds <= _BY_THE_SECOND:
        return seconds
    return min(CARRIERS_REVISION - 1, _BY_THE_SECOND + (seconds - _BY_THE_SECOND) // 60)


def corrected(number: int, reason: CorrectionReason = CorrectionReason.DATA_ENTRY) -> CorrectionReason | None:
    """The reason that a revision above 0 needs."""
    return reason if number else None


def in_edition(body: Data, edition: int) -> Data:
    """The body with the edition of the known facts added to its revision; a cancellation has none.

    No edition lifts a shop's revision to those of carriers.
    """
    if not edition or isinstance(body, ParcelCancelled):
        return body
    greatest = CARRIERS_REVISION - 1 if body.revision < CARRIERS_REVISION else GREATEST_REVISION
    number = min(greatest, body.revision + edition)
    reason = body.correction_reason or CorrectionReason.DATA_ENTRY
    return type(body).model_validate({**dict(body), "revision": number, "correction_reason": reason})
