"""What buyers order: masses and sides of real products, from `data/goods.csv`; its source is in `data/sources.yaml`."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from random import Random

from greenlane.contracts.events import ItemLine
from greenlane.factors.files import read_csv

DATA = files("greenlane.publishing.simulator") / "data"
"""The simulator's tables."""

SIMULATED_FROM = "2,000 real products (masses and sides from olist/work-at-olist-data, MIT licence)"
"""What to tell whoever looks at simulated scores."""

FLAT_MM = 60
"""Goods of at most this height go into a mailer, and two or three of them into one parcel."""


@dataclass(frozen=True, slots=True)
class Goods:
    """What is in a parcel, and the block it forms (mm)."""

    items: tuple[ItemLine, ...]
    length: int
    width: int
    height: int

    @property
    def mass_g(self) -> float:
        """Mass of all items."""
        return sum((item.mass_g or 0.0) * item.quantity for item in self.items)


@cache
def real_goods() -> tuple[tuple[tuple[float, int, int, int], ...], tuple[int, ...]]:
    """Mass (g), length, width and height (mm, falling), and the running count of products."""
    columns = ("mass_g", "length_mm", "width_mm", "height_mm", "products")
    rows = [[int(cell) for cell in row] for row in read_csv(DATA / "goods.csv", columns)]
    products = tuple((float(mass), length, width, height) for mass, length, width, height, _ in rows)
    return products, tuple(accumulate(count for *_, count in rows))


def pick_goods(rng: Random) -> Goods:
    """One product, now and then two or three of a flat one on top of each other."""
    products, counts = real_goods()
    ((mass, length, width, height),) = rng.choices(products, cum_weights=counts)
    quantity = rng.choices((1, 2, 3), (80, 15, 5))[0] if height <= FLAT_MM else 1
    item = ItemLine(quantity=quantity, mass_g=mass, length_mm=length, width_mm=width, height_mm=height)
    return Goods((item,), length, width, height * quantity)
