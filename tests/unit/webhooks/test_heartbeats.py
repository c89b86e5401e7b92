"""What the clock says is nobody's to receive."""

import pytest

from greenlane.webhooks.dispatcher.intake.messages import is_heartbeat


def test_a_heartbeat_is_known_by_its_type() -> None:
    assert is_heartbeat(b'{"type": "greenlane.heartbeat.v1", "data": {}}')


@pytest.mark.parametrize(
    "raw", [b"not json", b"\xff", b"[]", b'"greenlane.heartbeat.v1"', b'{"type": "greenlane.odd"}']
)
def test_anything_else_is_no_heartbeat(raw: bytes) -> None:
    assert not is_heartbeat(raw)
