"""What the aggregator refuses before it joins anything."""

import asyncio
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from greenlane.accounts.aggregator.process import run
from greenlane.operations.metrics import ProcessMetrics
from greenlane.settings import Settings, SettingsError


async def test_a_state_folder_without_its_extra_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rocksdict", None)
    monkeypatch.setattr("greenlane.accounts.aggregator.process.find_spec", lambda _: None)
    registry = CollectorRegistry()
    settings = Settings(state_dir=tmp_path, kafka_bootstrap_servers="127.0.0.1:1")
    process = ProcessMetrics(registry, "0", "0", "0", ())
    with pytest.raises(SettingsError, match=r"GREENLANE_STATE_DIR needs .* install greenlane\[disk\]"):
        await run(settings, registry, process, lambda *_: None, asyncio.Event())
