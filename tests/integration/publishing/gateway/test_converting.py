"""The process that converts: it may die, it may be slow, and it never outlives its gateway."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.publishing.gateway.harness import until

from greenlane.publishing.adapters.sender import Sender
from greenlane.publishing.gateway.converting import Converter, NotConvertedError

DOCUMENT = (Path(__file__).parents[4] / "examples/documents/ucp/shipped-and-delivered.json").read_bytes()
SENDER = Sender(marketplace="demo-vn", seller_id="seller-0042", country="VN")
_ALONE = """
import asyncio, sys
from greenlane.publishing.adapters.sender import Sender
from greenlane.publishing.gateway.converting import Converter
async def main():
    converter = Converter()
    await converter.convert("ucp", b"{}", Sender(marketplace="m", seller_id="s"), costs=False)
    print(*converter._pool._processes, flush=True)
    await asyncio.sleep(600)
if __name__ == "__main__":
    asyncio.run(main())
"""


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def test_the_document_after_a_death_or_a_delay_is_converted() -> None:
    converter = Converter(seconds=60)
    try:
        first = await converter.convert("ucp", DOCUMENT, SENDER, costs=True)
        assert first.events
        assert first.report["undeclared"]
        assert converter._pool is not None
        for pid in list(converter._pool._processes):
            os.kill(pid, signal.SIGKILL)
            await until(lambda one=pid: ended(one))  # type: ignore[misc] # a default is the loop's own
        with pytest.raises(NotConvertedError, match="died"):
            await converter.convert("ucp", DOCUMENT, SENDER, costs=True)
        assert await converter.convert("ucp", DOCUMENT, SENDER, costs=True) == first
        converter._seconds = 0.0
        with pytest.raises(NotConvertedError, match="within 0 s"):
            await converter.convert("ucp", DOCUMENT, SENDER, costs=True)
        converter._seconds = 60.0
        assert (await converter.convert("ucp", DOCUMENT, SENDER, costs=False)).report["undeclared"] == []
    finally:
        converter.close()


def test_it_ends_with_a_gateway_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "alone.py"
    script.write_text(_ALONE, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout is not None
        (worker,) = map(int, gateway.stdout.readline().split())
        assert not ended(worker)
        gateway.kill()
        asyncio.run(until(lambda: ended(worker)))
