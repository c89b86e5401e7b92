"""Which settings and servers a command uses: the environment's, else those of the `greenlane up` that runs here.

A running stack is found by its data folder, so a second terminal needs no more than GREENLANE_DATA_DIR. Where the
environment says something else than the stack, the environment counts, and the difference is named.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from greenlane.cli.output import notes
from greenlane.operations.embedded import EmbeddedKafka, EmbeddedPostgres
from greenlane.operations.kafka_admin import refuse_unreachable_listeners
from greenlane.operations.running_stack import RunningStack, StackFolder
from greenlane.settings import Settings, SettingsError, load_settings
from greenlane.webhooks.vault import load_or_create_key

_TOLD = (
    "kafka_bootstrap_servers",
    "marketplaces",
    "live_marketplaces",
    "partitions",
    "replication_factor",
    "policy_file",
    "factors_file",
    "webhook_origin",
    "webhook_allow_private_networks",
    "webhook_endpoints_per_marketplace",
    "webhook_keys_per_marketplace",
)
"""Settings that must be the same for every process of an installation, and are no secret."""

_SECRET = ("database_url", "webhook_encryption_key")
_GIVEN = "given in the environment"


def told_settings(settings: Settings) -> dict[str, str]:
    """What a stack with these settings tells of them; of a secret only that it was given."""
    told = {name: _as_variable(getattr(settings, name)) for name in _TOLD}
    return told | {name: _GIVEN for name in _SECRET if getattr(settings, name).get_secret_value()}


def settings_here() -> Settings:
    """The environment's settings, completed by those of the running stack; contradictions are named."""
    settings = load_settings()
    stack = StackFolder(settings.data_dir).find()
    if stack is None:
        return settings
    for contradiction in contradictions(settings, stack):
        _name_once(f"{contradiction} This command uses its own.")
    return completed(settings, stack)


def completed(settings: Settings, stack: RunningStack) -> Settings:
    """Settings with the running stack's in place of those that the environment here does not give."""
    theirs = _theirs(stack)
    return settings.model_copy(
        update={name: theirs[name] for name in _TOLD if name not in settings.model_fields_set and name in theirs}
    )


def contradictions(settings: Settings, stack: RunningStack) -> Iterator[str]:
    """Each setting that the environment here says otherwise than the running stack, as a sentence."""
    for name in sorted(settings.model_fields_set & stack.settings.keys() & set(_TOLD)):
        here, there = _as_variable(getattr(settings, name)), stack.settings[name]
        if here != there:
            yield (
                f"GREENLANE_{name.upper()} is {here or 'empty'} here and {there or 'empty'} in the running "
                f"`greenlane up` (process {stack.pid})."
            )


def kafka_settings() -> Settings:
    """Settings with a Kafka to talk to.

    Raises SettingsError when none is named and none runs here, ListenerUnreachableError when it cannot be reached at
    the address that it advertises.
    """
    settings = settings_here()
    servers = settings.kafka_bootstrap_servers or EmbeddedKafka.find(settings.data_dir)
    if servers is None:
        raise SettingsError(
            f"No Kafka is running in {settings.data_dir}. Start one with `greenlane up` in another terminal, "
            "or name yours in GREENLANE_KAFKA_BOOTSTRAP_SERVERS."
        )
    refuse_unreachable_listeners(servers)
    return settings.model_copy(update={"kafka_bootstrap_servers": servers})


@contextmanager
def some_kafka(settings: Settings | None = None) -> Iterator[Settings]:
    """Settings with a Kafka: the one named or running here, else the embedded one, started for as long as needed.

    Raises SettingsError when none has ever run here.
    """
    settings = settings or settings_here()
    if settings.kafka_bootstrap_servers or EmbeddedKafka.find(settings.data_dir) is not None:
        yield kafka_settings()
        return
    if not (settings.data_dir / "kafka").exists():
        raise SettingsError(
            f"There is no state in {settings.data_dir}: no Kafka has ever run there. Set GREENLANE_DATA_DIR to the "
            "folder of your installation, or name your Kafka in GREENLANE_KAFKA_BOOTSTRAP_SERVERS."
        )
    with EmbeddedKafka(settings.data_dir, notify=notes.print) as kafka:
        yield settings.model_copy(update={"kafka_bootstrap_servers": kafka.bootstrap_servers})


def database_settings() -> Settings:
    """Settings with a PostgreSQL to talk to. Raises SettingsError when none is named and none runs here."""
    settings = settings_here()
    for name in _SECRET:
        _refuse_unshared(name, settings)
    return _with_database(with_webhook_key(settings))


def _with_database(settings: Settings) -> Settings:
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


def kafka_and_database_settings() -> Settings:
    """Settings with both servers and without the key that encrypts webhooks' secrets. Raises SettingsError."""
    settings = settings_here()
    _refuse_unshared("database_url", settings)
    database = _with_database(settings)
    return database.model_copy(update={"kafka_bootstrap_servers": kafka_settings().kafka_bootstrap_servers})


def with_webhook_key(settings: Settings) -> Settings:
    """Settings with the key that encrypts signing secrets: the one named, else this data folder's own."""
    if settings.webhook_encryption_key.get_secret_value():
        return settings
    return settings.model_copy(update={"webhook_encryption_key": load_or_create_key(settings.data_dir / "webhook.key")})


def _refuse_unshared(name: str, settings: Settings) -> None:
    """A secret that only the stack's own terminal knows would silently be replaced by another one."""
    stack = StackFolder(settings.data_dir).find()
    if stack is not None and stack.settings.get(name) == _GIVEN and not getattr(settings, name).get_secret_value():
        raise SettingsError(
            f"The running `greenlane up` (process {stack.pid}) was given GREENLANE_{name.upper()} in its environment. "
            "It is a secret, so it is not written down: export the same value here."
        )


def _as_variable(value: Any) -> str:
    """A setting as its variable has it; paths in full, so that they mean the same in every folder."""
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Path):
        return str(value.resolve())
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _theirs(stack: RunningStack) -> dict[str, Any]:
    """The stack's settings as values; an empty variable is the default."""
    given = {name: text for name, text in stack.settings.items() if name in _TOLD and text}
    read = load_settings(**given)
    defaults = {name: Settings.model_fields[name].default for name in _TOLD}
    return {name: getattr(read, name) if name in given else defaults[name] for name in _TOLD}


@functools.cache
def _name_once(text: str) -> None:
    notes.print(text, highlight=False, markup=False, soft_wrap=True)
