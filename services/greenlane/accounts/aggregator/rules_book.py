"""Which rules a partition is kept under, as its own log says; nothing here reads a setting or a clock."""

from collections.abc import Iterable

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.rules import RulesAdopted
from greenlane.factors.loading import policy_of
from greenlane.factors.registry import TableError
from greenlane.factors.rows import PolicyFile
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.eligibility import Policy

Kept = tuple[RulesAdopted | None, dict[str, PolicyFile]]
"""What the rules row holds: the rules adopted last, and the older policies that hold until a next closed day."""


class RulesBook:
    """The rules of one partition. `before` is the policy of a log that has not adopted any yet."""

    def __init__(self, before: Policy) -> None:
        self._adopted: RulesAdopted | None = None
        self._policy = before
        self._older: dict[str, Policy] = {}
        self._known: frozenset[str] = frozenset()
        self.touched = False

    def restore(self, kept: Kept) -> None:
        """Take back what a row says. Raises TableError if a policy is not sound."""
        self._adopted, older = kept
        if self._adopted is not None:
            self._policy = self._adopted.terms()
            self._known = frozenset(self._adopted.marketplaces)
        self._older = {marketplace: policy_of(file, "policy") for marketplace, file in older.items()}

    def kept(self) -> Kept:
        """What the rules row has to hold."""
        older = {name: PolicyFile.model_validate(policy, from_attributes=True) for name, policy in self._older.items()}
        return self._adopted, older

    def adopt(self, said: RulesAdopted, closed: Iterable[str]) -> None:
        """Keep the partition under these rules; a policy that changes holds at once where no day is `closed` yet.

        Raises Refusal for first rules where there are others, and for a policy that is not sound.
        """
        now = self._adopted
        if now is not None and now.id == said.id:
            self._adopted = now.with_marketplaces(said.marketplaces)
        elif now is not None and said.first:
            message = f"the log has adopted the rules {now.id} already; `greenlane policy adopt` replaces them"
            raise Refusal.because(DeadLetterCode.OTHER_RULES, "first", message)
        else:
            try:
                policy = said.terms()
            except TableError as error:
                raise Refusal.because(DeadLetterCode.SCHEMA_VIOLATION, "policy", str(error)) from None
            for marketplace in closed:
                self._older.setdefault(marketplace, self._policy)
            self._policy = policy
            self._adopted = said if now is None else said.with_marketplaces(now.marketplaces)
        self._known = frozenset(self._adopted.marketplaces)
        self.touched = True

    @property
    def method_version(self) -> str | None:
        """The method adopted last; None if the log has adopted none."""
        return None if self._adopted is None else self._adopted.method_version

    @property
    def foreign(self) -> bool:
        """Whether the log is of another method than this release: nothing of it may be taken in."""
        return self._adopted is not None and self._adopted.method_version != METHOD_VERSION

    @property
    def latest(self) -> Policy:
        """The policy adopted last."""
        return self._policy

    def policy_of(self, marketplace: str) -> Policy:
        """The policy under which the marketplace's scores are stated now."""
        return self._older.get(marketplace, self._policy)

    def close(self, marketplace: str) -> Policy:
        """The policy under which the marketplace's next days are closed, and its scores stated from then on."""
        if self._older.pop(marketplace, None) is not None:
            self.touched = True
        return self._policy

    def admit(self, marketplace: str) -> None:
        """Raises Refusal if the log has rules and this marketplace is not among those kept under them."""
        if marketplace not in self._known and self._adopted is not None:
            message = "is unknown to this log; add it to GREENLANE_MARKETPLACES and run `greenlane topics apply`"
            raise Refusal.because(DeadLetterCode.UNKNOWN_MARKETPLACE, "marketplace", message)

    def admit_method(self, method_version: str, factors: str | None) -> None:
        """Raises Refusal for an assessment by another method than the log's; earlier releases name no factors."""
        adopted = self._adopted
        if adopted is None or (method_version == adopted.method_version and factors in {None, adopted.factors}):
            return
        message = (
            f"the log has adopted method {adopted.method_version} with factors {adopted.factors}; score the event with "
            "these, or adopt others with `greenlane policy adopt`"
        )
        raise Refusal.because(DeadLetterCode.OTHER_RULES, "factors", message)
