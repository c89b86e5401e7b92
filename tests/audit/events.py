"""Random valid events over the whole schema: optional facts come, are null, or are absent; edges are frequent."""

import base64
import json
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from tests.audit.document import materials, places, vehicles

Event = dict[str, Any]
MATERIALS, VEHICLES = tuple(materials()), tuple(vehicles())
BOARDS = ("corrugated_board", "kraft_paper", "paper", "solid_board")
STATED = ("seller", "marketplace", "carrier", "verifier")
EDGES = (
    "2000-01-01 2013-12-31 2014-01-01 2015-01-01 2017-12-31 2018-01-01 2022-12-31 2023-01-01 2024-02-29 2024-12-31 "
    "2025-06-30 2025-07-01 2025-12-31 2026-01-01 2026-05-31 2026-06-01 2026-09-15 2029-12-31"
)
EDGE_DAYS = tuple(date.fromisoformat(day) for day in EDGES.split())
OFFSETS = (-720, -180, 0, 0, 330, 420, 420, 420, 840)
CERTIFICATES = (
    ("fsc", "FSC-C192811"),
    ("fsc", "SGSHK-COC-123456"),
    ("fsc", "FSC-C19281"),
    ("pefc", "PEFC-01-23-4567"),
    ("pefc", "PEFC-1-23-45"),
    ("grs", "CU8.GRS.2026"),
    ("grs", "CU8_X-GRS-1"),
    ("rcs", "ABC-RCS"),
    ("rcs", "ABCD-RCS"),
    (None, "FSC-C192811"),
)
PLACES = ("vn_provinces_63", "vn_provinces_34", "vn_wards_2025", "br_municipalities")
ROUNDERS = tuple(name for name, vehicle in vehicles().items() if vehicle.per_km is not None)
HAULERS = tuple(name for name, vehicle in vehicles().items() if vehicle.per_tkm is not None)
LARGEST = 20_000


