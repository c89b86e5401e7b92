"""The endpoints of a scope, a page at a time."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from greenlane.webhooks.management.administration import Administration
from greenlane.webhooks.management.views import Endpoint, endpoint_of, endpoints
from greenlane.webhooks.states import EndpointState
from greenlane.webhooks.tables import endpoint


@dataclass(frozen=True, slots=True)
class EndpointListing:
    """Which endpoints are wanted: the first `limit`, oldest first, that match everything given.

    `seller_id` finds that seller's own ones and those that chose it; `after` is the (created_at, endpoint id) of the
    last one already seen.
    """

    state: EndpointState | None = None
    seller_id: str | None = None
    type: str | None = None
    after: tuple[datetime, str] | None = None
    limit: int = 100


async def page_of_endpoints(desk: Administration, wanted: EndpointListing) -> list[Endpoint]:
    """The endpoints of the desk's scope that match; those that were removed do not."""
    query = endpoints().where(desk.visible(), *_matching(wanted))
    query = query.order_by(endpoint.c.created_at, endpoint.c.endpoint_id).limit(wanted.limit)
    async with desk.engine.connect() as connection:
        return [endpoint_of(row) for row in await connection.execute(query)]


def _matching(wanted: EndpointListing) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.state is not None:
        conditions.append(endpoint.c.state == wanted.state.value)
    if wanted.seller_id is not None:
        chosen = sa.literal(wanted.seller_id) == sa.any_(endpoint.c.sellers)
        conditions.append(sa.or_(endpoint.c.seller_id == wanted.seller_id, chosen))
    if wanted.type is not None:
        conditions.append(sa.literal(wanted.type) == sa.any_(endpoint.c.types))
    if wanted.after is not None:
        conditions.append(sa.tuple_(endpoint.c.created_at, endpoint.c.endpoint_id) > sa.tuple_(*wanted.after))
    return conditions
