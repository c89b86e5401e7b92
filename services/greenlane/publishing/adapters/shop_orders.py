"""Fulfilments of shop software, alone or in their order: each is one parcel. The shops differ in names only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from greenlane.contracts.events import ItemLine, ParcelCancelled, ParcelDelivered, ParcelPacked, ParcelReturned, Place
from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.conversion import Conversion, Draft
from greenlane.publishing.adapters.document import Field, PartRefused
from greenlane.publishing.adapters.facts import Journey, latest, line_item, packed, place
from greenlane.publishing.adapters.versions import revision

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a shop's software names what all of them say.

    Where several names stand, the first one with a value counts. `cancelled`, `failed` and `waiting` (for the
    warehouse) are words of `status`.
    What has a time of `travelled` was sent, and so was what `progress` or a scan of the carrier says one of `moving`
    of: if that is cancelled, the parcel counts all the same. `log` names the carrier's scans in the document.
    """

    name: str
    created: str
    changed: str
    packed: tuple[str, ...]
    lines: str = "line_items"
    grams: str | None = "grams"
    products: tuple[str, ...] = ("sku", "variant_id", "product_id")
    delivered: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    attempted: tuple[str, ...] = ()
    cancelled_at: tuple[str, ...] = ()
    travelled: tuple[str, ...] = ()
    progress: str | None = None
    moving: frozenset[str] = frozenset()
    cancelled: frozenset[str] = frozenset({"cancelled"})
    failed: frozenset[str] = frozenset({"error", "failure"})
    waiting: frozenset[str] = frozenset()
    destination: tuple[Path, ...] = (("shipping_address",),)
    origin: str | None = None
    country: tuple[str, ...] = ("country_code",)
    region: tuple[str, ...] = ("province", "province_code")
    city: tuple[str, ...] = ()
    log: str | None = None


def convert(draft: Draft, stated_by: StatedBy, dialect: Dialect) -> Conversion:
    """The events of a fulfilment, of an order with its fulfilments, or of a webhook that holds one of them."""
    parcels: list[tuple[Field, Field | None]] = []
    with draft.refusing():
        parcels = _fulfilments(draft.root, dialect)
    for fulfilment, order in parcels:
        with draft.refusing():
            _Parcel(draft, stated_by, dialect, fulfilment, order).events()
    return draft.done()


def _fulfilments(root: Field, dialect: Dialect) -> list[tuple[Field, Field | None]]:
    if "fulfillment_event" in root:
        raise root["fulfillment_event"].refusal(
            "is a carrier's scan alone: it names no goods",
            'send it with its fulfilment: {"fulfillment": {…}, "fulfillment_events": [{…}]}',
        )
    if "fulfillment" in root:
        return [(root["fulfillment"], None)]
    order = root if root["order"].absent else root["order"]
    if "fulfillments" in order:
        found = order["fulfillments"].entries()
        if not found:
            raise order["fulfillments"].refusal("names no parcel yet", "send the order again once it was sent")
        return [(fulfilment, order) for fulfilment in found]
    if "order_id" in root and dialect.lines in root:
        return [(root, None)]
    raise PartRefused("", f"is no order and no fulfilment of {dialect.name}", "send one as the shop writes it")


