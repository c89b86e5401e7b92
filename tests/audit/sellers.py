"""Sellers over many days: their habits change, and records are corrected, cancelled, returned, repeated and late."""

import copy
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from tests.audit.events import Event, Maker

FIRST = date(2026, 3, 1)
HABITS = ("gold", "gold", "silver", "bronze", "poor", "wild", "idle")
NEAR_CODES = ("00004", "00008", "00070")


class Arrival(NamedTuple):
    """An event and the day on which it arrives."""

    day: date
    event: Event


class Seller:
    """One seller, day by day."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.random = random.Random(seed)  # noqa: S311 - a seeded choice, no secret
        self.maker = Maker(seed)
        self.count = 0
        self.habit, self.until = "gold", 0
        self.sent: list[Event] = []

    def day(self, day: date) -> Iterator[Arrival]:
        """What arrives about the seller on a day, or later about this day."""
        if (day - FIRST).days >= self.until:
            self.habit = self.random.choice(HABITS) if self.until else self.habit
            self.until += self.random.choice((5, 20, 40, 60) if self.until else (20, 40, 60))
        if self.habit != "idle":
            for _ in range(self.random.choice((0, 2, 3, 4, 5))):
                yield from self.parcel(day)
        for _ in range(self.random.choice((0, 0, 1, 2))):
            yield from self.oddity(day)

    def parcel(self, day: date) -> Iterator[Arrival]:
        self.count += 1
        name = f"{self.name}-{self.count}"
        kinds = ["packed", "delivered"] if self.random.random() < 0.95 else ["packed"]
        if self.random.random() < 0.06:
            kinds.append("returned")
        if self.random.random() < 0.05:
            kinds.append("recovered")
        for kind in kinds:
            event = self.event(kind, day, name)
            self.sent.append(event)
            yield Arrival(day + timedelta(days=self.random.choice((0, 0, 0, 1, 3))), event)

    def event(self, kind: str, day: date, name: str, revision: int = 0) -> Event:
        second = timedelta(seconds=self.random.choice((0, 43_200, 86_399)))
        time = (datetime(day.year, day.month, day.day) + second).isoformat() + "Z"  # noqa: DTZ001 - Z says UTC
        event = self.maker.of(kind, time, name, self.name, careful=90, revision=revision)
        event["id"] = f"{self.name}.{event['id']}"
        if self.habit not in {"poor", "wild"} and kind != "recovered" and "data" in event:
            good = packed(self.habit, self.random) if kind == "packed" else carried(self.habit, self.random)
            kept = {fact: event["data"][fact] for fact in KEPT if fact in event["data"]}
            event["data"] = kept | good
        return event

    def oddity(self, day: date) -> Iterator[Arrival]:
        """A correction, a repetition, a cancellation, a late record, or a late word about an old parcel."""
        if not self.sent:
            return
        old = self.random.choice(self.sent[-200:] if self.random.random() < 0.5 else self.sent)
        kind = self.random.choices(("correct", "repeat", "cancel", "late", "again"), (35, 15, 12, 20, 18))[0]
        if kind == "repeat":
            yield Arrival(day, old)
        elif kind == "cancel":
            yield Arrival(day, self.cancelled(old, day - timedelta(days=self.random.choice((0, 0, 5, 87, 88, 89, 90)))))
        elif kind == "late":
            back = timedelta(days=self.random.choice((80, 86, 87, 88, 89, 90, 91, 120)))
            self.count += 1
            event = self.event(self.random.choice(("packed", "delivered")), day - back, f"{self.name}-{self.count}")
            self.sent.append(event)
            yield Arrival(day, event)
        else:
            yield Arrival(day, self.changed(old, day, revision=kind == "correct"))

    def changed(self, old: Event, day: date, *, revision: bool) -> Event:
        """Another version of an event: of a greater revision, or of the same one with another time or id."""
        if "data" not in old:
            return old
        before = int(old["data"].get("revision") or 0)
        to = before + self.random.choice((1, 1, 2)) if revision else before
        on = date.fromisoformat(old["time"][:10]) + timedelta(days=self.random.choice((-1, 0, 0, 1)))
        if self.random.random() < 0.3:
            on = day - timedelta(days=self.random.choice((0, 1, 30, 88, 89)))
        kind = old["type"].split(".")[-2]
        event = self.event(kind, on, old["data"]["parcel_id"], to)
        self.sent.append(event)
        return event

    def cancelled(self, old: Event, day: date) -> Event:
        event = copy.deepcopy(old) | {"type": "greenlane.parcel.cancelled.v1", "time": f"{day}T12:00:00Z"}
        event.pop("data_base64", None)
        self.count += 1
        parcel = old["data"]["parcel_id"] if "data" in old else f"{self.name}-1"
        return event | {"id": f"{self.name}.c{self.count}", "data": {"parcel_id": parcel}}


KEPT = ("parcel_id", "revision", "correction_reason")
WHO = {"gold": ("verifier", "marketplace", "carrier"), "silver": ("verifier", "marketplace", "carrier")}


def stated(habit: str, at: int) -> Event:
    return {"stated_by": WHO[habit][at]} if habit in WHO else {"stated_by": "seller"}


def packed(habit: str, random_: random.Random) -> Event:
    """Paper that fits."""
    sides = {"length_mm": 250, "width_mm": 200, "height_mm": random_.choice((100, 120))}
    full = {"length_mm": 240, "width_mm": 195, "height_mm": random_.choice((80, 95))}
    share: dict[str, Any] = {}
    if habit != "bronze" and random_.random() < 0.8:
        certificate = {"certificate_id": "FSC-C192811", "valid_until": "2029-01-31", "scheme": "fsc"}
        share = {"recycled_content_percent": 100 if habit == "gold" else 70, "certificate": certificate}
    board = {"role": "outer", "material": "kraft_paper", "mass_g": 16.0 if habit == "gold" else 40.0}
    return {
        "country": "VN",
        "items": [{"quantity": 1, **full, "mass_g": 800.0, **stated(habit, 1)}],
        "outer": {"kind": "box", **sides, **stated(habit, 1)},
        "components": [board | share | stated(habit, 0)],
    }


def carried(habit: str, random_: random.Random) -> Event:
    """Electric rounds of a town, or muscles."""
    shared = random_.choice((100, 120))
    round_ = {"distance_km": 40.0, "parcels": shared}
    energy = {"carrier": "electricity", "kwh": 1.2, "parcels": shared}
    last: Event = {"role": "last_mile", "vehicle": "motorbike_electric", "round": round_, "energy": energy}
    if habit == "gold":
        last = {"role": "last_mile", "vehicle": "bicycle", "round": {"distance_km": 15.0, "parcels": 30}}
    first = {**last, "role": "first_mile"}
    places = [{"country": "VN", "code": random_.choice(NEAR_CODES), **stated(habit, 1)} for _ in range(2)]
    return {
        "mass_g": 700.0,
        "origin": places[0],
        "destination": places[1],
        "attempts": random_.choice((1, 1, 1, 2)),
        "transport_chain": [first | stated(habit, 2), last | stated(habit, 2)],
        "hubs": [{"co2e_g": 5.0, **stated(habit, 2)}],
    }
