"""The one reader of the environment: every variable begins with GREENLANE_."""

import base64
import binascii
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from greenlane.errors import GreenlaneError

SERVICES = (
    "packaging_scorer",
    "delivery_scorer",
    "aggregator",
    "webhook_dispatcher",
    "clock",
    "webhook_api",
    "gateway",
)
"""The long-running processes, in the order in which data meets them."""

OPTIONAL_SERVICES = ("outbox",)
"""Processes that only some installations run, beside a database of the marketplace's: `up` does not start them."""

MarketplaceId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]

RecordPlace = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}/[0-9]{1,9}/[0-9]{1,19}$")]
"""Where a record stands: topic/partition/offset."""


class SettingsError(GreenlaneError):
    """A setting is missing or wrong; the text names the variable and the remedy. The process exits with 2."""


class Settings(BaseSettings):
    """Everything a process may be told from outside; unknown GREENLANE_ variables are ignored."""

    model_config = SettingsConfigDict(env_prefix="GREENLANE_", extra="ignore", frozen=True)

    kafka_bootstrap_servers: str = Field(
        default="", description="host:port of an external Kafka, comma-separated; empty means the embedded one"
    )
    database_url: SecretStr = Field(
        default=SecretStr(""), description="postgresql://… of an external PostgreSQL; empty means the embedded one"
    )
    data_dir: Path = Field(default=Path(".greenlane"), description="where the embedded servers keep their data")
    marketplaces: Annotated[tuple[MarketplaceId, ...], NoDecode] = Field(
        default=("demo-vn", "olist-br"), description="marketplaces whose fulfilment topics are read, comma-separated"
    )
    live_marketplaces: Annotated[tuple[MarketplaceId, ...], NoDecode] = Field(
        default=(), description="marketplaces whose days the clock closes by the wall clock; a replay closes its own"
    )
    partitions: int = Field(default=4, ge=1, le=1024, description="partitions of every keyed topic at creation")
    replication_factor: int = Field(default=1, ge=1, le=7, description="replicas of every topic at creation")
    instance: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,60}$",
        description="this worker's lasting name in its group (a pod's name): a restart under it rejoins at once",
    )
    state_dir: Path | None = Field(
        default=None,
        description="folder of this worker's own for its accounts on disk (RocksDB); unset: all of them in memory",
    )
    host: str = Field(default="127.0.0.1", description="address on which metrics and health are served")
    port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="port of metrics and health, 0 picks a free one; under `up` the first of seven",
    )
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level that is logged"
    )
    policy_file: Path | None = Field(
        default=None,
        description="badge policy (YAML) instead of the one shipped; another one later: `greenlane policy adopt`",
    )
    factors_file: Path | None = Field(default=None, description="own emission factors (YAML) laid over those shipped")
    skip_records: Annotated[tuple[RecordPlace, ...], NoDecode] = Field(
        default=(),
        description="records that the scorers refuse without reading them, each as topic/partition/offset, "
        "comma-separated; for a record that ends a scorer again and again",
    )
    webhook_encryption_key: SecretStr = Field(
        default=SecretStr(""), description="base64 of 32 bytes; encrypts the endpoints' signing secrets at rest"
    )
    webhook_older_encryption_keys: SecretStr = Field(
        default=SecretStr(""), description="earlier encryption keys, comma-separated, until `webhooks reseal` was run"
    )
    webhook_origin: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}$|^$",
        max_length=253,
        description="our DNS name, for which new endpoints are asked in the CloudEvents handshake; empty asks for none",
    )
    webhook_api_host: str = Field(
        default="127.0.0.1",
        description="address on which the webhook API listens; put TLS before any other than loopback",
    )
    webhook_api_port: int | None = Field(
        default=None, ge=0, le=65535, description="port of the webhook API; unset: 9106, under `up` a free one"
    )
    webhook_api_rate: float = Field(
        default=10.0, ge=0.1, description="requests a second that each API key may make of the webhook API"
    )
    webhook_api_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="addresses of TLS proxies of yours, whose X-Forwarded-For is believed; comma-separated"
    )
    webhook_endpoints_per_marketplace: int = Field(
        default=100, ge=1, description="endpoints that holders of API keys may have for one marketplace and its sellers"
    )
    webhook_keys_per_marketplace: int = Field(
        default=50, ge=1, description="API keys that holders of API keys may have for one marketplace and its sellers"
    )
    gateway_host: str = Field(
        default="127.0.0.1",
        description="address on which the gateway takes events; put TLS before any other than loopback",
    )
    gateway_port: int | None = Field(
        default=None, ge=0, le=65535, description="port of the gateway; unset: 9108, under `up` a free one"
    )
    gateway_rate: float = Field(
        default=2000.0,
        ge=1,
        description="events a second that a key may send, a marketplace twice as many; a request counts as 10 more",
    )
    gateway_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="addresses of TLS proxies of yours before the gateway; as GREENLANE_WEBHOOK_API_PROXIES"
    )
    gateway_shops: SecretStr = Field(
        default=SecretStr(""),
        description='secrets of shops whose webhooks the gateway takes, as JSON {"marketplace/seller/vocabulary": "…"}',
    )
    outbox_marketplace: MarketplaceId | None = Field(
        default=None, description="the marketplace whose outbox `greenlane run outbox` moves to Kafka"
    )
    outbox_database_url: SecretStr = Field(
        default=SecretStr(""), description="postgresql://… or mysql://… of the shop's database that holds the outbox"
    )
    outbox_keep_days: int = Field(
        default=7, ge=0, le=3650, description="days for which sent rows of the outbox are kept; 0 removes them at once"
    )
    webhook_allow_private_networks: bool = Field(
        default=False, description="dispatch to loopback and private addresses too; for demonstrations and tests only"
    )

    @field_validator(
        "marketplaces", "live_marketplaces", "skip_records", "webhook_api_proxies", "gateway_proxies", mode="before"
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("webhook_encryption_key")
    @classmethod
    def _thirty_two_bytes(cls, value: SecretStr) -> SecretStr:
        try:
            size = len(base64.b64decode(value.get_secret_value(), validate=True))
        except binascii.Error as error:
            raise ValueError("must be base64; make one with: openssl rand -base64 32") from error
        if size not in {0, 32}:
            raise ValueError("must be base64 of exactly 32 bytes; make one with: openssl rand -base64 32")
        return value

    @cached_property
    def embedded(self) -> bool:
        """Whether a server of our own is needed because none was named."""
        return not self.kafka_bootstrap_servers or not self.database_url.get_secret_value()


def load_settings(**overrides: Any) -> Settings:
    """Read the environment once; keyword arguments win over it.

    Raises SettingsError naming each wrong variable, its problem and the remedy, never its value.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problems = "; ".join(
            f"GREENLANE_{'_'.join(str(part) for part in item['loc'][:1]).upper()}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(f"{problems}. Correct the variable and start again.") from None
