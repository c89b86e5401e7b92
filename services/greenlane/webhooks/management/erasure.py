"""A seller's rows in the dispatcher's tables: how many there are, and gone for good."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from greenlane.webhooks.tables import (
    api_key,
    attempt,
    delivery,
    endpoint,
    endpoint_health,
    endpoint_secret,
    event,
    notice,
    order_head,
)
from greenlane.webhooks.wakeups import tell_due

FAMILIES = ("score", "badge")
"""Beginnings of the order keys under which a seller's statements are delivered."""


async def seller_rows(engine: AsyncEngine, marketplace: str, seller_id: str) -> dict[str, int]:
    """How many rows of each table are about the seller."""
    async with engine.connect() as connection:
        found = {}
        for table, condition in _rows(marketplace, seller_id).items():
            query = sa.select(sa.func.count()).select_from(table).where(condition)
            found[table.name] = (await connection.execute(query)).scalar_one()
        filtered = sa.select(sa.func.count()).select_from(endpoint).where(_names(marketplace, seller_id))
        found["endpoint_filter"] = (await connection.execute(filtered)).scalar_one()
        return found


async def erase_seller(engine: AsyncEngine, marketplace: str, seller_id: str) -> dict[str, int]:
    """Delete the seller's own endpoints and keys, and every statement about it with its deliveries and attempts.

    All of it or nothing. The seller leaves the filters of its marketplace's endpoints; an emptied one wants nobody.
    """
    async with engine.begin() as connection:
        own = sa.select(endpoint.c.endpoint_id).where(_own(marketplace, seller_id)).with_for_update()
        endpoints = list((await connection.execute(own)).scalars())
        gone = {}
        for table, condition in _rows(marketplace, seller_id).items():
            gone[table.name] = (await connection.execute(table.delete().where(condition))).rowcount
        gone["endpoint_filter"] = await _leave_filters(connection, marketplace, seller_id)
        await tell_due(connection, endpoints)
        return gone


async def _leave_filters(connection: AsyncConnection, marketplace: str, seller_id: str) -> int:
    changed = (
        endpoint.update()
        .where(_names(marketplace, seller_id))
        .values(sellers=sa.func.array_remove(endpoint.c.sellers, seller_id))
    )
    return (await connection.execute(changed)).rowcount


def _own(marketplace: str, seller_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(endpoint.c.marketplace == marketplace, endpoint.c.seller_id == seller_id)


def _names(marketplace: str, seller_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        endpoint.c.marketplace == marketplace,
        endpoint.c.seller_id.is_distinct_from(seller_id),
        sa.literal(seller_id) == sa.any_(endpoint.c.sellers),
    )


def _rows(marketplace: str, seller_id: str) -> Mapping[sa.Table, sa.ColumnElement[bool]]:
    """Which rows are about the seller, those first that others are found by."""
    keys = [f"{family}:{marketplace}/{seller_id}" for family in FAMILIES]
    own = sa.select(endpoint.c.endpoint_id).where(_own(marketplace, seller_id))
    stated = sa.select(event.c.event_id).where(event.c.order_key.in_(keys))
    tested = sa.select(delivery.c.event_id).where(delivery.c.endpoint_id.in_(own))
    return {
        attempt: sa.or_(attempt.c.event_id.in_(stated), attempt.c.endpoint_id.in_(own)),
        event: sa.or_(event.c.order_key.in_(keys), sa.and_(event.c.order_key.is_(None), event.c.event_id.in_(tested))),
        delivery: sa.or_(delivery.c.order_key.in_(keys), delivery.c.endpoint_id.in_(own)),
        order_head: sa.or_(order_head.c.order_key.in_(keys), order_head.c.endpoint_id.in_(own)),
        notice: notice.c.endpoint_id.in_(own),
        endpoint_health: endpoint_health.c.endpoint_id.in_(own),
        endpoint_secret: endpoint_secret.c.endpoint_id.in_(own),
        endpoint: _own(marketplace, seller_id),
        api_key: sa.and_(api_key.c.marketplace == marketplace, api_key.c.seller_id == seller_id),
    }
