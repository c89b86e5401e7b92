"""Routes of API keys."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body

from greenlane.database.api_keys import KeyScope
from greenlane.errors import ConflictError, WrongUseError
from greenlane.web.problems import documented
from greenlane.webhooks.api.access import Caller, Identified
from greenlane.webhooks.api.models import ApiKeyId, KeyAdded, KeyRotation, KeyShown, KeyWanted, hours
from greenlane.webhooks.management.keys import NewApiKey, add_key, list_keys, revoke_key, rotate_key

router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.get("")
async def show_keys(caller: Identified) -> list[KeyShown]:
    """The keys within the caller's scope, the oldest first."""
    return [KeyShown(**asdict(key)) for key in await list_keys(caller.desk)]


@router.post("", status_code=201, responses=documented(409))
async def make_key(caller: Identified, wanted: Annotated[KeyWanted | None, Body()] = None) -> KeyAdded:
    """Make a key of the caller's scope, or for one seller within it."""
    asked = wanted or KeyWanted()
    seller = asked.seller_id if asked.seller_id is not None else caller.key.seller_id
    scopes = asked.scopes
    if scopes is None:
        scopes = tuple(own for own in caller.key.scopes if seller is None or own is not KeyScope.WRITE_EVENTS)
    if more := set(scopes) - set(caller.key.scopes):
        problem = f"{', '.join(sorted(more))} is none of the scopes of the key that asks"
        raise WrongUseError("scopes", problem, "ask the operators for such a key")
    return _added(caller, await add_key(caller.desk, caller.key.marketplace, seller, asked.label, scopes))


@router.post("/{key_id}/rotate", status_code=201, responses=documented(404, 409))
async def rotate_api_key(
    caller: Identified, key_id: ApiKeyId, rotation: Annotated[KeyRotation | None, Body()] = None
) -> KeyAdded:
    """Make a new key of the same scope; the old one goes on for the overlap, of which the one that asks needs some."""
    overlap = (rotation or KeyRotation()).overlap_hours
    if key_id == caller.key.key_id and not overlap:
        remedy = "give an overlap of at least 1, or nobody gets in if this answer is lost"
        raise ConflictError("overlap_hours", "would end the key that asks before its successor has arrived", remedy)
    return _added(caller, await rotate_key(caller.desk, key_id, hours(overlap), caller.key.scopes))


@router.delete("/{key_id}", status_code=204, responses=documented(404, 409))
async def revoke_api_key(caller: Identified, key_id: ApiKeyId) -> None:
    """Let a key open nothing from now on; the one that asks is refused, so that nobody locks themselves out."""
    if key_id == caller.key.key_id:
        raise ConflictError("key_id", "is the key that asks", "rotate it, or revoke it with another one")
    await revoke_key(caller.desk, key_id)


def _added(caller: Caller, new: NewApiKey) -> KeyAdded:
    caller.made["key_id"] = new.key.key_id
    return KeyAdded(key=KeyShown(**asdict(new.key)), token=new.token)
