"""A marketplace's own list, and what it published: most is right, and a seeded choice of parcels is disturbed.

The truth is written down while the disturbance is made, and shares nothing with what is tested.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from greenlane.contracts.events import CANCELLED, DELIVERED, PACKED

Document = dict[str, Any]
STRUCTURED = (("content-type", b"application/cloudevents+json"),)


class Sent(NamedTuple):
    """A record as it is published."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Truth(NamedTuple):
    """What must be found of a parcel: what is wrong, with which step, and for which reason."""

    kind: str
    parcel: str
    step: str
    reason: str


@dataclass(slots=True)
class World:
    """The list as lines of CSV, the records in their order, and everything that must be found."""

    lines: list[str] = field(default_factory=list)
    records: list[Sent] = field(default_factory=list)
    truths: set[Truth] = field(default_factory=set)

    def csv(self) -> bytes:
        """The list as a Vietnamese shop exports it."""
        head = "Mã vận đơn;Mã shop;Ngày đóng gói;Ngày giao;Ngày hủy"
        return ("\ufeff" + "\n".join([head, *self.lines]) + "\n").encode()


@dataclass(slots=True)
class Parcel:
    """A parcel before anything goes wrong with it."""

    id: str
    seller: str
    packed: datetime
    delivered: datetime
    cancelled: datetime | None = None


class Making:
    """Makes a world of `parcels` parcels, of which `disturbed` have exactly one thing wrong with them."""

    def __init__(self, marketplace: str, seed: int, now: datetime) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a seeded choice, no secret
        self._marketplace = marketplace
        self._now = now
        self._later: list[Sent] = []
        self.sent: list[Document] = []
        self.world = World()

    def make(self, parcels: int, disturbed: int) -> World:
        """All of it: the disturbances in equal shares, and harmless oddities among the other parcels."""
        kinds = ("dropped", "delayed", "refused", "doubled")
        wrong = dict.fromkeys(self._random.sample(range(parcels), disturbed), "")
        for turn, number in enumerate(wrong):
            wrong[number] = kinds[turn % len(kinds)]
        for number in range(parcels):
            parcel = self.parcel(number)
            kind = wrong.get(number, "harmless")
            getattr(self, f"_{kind}")(parcel)
            self.list(parcel)
        self._random.shuffle(self.world.lines)
        self.world.records += self._later
        return self.world

    def parcel(self, number: int) -> Parcel:
        """A parcel of one of forty sellers, packed and delivered within the last twenty hours."""
        packed = self._now - timedelta(seconds=self._random.randrange(12 * 3600, 20 * 3600))
        delivered = packed + timedelta(seconds=self._random.randrange(3600, 11 * 3600))
        return Parcel(f"GH-{number:06}", f"shop-{self._random.randrange(40)}", packed, delivered)

    def list(self, parcel: Parcel) -> None:
        """Write the parcel into the marketplace's list."""
        cells = [parcel.packed, parcel.delivered, parcel.cancelled]
        hanoi = timedelta(hours=7)
        times = [f"{time + hanoi:%d/%m/%Y %H:%M:%S}" if time else "" for time in cells]
        self.world.lines.append(";".join((parcel.id, parcel.seller, *times)))

    def _truth(self, kind: str, parcel: Parcel, step: str, reason: str) -> None:
        self.world.truths.add(Truth(kind, parcel.id, step, reason))

    def event(self, parcel: Parcel, step: str, **changes: Any) -> Document:
        """The right event of a step; `changes` go to the envelope."""
        time = {"packed": parcel.packed, "delivered": parcel.delivered, "cancelled": parcel.cancelled}[step]
        assert time is not None
        return {
            "specversion": "1.0",
            "type": {"packed": PACKED, "delivered": DELIVERED, "cancelled": CANCELLED}[step],
            "source": f"/marketplaces/{self._marketplace}",
            "id": f"{parcel.id}.{step}",
            "subject": parcel.seller,
            "time": time.isoformat(),
            "data": self._body(parcel, step),
        } | changes

    def _body(self, parcel: Parcel, step: str) -> Document:
        if step == "packed":
            part = {"role": "outer", "material": "corrugated_board", "mass_g": float(self._random.randrange(40, 400))}
            return {"parcel_id": parcel.id, "country": "VN", "components": [part]}
        if step == "cancelled":
            return {"parcel_id": parcel.id}
        place = {"country": "VN", "code": "79"}
        return {"parcel_id": parcel.id, "mass_g": 420.0, "origin": place, "destination": place, "attempts": 1}

    def send(self, document: Document, *, key: str | None = None) -> None:
        """Publish in one of both modes."""
        self.sent.append(document)
        self.world.records.append(self._record(document, key))

    def _record(self, document: Document, key: str | None = None) -> Sent:
        sender = (key or str(document.get("subject", ""))).encode()
        if self._random.random() < 0.5:
            return Sent(sender, json.dumps(document).encode(), STRUCTURED)
        return Sent(sender, json.dumps(document["data"]).encode(), _headers(document))

    def _steps(self, parcel: Parcel) -> tuple[str, str]:
        """The step that goes wrong, and the other one, which is published as it is."""
        wrong, right = self._random.sample(["packed", "delivered"], 2)
        self.send(self.event(parcel, right))
        return wrong, right

    def _dropped(self, parcel: Parcel) -> None:
        step, _ = self._steps(parcel)
        self._truth("missing", parcel, step, "dropped")

    def _delayed(self, parcel: Parcel) -> None:
        late = self._random.random() < 0.2
        days = self._random.randrange(95, 200) if late else self._random.randrange(3, 80)
        parcel.packed -= timedelta(days=days)
        self.send(self.event(parcel, "packed"))
        self.send(self.event(parcel, "delivered"))
        self._truth("delayed", parcel, "packed", "late" if late else "delayed")

    def _doubled(self, parcel: Parcel) -> None:
        step, _ = self._steps(parcel)
        first = self.event(parcel, step)
        second = json.loads(json.dumps(first))
        same_id = self._random.random() < 0.5
        second["id"] = first["id"] if same_id else f"{first['id']}-again"
        if step == "packed":
            second["data"]["components"][0]["mass_g"] += 1.0
        else:
            second["data"]["attempts"] = 2
        self.send(first)
        self._later.append(self._record(second))
        self._truth("doubled", parcel, step, "same_id" if same_id else "same_step")

    def _refused(self, parcel: Parcel) -> None:
        step, _ = self._steps(parcel)
        damage, code = self._random.choice(DAMAGES)
        record = damage(self.event(parcel, step))
        self.world.records.append(record)
        if self._random.random() < 0.3:  # a client that sends again what will be refused again
            self._later.append(record)
        self._truth("refused", parcel, step, code)

    def _harmless(self, parcel: Parcel) -> None:
        """Published as it should be, or with an oddity that is nobody's fault."""
        packed, delivered = self.event(parcel, "packed"), self.event(parcel, "delivered")
        oddity = self._random.choice(("none",) * 12 + ("twice", "order", "corrected", "mended", "cancelled", "spaced"))
        if oddity == "order":
            packed, delivered = delivered, packed
        if oddity == "mended":
            damage, _ = self._random.choice(DAMAGES)
            self.world.records.append(damage(packed))
        self.send(packed)
        self.send(delivered)
        if oddity == "twice":
            self._later.append(self._record(packed))
        elif oddity == "spaced":
            text = json.dumps(delivered, indent=1).replace("420.0", "420.00").encode()
            self._later.append(Sent(parcel.seller.encode(), text, STRUCTURED))
        elif oddity == "corrected":
            data = packed["data"] | {"revision": 1, "correction_reason": "measurement"}
            self._later.append(self._record(packed | {"id": f"{packed['id']}.r1", "data": data}))
        elif oddity == "cancelled":
            parcel.cancelled = parcel.delivered + timedelta(minutes=5)
            self._later.append(self._record(self.event(parcel, "cancelled")))


