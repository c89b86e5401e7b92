"""Shares of a round or trip: by parcels when they are alike, by notional tonne-km when mass and distance are known."""

from collections.abc import Sequence
from fractions import Fraction

from greenlane.methodology.rounding import divide_half_even


def per_parcel_mg(amount_milli: int, factor_scaled: int, scale: int, parcels: int) -> int:
    """Mg CO2e for each parcel sharing `amount_milli` (ml, Wh, m) at a scaled factor in kg per litre, kWh or km."""
    return divide_half_even(amount_milli * factor_scaled * 1000, scale * parcels)


def notional_shares(masses: Sequence[int], distances: Sequence[int]) -> tuple[Fraction, ...]:
    """Each consignment's share of a round by mass times its own distance from the start (ISO 14083).

    Raises ValueError when the two differ in length or nothing was carried anywhere.
    """
    work = [mass * distance for mass, distance in zip(masses, distances, strict=True)]
    whole = sum(work)
    if whole <= 0:
        raise ValueError("the round carried nothing anywhere; give masses and distances above 0")
    return tuple(Fraction(part, whole) for part in work)
