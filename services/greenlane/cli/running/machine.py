"""`greenlane up` starts everything on this machine, `doctor` tells what is wrong with it."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

import typer
from pydantic import SecretStr

from greenlane.cli.connection import completed, contradictions
from greenlane.cli.output import AsJson, console, notes, print_json
from greenlane.cli.running.stack import Stack
from greenlane.database.inspection import inspect_database
from greenlane.operations.doctor import diagnose
from greenlane.operations.running_stack import StackFolder
from greenlane.settings import load_settings

app = typer.Typer()


@contextlib.contextmanager
def terminated_by_signal() -> Iterator[None]:
    """Turn SIGTERM into SystemExit, so that whatever was started is stopped in order."""

    def leave(*_: object) -> None:
        raise SystemExit(0)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@app.command()
def up() -> None:
    """Start Kafka, PostgreSQL and every service, and keep them running until Ctrl-C or SIGTERM.

    Servers named in GREENLANE_KAFKA_BOOTSTRAP_SERVERS and GREENLANE_DATABASE_URL are used instead of embedded ones.

    Example: `greenlane up`
    """
    with terminated_by_signal(), Stack(load_settings(), notify=notes.print) as stack:
        console.print(stack.table())
        notes.print("Everything runs. Ctrl-C stops it.")
        with contextlib.suppress(KeyboardInterrupt):
            stack.keep_running()


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check this machine and the servers; each failed check comes with its remedy. Exits 1 if one failed.

    Example: `greenlane doctor`
    """
    own = load_settings()
    stack = StackFolder(own.data_dir).find()
    differing = [] if stack is None else list(contradictions(own, stack))
    diagnosis = diagnose(
        own if stack is None else completed(own, stack),
        lambda url: asyncio.run(inspect_database(SecretStr(url))),
        stack=stack,
        contradictions=differing,
    )
    if as_json:
        print_json(diagnosis.to_json())
    else:
        console.print(diagnosis.table())
    raise typer.Exit(0 if diagnosis.healthy else 1)
