"""Settings: read in one place, documented in docs/settings.md, and clear about what is wrong."""

from pathlib import Path

import pytest

from greenlane.settings import Settings, SettingsError, load_settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_stands_in_the_document_as_it_is_described(name: str) -> None:
    row = f"| `GREENLANE_{name.upper()}` | {Settings.model_fields[name].description} |"
    document = ROOT / "docs" / "settings.md"
    found = document.read_text(encoding="utf-8").splitlines().count(row)
    assert found == 1, f"put this row into docs/settings.md once: {row}"


def test_only_settings_reads_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "services").rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in ("os.environ", "os.getenv"))
    ]
    assert readers == ["services/greenlane/cli/running/stack.py"], (
        "the stack passes the environment on; others read settings"
    )


def test_a_wrong_variable_is_named_with_its_remedy_and_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENLANE_WEBHOOK_ENCRYPTION_KEY", "c2VjcmV0")
    monkeypatch.setenv("GREENLANE_PARTITIONS", "none")
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert "GREENLANE_WEBHOOK_ENCRYPTION_KEY" in str(error.value)
    assert "openssl rand -base64 32" in str(error.value)
    assert "GREENLANE_PARTITIONS" in str(error.value)
    assert "c2VjcmV0" not in str(error.value)


@pytest.mark.parametrize("place", ["greenlane.fulfilment.one.v1", "topic/0", "topic/0/-1", "topic/0/1/2", "/0/1"])
def test_a_record_to_skip_is_named_by_topic_partition_and_offset(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("GREENLANE_SKIP_RECORDS", f"greenlane.fulfilment.one.v1/0/17,{place}")
    with pytest.raises(SettingsError, match="GREENLANE_SKIP_RECORDS"):
        load_settings()


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENLANE_MARKETPLACES", "one, two,")
    assert load_settings().marketplaces == ("one", "two")
