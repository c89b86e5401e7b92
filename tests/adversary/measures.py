"""What one parcel can move, and how far town and country differ for the same conduct."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from tests.adversary.accounts import METHOD, POLICY, Account

from greenlane.methodology.facts import ChainElement, DeliveredFacts, Energy, Place, Round
from greenlane.methodology.parcel.delivery import assess_delivered
from greenlane.methodology.seller.score import delivery_points, green_points, packaging_points
from greenlane.methodology.sums import MILLION, RATIO_MOST, DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import ChainRole, EnergyCarrier, StatedBy, Vehicle

_MOST_POINTS = 100_000


def single_parcel_effect(accounts: tuple[Account, ...]) -> Decimal:
    """The most that one packed, delivered or returned parcel more, or another one instead, moves any score."""
    return max(
        abs(after - before)
        for totals in _populations(accounts)
        for changed in _with_one_parcel(totals)
        for before, after in zip(_scores(totals), _scores(changed), strict=True)
    )


def _scores(totals: Totals) -> tuple[Decimal, Decimal, Decimal]:
    prior = POLICY.prior_parcels
    return (
        green_points(totals, prior),
        packaging_points(totals.packaging, prior),
        delivery_points(totals.delivery, totals.returns, prior),
    )


def _populations(accounts: tuple[Account, ...]) -> Iterator[Totals]:
    """The accounts, and accounts of any number of alike parcels from the best to the worst."""
    yield from (account.totals for account in accounts)
    for parcels in (1, 2, 5, 10, 30, 50, 99, 100, 300, 1_000):
        for ratio in (0, 50_000, 200_000, 250_000, 500_000, MILLION, RATIO_MOST):
            for points in (0, _MOST_POINTS):
                yield Totals(
                    PackagingSums(
                        parcels,
                        co2e_ratio=ratio * parcels,
                        plastic_ratio=ratio * parcels,
                        empty_space_milli=points * parcels,
                        circular_milli=points * parcels,
                    ),
                    DeliverySums(parcels, ratio=ratio * parcels),
                )


def _with_one_parcel(totals: Totals) -> Iterator[Totals]:
    """One parcel more at either end, or one of the average turned into the best or the worst."""
    packaging, delivery, returns = totals.packaging, totals.delivery, totals.returns
    for ratio, points in ((0, _MOST_POINTS), (RATIO_MOST, 0)):
        more = packaging._replace(
            parcels=packaging.parcels + 1,
            co2e_ratio=packaging.co2e_ratio + ratio,
            plastic_ratio=packaging.plastic_ratio + ratio,
            empty_space_milli=packaging.empty_space_milli + points,
            circular_milli=packaging.circular_milli + points,
        )
        yield totals._replace(packaging=more)
        yield totals._replace(delivery=delivery._replace(parcels=delivery.parcels + 1, ratio=delivery.ratio + ratio))
        if packaging.parcels:
            yield totals._replace(packaging=_one_turned(packaging, ratio, points))
        if delivery.parcels:
            mean = delivery.ratio // delivery.parcels
            yield totals._replace(delivery=delivery._replace(ratio=delivery.ratio - mean + ratio))
    yield totals._replace(returns=ReturnSums(returns.parcels + 1, ratio=returns.ratio + RATIO_MOST))


def _one_turned(sums: PackagingSums, ratio: int, points: int) -> PackagingSums:
    def turned(whole: int, one: int) -> int:
        return whole - whole // sums.parcels + one

    return sums._replace(
        co2e_ratio=turned(sums.co2e_ratio, ratio),
        plastic_ratio=turned(sums.plastic_ratio, ratio),
        empty_space_milli=turned(sums.empty_space_milli, points),
        circular_milli=turned(sums.circular_milli, points),
    )


def town_and_country_difference() -> Decimal:
    """The most by which a delivery's points differ between town and country for the same vehicle and diligence.

    The same diligence is the same multiple of the ward's usual round.
    """
    table = METHOD.delivery
    pairs = [
        (_in_ward("00004", table.town, vehicle, percent), _in_ward("00376", table.country, vehicle, percent))
        for vehicle in (Vehicle.MOTORBIKE_PETROL, Vehicle.MOTORBIKE_ELECTRIC, Vehicle.VAN_DIESEL, Vehicle.BICYCLE)
        for percent in (50, 80, 100, 125, 200)
    ]
    return max(abs(town - country) for town, country in pairs if town is not None and country is not None)


def _in_ward(code: str, usual: tuple[int, int], vehicle: Vehicle, percent: int) -> Decimal | None:
    """The points of a delivery there; None where the vehicle cannot make the round."""
    metres, parcels = usual
    number = 40 if vehicle is Vehicle.BICYCLE else parcels
    distance = metres * percent // 100 * number // parcels
    trip = Round(distance, number)
    energy = None
    if vehicle is Vehicle.MOTORBIKE_ELECTRIC:
        energy = Energy(EnergyCarrier.ELECTRICITY, distance * 30 // 1000, number)
    last = ChainElement(ChainRole.LAST_MILE, vehicle, energy=energy, round=trip, stated_by=StatedBy.CARRIER)
    first = ChainElement(ChainRole.FIRST_MILE, Vehicle.MOTORBIKE_PETROL, round=Round(*METHOD.delivery.collection))
    place = Place("VN", code, stated_by=StatedBy.MARKETPLACE)
    assessed = assess_delivered(DeliveredFacts(date(2026, 7, 1), 700_000, place, place, 1, (first, last)), METHOD)
    assert isinstance(assessed.sums, DeliverySums), "a delivery has a delivery's sums"
    return None if assessed.implausible else delivery_points(assessed.sums, ReturnSums(), 0)