class _Parcel:
    """One fulfilment, with the order around it if that is there."""

    def __init__(
        self, draft: Draft, stated_by: StatedBy, dialect: Dialect, fulfilment: Field, order: Field | None
    ) -> None:
        self._draft = draft
        self._stated_by = stated_by
        self._dialect = dialect
        self._fulfilment = fulfilment
        self._order = order

    def events(self) -> None:
        """Everything that the fulfilment says. Raises PartRefused."""
        fulfilment, dialect = self._fulfilment, self._dialect
        if not isinstance(fulfilment.value, dict):
            raise fulfilment.refusal("is no object", "send fulfilments as the shop writes them")
        status = fulfilment["status"].text()
        if status in dialect.failed:
            raise fulfilment["status"].refusal("says that nothing was sent", "leave it out; there is no parcel")
        if status in dialect.waiting:
            raise fulfilment["status"].refusal("says that the warehouse has yet to pack it", "send it again later")
        lines = fulfilment[dialect.lines].entries()
        if lines and not any(map(_is_shipped, lines)):
            raise fulfilment[dialect.lines].refusal("need no shipping", "leave it out; there is no parcel")
        cancelled = status in dialect.cancelled or self._instant(dialect.cancelled_at) is not None
        if cancelled and not self._has_moved():
            self._draft.attempt(fulfilment, self._cancelled)
            return
        if self._instant(dialect.packed) is None:
            raise fulfilment.refusal("is not packed yet", f"send it again once it has {' or '.join(dialect.packed)}")
        self._draft.attempt(fulfilment, self._packed)
        for named, build in ((dialect.delivered, self._delivered), (dialect.returned, self._returned)):
            self._arrival(self._dated(named), build)
        self._arrival(self._scanned("delivered"), self._delivered)

    def _arrival(self, found: Field | None, build: Callable[[Field], ParcelDelivered | ParcelReturned]) -> None:
        if found is not None:
            self._draft.attempt(self._fulfilment, lambda: (build(found), found.needed_instant()))

    def _cancelled(self) -> tuple[ParcelCancelled, datetime]:
        self._fulfilment["status"].text()
        moment = self._instant(self._dialect.cancelled_at) or self._fulfilment[self._dialect.changed].needed_instant()
        return ParcelCancelled(parcel_id=self._fulfilment["id"].identifier()), moment

    def _packed(self) -> tuple[ParcelPacked, datetime] | None:
        moment = self._instant(self._dialect.packed)
        if moment is None:
            return None
        self._fulfilment["status"].text()
        country = None if self._dialect.origin is None else self._country(self._fulfilment[self._dialect.origin])
        sender = self._draft.sender if country is None else self._draft.sender.model_copy(update={"country": country})
        items, parcel_id = self._items(), self._fulfilment["id"].identifier()
        return packed(self._fulfilment, sender, parcel_id, items, self._version()), moment

    def _delivered(self, arrived: Field) -> ParcelDelivered:
        journey = self._journey()
        moment = arrived.needed_instant()
        attempts = [self._fulfilment[name].instant() for name in self._dialect.attempted]
        attempts += [at.instant() for at in self._scans("attempted_delivery")]
        journey.failed = sum(attempt is not None and attempt <= moment for attempt in attempts)
        return journey.delivered(self._fulfilment, self._version())

    def _returned(self, _back: Field) -> ParcelReturned:
        return self._journey().returned(self._fulfilment, self._version())

    def _journey(self) -> Journey:
        journey = Journey(self._draft.sender, self._fulfilment["id"].identifier())
        journey.goods(self._items())
        if self._dialect.origin is not None and journey.known.origin is None:
            journey.origin = self._place(self._fulfilment[self._dialect.origin]) or journey.origin
        journey.destination = journey.destination or self._destination()
        return journey

    def _version(self) -> int:
        """Later versions have later changes: of the fulfilment, of its order and of the carrier's scans."""
        created = self._fulfilment[self._dialect.created].needed_instant()
        holders = [self._fulfilment] if self._order is None else [self._fulfilment, self._order]
        changes = [holder[self._dialect.changed].instant() for holder in holders]
        changes += [scan[self._dialect.created].instant() for scan in self._log()]
        return revision(created, latest(changes))

    def _items(self) -> list[ItemLine]:
        dialect = self._dialect
        return [
            line_item(self._draft.sender, self._stated_by, line, dialect.products, dialect.grams)
            for line in self._fulfilment[dialect.lines].entries()
            if _is_shipped(line)
        ]

    def _destination(self) -> Place | None:
        holders = [self._fulfilment] if self._order is None else [self._fulfilment, self._order]
        addresses = [holder.at(*path) for path in self._dialect.destination for holder in holders]
        found = [found for address in addresses if (found := self._place(address)) is not None]
        return found[0] if found else None

    def _place(self, address: Field) -> Place | None:
        regions, cities = (
            [_text(address[name]) for name in names] for names in (self._dialect.region, self._dialect.city)
        )
        return place(self._country(address), regions, self._stated_by, cities=cities)

    def _country(self, address: Field) -> str | None:
        return next((text for name in self._dialect.country if (text := _text(address[name]))), None)

    def _instant(self, names: Sequence[str]) -> datetime | None:
        found = self._dated(names)
        return None if found is None else found.needed_instant()

    def _dated(self, names: Sequence[str]) -> Field | None:
        return next((self._fulfilment[name] for name in names if not self._fulfilment[name].absent), None)

    def _has_moved(self) -> bool:
        dialect = self._dialect
        progress = None if dialect.progress is None else self._fulfilment[dialect.progress].text()
        scanned = progress in dialect.moving or any(map(self._scans, sorted(dialect.moving)))
        return scanned or self._dated(dialect.travelled) is not None

    def _scanned(self, status: str) -> Field | None:
        """When the carrier first scanned the parcel so."""
        found = self._scans(status)
        return min(found, key=lambda at: at.needed_instant()) if found else None

    def _scans(self, status: str) -> list[Field]:
        """When the carrier scanned the parcel so. Raises PartRefused for a scan of another parcel."""
        found = []
        for scan in self._log():
            if scan["fulfillment_id"].value != self._fulfilment["id"].value:
                raise scan["fulfillment_id"].refusal(
                    "is not this fulfilment", "send the scans of one fulfilment with it"
                )
            if scan["status"].text() == status:
                found.append(scan["happened_at"])
        return found

    def _log(self) -> list[Field]:
        """The carrier's scans beside a fulfilment that was sent alone."""
        if self._dialect.log is None or self._order is not None:
            return []
        return self._draft.root[self._dialect.log].entries()


def _is_shipped(line: Field) -> bool:
    return line["requires_shipping"].value is not False


def _text(field: Field) -> str | None:
    return field.text() if isinstance(field.value, str) else None
