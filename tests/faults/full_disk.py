"""A small disk of its own for a server, and ways to fill it: a tmpfs, which takes a superuser to mount."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHUNK_BYTES = 1 << 20


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """While inside, the folder is a disk of this size."""
    folder.mkdir(parents=True)
    size = f"size={megabytes}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)  # noqa: S607 - as installed
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607 - as installed


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """While inside, not a byte is free on the disk."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as out:
        for size in (CHUNK_BYTES, 4096, 1):
            _write_until_full(out.fileno(), bytes(size))
    try:
        yield
    finally:
        filler.unlink()


def _write_until_full(descriptor: int, chunk: bytes) -> None:
    while True:
        try:
            if os.write(descriptor, chunk) < len(chunk):
                return
        except OSError:  # no space is left: what was wanted
            return
