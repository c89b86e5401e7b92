"""Every vocabulary by name, and the one way in: bytes of a stranger's document to a conversion."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.reading.json_text import load
from greenlane.errors import WrongUseError
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.conversion import Conversion, Draft, refused_whole
from greenlane.publishing.adapters.document import MAX_DOCUMENT_BYTES, shown
from greenlane.publishing.adapters.epcis import events as epcis_events
from greenlane.publishing.adapters.haravan import fulfilments as haravan
from greenlane.publishing.adapters.ileap import documents as ileap
from greenlane.publishing.adapters.sapo import fulfilments as sapo
from greenlane.publishing.adapters.sender import Sender
from greenlane.publishing.adapters.shopify import fulfilments as shopify
from greenlane.publishing.adapters.ucp import orders as ucp_orders
from greenlane.publishing.adapters.undeclared import undeclared_in
from greenlane.publishing.adapters.woocommerce import orders as woocommerce


class Vocabulary(NamedTuple):
    """A vocabulary: what it is, who states what its documents say, whether the caller may say otherwise."""

    title: str
    convert: Callable[[Draft, StatedBy], Conversion]
    stated_by: StatedBy
    others: frozenset[StatedBy] = frozenset()


_SHOP = frozenset({StatedBy.MARKETPLACE})
"""A marketplace may run its own shop on the same software."""

VOCABULARIES: dict[str, Vocabulary] = {
    "ucp": Vocabulary("UCP orders", ucp_orders.convert, StatedBy.MARKETPLACE, frozenset({StatedBy.SELLER})),
    "epcis": Vocabulary(
        "EPCIS 2.0 events",
        epcis_events.convert,
        StatedBy.SELLER,
        frozenset({StatedBy.MARKETPLACE, StatedBy.CARRIER}),
    ),
    "ileap": Vocabulary("iLEAP footprints and transport activities", ileap.convert, StatedBy.CARRIER),
    "shopify": Vocabulary("Shopify orders and fulfilments", shopify.convert, StatedBy.SELLER, _SHOP),
    "woocommerce": Vocabulary("WooCommerce orders", woocommerce.convert, StatedBy.SELLER, _SHOP),
    "haravan": Vocabulary("Haravan orders and fulfilments", haravan.convert, StatedBy.SELLER, _SHOP),
    "sapo": Vocabulary("Sapo orders and fulfilments", sapo.convert, StatedBy.SELLER, _SHOP),
}
"""Every vocabulary that is read, by the name that `--from` takes."""


def convert(name: str, raw: bytes, sender: Sender, method: Method | None = None) -> Conversion:
    """One document as events, refusals, unused paths and, with a method, what it leaves undeclared.

    Pure: the same bytes and the same sender make the same result. Raises WrongUseError for an unknown vocabulary, or
    for a `stated_by` that it does not allow; never for what stands in the document.
    """
    stated_by = stating(name, sender)
    if len(raw) > MAX_DOCUMENT_BYTES:
        return refused_whole(f"has over {MAX_DOCUMENT_BYTES:,} bytes", "split it into several documents")
    try:
        document = load(raw)
    except Refusal as refusal:
        return _unreadable(refusal)
    if not isinstance(document, dict):
        return refused_whole("is no JSON object", "send one document, as the vocabulary has it")
    conversion = VOCABULARIES[name].convert(Draft(document, sender), stated_by)
    if method is None:
        return conversion
    undeclared, together = undeclared_in(conversion.events, method)
    return replace(conversion, undeclared=undeclared, together=together)


def stating(name: str, sender: Sender) -> StatedBy:
    """Who states what documents of this vocabulary say. Raises WrongUseError."""
    vocabulary = VOCABULARIES.get(name)
    if vocabulary is None:
        raise WrongUseError("from", f"there is no vocabulary {name}", f"use one of {', '.join(VOCABULARIES)}")
    stated_by = sender.stated_by or vocabulary.stated_by
    if stated_by is not vocabulary.stated_by and stated_by not in vocabulary.others:
        allowed = ", ".join(sorted({vocabulary.stated_by, *vocabulary.others}))
        raise WrongUseError("stated_by", f"documents of {vocabulary.title} are not {stated_by}'s", f"use {allowed}")
    return stated_by


_SPLIT = {
    DeadLetterCode.TOO_LARGE: ("holds more than 10,000 values", "split it into several documents"),
    DeadLetterCode.TOO_DEEP: ("is nested deeper than 16 levels", "send the document as its vocabulary has it"),
}

_TWICE = re.compile(r"the key (.*) appears twice in one object", re.DOTALL)
"""The problem of `load` that repeats a name of the document."""


def _unreadable(refusal: Refusal) -> Conversion:
    problem = refusal.problems[0]
    if refusal.code in _SPLIT:
        return refused_whole(*_SPLIT[refusal.code])
    what, _, remedy = problem.message.rpartition("; ")
    twice = _TWICE.fullmatch(what)
    if twice is not None:
        what = f"the key {shown((twice[1],))} appears twice in one object"
    return refused_whole(what or problem.message, remedy or "correct the document")
