"""Turns the public Olist data set (Brazil, 2016-2018) into the events its marketplace would have published."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from greenlane.contracts.events import (
    FulfilmentEvent,
    ItemLine,
    ParcelCancelled,
    ParcelDelivered,
    ParcelPacked,
    Place,
)
from greenlane.contracts.reading.problems import problems_of
from greenlane.publishing.adapters.olist import cells, files
from greenlane.publishing.adapters.olist.municipalities import Match, Municipalities
from greenlane.publishing.history.timeline import Kind, TimedEvent
from greenlane.publishing.sdk.envelope import Address, Data, enveloped

MARKETPLACE = "olist-br"
ZONE = "America/Sao_Paulo"
"""The data set's times name no zone; they are taken as the marketplace's own, which sat in São Paulo state's zone."""

ASSUMED_ATTEMPTS = 1
"""The data set does not tell failed attempts; the contract needs at least the successful one."""

MOST_PROBLEMS = 20
"""Problems that are named one by one."""

_SELLER_ID_MOST = 64
_ORDER_ID_MOST = 60
"""Characters of an id of the contract; a parcel's number of up to three digits follows the order's."""

Row = files.Row
What = Literal["packed", "delivered", "cancelled"]


@dataclass(slots=True)
class OlistReport:
    """What was read and what was left out, and why: nothing is dropped unsaid."""

    orders: int = 0
    parcels: int = 0
    events: Counter[What] = field(default_factory=Counter)
    never_packed: Counter[str] = field(default_factory=Counter)
    without_items: int = 0
    unmeasured_items: int = 0
    unknown_place: int = 0
    unknown_mass: int = 0
    own_offsets: int = 0
    cities: Counter[Match] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """The report for people, one finding a line."""
        statuses = ", ".join(f"{count} {status}" for status, count in sorted(self.never_packed.items()))
        matches = ", ".join(f"{self.cities[match]} {match}" for match in Match)
        return [
            f"{self.orders} orders, {self.parcels} parcels (one per order and seller)",
            f"events: {', '.join(f'{count} {what}' for what, count in sorted(self.events.items()))}",
            f"orders never packed: {statuses or 'none'}; orders without items: {self.without_items}",
            f"item lines without mass or dimensions, which stay undeclared: {self.unmeasured_items}",
            f"deliveries left out: {self.unknown_place} of unclear municipality, {self.unknown_mass} of unknown mass",
            f"distinct cities by how they were matched: {matches}",
            f"assumed: {ASSUMED_ATTEMPTS} delivery attempt each, times in {ZONE} but {self.own_offsets} with an offset",
        ]


class _Step(NamedTuple):
    """One thing that happened; sorting these gives the order of events, the same on every run."""

    at: datetime
    rank: int
    parcel_id: str
    what: What
    seller_id: str
    order: Row
    lines: tuple[Row, ...]


