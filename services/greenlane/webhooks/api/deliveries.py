"""Routes of deliveries: look, resend, release, cancel, replay."""

from typing import Annotated

from fastapi import APIRouter, Query

from greenlane.web.problems import documented
from greenlane.webhooks.api.access import Identified
from greenlane.webhooks.api.models import (
    AnyTypeName,
    Changed,
    Cursor,
    DeliveryPage,
    DeliveryWithAttempts,
    EndpointId,
    Moment,
    PageSize,
    ReplayWanted,
    SellerId,
    WebhookId,
    cursor_of,
    position_of,
)
from greenlane.webhooks.management.administration import Listing
from greenlane.webhooks.management.deliveries import cancel, cancel_held, release, release_held, resend
from greenlane.webhooks.management.replay import Replay, replay
from greenlane.webhooks.management.views import Dispatch
from greenlane.webhooks.states import State

router = APIRouter(prefix="/v1/endpoints/{endpoint_id}", tags=["deliveries"], responses=documented(404))
_ONE = "/deliveries/{webhook_id}"


@router.get("/deliveries")
async def list_deliveries(  # noqa: PLR0913, PLR0917 - each filter is a parameter of the query
    caller: Identified,
    endpoint_id: EndpointId,
    state: State | None = None,
    type_name: Annotated[AnyTypeName | None, Query(alias="type")] = None,
    seller_id: Annotated[SellerId | None, Query()] = None,
    since: Moment | None = None,
    before: Cursor | None = None,
    limit: PageSize = 100,
) -> DeliveryPage:
    """The endpoint's deliveries, the newest first; held ones with `state=held`."""
    await caller.desk.endpoint(endpoint_id)
    position = None if before is None else position_of(before, "before")
    items = await caller.desk.listed(Listing(endpoint_id, state, type_name, seller_id, since, position, limit))
    next_page = cursor_of(items[-1].created_at, items[-1].webhook_id) if len(items) == limit else None
    return DeliveryPage(items=items, next=next_page)


@router.get(_ONE)
async def show_delivery(caller: Identified, endpoint_id: EndpointId, webhook_id: WebhookId) -> DeliveryWithAttempts:
    """One delivery with the answer and the timings of every attempt."""
    attempts = await caller.desk.attempts(endpoint_id, webhook_id)
    return DeliveryWithAttempts(delivery=await caller.desk.dispatch(endpoint_id, webhook_id), attempts=attempts)


@router.post(_ONE + "/resend", status_code=202, responses=documented(409))
async def resend_delivery(caller: Identified, endpoint_id: EndpointId, webhook_id: WebhookId) -> Dispatch:
    """Send it again under the same webhook id; refused when an older state would follow a newer one."""
    return await resend(caller.desk, endpoint_id, webhook_id)


@router.post(_ONE + "/release", status_code=202, responses=documented(409))
async def release_delivery(caller: Identified, endpoint_id: EndpointId, webhook_id: WebhookId) -> Dispatch:
    """Let a held or quarantined delivery go on."""
    return await release(caller.desk, endpoint_id, webhook_id)


@router.post(_ONE + "/cancel", responses=documented(409))
async def cancel_delivery(caller: Identified, endpoint_id: EndpointId, webhook_id: WebhookId) -> Dispatch:
    """Give a waiting or held delivery up; the next one of its seller goes on."""
    return await cancel(caller.desk, endpoint_id, webhook_id)


@router.post("/held/release", status_code=202, responses=documented(409))
async def release_everything_held(caller: Identified, endpoint_id: EndpointId) -> Changed:
    """Let everything go on that the endpoint holds."""
    return Changed(deliveries=await release_held(caller.desk, endpoint_id))


@router.post("/held/cancel")
async def cancel_everything_held(caller: Identified, endpoint_id: EndpointId) -> Changed:
    """Give everything up that the endpoint holds."""
    return Changed(deliveries=await cancel_held(caller.desk, endpoint_id))


@router.post("/replay", status_code=202)
async def replay_since(caller: Identified, endpoint_id: EndpointId, wanted: ReplayWanted) -> Replay:
    """Send again what was accepted since then: each seller's newest score, and every badge decision in order."""
    return await replay(caller.desk, endpoint_id, wanted.since, wanted.family, wanted.seller_id)
