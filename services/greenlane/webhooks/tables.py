"""The dispatcher's tables: after the intake they are its only truth."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from greenlane.database.api_keys import api_key, metadata
from greenlane.webhooks.sql import sql

__all__ = [
    "SHARDS",
    "api_key",
    "attempt",
    "delivery",
    "dispatcher",
    "endpoint",
    "endpoint_health",
    "endpoint_secret",
    "event",
    "intake_position",
    "metadata",
    "notice",
    "order_head",
    "shard",
]

SHARDS = 64

_NOW = sa.text("now()")


def _moment(name: str, *, nullable: bool = True, default: sa.TextClause | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=nullable, server_default=default)


endpoint = sa.Table(
    "endpoint",
    metadata,
    sa.Column("endpoint_id", sa.Text, primary_key=True),
    sa.Column("marketplace", sa.Text, nullable=False),
    sa.Column("seller_id", sa.Text, nullable=True, comment="null: all sellers of the marketplace"),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("types", ARRAY(sa.Text), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=True),
    sa.Column("shard", sa.SmallInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1", comment="rises with every change of the keys"),
    _moment("created_at", nullable=False, default=_NOW),
    _moment("confirmed_at"),
    sa.Column("sellers", ARRAY(sa.Text), nullable=True, comment="only these sellers of its scope; null: all of them"),
    sa.Column(
        "origin_granted",
        sa.Boolean,
        nullable=False,
        server_default=sa.false(),
        comment="the receiver allowed our origin in the OPTIONS handshake",
    ),
    sa.Column(
        "granted_rate", sa.Integer, nullable=True, comment="messages per minute granted with the origin; null: no limit"
    ),
    sa.Index("endpoint_by_marketplace", "marketplace", "seller_id", postgresql_where=sa.text("state <> 'removed'")),
    sa.Index("endpoint_by_shard", "shard", postgresql_where=sa.text("state <> 'removed'")),
)

endpoint_secret = sa.Table(
    "endpoint_secret",
    metadata,
    sa.Column("endpoint_id", sa.Text, sa.ForeignKey("endpoint.endpoint_id"), primary_key=True),
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("scheme", sa.Text, nullable=False),
    sa.Column("kek_id", sa.Text, nullable=False),
    sa.Column("nonce", BYTEA, nullable=False),
    sa.Column("ciphertext", BYTEA, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    _moment("created_at", nullable=False, default=_NOW),
    _moment("expires_at"),
)

endpoint_health = sa.Table(
    "endpoint_health",
    metadata,
    sa.Column("endpoint_id", sa.Text, sa.ForeignKey("endpoint.endpoint_id"), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0", comment="in a row"),
    _moment("failing_since"),
    _moment("hold_until"),
    _moment("last_success_at"),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("event_day", sa.Date, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True, comment="the webhook-id"),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("order_key", sa.Text, nullable=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("body", BYTEA, nullable=False),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("event_day", sa.Date, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("endpoint_id", sa.Text, primary_key=True),
    sa.Column("shard", sa.SmallInteger, nullable=False),
    sa.Column("order_key", sa.Text, nullable=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=True),
    sa.Column("attempt_no", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lost_leases", sa.Integer, nullable=False, server_default="0"),
    sa.Column(
        "due_at",
        sa.TIMESTAMP(timezone=True),
        nullable=False,
        comment="infinity: behind an open delivery of its order key, due when that one is final",
    ),
    _moment("lease_until"),
    sa.Column("epoch", sa.BigInteger, nullable=True, comment="of the shard's owner that leased it"),
    sa.Column("superseded_by", sa.Text, nullable=True),
    _moment("created_at", nullable=False, default=_NOW),
    _moment("finished_at"),
    sa.Index("delivery_due", "endpoint_id", "due_at", postgresql_where=sa.text("state = 'pending'")),
    sa.Index(
        "delivery_open",
        "endpoint_id",
        "order_key",
        "seq",
        postgresql_where=sql("state IN ({OPEN})"),
    ),
    sa.Index("delivery_leased", "shard", "lease_until", postgresql_where=sa.text("state = 'leased'")),
    sa.Index(
        "delivery_waiting",
        "shard",
        "due_at",
        postgresql_include=["endpoint_id"],
        postgresql_where=sa.text("state = 'pending'"),
    ),
    sa.Index("delivery_stopped", "shard", "state", postgresql_where=sa.text("state IN ('held', 'quarantined')")),
    sa.Index("delivery_by_age", "endpoint_id", "created_at"),
    sa.Index("delivery_tests", "endpoint_id", "created_at", postgresql_where=sa.text("mode = 'unordered'")),
)

order_head = sa.Table(
    "order_head",
    metadata,
    sa.Column("endpoint_id", sa.Text, primary_key=True),
    sa.Column("order_key", sa.Text, primary_key=True),
    sa.Column("accepted_seq", sa.BigInteger, nullable=False),
    sa.Column("accepted_event", sa.Text, nullable=True),
    sa.Column("delivered_seq", sa.BigInteger, nullable=True),
)

intake_position = sa.Table(
    "intake_position",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("topic_id", sa.Text, nullable=False, comment="a topic made anew under the same name has another"),
    sa.Column("next_offset", sa.BigInteger, nullable=False, comment="everything before it was accepted"),
    sa.Column("before", sa.BigInteger, nullable=False, server_default="0", comment="next_offset before its last move"),
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("attempt_id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("endpoint_id", sa.Text, nullable=False),
    sa.Column("attempt_no", sa.Integer, nullable=False),
    _moment("recorded_at", nullable=False, default=_NOW),
    sa.Column("status", sa.SmallInteger, nullable=True),
    sa.Column("failure", sa.Text, nullable=True),
    sa.Column("headers_ms", sa.Integer, nullable=True),
    sa.Column("total_ms", sa.Integer, nullable=False),
    sa.Column("fresh_try", sa.Boolean, nullable=False, comment="a kept connection had died and a new one was opened"),
    sa.Index("attempt_by_delivery", "endpoint_id", "event_id"),
)

notice = sa.Table(
    "notice",
    metadata,
    sa.Column("endpoint_id", sa.Text, sa.ForeignKey("endpoint.endpoint_id"), primary_key=True),
    sa.Column("failing_since", sa.TIMESTAMP(timezone=True), primary_key=True),
    sa.Column("hours", sa.SmallInteger, primary_key=True, comment="of failure without a break"),
    _moment("created_at", nullable=False, default=_NOW),
)

shard = sa.Table(
    "shard",
    metadata,
    sa.Column("shard", sa.SmallInteger, primary_key=True),
    sa.Column("owner", sa.Text, nullable=True),
    sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"),
    _moment("lease_until"),
)

dispatcher = sa.Table(
    "dispatcher",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    _moment("alive_until", nullable=False),
)
