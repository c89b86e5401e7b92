"""The rules that a partition's log adopts, followed record by record: policy, method, factors and marketplaces."""

from greenlane.contracts.assessments import Assessment, DayClosed, Retraction, SellerErased
from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.rules import RulesAdopted
from greenlane.factors.registry import TableError
from greenlane.methodology.seller.eligibility import Policy


class LogRules:
    """What holds after the records taken so far; `policy` is that of a log which has adopted none."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.marketplaces: set[str] = set()
        self._now: RulesAdopted | None = None

    @property
    def adopted(self) -> RulesAdopted | None:
        """The rules adopted last, with every marketplace; None if there are none."""
        return None if self._now is None else self._now.with_marketplaces(self.marketplaces)

    def adopt(self, said: RulesAdopted) -> DeadLetterCode | None:
        """Take rules over; why not, if they are refused."""
        if self._now is None or self._now.id != said.id:
            if self._now is not None and said.first:
                return DeadLetterCode.OTHER_RULES
            try:
                self.policy = said.terms()
            except TableError:
                return DeadLetterCode.SCHEMA_VIOLATION
            self._now = said
        self.marketplaces |= set(said.marketplaces)
        return None

    def refusal_of(self, message: Assessment | Retraction | DayClosed | SellerErased) -> DeadLetterCode | None:
        """Why no account may take the message under these rules; None if one may."""
        if self._now is None:
            return None
        if message.marketplace not in self.marketplaces:
            return DeadLetterCode.UNKNOWN_MARKETPLACE
        if isinstance(message, Assessment):
            named = {message.factors} - {None, self._now.factors}
            if named or message.method_version != self._now.method_version:
                return DeadLetterCode.OTHER_RULES
        return None
