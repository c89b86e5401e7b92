"""Whose endpoints may be managed: everybody's, one marketplace's, or one seller's."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from greenlane.database.api_keys import ApiKey


@dataclass(frozen=True, slots=True)
class Scope:
    """No marketplace: everything, for operators. A marketplace with all its sellers. Or one seller of it alone."""

    marketplace: str | None = None
    seller_id: str | None = None

    def covers(self, marketplace: str, seller_id: str | None) -> bool:
        """Whether what belongs to this marketplace, or this seller of it, lies within the scope."""
        return self.marketplace in {None, marketplace} and self.seller_id in {None, seller_id}

    def within(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """The rows of a table with marketplace and seller_id that lie within the scope."""
        inside: sa.ColumnElement[bool] = sa.true()
        if self.marketplace is not None:
            inside = table.c.marketplace == self.marketplace
        if self.seller_id is not None:
            inside = sa.and_(inside, table.c.seller_id == self.seller_id)
        return inside


def scope_of(key: ApiKey) -> Scope:
    """What the key opens."""
    return Scope(key.marketplace, key.seller_id)


def owned(table: sa.Table, marketplace: str, seller: str | None) -> sa.ColumnElement[bool]:
    """The rows of exactly this owner: a marketplace's own without a seller, not those of its sellers."""
    return sa.and_(table.c.marketplace == marketplace, table.c.seller_id.is_not_distinct_from(seller))


async def lock_rows(connection: AsyncConnection, table: sa.Table, marketplace: str) -> None:
    """One at a time for each marketplace until the transaction ends, so that the number of its rows stays bounded."""
    name = f"{table.name} {marketplace}"
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))


async def count_of(connection: AsyncConnection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    """How many rows of the table match."""
    counted = sa.select(sa.func.count()).select_from(table).where(*conditions)
    count: int = (await connection.execute(counted)).scalar_one()
    return count


@dataclass(frozen=True, slots=True)
class Quotas:
    """How much holders of keys may make for one marketplace and its sellers together; operators may make any number."""

    endpoints: int = 100
    keys: int = 50
