"""Which servers a command talks to: those named in the environment, else the embedded ones that are running here."""

from pydantic import SecretStr

from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres
from greenlane.settings import Settings, SettingsError, load_settings
from greenlane.webhook_dispatcher.vault import load_or_create_key


def kafka_settings() -> Settings:
    """Settings with a Kafka to talk to. Raises SettingsError when none is named and none runs here."""
    settings = load_settings()
    if settings.kafka_bootstrap_servers:
        return settings
    found = EmbeddedKafka.find(settings.data_dir)
    if found is None:
        raise SettingsError(
            f"No Kafka is running in {settings.data_dir}. Start one with `greenlane up` in another terminal, "
            "or name yours in GREENLANE_KAFKA_BOOTSTRAP_SERVERS."
        )
    return settings.model_copy(update={"kafka_bootstrap_servers": found})


def database_settings() -> Settings:
    """Settings with a PostgreSQL to talk to. Raises SettingsError when none is named and none runs here."""
    settings = with_webhook_key(load_settings())
    if settings.database_url.get_secret_value():
        return settings
    found = EmbeddedPostgres.find(settings.data_dir)
    if found is None:
        raise SettingsError(
            f"No PostgreSQL is running in {settings.data_dir}. Start one with `greenlane up` in another terminal, "
            "or name yours in GREENLANE_DATABASE_URL."
        )
    return settings.model_copy(update={"database_url": SecretStr(found)})


def all_settings() -> Settings:
    """Settings with both servers. Raises SettingsError as the two above do."""
    database = database_settings()
    return database.model_copy(update={"kafka_bootstrap_servers": kafka_settings().kafka_bootstrap_servers})


def with_webhook_key(settings: Settings) -> Settings:
    """Settings with the key that encrypts signing secrets: the one named, else this data folder's own."""
    if settings.webhook_encryption_key.get_secret_value():
        return settings
    return settings.model_copy(update={"webhook_encryption_key": load_or_create_key(settings.data_dir / "webhook.key")})
