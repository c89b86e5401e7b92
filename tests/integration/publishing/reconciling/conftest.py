"""The place in which these tests publish."""

from pathlib import Path
from uuid import uuid4

import pytest
from tests.integration.publishing.reconciling.place import Place

from greenlane.contracts.topics import declared_topics
from greenlane.operations.topic_provisioning import apply


@pytest.fixture
def place(bootstrap_servers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place(bootstrap_servers, f"t{uuid4().hex[:12]}", tmp_path)
    apply(bootstrap_servers, declared_topics([found.marketplace]), 3, 1)
    monkeypatch.setenv("GREENLANE_KAFKA_BOOTSTRAP_SERVERS", bootstrap_servers)
    monkeypatch.setenv("GREENLANE_MARKETPLACES", f"demo-vn,{found.marketplace}")
    return found
