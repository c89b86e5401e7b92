"""Routes of endpoints and their signing secrets."""

from typing import Annotated

from fastapi import APIRouter, Body, Query

from greenlane.web.problems import documented
from greenlane.webhooks.api.access import Identified
from greenlane.webhooks.api.models import (
    Cursor,
    EndpointAdded,
    EndpointChange,
    EndpointId,
    EndpointPage,
    EndpointWanted,
    PageSize,
    PublicKeys,
    Rotation,
    SecretAdded,
    SecretId,
    SellerId,
    TypeName,
    cursor_of,
    hours,
    position_of,
)
from greenlane.webhooks.management.endpoints import EndpointListing, page_of_endpoints
from greenlane.webhooks.management.secrets import SecretShown, expire_secret, list_secrets, public_keys, rotate_secret
from greenlane.webhooks.management.views import Dispatch, Endpoint
from greenlane.webhooks.states import EndpointState

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])
_SECRETS = "/{endpoint_id}/secrets"


@router.get("")
async def list_endpoints(  # noqa: PLR0913, PLR0917 - each filter is a parameter of the query
    caller: Identified,
    state: EndpointState | None = None,
    seller_id: Annotated[SellerId | None, Query()] = None,
    type_name: Annotated[TypeName | None, Query(alias="type")] = None,
    after: Cursor | None = None,
    limit: PageSize = 100,
) -> EndpointPage:
    """The endpoints within the key's scope that were not removed, the oldest first."""
    position = None if after is None else position_of(after, "after")
    items = await page_of_endpoints(caller.desk, EndpointListing(state, seller_id, type_name, position, limit))
    next_page = cursor_of(items[-1].created_at, items[-1].endpoint_id) if len(items) == limit else None
    return EndpointPage(items=items, next=next_page)


@router.post("", status_code=201, responses=documented(409))
async def add_endpoint(caller: Identified, wanted: EndpointWanted) -> EndpointAdded:
    """Add an endpoint. A signed test event goes out at once; answered 2xx, it confirms the endpoint."""
    seller = wanted.seller_id if wanted.seller_id is not None else caller.key.seller_id
    new = await caller.desk.add_endpoint(
        wanted.url, caller.key.marketplace, seller, wanted.types, wanted.scheme, wanted.sellers or None
    )
    caller.made["endpoint_id"] = new.endpoint.endpoint_id
    return EndpointAdded(endpoint=new.endpoint, secret=new.secret)


@router.get("/{endpoint_id}", responses=documented(404))
async def show_endpoint(caller: Identified, endpoint_id: EndpointId) -> Endpoint:
    """One endpoint."""
    return await caller.desk.endpoint(endpoint_id)


@router.patch("/{endpoint_id}", responses=documented(404))
async def change_endpoint(caller: Identified, endpoint_id: EndpointId, change: EndpointChange) -> Endpoint:
    """Change URL, types or sellers; a new URL must be confirmed by a test again, and what comes meanwhile is held."""
    return await caller.desk.change_endpoint(endpoint_id, change.url, change.types, change.sellers)


@router.delete("/{endpoint_id}", responses=documented(404))
async def remove_endpoint(caller: Identified, endpoint_id: EndpointId) -> Endpoint:
    """Remove an endpoint with its secrets; what still waits for it is cancelled."""
    return await caller.desk.remove_endpoint(endpoint_id)


@router.post("/{endpoint_id}/disable", responses=documented(404))
async def disable_endpoint(caller: Identified, endpoint_id: EndpointId) -> Endpoint:
    """Send nothing more; what comes is held until a test is answered 2xx."""
    return await caller.desk.disable_endpoint(endpoint_id)


@router.post("/{endpoint_id}/test", status_code=202, responses=documented(404))
async def send_test(caller: Identified, endpoint_id: EndpointId) -> Dispatch:
    """Send a signed test event; answered 2xx, it confirms the endpoint, or enables it again."""
    sent = await caller.desk.send_test(endpoint_id)
    caller.made["webhook_id"] = sent.webhook_id
    return sent


@router.get(_SECRETS, responses=documented(404))
async def show_secrets(caller: Identified, endpoint_id: EndpointId) -> list[SecretShown]:
    """The active signing keys by their fingerprints, the newest first."""
    return await list_secrets(caller.desk, endpoint_id)


@router.post(_SECRETS, status_code=201, responses=documented(404, 409))
async def rotate_signing_key(
    caller: Identified, endpoint_id: EndpointId, rotation: Annotated[Rotation | None, Body()] = None
) -> SecretAdded:
    """Add a signing key; those before it go on signing for the overlap."""
    wanted = rotation or Rotation()
    new = await rotate_secret(caller.desk, endpoint_id, wanted.scheme, hours(wanted.overlap_hours))
    caller.made["secret_id"] = new.key_id
    return SecretAdded(key_id=new.key_id, scheme=new.scheme, secret=new.secret, others_until=new.others_until)


@router.delete(_SECRETS + "/{key_id}", status_code=204, responses=documented(404, 409))
async def expire_signing_key(caller: Identified, endpoint_id: EndpointId, key_id: SecretId) -> None:
    """Let a signing key sign nothing more from now on."""
    await expire_secret(caller.desk, endpoint_id, key_id)


@router.get("/{endpoint_id}/jwks.json", responses=documented(404))
async def show_public_keys(caller: Identified, endpoint_id: EndpointId) -> PublicKeys:
    """The public halves of the endpoint's Ed25519 keys as a JSON Web Key Set."""
    return PublicKeys.model_validate(await public_keys(caller.desk, endpoint_id))
