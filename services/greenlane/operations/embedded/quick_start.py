"""What lets Kafka's Java start in half the time: its classes as an earlier start left them, kept in one file.

Java 25 calls it an AOT cache (JEP 483, 515). It is made once for each Kafka and Java, and Java itself checks that it
fits the class path and the options; where it does not, Java starts as it does without one.
"""

from collections.abc import Callable
from pathlib import Path

from greenlane.operations.embedded.classpath import one_at_a_time
from greenlane.operations.embedded.folder import EmbeddedServerError

_UNKNOWN_OPTION = "Unrecognized VM option"


def quick_start_options(cache: Path, record: Callable[[Path], None], notify: Callable[[str], None]) -> tuple[str, ...]:
    """Options of Java that use the cache; none where this Java cannot make one.

    `record` starts and stops a server that leaves its classes in a file; it is called once, and `notify` is told.
    """
    with one_at_a_time(cache):
        if not cache.exists():
            notify("Preparing quick starts of Kafka (first start only)")
            _make(cache, record, notify)
    return (f"-XX:AOTCache={cache}",) if cache.exists() and cache.stat().st_size else ()


def _make(cache: Path, record: Callable[[Path], None], notify: Callable[[str], None]) -> None:
    part = cache.with_name(f"{cache.name}.part")
    part.unlink(missing_ok=True)
    try:
        record(part)
    except EmbeddedServerError as error:
        notify(f"Kafka will start without it: {error}")
        if _UNKNOWN_OPTION not in str(error):
            return  # what was in the way may be gone at the next start
    if part.exists():
        part.replace(cache)
    else:
        cache.touch()  # this Java cannot: nobody asks it again