def _headers(document: Document) -> tuple[tuple[str, bytes], ...]:
    return tuple((f"ce_{name}", str(value).encode()) for name, value in document.items() if name != "data")


def _whole(document: Document, key: str | None = None) -> Sent:
    return Sent((key or document.get("subject", "x")).encode(), json.dumps(document).encode(), STRUCTURED)


def _with(**changes: Any) -> Callable[[Document], Sent]:
    return lambda document: _whole(document | changes)


def _with_data(**changes: Any) -> Callable[[Document], Sent]:
    return lambda document: _whole(document | {"data": document["data"] | changes})


def _without(name: str) -> Callable[[Document], Sent]:
    return lambda document: _whole({key: value for key, value in document.items() if key != name})


def _cut_short(document: Document) -> Sent:
    return Sent(document["subject"].encode(), json.dumps(document).encode()[:-7], STRUCTURED)


def _latin(document: Document) -> Sent:
    value = json.dumps(document)[:-1].encode() + b', "city": "S\xe3o"}'
    return Sent(document["subject"].encode(), value, STRUCTURED)


def _null(document: Document) -> Sent:
    return Sent(document["subject"].encode(), None, _headers(document))


def _other_key(document: Document) -> Sent:
    return _whole(document, "shop-of-somebody")


def _naive(document: Document) -> Sent:
    return _whole(document | {"time": document["time"][:19]})


def _binary_without_source(document: Document) -> Sent:
    headers = tuple(header for header in _headers(document) if header[0] != "ce_source")
    return Sent(document["subject"].encode(), json.dumps(document["data"]).encode(), headers)


DAMAGES: tuple[tuple[Callable[[Document], Sent], str], ...] = (
    (_naive, "naive_time"),
    (_with(time="2999-01-01T00:00:00Z"), "future_time"),
    (_with(source="/marketplaces/somebody-else"), "source_mismatch"),
    (_with(specversion="0.3"), "not_a_cloud_event"),
    (_with(type="greenlane.parcel.packed.v9"), "unknown_type"),
    (_with_data(country="vietnam", mass_g="heavy"), "schema_violation"),
    (_with_data(revision=1), "schema_violation"),
    (_without("source"), "not_a_cloud_event"),
    (_cut_short, "not_json"),
    (_latin, "not_utf8"),
    (_null, "null_value"),
    (_other_key, "key_mismatch"),
    (_binary_without_source, "not_a_cloud_event"),
)
"""Ways to damage a record, and the reason for which it is refused."""