class Maker:
    """Makes events from one stream of random numbers; `careful` events hang together, the others are wild."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a seeded choice, no secret
        self.count = 0
        self.careful = True
        self.stated: str | None = None

    def chance(self, percent: int) -> bool:
        return self.random.random() * 100 < percent

    def near(self, value: float) -> int:
        """An integer at an edge or close to it."""
        return max(1, round(value) + self.random.choice((-1, 0, 0, 1)))

    def event(self) -> Event:
        """The next event of any type and time."""
        kind = self.random.choices(("packed", "delivered", "returned", "recovered"), (45, 38, 14, 3))[0]
        return self.of(kind, self.time(), f"p-{self.count}", f"s-{self.count % 97}")

    def of(self, kind: str, time: str, parcel: str, seller: str, *, careful: int = 75, revision: int = 0) -> Event:
        """An event of a kind about a parcel."""
        self.count += 1
        self.careful = self.chance(careful)
        self.stated = self.random.choice(STATED[1:]) if self.chance(60) else None
        data: Event = {"parcel_id": parcel, **self.body(kind)}
        if revision:
            data |= {"revision": revision, "correction_reason": "measurement"}
        elif self.chance(10):
            data |= {"revision": 0, "correction_reason": None}
        name = "packaging.recovered" if kind == "recovered" else f"parcel.{kind}"
        head = {"specversion": "1.0", "type": f"greenlane.{name}.v1", "source": "/marketplaces/audit"}
        event: Event = {**head, "id": f"e-{self.count}", "time": time, "subject": seller}
        if self.chance(5):
            return event | {"data_base64": base64.b64encode(json.dumps(data).encode()).decode()}
        return event | {"data": data}

    def time(self) -> str:
        day = (
            self.random.choice(EDGE_DAYS)
            if self.chance(50)
            else date(2025, 1, 1) + timedelta(self.random.randrange(900))
        )
        seconds = self.random.choice((0, 10_799, 10_800, 61_199, 61_200, 86_399, self.random.randrange(86_400)))
        instant = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)
        local = instant.astimezone(timezone(timedelta(minutes=self.random.choice(OFFSETS))))
        return (local if local.year >= 2000 else instant).isoformat()

    def body(self, kind: str) -> Event:
        if kind == "packed":
            return self.packed()
        if kind == "recovered":
            return {
                "kind": self.random.choice(("reusable_asset", "used_packaging")),
                "mass_g": self.mass(500),
                **self.maybe("asset_id", "asset-1", 50),
            }
        return self.transported()

    def maybe(self, name: str, value: Any, percent: int) -> Event:
        """The fact, or null, or nothing."""
        if self.chance(percent):
            return {name: value}
        return {name: None} if self.chance(15) else {}

    def said(self) -> Event:
        """Who states it: mostly the event's one party."""
        party = self.stated if self.chance(93) else self.random.choice(STATED)
        return {} if party is None else {"stated_by": party}

    def present(self) -> int:
        """How often an optional fact is there, in percent."""
        return 96 if self.careful else 60

    def mass(self, about: float) -> float:
        grams = about * self.random.choice((0.5, 1, self.random.uniform(0.2, 3)))
        if not self.careful and self.chance(10):
            grams = self.random.choice((0.001, 0.0015, 0.0025, 999_999.9995, 1_000_000))
        return max(0.001, min(1_000_000, round(grams, self.random.choice((0, 1, 3, 4, 6)))))

    # Packed parcels.

    def packed(self) -> Event:
        outer, sides = self.outer()
        data: Event = {"country": self.random.choices(("VN", "BR", "GB", "US"), (70, 10, 10, 10))[0]}
        items = self.items(sides)
        if items or self.chance(50):
            data["items"] = items
        data |= self.maybe("outer", outer, self.present())
        data |= self.maybe("components", self.components(outer, sides), self.present())
        if self.chance(20):
            data |= self.maybe("order", self.order(sides), 90)
        return data

    def outer(self) -> tuple[Event, list[int]]:
        most = self.random.choice((120, 300, 300, 499, 500, 501, 700, LARGEST if not self.careful else 900))
        sides = [self.random.choice((most, self.random.randint(max(1, most // 4), most))) for _ in range(3)]
        if self.chance(10):
            sides[:2] = self.random.choice(((499, 499), (500, 499), (500, 500), (499, 800)))
        kind = self.random.choice(("box", "box", "own_box", "flexible_mailer"))
        outer: Event = {"kind": kind, **self.said()}
        for name, side in zip(("length_mm", "width_mm", "height_mm"), sides, strict=True):
            rare = kind == "flexible_mailer" and name == "height_mm"
            outer |= self.maybe(name, side, 40 if rare else self.present())
        return outer, sides

    def items(self, sides: Sequence[int]) -> list[Event]:
        return [self.item(sides) for _ in range(self.random.choice((1, 1, 1, 2, 3) if self.careful else (0, 1, 2, 4)))]

    def item(self, sides: Sequence[int]) -> Event:
        part = self.random.choice((1, 1, 0.9, 0.8, 0.5, self.random.uniform(0.1, 1.05)))
        own = [max(1, min(LARGEST, round(side * part))) for side in sides]
        item = self.said()
        for name, side in zip(("length_mm", "width_mm", "height_mm"), own, strict=True):
            item |= self.maybe(name, side, 98 if self.careful else 70)
        if self.chance(15):
            item["quantity"] = self.random.choice((1, 1, 2, 3, 10_000) if not self.careful else (1, 1, 2))
        return item | self.maybe("mass_g", self.goods_mass(own), 60)

    def goods_mass(self, own: Sequence[int]) -> float:
        litres = own[0] * own[1] * own[2] / 1_000_000
        density = self.random.choice((3, 8000, 400, 400, 400, 2.999, 8000.001, 2.5, 9000))
        return max(0.001, min(1_000_000, round(density * litres, 3)))

    def order(self, sides: Sequence[int]) -> Event:
        own = sides[0] * sides[1] * sides[2] // 1000
        whole = self.near(own * self.random.choice((0.3, 1, 2, 5)))
        return {
            "parcels": self.random.choice((1, 2, 2, 3, 10, 1000)),
            **self.maybe("product_volume_ml", min(whole, 100_000_000), 75),
            **self.said(),
        }

    def components(self, outer: Event, sides: Sequence[int]) -> list[Event]:
        length, width, height = sides
        flat = outer["kind"] == "flexible_mailer" and outer.get("height_mm") is None
        surface = 2 * length * width if flat else 2 * (length * width + length * height + width * height)
        count = self.random.choice((1, 1, 2, 3, 4))
        return [self.component(surface if at == 0 or self.chance(20) else surface / 20) for at in range(count)]

    def component(self, surface: float) -> Event:
        material = self.random.choice(BOARDS if self.chance(40) else MATERIALS)
        thickness = self.random.choice((1, 4, 5, 30, 49, 50, 51, 60, 100, 499, 500, 501, 5000))
        component: Event = {"role": self.random.choice(("outer", "inner", "filler", "closure", "label")), **self.said()}
        film = materials()[material].film
        component |= self.maybe("film_thickness_um", thickness, 70 if film else 5)
        declared = component.get("film_thickness_um")
        component |= self.maybe("material", material, 98 if self.careful else 80)
        component |= self.maybe("mass_g", self.cover_mass(material, declared, surface), 98 if self.careful else 80)
        if self.chance(35):
            component["recycled_content_percent"] = self.random.choice((0, 30, 50.05, 80.0, 99.95, 100, 33.333))
        component |= self.maybe("certificate", self.certificate(), 35)
        asset = {"asset_id": "a-1", **self.maybe("verified_trips", self.random.choice(TRIPS), 90)}
        return component | self.maybe("reusable_asset", asset, 20)

    def cover_mass(self, material: str, thickness: int | None, surface: float) -> float:
        """Around the mass that covers the surface, sometimes just enough and sometimes not."""
        cover = float(materials()[material].cover)
        if thickness is not None and materials()[material].film:
            cover = max(cover, 0.782 * thickness)
        elif materials()[material].film and self.chance(20):
            cover = 0.782 * 500
        enough = cover * surface / 1_000_000
        times = self.random.choice((1, 1, 0.9999, 1.0001, 1.5, 2.5, self.random.uniform(1, 2), 0.6))
        return max(0.001, min(1_000_000, round(enough * times, self.random.choice((3, 3, 4, 1)))))

    def certificate(self) -> Event:
        scheme, number = self.random.choice(CERTIFICATES if self.chance(60) else CERTIFICATES[:2])
        until = self.random.choice(("2025-12-31", "2026-01-01", "2026-06-01", "2030-01-01", "2035-01-01"))
        return {"certificate_id": number, "valid_until": until, **self.maybe("scheme", scheme, 100 if scheme else 0)}

    # Deliveries and returns.

    def place(self) -> Event:
        table = self.random.choices(PLACES, (30, 30, 30, 10))[0]
        code = self.random.choice(CODES[table])
        country = "BR" if table == "br_municipalities" else "VN"
        if self.chance(2 if self.careful else 15):
            country, code = self.random.choice((("US", "06"), ("VN", "99"), ("VN", "99999"), ("GB", "1"), ("BR", "01")))
        place: Event = {"country": country, "code": code, **self.said()}
        return place | (
            {"kind": self.random.choice(("home", "home", "locker", "pickup_point", "business"))}
            if self.chance(70)
            else {}
        )

    def near_place(self, origin: Event) -> Event:
        """The other end: the same code, a neighbour of the same table, or anywhere."""
        other = self.place()
        if self.chance(15):
            other |= {"country": origin["country"], "code": origin["code"]}
        elif self.chance(40) and origin["code"] in CODES["vn_wards_2025"]:
            at = CODES["vn_wards_2025"].index(origin["code"])
            other |= {"country": "VN", "code": CODES["vn_wards_2025"][max(0, at - self.random.randrange(40))]}
        return other

    def transported(self) -> Event:
        origin = self.place()
        data: Event = {
            "mass_g": self.mass(700),
            "origin": origin,
            "destination": self.near_place(origin),
            "attempts": self.random.choice((1, 1, 1, 2, 3, 20)),
        }
        data |= self.maybe("transport_chain", self.chain(), self.present())
        if self.chance(70):
            data["hubs"] = [self.hub() for _ in range(self.random.choice((0, 1, 1, 2, 2, 3)))]
        return data

    def hub(self) -> Event:
        grams = self.random.choice((0, 6, 18.187, 18.1875, 0.0005, 27.28, 54.561, 1000))
        return {**self.maybe("co2e_g", grams, 90), **self.said()}

    def chain(self) -> list[Event]:
        chain: list[Event] = []
        for role, most in (("first_mile", (1, 1, 1, 2)), ("line_haul", (0, 1, 1, 2, 3)), ("last_mile", (1, 1, 1, 2))):
            if self.chance(self.present()):
                chain += [self.element(role) for _ in range(self.random.choice(most))]
        return chain or [self.element("last_mile")]

    def element(self, role: str) -> Event:
        fitting = HAULERS if role == "line_haul" else ROUNDERS
        vehicle = self.random.choice(fitting if self.chance(97 if self.careful else 85) else VEHICLES)
        element: Event = {"role": role, **self.said(), **self.maybe("vehicle", vehicle, 99 if self.careful else 85)}
        if self.chance(70 if role == "line_haul" else 15):
            element["distance_km"] = self.random.choice((0, 50, 300.5, 791, 1138, 1138.0005, 1700, 3, 45_000))
            element["distance_basis"] = self.random.choice(("actual", "shortest_feasible", "great_circle"))
        if self.chance(15 if role == "line_haul" else 96):
            element["round"] = self.round(vehicle)
            element |= self.maybe("energy", self.energy(vehicle, element["round"]), 40)
        elif self.chance(10):
            element |= self.maybe("energy", self.energy(vehicle, {"distance_km": 50.0, "parcels": 80}), 90)
        element |= self.maybe("density", self.random.choice(("dense", "usual", "sparse")), 10)
        return element | ({"temperature_controlled": self.chance(70)} if self.chance(30) else {})

    def round(self, vehicle: str) -> Event:
        bounds = vehicles()[vehicle]
        km = self.random.uniform(10, min(80, bounds.round_m / 1000))
        parcels = self.random.randint(10, max(10, min(130, bounds.payload_mg // 700_000)))
        if self.chance(8 if self.careful else 40):
            parcels = self.near(self.random.choice((bounds.parcels, 1000, 300, bounds.payload_mg / 700_000, 1)))
            km = self.random.choice((km, 0.09 * parcels, 0.09 * parcels - 0.001, bounds.round_m / 1000))
        elif self.chance(4 if self.careful else 30):
            km = self.random.choice((0.4995, 0.5, 0.4, bounds.round_m / 1000, bounds.round_m / 1000 + 0.001, 5000))
        km = min(5000, max(0.001, round(km, self.random.choice((0, 1, 3, 4)))))
        return {"distance_km": km, "parcels": min(100_000, max(1, parcels))}

    def energy(self, vehicle: str, round_: Event) -> Event:
        bounds = vehicles()[vehicle]
        carrier = bounds.energy or "diesel"
        if self.chance(2):
            carrier = self.random.choice(("diesel", "petrol", "electricity"))
        least, most = float(bounds.least_per_km or 0.1), float(bounds.most_per_km or 0.2)
        per_km = self.random.choice((least, most, self.random.uniform(least, most), least * 0.99, most * 1.01))
        if self.careful and self.chance(80):
            per_km = self.random.uniform(least * 1.05, most * 0.95)
        amount = max(0.001, min(10_000, round(per_km * round_["distance_km"], self.random.choice((1, 3, 6)))))
        parcels = round_["parcels"] + int(self.chance(2))
        return {"carrier": carrier, "parcels": parcels, "kwh" if carrier == "electricity" else "litres": amount}


TRIPS = (1, 2, 5, 20, 21, 50, 100, 101)
CODES = {name: tuple(places(name)) for name in PLACES}
