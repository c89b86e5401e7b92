"""How many parcels a second the pure arithmetic assesses on one core, from decoded values to sums: `make bench-method`.

Prints one JSON object on its last line. `…_per_second` is by the process's own CPU time, which other work on the
machine does not disturb; `…_per_second_wall` is by the clock on the wall. Each is the median of several runs.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

from msgspec.structs import replace

from greenlane.factors.loading import load_method
from greenlane.methodology import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    Hub,
    Item,
    Method,
    Outer,
    PackedFacts,
    Place,
    ReusableAsset,
    Round,
    assess_delivered,
    assess_packed,
)
from greenlane.methodology.assessment import Assessed
from greenlane.methodology.vocabulary import (
    ChainRole,
    ComponentRole,
    DistanceBasis,
    EnergyCarrier,
    Material,
    OuterKind,
    RoundDensity,
    Vehicle,
)

RUNS = 7
PARCELS = 20_000
DAY = date(2026, 7, 1)
FactsT = TypeVar("FactsT")


def packed_mix() -> list[PackedFacts]:
    """A box of four parts, a mailer, a reused box, and one of which nothing is declared, as 5 : 3 : 1 : 1."""
    items = (Item(1, 500_000, 200, 150, 100), Item(2, 80_000, 60, 40, 30))
    box = PackedFacts(
        DAY,
        "VN",
        items,
        Outer(OuterKind.BOX, 300, 200, 100),
        (
            Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, 87_000, None, 700, date(2027, 1, 1)),
            Component(ComponentRole.CUSHIONING, Material.BUBBLE_WRAP, 12_000),
            Component(ComponentRole.CLOSURE, Material.PP_TAPE, 3_000),
            Component(ComponentRole.LABEL, Material.PAPER_LABEL, 2_000),
        ),
    )
    mailer = replace(
        box,
        outer=Outer(OuterKind.FLEXIBLE_MAILER, 400, 300),
        components=(
            Component(ComponentRole.OUTER, Material.LDPE_FILM, 14_000, 60),
            Component(ComponentRole.LABEL, Material.PAPER_LABEL, 2_000),
        ),
    )
    reused = replace(
        box, components=(Component(ComponentRole.OUTER, Material.PP, 300_000, reusable=ReusableAsset("box", 40)),)
    )
    return [box] * 5 + [mailer] * 3 + [reused] + [PackedFacts(DAY, "VN")]


def delivered_mix() -> list[DeliveredFacts]:
    """Chains of three legs, a last mile with measured energy, and nothing declared, as 5 : 4 : 1."""
    hanoi, saigon, da_nang = Place("VN", "01"), Place("VN", "79"), Place("VN", "48")
    chain = (
        ChainElement(ChainRole.FIRST_MILE, Vehicle.MOTORBIKE_PETROL, density=RoundDensity.USUAL),
        ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_ARTICULATED, 1_700_000, DistanceBasis.ACTUAL),
        ChainElement(ChainRole.LAST_MILE, Vehicle.MOTORBIKE_PETROL, round=Round(60_000, 100)),
    )
    metered = ChainElement(
        ChainRole.LAST_MILE,
        Vehicle.MOTORBIKE_ELECTRIC,
        energy=Energy(EnergyCarrier.ELECTRICITY, 1_800, 100),
        round=Round(60_000, 100),
    )
    far = DeliveredFacts(DAY, 800_000, hanoi, saigon, 1, chain, (Hub(20_000), Hub()))
    again = replace(far, destination=da_nang, attempts=2)
    near = DeliveredFacts(DAY, 800_000, hanoi, hanoi, 1, (metered,))
    return [far] * 3 + [again] * 2 + [near] * 4 + [DeliveredFacts(DAY, 800_000, hanoi, saigon, 1)]


def per_second(
    assess: Callable[[FactsT, Method], Assessed], mix: Sequence[FactsT], method: Method
) -> tuple[float, float]:
    """Assessments per second of CPU time and of time on the wall, each the median of the runs."""
    parcels = [mix[number % len(mix)] for number in range(PARCELS)]
    by_cpu: list[float] = []
    by_wall: list[float] = []
    for _ in range(RUNS):
        cpu, wall = time.process_time(), time.perf_counter()
        for facts in parcels:
            assess(facts, method)
        by_cpu.append(PARCELS / (time.process_time() - cpu))
        by_wall.append(PARCELS / (time.perf_counter() - wall))
    return statistics.median(by_cpu), statistics.median(by_wall)


def main() -> None:
    """Measure both and print the result."""
    method = load_method()
    packed, packed_wall = per_second(assess_packed, packed_mix(), method)
    delivered, delivered_wall = per_second(assess_delivered, delivered_mix(), method)
    result = {
        "packed_assessments_per_second": round(packed),
        "packed_assessments_per_second_wall": round(packed_wall),
        "delivered_assessments_per_second": round(delivered),
        "delivered_assessments_per_second_wall": round(delivered_wall),
        "runs": RUNS,
        "parcels_per_run": PARCELS,
        "python": sys.version.split()[0],
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
