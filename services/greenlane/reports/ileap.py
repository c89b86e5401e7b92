"""A parcel's transport chain as an iLEAP ShipmentFootprint, the data model for exchanging logistics emissions."""

from datetime import UTC
from decimal import Decimal
from typing import Any

from greenlane.contracts.events import DeliveredEvent, ReturnedEvent
from greenlane.methodology.assessment import Leg, Step
from greenlane.methodology.explaining.explain import explain_delivered, explain_returned
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.parcel.chain import UNDECLARED_HUBS
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.tables import SCALE, Factor, Method
from greenlane.methodology.vocabulary import ChainRole, DistanceBasis

_IN_ORDER = {ChainRole.FIRST_MILE: 0, ChainRole.LINE_HAUL: 1, ChainRole.LAST_MILE: 2}
_BASIS = {DistanceBasis.ACTUAL: "actual", DistanceBasis.SHORTEST_FEASIBLE: "sfd", DistanceBasis.GREAT_CIRCLE: "gcd"}


def shipment_footprint(event: DeliveredEvent | ReturnedEvent, method: Method) -> dict[str, Any]:
    """The ShipmentFootprint of a delivered or returned parcel: masses in kg, distances in km, CO2e in kg.

    Its elements add up to the parcel's assessment. Of a round, an element carries the parcel's share of the km; a hub
    is an element of no distance, whose figure has no tank-to-wheel part; assumed elements and hubs are included.
    """
    facts = event.data.to_facts(event.time.astimezone(UTC))
    explain = explain_delivered if isinstance(event, DeliveredEvent) else explain_returned
    steps = explain(facts, method).steps
    legs = [(step, step.leg) for step in steps if step.leg is not None]
    legs.sort(key=lambda pair: _IN_ORDER[pair[1].role])
    shipment, mass_mg = event.data.parcel_id, facts.mass_mg
    elements: list[dict[str, Any]] = []
    for step, leg in legs:
        previous = [elements[-1]["tceId"]] if elements else []
        common = {"tceId": f"{shipment}-{len(elements) + 1}", "prevTceIds": previous, "shipmentId": shipment}
        elements.append(common | _transport(step, leg, mass_mg, method))
    elements[-1]["arrivalAt"] = event.time.isoformat()
    declared = [(hub.co2e_mg, "declared") for hub in facts.hubs if hub.co2e_mg is not None]
    assumed = [(step.value, "default") for step in steps if step.label == UNDECLARED_HUBS]
    for co2e_mg, known in (*declared, *assumed):
        common = {"tceId": f"{shipment}-{len(elements) + 1}", "shipmentId": shipment, "mass": _decimal(mass_mg, 6)}
        elements.append(common | _hub(co2e_mg, known))
    return {"mass": _decimal(mass_mg, 6), "shipmentId": shipment, "tces": elements}


def _transport(step: Step, leg: Leg, mass_mg: int, method: Method) -> dict[str, Any]:
    return {
        "tocId": f"greenlane:{METHOD_VERSION}:{leg.role}:{leg.vehicle or 'undeclared'}",
        "mass": _decimal(mass_mg, 6),
        "distance": {_BASIS[leg.basis]: _decimal(leg.distance_m, 3)},
        "transportActivity": _decimal(mass_mg * leg.distance_m, 12),
        "co2eWTW": _decimal(step.value, 6),
        "co2eTTW": _decimal(_tank_to_wheel_mg(step, method.factors), 6),
    }


def _hub(co2e_mg: int, known: str) -> dict[str, Any]:
    return {
        "hocId": f"greenlane:{METHOD_VERSION}:{known}",
        "distance": {"actual": "0"},
        "transportActivity": "0",
        "co2eWTW": _decimal(co2e_mg, 6),
        "co2eTTW": "0",
    }


def _tank_to_wheel_mg(step: Step, factors: dict[str, Factor]) -> int:
    """The tank-to-wheel part of a step, by its well-to-wheel factor; electricity and muscle have none."""
    for identifier in step.factor_ids:
        factor = factors[identifier]
        if factor.ttw:
            return divide_half_even(step.value * _scaled(factors[factor.ttw]), _scaled(factor))
    return 0


def _scaled(factor: Factor) -> int:
    return int(factor.value * SCALE)


def _decimal(value: int, places: int) -> str:
    """`value` / 10^places without exponent or needless zeros."""
    text = f"{Decimal(value).scaleb(-places):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
