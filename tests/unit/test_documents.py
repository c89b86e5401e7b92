"""The documents: as long and as wide as can be read, and every path that they name is there."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "services" / "greenlane"
PAGE = 100
"""Lines."""
MARKDOWN_WIDTH = 120
DOCUMENTS = (
    *ROOT.glob("*.md"),
    *(
        path
        for folder in ("deploy", "docs", "examples", "schemas", "services", "tests")
        for path in (ROOT / folder).rglob("*.md")
    ),
)
"""Everything in Markdown that belongs to the repository."""
NAMED_PATH = re.compile(r"`([\w*-][\w./*-]*(?:\.(?:py|md|yaml|csv|toml|yml|jsonl)|/))[:`]")
LINK = re.compile(r"\]\(([^)#]+)")


def test_every_readme_of_a_folder_is_a_page_at_most() -> None:
    longer = {str(path): count for path in PACKAGE.rglob("README.md") if (count := len(_lines(path))) > PAGE}
    assert not longer


def test_markdown_lines_are_short_enough_to_read_beside_something_else() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in DOCUMENTS
        for number, line in _prose(path)
        if len(line) > MARKDOWN_WIDTH
    ]
    assert len(DOCUMENTS) > 20
    assert not long


def test_every_path_and_link_in_a_document_leads_somewhere() -> None:
    present = {
        f"/{path.relative_to(ROOT)}"
        for folder in ("deploy", "docs", "examples", "schemas", "services", "tests")
        for path in (ROOT / folder).rglob("*")
    } | {f"/{path.name}" for path in ROOT.iterdir()}
    stale = {
        f"{document.relative_to(ROOT)}: {named}"
        for document in DOCUMENTS
        for named in NAMED_PATH.findall(document.read_text(encoding="utf-8"))
        if not any(fnmatch(path, f"*/{named.rstrip('/')}") for path in present)
    }
    dead = {
        f"{document.relative_to(ROOT)}: {target}"
        for document in DOCUMENTS
        for target in LINK.findall(document.read_text(encoding="utf-8"))
        if "://" not in target and not (document.parent / target).exists()
    }
    assert not stale | dead


def test_the_programs_shown_on_the_page_of_other_languages_are_those_that_run() -> None:
    page = (ROOT / "docs" / "publishing" / "other-languages.md").read_text(encoding="utf-8")
    for file in ("node/publish.mjs", "java/Publish.java"):
        program = (ROOT / "examples" / "producers" / file).read_text(encoding="utf-8")
        assert f"\n{program}```\n" in page, file


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def _prose(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a document with their numbers, without those of tables and of blocks of code."""
    code = False
    for number, line in enumerate(_lines(path), 1):
        code ^= line.lstrip().startswith("```")
        if not code and not line.lstrip().startswith("|"):
            yield number, line