class Olist:
    """The data set as a history. `report` is complete as soon as it is constructed.

    Raises OlistError naming every cell that cannot be read for certain, before anything is published: what had been
    left out could not follow later, for its days would be closed then.
    """

    def __init__(self, paths: dict[str, Path]) -> None:
        self._zone = ZoneInfo(ZONE)
        self._products = files.index(files.read_rows(paths[files.PRODUCTS]), "product_id")
        self._sellers = files.index(files.read_rows(paths[files.SELLERS]), "seller_id")
        self._customers = files.index(files.read_rows(paths[files.CUSTOMERS]), "customer_id")
        self._municipalities = Municipalities(files.read_rows(paths[files.MUNICIPALITIES]))
        self.report = OlistReport()
        self._problems: dict[str, None] = {}
        items: dict[str, list[Row]] = {}
        for row in files.read_rows(paths[files.ITEMS]):
            items.setdefault(row["order_id"], []).append(row)
        orders = files.read_rows(paths[files.ORDERS])
        self._steps = sorted(
            (step for order in orders for step in self._order(order, items.get(order["order_id"], []))),
            key=lambda step: (step.at, step.rank, step.parcel_id),
        )
        self._raise_problems()
        self.report.events = Counter(step.what for step in self._steps)
        self.report.cities = self._municipalities.found

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last UTC day on which something happened; None when nothing did."""
        return (self._steps[0].at.date(), self._steps[-1].at.date()) if self._steps else None

    def __len__(self) -> int:
        return len(self._steps)

    def events(self) -> Iterator[TimedEvent]:
        """Every event in the order in which it happened."""
        for step in self._steps:
            kind = Kind.CANCELLATION if step.what == "cancelled" else Kind.ORDINARY
            yield TimedEvent(step.at, self._event(step), kind)

    def _order(self, order: Row, items: list[Row]) -> Iterator[_Step]:
        self.report.orders += 1
        handed = self._time(order, "order_delivered_carrier_date")
        arrived = self._time(order, "order_delivered_customer_date")
        if arrived is not None:
            approved = self._time(order, "order_approved_at") or self._time(order, "order_purchase_timestamp")
            handed = handed or approved
        if handed is None:
            self.report.never_packed[order["order_status"]] += 1
            return
        self.report.without_items += not items
        for number, seller_id in enumerate(dict.fromkeys(item["seller_id"] for item in items), start=1):
            lines = tuple(item for item in items if item["seller_id"] == seller_id)
            if self._named(order, lines[0]):
                for step in self._parcel(order, f"{order['order_id']}-{number}", seller_id, lines, (handed, arrived)):
                    self._check(step)
                    yield step

    def _named(self, order: Row, line: Row) -> bool:
        """Whether order and seller have ids that the contract takes."""
        problems = len(self._problems)
        ids = ((files.ORDERS, order, "order_id", _ORDER_ID_MOST), (files.ITEMS, line, "seller_id", _SELLER_ID_MOST))
        for name, row, column, most in ids:
            try:
                cells.identifier(row, column, most)
            except cells.CellError as error:
                self._problem(name, error)
        return len(self._problems) == problems

    def _parcel(
        self,
        order: Row,
        parcel_id: str,
        seller_id: str,
        lines: tuple[Row, ...],
        times: tuple[datetime, datetime | None],
    ) -> Iterator[_Step]:
        handed, arrived = times
        self.report.parcels += 1
        self.report.unmeasured_items += sum(
            item.mass_g is None or item.length_mm is None for item in self._items(lines)
        )
        yield _Step(handed, 0, parcel_id, "packed", seller_id, order, lines)
        if arrived is not None:
            if self._mass(lines) is None:
                self.report.unknown_mass += 1
            elif None in self._ends(order, seller_id):
                self.report.unknown_place += 1
            else:
                yield _Step(arrived, 1, parcel_id, "delivered", seller_id, order, lines)
        if order["order_status"] == "canceled":
            # when an order was cancelled is not in the data; it was at the earliest when the last known thing happened
            yield _Step(max(handed, arrived or handed), 2, parcel_id, "cancelled", seller_id, order, lines)

    def _time(self, order: Row, column: str) -> datetime | None:
        try:
            found = cells.moment(order, column, self._zone)
        except cells.CellError as error:
            self._problem(files.ORDERS, error)
            return None
        if found is None:
            return None
        self.report.own_offsets += found.tzinfo is not self._zone
        return found.astimezone(UTC)

    def _problem(self, name: str, error: object) -> None:
        self._problems[f"{name}: {error}"] = None

    def _raise_problems(self) -> None:
        if self._problems:
            named = list(self._problems)[:MOST_PROBLEMS]
            more = len(self._problems) - len(named)
            rest = [f"and {more} more"] if more else []
            raise files.OlistError("\n".join(["nothing was published; correct these and import again", *named, *rest]))

    def _check(self, step: _Step) -> None:
        """What no cell alone tells, such as the mass of all items together."""
        try:
            self._event(step)
        except ValidationError as error:
            for problem in problems_of(error):
                where = f"row {step.order[files.ROW]}, order {step.order['order_id']}"
                self._problem(files.ORDERS, f"{where}, as {step.what}: {problem.path} {problem.message}")

    def _items(self, lines: tuple[Row, ...]) -> tuple[ItemLine, ...]:
        quantities = Counter(line["product_id"] for line in lines)
        return tuple(self._item(self._products.get(product, {}), count) for product, count in quantities.items())

    def _item(self, product: Row, quantity: int) -> ItemLine:
        mass = self._measure(product, "product_weight_g", "g")
        sides = [self._measure(product, f"product_{side}_cm", "cm") for side in ("length", "width", "height")]
        if None in sides:
            return ItemLine(quantity=quantity, mass_g=mass)
        length, width, height = (round((side or 0.0) * 10) for side in sides)
        return ItemLine(quantity=quantity, mass_g=mass, length_mm=length, width_mm=width, height_mm=height)

    def _measure(self, product: Row, column: str, unit: str) -> float | None:
        try:
            return cells.measure(product, column, unit)
        except cells.CellError as error:
            self._problem(files.PRODUCTS, error)
            return None

    def _mass(self, lines: tuple[Row, ...]) -> float | None:
        items = self._items(lines)
        masses = [item.mass_g * item.quantity for item in items if item.mass_g is not None]
        return sum(masses) if len(masses) == len(items) else None

    def _ends(self, order: Row, seller_id: str) -> tuple[str | None, str | None]:
        seller, customer = self._sellers.get(seller_id), self._customers.get(order["customer_id"])
        code = self._municipalities.code
        return (
            code(seller["seller_city"], seller["seller_state"]) if seller else None,
            code(customer["customer_city"], customer["customer_state"]) if customer else None,
        )

    def _event(self, step: _Step) -> FulfilmentEvent:
        return enveloped(
            Address(MARKETPLACE, step.seller_id),
            f"{step.parcel_id}.{step.what}",
            step.at.astimezone(self._zone),
            self._data(step),
        )

    def _data(self, step: _Step) -> Data:
        if step.what == "cancelled":
            return ParcelCancelled(parcel_id=step.parcel_id)
        if step.what == "packed":
            return ParcelPacked(parcel_id=step.parcel_id, country="BR", items=self._items(step.lines))
        origin, destination = (Place(country="BR", code=code or "") for code in self._ends(step.order, step.seller_id))
        return ParcelDelivered(
            parcel_id=step.parcel_id,
            mass_g=self._mass(step.lines) or 0.0,
            origin=origin,
            destination=destination,
            attempts=ASSUMED_ATTEMPTS,
        )


def read_olist(directories: Sequence[Path]) -> Olist:
    """The data set that lies in or below `directories`. Raises OlistError naming each missing file and column."""
    return Olist(files.find_files(directories))
