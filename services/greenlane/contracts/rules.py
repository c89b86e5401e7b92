"""Under which rules accounts are kept: a record of the assessments topic, so that the log alone decides the result."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from greenlane.contracts.assessments import Assessment, DayClosed, Record, Retraction, SellerErased
from greenlane.contracts.reading.problems import problems_of
from greenlane.contracts.records import KafkaRecord
from greenlane.errors import GreenlaneError
from greenlane.factors.fingerprints import digest_of
from greenlane.factors.loading import policy_of
from greenlane.factors.registry import TableError
from greenlane.factors.rows import PolicyFile
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.eligibility import Policy

RULES_KEY = b"rules"
"""Key of the rules on the assessments topic, in every partition."""

_TYPES = "greenlane.rules-adopted."
"""What the type of adopted rules begins with, of every version."""

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


class UnreadableRulesError(GreenlaneError):
    """The log has rules that this release cannot read, so it must not go on; the text says what to do."""


def adopted_of(value: bytes, place: str) -> RulesAdopted:
    """The rules that a record holds. Raises UnreadableRulesError, naming the place, if this release cannot use them."""
    try:
        rules = RulesAdopted.model_validate_json(value)
        rules.terms()
    except ValidationError as error:
        first = problems_of(error)[0]
        why = f"{first.path or 'the record'}: {first.message}"
    except TableError as error:
        why = str(error)
    else:
        return rules
    raise UnreadableRulesError(
        f"{place} has adopted rules that this release cannot read ({why}). Start the release that adopted them; "
        "`greenlane version` says which one this is"
    )


def refuse_unreadable_rules(record: KafkaRecord) -> None:
    """Raise UnreadableRulesError if a refused record of the log adopts rules: what follows depends on them.

    Other bytes under the key of the rules are what anybody's refused records are.
    """
    if record.key != RULES_KEY:
        return
    try:
        document = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict) and str(document.get("type", "")).startswith(_TYPES):
        adopted_of(record.value or b"", f"{record.topic} partition {record.partition} offset {record.offset}")


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
