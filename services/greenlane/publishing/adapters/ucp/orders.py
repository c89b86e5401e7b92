"""A UCP order: its log of shipments becomes packed, delivered, returned and cancelled parcels."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from greenlane.contracts.events import ItemLine, ParcelCancelled, ParcelDelivered, ParcelPacked, ParcelReturned, Place
from greenlane.methodology.vocabulary import PlaceKind, StatedBy
from greenlane.publishing.adapters.conversion import Conversion, Draft
from greenlane.publishing.adapters.document import Field, PartRefused
from greenlane.publishing.adapters.facts import GRAMS, Journey, item, packed, place

CAPABILITY = "dev.ucp.shopping.order"
_REQUIRED = ("id", "checkout_id", "permalink_url", "line_items", "fulfillment", "totals")
VERSIONS = {"2026-01-11": _REQUIRED, "2026-01-23": _REQUIRED, "2026-04-08": (*_REQUIRED, "currency")}
"""The versions that are read, and what an order of each must have."""

_LISTED = frozenset({"2026-01-11"})
"""Versions that name capabilities in a list; later ones have an object of lists."""

_ORDER_ID = 53
"""Most characters of an order's id: `-` and ten digits for the parcel follow."""

_DIGITS = 10
_EACH = "C62"
_MOST_SCALE = 12
_MOST_EXPECTED = 20
"""Most expectations of one line that are compared."""

_Body = ParcelPacked | ParcelDelivered | ParcelReturned | ParcelCancelled
_Build = Callable[[Field], _Body]


def convert(draft: Draft, stated_by: StatedBy) -> Conversion:
    """The events of an order, sent alone, as a webhook or in an answer of MCP."""
    with draft.refusing():
        order = _Order(_order(draft.root))
        for key, entries in _parcels(draft, order.field).items():
            _Parcel(draft, order, stated_by, key, entries).events()
    return draft.done()


