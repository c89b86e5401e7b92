"""Under which rules accounts are kept: a record of the assessments topic, so that the log alone decides the result."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from greenlane.contracts.assessments import Assessment, DayClosed, Record, Retraction, SellerErased
from greenlane.factors.fingerprints import digest_of
from greenlane.factors.loading import policy_of
from greenlane.factors.rows import PolicyFile
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.eligibility import Policy

RULES_KEY = b"rules"
"""Key of the rules on the assessments topic, in every partition."""

Marketplaces = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")], ...], Field(min_length=1, max_length=10_000)
]


class RulesAdopted(Record):
    """From this record on its partition is kept under these rules: policy, method version, factors and marketplaces.

    The first one of a partition holds at once. A later one with another policy holds from each marketplace's next
    closed day on, and for its method and factors at once. Marketplaces are added and never taken away. A record that
    is `first` never replaces other rules: it becomes a dead letter where there are some.
    """

    type: Literal["greenlane.rules-adopted.v1"] = "greenlane.rules-adopted.v1"
    marketplaces: Marketplaces
    policy: PolicyFile
    method_version: str = Field(max_length=40)
    factors: str = Field(pattern=r"^[0-9a-f]{16}$", description="fingerprint of the method's tables")
    first: bool = Field(description="whether these rules are for partitions without any")

    @property
    def id(self) -> str:
        """What identifies the rules, whatever the marketplaces: 16 hexadecimal digits of a SHA-256."""
        return digest_of([self.policy.model_dump(mode="json", exclude_none=True), self.method_version, self.factors])

    def terms(self) -> Policy:
        """The policy as the arithmetic wants it. Raises TableError if it is not sound."""
        return policy_of(self.policy, "policy")

    def with_marketplaces(self, more: Iterable[str]) -> "RulesAdopted":
        """The same rules for these marketplaces too."""
        return self.model_copy(update={"marketplaces": tuple(sorted({*self.marketplaces, *more}))})


AggregatorRecord = Assessment | Retraction | DayClosed | SellerErased | RulesAdopted

AGGREGATOR_RECORD: TypeAdapter[AggregatorRecord] = TypeAdapter(Annotated[AggregatorRecord, Field(discriminator="type")])
"""Reads a record of the assessments topic from its JSON bytes."""


def policy_name(policy: PolicyFile) -> str:
    """The policy's version with the fingerprint of its content, for people."""
    return f"{policy.version} ({digest_of(policy.model_dump(mode='json', exclude_none=True))})"


def rules_of(policy: Policy, factors: str, marketplaces: Iterable[str], *, first: bool) -> RulesAdopted:
    """The rules that a process with this policy and these factors keeps accounts under."""
    return RulesAdopted(
        marketplaces=tuple(sorted(set(marketplaces))),
        policy=PolicyFile.model_validate(asdict(policy)),
        method_version=METHOD_VERSION,
        factors=factors,
        first=first,
    )
