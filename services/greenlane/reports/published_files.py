"""Everything below `schemas/` that is rendered: the contracts and the method's own document."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from greenlane.contracts.schemas import render_schemas
from greenlane.factors.loading import load_method
from greenlane.reports.method_document.rendering import method_files


def render() -> dict[str, str]:
    """Every generated file below `schemas/`: its relative path with its text."""
    return render_schemas() | method_files(load_method())


def write(folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> list[Path]:
    """Write every generated file and remove generated ones that nothing renders any more; returns what changed.

    `more` are files that others render, by their relative paths.
    """
    wanted = {folder / name: text for name, text in (render() | dict(more)).items()}
    changed = []
    for path, text in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    for path in (folder / "json-schema").glob("*.json"):
        if path not in wanted:
            path.unlink()
            changed.append(path)
    return changed
