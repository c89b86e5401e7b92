"""Scoring method 2.0.0, written a second time from its document alone: an event becomes integers.

The sections named here are those of `schemas/methodology/method-2.0.0.md`. Nothing of the product is used.
"""

from tests.audit.delivery import transported
from tests.audit.facts import Facts, Sums, data_of, day_of, instant, thousandths
from tests.audit.packaging import packed

DIMENSIONS = {
    "greenlane.parcel.packed.v1": "packaging",
    "greenlane.parcel.delivered.v1": "delivery",
    "greenlane.parcel.returned.v1": "return",
    "greenlane.packaging.recovered.v1": "circularity",
}


def assess(event: Facts) -> Sums:
    """The named sums of one event; what is 0 is present as well."""
    dimension = DIMENSIONS[event["type"]]
    data = data_of(event)
    if dimension == "packaging":
        return packed(data, instant(event))
    if dimension == "circularity":
        return recovered(data)
    return transported(data, day_of(event), back=dimension == "return")


def recovered(data: Facts) -> Sums:
    """Section 3.5, the last sentence."""
    return {
        "recoveries": 1,
        "recovered_assets": int(data["kind"] == "reusable_asset"),
        "recovered_mass_mg": thousandths(data["mass_g"]),
    }