class _Order:
    """An order with its line items and its expectations by the ids of lines, found once for all parcels."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.lines: dict[str, Field] = {}
        for line in field["line_items"].entries():
            self.lines.setdefault(str(line["id"].value), line)
        self.expected: dict[str, list[tuple[Field, Field]]] = defaultdict(list)
        for expected in field.at("fulfillment", "expectations").entries():
            for line in expected["line_items"].entries():
                self.expected[str(line["id"].value)].append((expected, line["id"]))


def _order(root: Field) -> Field:
    order = root.at("result", "structuredContent") if "jsonrpc" in root else root
    version = order.at("ucp", "version").text()
    if version is None:
        raise order["ucp"].refusal("is no UCP order: it has no version", "send an order with ucp.version")
    if version not in VERSIONS:
        raise order.at("ucp", "version").refusal("is no version that is read", f"send one of {', '.join(VERSIONS)}")
    if order.at("ucp", "status").text() == "error":
        raise order["messages"].refusal("is an error answer and no order", "send the order once it is found")
    if not _offers_orders(order, version):
        raise order.at("ucp", "capabilities").refusal(
            f"does not name {CAPABILITY} as version {version} does", "send an order of that capability"
        )
    missing = [name for name in VERSIONS[version] if name not in order]
    if missing:
        raise PartRefused(order.path, f"is no order: it lacks {', '.join(missing)}", "send the full order")
    return order


def _offers_orders(order: Field, version: str) -> bool:
    capabilities = order.at("ucp", "capabilities")
    if version in _LISTED:
        return any(entry["name"].text() == CAPABILITY for entry in capabilities.entries())
    return CAPABILITY in capabilities


def _parcels(draft: Draft, order: Field) -> dict[str, list[Field]]:
    """The entries of the log by parcel: by tracking number, without one by the lines they name.

    What is only in preparation is no parcel yet.
    """
    log = order.at("fulfillment", "events")
    found: dict[str, list[Field]] = defaultdict(list)
    for entry in log.entries():
        with draft.refusing():
            if entry["type"].needed_text() != "processing":
                found[_parcel_key(entry)].append(entry)
    if not found and not draft.refused:
        raise log.refusal("names no shipment yet", "send the order again once it was shipped")
    return found


def _parcel_key(entry: Field) -> str:
    tracked = entry["tracking_number"].text()
    if tracked:
        return f"tracking {tracked}"
    return f"lines {_lines(entry)}"


def _lines(entry: Field) -> list[tuple[str, int]]:
    return sorted((line["id"].needed_text(), line["quantity"].count()) for line in entry["line_items"].entries())


class _Parcel:
    """One parcel of the order, with its entries of the log."""

    def __init__(self, draft: Draft, order: _Order, stated_by: StatedBy, key: str, entries: Sequence[Field]) -> None:
        self._draft = draft
        self._order = order
        self._stated_by = stated_by
        self._digest = hashlib.sha256(key.encode()).hexdigest()[:_DIGITS]
        self._log = entries

    def events(self) -> None:
        """Everything that the log says about the parcel."""
        before = [self._event("shipped", self._packed), self._event("canceled", self._cancelled)]
        after = [self._event("delivered", self._delivered), self._event("returned_to_sender", self._returned)]
        if before[0] is None and after[0] is not None:
            self._draft.refuse(
                self._log[0],
                "the log does not say when the parcel was packed: it has no entry of type shipped",
                "add that entry to the order, or publish greenlane.parcel.packed.v1 yourself",
            )
        if all(done is None for done in (*before, *after)):
            self._draft.refuse(
                self._log[0],
                "the log says neither shipped, delivered, returned_to_sender nor canceled of this parcel",
                "send the order again later",
            )

    def _event(self, kind: str, build: _Build) -> bool | None:
        """Whether the last entry of this type became an event; None if there is no such entry."""
        with self._draft.refusing():
            entry = self._last(kind)
            return None if entry is None else self._draft.attempt(entry, lambda: (build(entry), self._time(entry)))
        return False

    def _last(self, kind: str) -> Field | None:
        """The last entry of this type: a later snapshot has none that is earlier. Raises PartRefused."""
        entries = [
            (entry["occurred_at"].needed_instant(), entry["id"].needed_text(), entry) for entry in self._of(kind)
        ]
        if not entries:
            return None
        last = max(entries, key=lambda found: found[:2])[2]
        if len(entries) > 1 and any(_lines(entry) != _lines(last) for *_, entry in entries):
            raise last["line_items"].refusal(
                f"names other goods than an earlier entry of type {kind} for the same parcel",
                "send one entry of a type for each parcel, with all its goods",
            )
        return last

    def _of(self, kind: str) -> list[Field]:
        return [entry for entry in self._log if entry["type"].text() == kind]

    def _time(self, entry: Field) -> datetime:
        """When it happened; what says how the entry is to be read counts as used with it."""
        for field in (entry["type"], entry["tracking_number"], self._order.field.at("ucp", "version")):
            field.text()
        return entry["occurred_at"].needed_instant()

    def _id(self) -> str:
        return f"{self._order.field['id'].identifier(_ORDER_ID)}-{self._digest}"

    def _packed(self, entry: Field) -> ParcelPacked:
        return packed(entry, self._draft.sender, self._id(), self._items(entry))

    def _cancelled(self, _entry: Field) -> ParcelCancelled:
        return ParcelCancelled(parcel_id=self._id())

    def _delivered(self, entry: Field) -> ParcelDelivered:
        journey = self._journey(entry)
        moment = entry["occurred_at"].needed_instant()
        for failed in self._of("failed_attempt"):
            journey.failed += failed["occurred_at"].needed_instant() <= moment
        return journey.delivered(entry, journey.failed)

    def _returned(self, entry: Field) -> ParcelReturned:
        return self._journey(entry).returned(entry)

    def _journey(self, entry: Field) -> Journey:
        journey = Journey(self._draft.sender, self._id())
        journey.goods(self._items(entry))
        journey.destination = journey.destination or self._destination(entry)
        return journey

    def _items(self, entry: Field) -> list[ItemLine]:
        found = []
        for part in entry["line_items"].entries():
            line = self._order.lines.get(part["id"].needed_text())
            if line is None:
                raise part["id"].refusal("is no line item of the order", "name a line item by its id")
            line["id"].needed_text()
            found.append(self._item(line["item"], part["quantity"]))
        return found

    def _item(self, product: Field, quantity: Field) -> ItemLine:
        sender, name = self._draft.sender, product["id"].needed_text()
        unit = product.at("quantity_unit", "unit").text()
        if unit is None or unit == _EACH:
            return item(sender, self._stated_by, name, quantity.count())
        steps, scale = quantity.count(), product.at("quantity_unit", "scale").whole() or 0
        if not 0 <= scale <= _MOST_SCALE:
            raise product.at("quantity_unit", "scale").refusal("is out of bounds", f"use 0 to {_MOST_SCALE}")
        grams = GRAMS.get(unit)
        mass = None if grams is None else steps * grams / 10**scale
        return ItemLine(mass_g=None if mass is None else float(mass), stated_by=self._stated_by)

    def _destination(self, entry: Field) -> Place | None:
        """Where the expectation that names the same lines leads, if they all lead to one place."""
        named: dict[str, Field] = {}
        for line in entry["line_items"].entries():
            for expected, name in self._order.expected.get(line["id"].needed_text(), [])[:_MOST_EXPECTED]:
                name.text()
                named.setdefault(expected.path, expected)
        found = [self._place(expected) for expected in named.values()]
        return found[0] if found and all(other == found[0] for other in found) else None

    def _place(self, expected: Field) -> Place | None:
        pickup = expected["method_type"].text() == "pickup"
        address = expected["destination"]
        country, region = address["address_country"].text(), address["address_region"].text()
        kind = PlaceKind.PICKUP_POINT if pickup else PlaceKind.HOME
        return place(country, (region,), self._stated_by, kind)
