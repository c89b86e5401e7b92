"""`greenlane convert`: documents of other vocabularies as events, without any server."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from pydantic import ValidationError

from greenlane.cli.events import opened
from greenlane.cli.late_progress import late_progress
from greenlane.cli.output import counted, notes
from greenlane.cli.visible import visible_json
from greenlane.contracts.events import Place
from greenlane.contracts.reading.problems import problems_of
from greenlane.factors.loading import load_method
from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.conversion import Conversion, refused_whole
from greenlane.publishing.adapters.document import MAX_DOCUMENT_BYTES
from greenlane.publishing.adapters.sender import Known, Sender
from greenlane.publishing.adapters.vocabularies import VOCABULARIES, convert, stating
from greenlane.publishing.files.documents import Document, split
from greenlane.settings import load_settings

app = typer.Typer()

_NAMED = 20
_PLACES = re.compile(r"(?<![^.])\d+(?![^.])")


@app.command(name="convert")
def convert_file(  # noqa: PLR0913, PLR0917 - one option each
    file: Annotated[Path, typer.Argument(help="JSON Lines, a JSON array or one document. - reads standard input.")],
    vocabulary: Annotated[str, typer.Option("--from", help=f"One of {', '.join(VOCABULARIES)}.")],
    marketplace: Annotated[str, typer.Option(help="Marketplace of the events.")],
    seller: Annotated[str, typer.Option(help="Seller of the events.")],
    country: Annotated[str | None, typer.Option(help="Country where the parcels are packed, for example VN.")] = None,
    origin: Annotated[
        str | None, typer.Option(help="Code of the place in that country where the parcels begin, for example 79.")
    ] = None,
    stated_by: Annotated[
        StatedBy | None, typer.Option(help="Who states what the documents say, if it is not whom the vocabulary names.")
    ] = None,
    known: Annotated[
        Path | None, typer.Option(help="JSON with products, parcels, legs and origin that the documents lack.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the events to this file, not to standard output.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Report JSON for machines, one document a line.")] = False,
) -> None:
    """Turn documents of another vocabulary into events. Exits 1 if a part of one is refused.

    Events go to standard output as JSON Lines, ready for `greenlane publish -`. The report goes to standard error: what
    was refused and why, which values no event uses, and what the documents do not say, with its cost in points.

    Example: `greenlane convert --from ucp --marketplace demo-vn --seller seller-0042 --country VN
    examples/documents/ucp/shipped-and-delivered.json`
    """
    sender = _sender(marketplace, seller, country, origin, stated_by, known)
    stating(vocabulary, sender)
    method = load_method(load_settings().factors_file)
    counts: Counter[str] = Counter(documents=0, events=0, refusals=0, unused=0)
    with opened(file) as stream, _written(output, (file, known)) as written, late_progress("documents") as tick:
        for document in split(stream, MAX_DOCUMENT_BYTES):
            tick()
            found = _converted(vocabulary, document, sender, method)
            written.writelines(f"{event.model_dump_json(exclude_none=True)}\n" for event in found.events)
            counts.update(documents=1, events=len(found.events), refusals=len(found.refusals), unused=len(found.unused))
            _report(document.line, found, as_json=as_json)
    if as_json:
        _print_json(dict(counts))
    else:
        notes.print(
            f"{counted(counts['documents'], 'document')}: {counted(counts['events'], 'event')}, "
            f"{counted(counts['refusals'], 'refusal')}, {counted(counts['unused'], 'value')} not used",
            highlight=False,
        )
    raise typer.Exit(1 if counts["refusals"] else 0)


def _converted(vocabulary: str, document: Document, sender: Sender, method: Any) -> Conversion:
    if document.problem:
        what, _, remedy = document.problem.rpartition("; ")
        return refused_whole(what, remedy)
    return convert(vocabulary, document.raw, sender, method)


def _sender(  # noqa: PLR0913, PLR0917 - one option each
    marketplace: str,
    seller: str,
    country: str | None,
    origin: str | None,
    stated_by: StatedBy | None,
    known: Path | None,
) -> Sender:
    facts = _known(known)
    try:
        if origin is not None:
            if country is None:
                raise typer.BadParameter("--origin needs --country, in which the place lies")
            facts = facts.model_copy(update={"origin": Place(country=country, code=origin)})
        return Sender(marketplace=marketplace, seller_id=seller, country=country, stated_by=stated_by, known=facts)
    except ValidationError as error:
        problem = problems_of(error)[0]
        raise typer.BadParameter(f"{_OPTIONS.get(problem.path, problem.path)} {problem.message}") from error


_OPTIONS = {"marketplace": "--marketplace", "seller_id": "--seller", "country": "--country", "code": "--origin"}


def _known(path: Path | None) -> Known:
    if path is None:
        return Known()
    try:
        return Known.model_validate_json(path.read_bytes())
    except OSError as error:
        raise typer.BadParameter(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        problem = problems_of(error)[0]
        raise typer.BadParameter(f"{path}: {problem.path} {problem.message}") from error


@contextmanager
def _written(path: Path | None, read: Iterable[Path | None]) -> Iterator[TextIO]:
    """The file, or standard output. Exits with 2 when it cannot be written, or is one of those that are read."""
    if path is None:
        yield sys.stdout
        return
    try:
        if path.exists() and any(path.samefile(other) for other in read if other is not None and other.exists()):
            raise typer.BadParameter(f"--output {path} is a file that is read; name another one")
        stream = path.open("w", encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"cannot write {path}: {error.strerror}") from error
    with stream:
        yield stream


def _report(line: int, found: Conversion, *, as_json: bool) -> None:
    if as_json:
        _print_json({"line": line, **found.report()})
        return
    _say(f"line {line}: {counted(len(found.events), 'event')}, {counted(len(found.refusals), 'refusal')}")
    for refused in found.refusals:
        _say(f"  refused: {refused.path or 'the document'} {refused.problem}; {refused.remedy}")
    names = Counter(_PLACES.sub("*", path) for path in found.unused)
    if names:
        shown = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in list(names.items())[:_NAMED])
        more = f", and {len(names) - _NAMED} more (--json names all)" if len(names) > _NAMED else ""
        _say(f"  not used: {shown}{more}")
    for item in found.undeclared:
        cost = "no figure" if item.points is None else f"{item.points:.1f} points alone"
        _say(f"  not said: {item.default} ({item.dimension}, {counted(item.events, 'event')}): {cost}. {item.meaning}")
    for total in found.together:
        _say(f"  all of it together ({total.dimension}): {total.points:.1f} points")


def _say(text: str) -> None:
    notes.print(text, highlight=False, markup=False, soft_wrap=True)


def _print_json(document: Any) -> None:
    _say(visible_json(json.dumps(document)))
