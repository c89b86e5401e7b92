"""The accounts with their entries on disk against the same naive model, started again from old and new copies."""

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from tests.unit.accounts.test_aggregator_model import HELD, POLICIES, AccountsAgainstNaiveModel

from greenlane.accounts.aggregator.stored_entries import EntryPlaces, StoredEntries
from greenlane.methodology.seller.eligibility import Policy
from greenlane.streaming import DiskRows, Mark

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of its own is made in it
"""Where an example keeps its rows: the nightly run opens them some fifty thousand times, and each waits for a disk."""


class AccountsOnDiskAgainstNaiveModel(AccountsAgainstNaiveModel):
    """The same arrivals; at a start the copy on disk is the old one, or made from the log in pieces of any size."""

    @initialize(policy=st.sampled_from(POLICIES), held=HELD)
    def begin(self, policy: Policy, held: int) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.log: list[tuple[bytes, bytes | None]] = []
        self.disk = DiskRows(Path(self.folder.name) / "rows", EntryPlaces())
        super().begin(policy, held)
        self.state = self.new_state(StoredEntries(self.disk))

    def write(self, changes: Sequence[tuple[bytes, bytes | None]]) -> None:
        super().write(changes)
        self.log += changes
        self.disk.write(dict(changes), Mark(self.offset, 0))

    @precondition(lambda self: self.rows)
    @rule(seed=st.integers(0, 2**16))
    def the_process_is_restored_from_its_rows(self, seed: int) -> None:
        if seed % 2:
            self.disk.close()
            self.disk = DiskRows(Path(self.folder.name) / "rows", EntryPlaces())
        else:
            self.copied_anew(random.Random(seed))  # noqa: S311 - a seeded order, no secret
        self.state = self.new_state(StoredEntries(self.disk))
        for key, value in self.disk.resident():
            self.state.restore(key, value)
        assert self.state.handle([]) == []
        assert list(self.state.changes()) == []

    def copied_anew(self, chance: random.Random) -> None:
        """From the log as compaction leaves it: some of what a later record replaces is gone, no last one is."""
        self.disk.clear()
        last = {key: place for place, (key, _) in enumerate(self.log)}
        kept = [row for place, row in enumerate(self.log) if last[row[0]] == place or chance.random() < 0.5]
        while kept:
            size = chance.randint(1, len(kept))
            self.disk.write(dict(kept[:size]), Mark(self.offset, 0))
            kept = kept[size:]

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "disk"):
            standing = dict(self.disk.range(b"C", b"Z"))
            assert standing == self.rows
            assert len(StoredEntries(self.disk)) == len(self.model.entries)
            self.disk.close()
            self.folder.cleanup()


TestAccountsOnDisk = AccountsOnDiskAgainstNaiveModel.TestCase
TestAccountsOnDisk.settings = settings(deadline=None, stateful_step_count=20)
