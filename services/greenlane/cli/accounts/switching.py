"""The adoption of another method: only with its accounts at hand, for there is no way back."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from greenlane.accounts.oracle.checkpoint import policy_identity, topic_id_of
from greenlane.accounts.oracle.method_change import refuse_left_behind
from greenlane.contracts.checkpoints import Checkpoint, CheckpointError, PartitionLine, read_checkpoint, refuse_misfit
from greenlane.contracts.rules import RulesAdopted
from greenlane.contracts.topics import ASSESSMENTS
from greenlane.factors.loading import load_policy
from greenlane.operations.rules import Registered
from greenlane.operations.topics_reader import TopicsReader
from greenlane.settings import Settings


class Switch(NamedTuple):
    """From the rules that the log has to the wanted ones of another method, with the accounts made again under it."""

    settings: Settings
    registered: Registered
    before: RulesAdopted
    wanted: RulesAdopted
    path: Path | None
    start: Checkpoint | None

    @classmethod
    def between(
        cls, settings: Settings, registered: Registered, wanted: RulesAdopted, path: Path | None
    ) -> Self | None:
        """None if the method stays. Raises CheckpointError if the file cannot be read."""
        before = registered.current
        if before is None or before.method_version == wanted.method_version:
            return None
        return cls(settings, registered, before, wanted, path, None if path is None else read_checkpoint(path))

    def refuse_misfit(self) -> None:
        """Raise CheckpointError unless the log goes on from the checkpoint with nothing but these rules."""
        if self.path is not None and self.start is not None:
            self._refuse_other_rules(self.path, self.start)
            policy = self.registered.policy_before(load_policy(self.settings.policy_file))
            servers = self.settings.kafka_bootstrap_servers
            with TopicsReader(servers, (ASSESSMENTS,), _silent) as reader:
                spans = {span.partition: (span.first, span.end) for span in reader.spans}
            refuse_misfit(self.path, self.start, topic_id_of(servers, ASSESSMENTS), spans, policy_identity(policy))
        self.refuse_left_behind()

    def refuse_left_behind(self, ends: Mapping[int, int] | None = None) -> None:
        """Raise CheckpointError if the log has something that the checkpoint does not contain, up to these offsets."""
        with TopicsReader(self.settings.kafka_bootstrap_servers, (ASSESSMENTS,), _silent) as reader:
            refuse_left_behind(reader, self.start, self.path, ends)

    def _refuse_other_rules(self, path: Path, start: Checkpoint) -> None:
        made, before, wanted = start.header, self.before.method_version, self.wanted
        if made.restated_from is None or (made.restated_from.method_version, made.method_version) != (
            before,
            wanted.method_version,
        ):
            raise CheckpointError(
                f"{path} has the accounts of method {made.method_version}, and is not restated from method {before} to "
                f"{wanted.method_version}. Name the file that `greenlane restate` of this release has written."
            )
        rules = [line.rules.adopted.id for line in start.lines if isinstance(line, PartitionLine) and line.rules]
        if any(name != wanted.id for name in rules):
            raise CheckpointError(
                f"{path} was restated for the rules {rules[0]}, these are {wanted.id}. Restate it again with the same "
                "GREENLANE_POLICY_FILE and GREENLANE_FACTORS_FILE as you adopt."
            )


def _silent(_read: int, _total: int) -> None:
    """Progress that nobody watches."""
