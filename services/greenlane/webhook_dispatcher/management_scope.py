"""Whose endpoints may be managed: everybody's, one marketplace's, or one seller's."""

from dataclasses import dataclass

import sqlalchemy as sa


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
