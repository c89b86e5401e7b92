"""Both implementations side by side, and where they first differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.audit.account import Account, Badge, Decision, figures_of, sums_by_name
from tests.audit.events import Maker
from tests.audit.from_the_document import assess
from tests.audit.product import ProductAccounts, Said, met_of, sums_of
from tests.audit.sellers import FIRST, Arrival, Seller

Tell = Callable[[str], object]
KINDS = ("events", "account_days", "badge_decisions")
ONE_DAY = timedelta(days=1)


@dataclass
class Findings:
    """How much was compared, how much differed, and the first difference of each kind."""

    compared: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    different: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    first: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, product: Any, document: Any, about: Any) -> None:
        """One more comparison."""
        self.compared[kind] += 1
        if product == document:
            return
        self.different[kind] += 1
        self.first.setdefault(kind, {"about": about, **_apart(product, document)})

    def see(self, name: str) -> None:
        """Count what the comparison came across, so that one of empty accounts is noticed."""
        self.seen[name] = self.seen.get(name, 0) + 1

    def alike(self, least: Mapping[str, int]) -> bool:
        """Whether enough was compared and nothing differed."""
        return not any(self.different.values()) and all(self.compared[kind] >= most for kind, most in least.items())

    def as_json(self) -> dict[str, Any]:
        """The last line of the audit."""
        counts = {
            f"{kind}_{word}": numbers[kind]
            for kind in KINDS
            for word, numbers in (("compared", self.compared), ("different", self.different))
        }
        return counts | {"seen": dict(sorted(self.seen.items())), "first_differences": self.first}


def _apart(product: Any, document: Any) -> dict[str, Any]:
    """The values that differ, by name where both are named."""
    if not isinstance(product, dict) or not isinstance(document, dict):
        return {"product": product, "document": document}
    names = [name for name in sorted({*product, *document}) if product.get(name) != document.get(name)]
    return {side: {name: of.get(name) for name in names} for side, of in (("product", product), ("document", document))}


def compare_events(findings: Findings, *, count: int, seed: int, tell: Tell) -> None:
    """Every named sum of random events."""
    maker = Maker(seed)
    for number in range(1, count + 1):
        event = maker.event()
        product = sums_of(event)
        findings.add("events", product, assess(event), event)
        dimension = event["type"].split(".")[-2]
        for name in ("complete_parcels", "measured_parcels", "thin_bag_parcels"):
            if product.get(name):
                findings.see(f"{dimension} {name}")
        if number % 2000 == 0:
            tell(f"{number} of {count} events, {findings.different['events']} different")


def compare_accounts(findings: Findings, *, sellers: int, days: int, seed: int, tell: Tell) -> None:
    """Scores, proven scores, grades, shares, levels and badges of sellers, day by day."""
    audit = AccountsAudit(findings, [Seller(f"seller-{number:02}", seed + number) for number in range(sellers)])
    for number in range(1, days + 1):
        audit.live(FIRST + ONE_DAY * (number - 1))
        if number % 20 == 0:
            different = findings.different["account_days"] + findings.different["badge_decisions"]
            tell(f"{number} of {days} days of {sellers} sellers, {different} different")


class AccountsAudit:
    """The accounts of both sides."""

    def __init__(self, findings: Findings, sellers: list[Seller]) -> None:
        self.findings, self.sellers = findings, sellers
        self.product = ProductAccounts()
        self.accounts = {seller.name: Account() for seller in sellers}
        self.badges = {seller.name: Badge() for seller in sellers}
        self.closed: date | None = None
        self.coming: list[Arrival] = []

    def live(self, day: date) -> None:
        """What arrives on a day; then the day before is closed, and now and then nothing for some days."""
        for seller in self.sellers:
            self.coming.extend(seller.day(day))
        arriving = [arrival for arrival in self.coming if arrival.day <= day]
        self.coming = [arrival for arrival in self.coming if arrival.day > day]
        for arrival in arriving:
            self.take(arrival)
        if day.toordinal() % 17 > 2 or self.closed is None:
            self.close(day - ONE_DAY)

    def take(self, arrival: Arrival) -> None:
        self.findings.see(f"record {self.product.take(arrival.event)}")
        self.accounts[arrival.event["subject"]].take(arrival.event, self.closed)

    def close(self, last: date) -> None:
        first = last if self.closed is None else self.closed + ONE_DAY
        scores, decisions = self.product.close(first, last)
        for seller in self.sellers:
            account, badge = self.accounts[seller.name], self.badges[seller.name]
            day = first
            while day <= last:
                window = account.window(day)
                self.decided(seller.name, day, badge.close(window), decisions.get((seller.name, day)))
                day += ONE_DAY
            self.stated(seller.name, last, scores.get(seller.name))
            account.forget(last)
        self.closed = last

    def decided(self, name: str, day: date, document: Decision, product: Said | None) -> None:
        """The decision of a closed day, if either side made one."""
        if document.word is None and product is None:
            return
        self.findings.see(f"badge {document.before} to {document.level}, {document.word}")
        said = None if product is None else (WORDS[product["reason"]], product["previous_level"], product["level"])
        ours = None if document.word is None else (document.word, document.before, document.level)
        self.findings.add("badge_decisions", said, ours, f"{name} on {day}")

    def stated(self, name: str, day: date, product: Said | None) -> None:
        """The figures of an account at a closed day."""
        badge, window = self.badges[name], self.accounts[name].window(day)
        if product is None and not window.sums:
            return
        document = figures_of(window, badge)
        self.findings.see(f"met {badge.met}")
        self.findings.add("account_days", None if product is None else figures(product), document, f"{name} on {day}")


WORDS = {"rules_met_in_a_row": "granted", "below_level": "warned", "days_below_used_up": "lowered"}


def figures(product: Said) -> dict[str, Any]:
    """What the product publishes of a closed day, under the names of the document's side, and the level it meets."""
    return published(product) | {"met": met_of(product)}


def published(product: Said) -> dict[str, Any]:
    """What the product publishes of a closed day, under the names of the document's side."""
    score, standing = product["score"], product["standing"]
    names = ("green", "packaging", "delivery", "proven_green", "proven_packaging", "proven_delivery")
    sums = {name: product["sums"][name] for name in ("packaging", "delivery", "circularity")}
    return {
        **{name: Decimal(str(score[name])) for name in names},
        "grade": score["grade"],
        "measured": round(score["measured_percent"] * 10),
        "complete": round(score["complete_percent"] * 10),
        "active_days": product["sums"]["active_days"],
        "level": standing["level"],
        "days_below": standing["days_below"],
    } | sums_by_name(sums | {"return": product["sums"]["returns"]})
