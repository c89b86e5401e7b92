"""The command line as a process: what it writes to narrow, closed and broken streams, and how it takes Ctrl-C."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from greenlane.cli.app import app
from greenlane.cli.start import prepare_streams

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "schemas" / "examples"
PACKED = EXAMPLES / "greenlane.parcel.packed.v1" / "average-vietnamese-parcel.json"
DELIVERED = EXAMPLES / "greenlane.parcel.delivered.v1" / "usual-petrol-motorbike-round.json"
GREENLANE = [sys.executable, "-m", "greenlane"]


def run(*words: str, **changes: Any) -> subprocess.CompletedProcess[bytes]:
    env = os.environ | changes.pop("env", {})
    options: dict[str, Any] = {"stdout": subprocess.PIPE} | changes
    return subprocess.run([*GREENLANE, *words], env=env, stderr=subprocess.PIPE, check=False, cwd=ROOT, **options)


ENCODINGS = ["gbk", "ascii", "cp437", "cp1250", "cp1252", "utf-16", "latin-1", "utf-8"]


def told(monkeypatch: pytest.MonkeyPatch, encoding: str, *words: str) -> str:
    """What a command writes to a standard output of this encoding, in this process."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    prepare_streams()
    with pytest.raises(SystemExit) as end:
        app(list(words))
    assert end.value.code == 0
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", ["explain", "score", "advise", "ileap"])
def test_no_character_ends_a_command_whatever_the_encoding(
    encoding: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = told(monkeypatch, encoding, command, str(DELIVERED))

    assert "seller-" in text or "VN-0001" in text


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_stays_the_same_document_in_every_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("explain", "--json", str(PACKED))
    usual = told(monkeypatch, "utf-8", *words)

    assert not usual.isascii()
    assert json.loads(told(monkeypatch, encoding, *words)) == json.loads(usual)


def test_letters_that_an_encoding_lacks_are_written_as_similar_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    prepare_streams()
    stream.write("Đà Nẵng 5 m³ \u00d7 2 ≤ ½ 東 \udce9")
    stream.flush()

    assert stream.buffer.getvalue() == b"Da Nang 5 m3 x 2 <= 12 ? ?"


def test_a_process_writes_gbk() -> None:
    done = run("explain", str(PACKED), env={"PYTHONIOENCODING": "gbk"})

    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("gbk")


def test_a_locale_without_characters_is_no_hindrance() -> None:
    done = run("explain", str(PACKED), env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})

    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("ascii")


def test_a_name_that_is_no_text_is_said_without_a_traceback(tmp_path: Path) -> None:
    missing = os.fsencode(tmp_path) + b"/caf\xe9.json"
    done = subprocess.run([*map(os.fsencode, GREENLANE), b"validate", missing], capture_output=True, check=False)

    assert done.returncode == 2
    assert b"cannot read" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "options"), [("validate", ()), ("explain", ("--json",))], ids=["validate", "explain --json"]
)
def test_a_reader_that_goes_away_ends_a_command_in_silence(
    command: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    line = json.dumps(json.loads(PACKED.read_text(encoding="utf-8"))) + "\n"
    bad = '{"specversion": "1.0"}\n'
    file = tmp_path / "events.jsonl"
    file.write_text((bad if command == "validate" else line) * 2_000, encoding="utf-8")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run(command, str(file), *options, stdout=writing)
    finally:
        os.close(writing)

    said = [text for text in done.stderr.decode().splitlines() if "accepted" not in text]
    assert said == []
    assert done.returncode != 0


def test_closed_streams_are_no_hindrance() -> None:
    for redirection, code in ((">&-", 0), ("2>&- <&-", 0)):
        done = subprocess.run(
            ["/bin/sh", "-c", f'"$0" -m greenlane validate "$1" {redirection}', sys.executable, str(PACKED)],
            capture_output=True,
            check=False,
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (code, False)


def test_standard_input_that_is_closed_is_said() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" -m greenlane validate - <&-', sys.executable], capture_output=True, check=False
    )

    assert done.returncode == 2
    assert b"standard input is closed" in done.stderr


@pytest.mark.parametrize("what", ["", "no-such-file"])
def test_what_is_no_file_is_one_line_and_exit_2(what: str, tmp_path: Path) -> None:
    done = run("validate", str(tmp_path / what))

    assert done.returncode == 2
    assert b"cannot read" in done.stderr
    assert b"Traceback" not in done.stderr


def test_ctrl_c_ends_with_the_counts_and_one_line() -> None:
    line = json.dumps(json.loads(PACKED.read_text(encoding="utf-8"))).encode() + b"\n"
    process = subprocess.Popen(
        [*GREENLANE, "validate", "-", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    # a bad line is answered at once: then the command is known to have read the good one
    process.stdin.write(line + b"{}\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["line"] == 2
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    counts = json.loads(out)
    assert (counts["accepted"], counts["refused"], counts["warnings"]) == (1, 1, 0)
    assert err.decode().splitlines() == ["greenlane: interrupted"]
    assert process.returncode == 130


def test_ctrl_c_while_the_command_line_is_still_loading_is_one_line(tmp_path: Path) -> None:
    # a module that stands before the product's own waits for the signal, as a slow disk would
    (tmp_path / "orjson.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n", encoding="utf-8")
    done = run("validate", str(PACKED), env={"PYTHONPATH": str(tmp_path)})

    assert done.stderr.decode().splitlines() == ["greenlane: interrupted"]
    assert done.returncode == 130
