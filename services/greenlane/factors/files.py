"""Reads one table file: limited in size, UTF-8, YAML of a known shape, errors that name row and remedy."""

import csv
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from greenlane.factors.registry import TableError
from greenlane.factors.yaml_text import YamlTextError, read_yaml_text

MAX_FILE_BYTES = 5_000_000
DATA = files("greenlane.factors") / "data"
"""The shipped tables."""

_ModelT = TypeVar("_ModelT", bound=BaseModel)


def _text(file: Traversable | Path) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES:
            raise TableError(file.name, "file", f"larger than {MAX_FILE_BYTES} bytes", "Name the right file")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise TableError(file.name, "file", f"cannot be read: {error.strerror}", "Check the path") from error
    except UnicodeDecodeError as error:
        raise TableError(file.name, "file", "is not UTF-8", "Save it as UTF-8") from error


def read_yaml(file: Traversable | Path, model: type[_ModelT]) -> _ModelT:
    """The file as its model. Raises TableError naming the first wrong row."""
    try:
        return model.model_validate(read_yaml_text(_text(file)))
    except YamlTextError as error:
        problem, _, remedy = str(error).rpartition("; ")
        raise TableError(file.name, "file", problem, remedy[:1].upper() + remedy[1:]) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        row = ".".join(str(part) for part in first["loc"]) or "file"
        raise TableError(file.name, row, first["msg"], "Correct the row; the shipped table shows the shape") from error


def read_csv(file: Traversable | Path, columns: tuple[str, ...]) -> list[list[str]]:
    """The rows below the header. Raises TableError when the header or the width of a row is not as expected."""
    lines = list(csv.reader(_text(file).splitlines()))
    if not lines or tuple(lines[0]) != columns:
        raise TableError(file.name, "row 1", "unexpected header", f"Use the columns {','.join(columns)}")
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(columns):
            raise TableError(file.name, f"row {number}", f"has {len(line)} columns", f"Give {len(columns)}")
    return lines[1:]
