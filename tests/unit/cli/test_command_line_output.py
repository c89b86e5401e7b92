"""What commands print: nothing from outside steers a terminal, ids and dates are never cut, names are suggested."""

import io
import json
import re

import pytest

from greenlane.cli import output
from greenlane.cli.output import counted, no_such, print_json, print_lines, print_table
from greenlane.cli.visible import PlainConsole, one_line, visible, visible_json

HOSTILE = "s-1\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202e[bold]x[/]:smile:\ud800"


def console(width: int, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(output, "console", PlainConsole(file=written, width=width, force_terminal=True))
    return written


def steers(text: str) -> bool:
    """Whether an escape sequence stands there that is no colour or style of ours."""
    rest = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return any(character in rest for character in "\x1b\x07\x9b\x7f\u202e\ud800\r")


@pytest.mark.parametrize("width", [40, 200])
def test_a_hostile_id_reaches_the_terminal_as_text(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    written = console(width, monkeypatch)
    print_table(f"Sellers of {HOSTILE}", ("seller", "~reason"), [(HOSTILE, HOSTILE), ("two\nlines", "a")])
    output.console.print(HOSTILE)
    shown = written.getvalue()
    assert not steers(shown)
    assert "[bold]x[/]:smile:" in shown.replace("\n", ""), "text is text, not markup"
    assert r"two\x0alines" in shown


def test_a_hostile_id_in_json_is_the_same_string_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines([{"seller": HOSTILE.replace("\ud800", "")}, {"seller": "Đà Nẵng"}])
    first, second = capsys.readouterr().out.splitlines()
    assert not steers(first)
    assert json.loads(first)["seller"] == HOSTILE.replace("\ud800", "")
    assert "Đà Nẵng" in second, "letters stay letters"


def test_a_lone_surrogate_is_written_as_json_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"id": "\ud800"})
    assert capsys.readouterr().out == '{"id": "\\ud800"}\n'


def test_visible_leaves_text_alone_and_numbers_what_steers() -> None:
    assert visible("Đà Nẵng\t1\n") == "Đà Nẵng\t1\n"
    assert visible("\x1b[2J\u202e") == r"\x1b[2J\u202e"
    assert one_line("a\nb\tc") == r"a\x0ab\x09c"
    assert visible_json('"\x7f"') == r'"\u007f"'


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_ids_and_dates_are_never_cut_at_any_width(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    written = console(width, monkeypatch)
    ids = ["marketplace-of-forty-letters-and-digits/seller-with-sixty-four-characters-0042", "demo-vn/s-1"]
    rows = [
        (name, "63.1", "B", "none", "Bronze needs 60.0 points; you have 20.0. Also missing: …", "2026-07-03")
        for name in ids
    ]
    print_table("Scores", ("seller", ">green", "grade", "badge", "~what is missing", "day"), rows)
    shown = written.getvalue()
    for name in ids:
        assert name in shown
    assert shown.count("2026-07-03") == 2
    assert "Also missing" in shown.replace("\n", " ") or "missing:" in shown


def test_a_name_that_does_not_exist_is_answered_with_what_there_is() -> None:
    known = [f"demo-vn/seller-{number:04}" for number in range(40)]
    assert str(no_such("seller", "demo-vn/seler-0003", known)).startswith(
        "There is no seller demo-vn/seler-0003. Did you mean demo-vn/seller-0003"
    )
    far = no_such("seller", "zzz", known)
    assert far.exit_code == 1
    assert str(far).endswith("demo-vn/seller-0011 and 28 more.")
    assert str(no_such("seller", "x", [])) == "There is no seller x; there is none at all yet."


def test_one_is_one_and_not_ones() -> None:
    assert [counted(number, "seller") for number in (0, 1, 2, 1000)] == [
        "0 sellers",
        "1 seller",
        "2 sellers",
        "1,000 sellers",
    ]
