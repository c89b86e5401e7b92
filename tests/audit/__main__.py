"""`make method-audit`: the product beside the implementation from the document, on random events and accounts."""

import json
import sys

from tests.audit.comparing import Findings, compare_accounts, compare_events

EVENTS, SELLERS, DAYS = 20_000, 12, 200
LEAST = {"events": 20_000, "account_days": 200, "badge_decisions": 20}


def main() -> int:
    """Compare, print the findings as the last line, and say by the exit code whether all is the same."""
    findings = Findings()
    compare_events(findings, count=EVENTS, seed=2026, tell=tell)
    compare_accounts(findings, sellers=SELLERS, days=DAYS, seed=2026, tell=tell)
    sys.stdout.write(json.dumps(findings.as_json(), default=str) + "\n")
    return 0 if findings.alike(LEAST) else 1


def tell(text: str) -> None:
    """Progress."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
