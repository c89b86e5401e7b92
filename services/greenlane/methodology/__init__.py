"""The pure arithmetic of the scoring method; `factors` has its tables as data.

What is named here is for everyone who computes with the method: researchers, students, auditors. The tables come from
`greenlane.factors.load_method()`; docs/method-in-python.md shows a whole example.
"""

from greenlane.methodology.explaining.account_explanation import AccountExplanation, explain_account
from greenlane.methodology.explaining.account_text import account_text, advice_text
from greenlane.methodology.explaining.advice import Advice, Suggestion, advise, suggest
from greenlane.methodology.explaining.explain import Explanation, explain, explanation_text
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    Hub,
    Item,
    Order,
    Outer,
    PackedFacts,
    Place,
    RecoveredFacts,
    ReusableAsset,
    Round,
)
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.parcel.circularity import assess_recovered
from greenlane.methodology.parcel.delivery import assess_delivered, assess_returned
from greenlane.methodology.parcel.packaging import assess_packed
from greenlane.methodology.seller.account import Declaration, assess, assess_all, totals_of
from greenlane.methodology.seller.score import Scores, s_curve, score
from greenlane.methodology.sums import CircularitySums, DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.tables import Method

__all__ = [
    "METHOD_VERSION",
    "AccountExplanation",
    "Advice",
    "ChainElement",
    "CircularitySums",
    "Component",
    "Declaration",
    "DeliveredFacts",
    "DeliverySums",
    "Energy",
    "Explanation",
    "Hub",
    "Item",
    "Method",
    "Order",
    "Outer",
    "PackagingSums",
    "PackedFacts",
    "Place",
    "RecoveredFacts",
    "ReturnSums",
    "ReusableAsset",
    "Round",
    "Scores",
    "Suggestion",
    "Totals",
    "account_text",
    "advice_text",
    "advise",
    "assess",
    "assess_all",
    "assess_delivered",
    "assess_packed",
    "assess_recovered",
    "assess_returned",
    "explain",
    "explain_account",
    "explanation_text",
    "s_curve",
    "score",
    "suggest",
    "totals_of",
]
