"""Renders the method document: the prose beside the tables, every table and factor, and the worked example computed."""

from decimal import Decimal
from importlib.resources import files
from string import Template

from greenlane.factors import rows
from greenlane.factors.files import DATA, read_yaml
from greenlane.factors.loading import SHIPPED_POLICY, load_policy
from greenlane.methodology.explaining.explain import DEFAULT_MEANING, IMPLAUSIBLE_MEANING
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.eligibility import Policy
from greenlane.methodology.seller.score import PRIOR_PARCELS
from greenlane.methodology.tables import SCALE, Method, RoundDefault
from greenlane.reports.method_document.examples import by_hand, known_answers, parcels_text, seller_text
from greenlane.reports.method_document.markdown import table
from greenlane.reports.method_document.tables import (
    FACTOR_HEAD,
    factor_rows,
    level_rows,
    lie_rows,
    series_rows,
    vehicle_rows,
)

_FOLDER = files("greenlane.reports.method_document")


def method_files(method: Method) -> dict[str, str]:
    """The method document, the events of its worked example, and the points and the policy beside it."""
    example = (_FOLDER / "worked-example.jsonl").read_text(encoding="utf-8")
    policy = load_policy()
    points = {
        f"methodology/places/{table.file}": (DATA / "places" / table.file).read_text(encoding="utf-8")
        for table in read_yaml(DATA / "places" / "places.yaml", rows.PlacesFile).tables
    }
    return {
        f"methodology/method-{METHOD_VERSION}.md": _document(method, policy, example),
        "methodology/worked-example.jsonl": example,
        f"methodology/policy-{policy.version}.yaml": SHIPPED_POLICY.read_text(encoding="utf-8"),
        **points,
    }


def _document(method: Method, policy: Policy, example: str) -> str:
    distances, bounds = method.distances, method.bounds
    delivery, packaging = method.delivery, method.packaging
    prose = Template((_FOLDER / "document.md").read_text(encoding="utf-8"))
    rule = method.thin_bag_rules[0]
    return prose.substitute(
        _tables(method),
        version=METHOD_VERSION,
        prior=PRIOR_PARCELS,
        base_co2e=packaging.base.co2e_mg,
        base_l=_litres(packaging.base_mm3),
        least_l=_litres(packaging.least_mm3),
        least_co2e=packaging.least.co2e_mg,
        least_plastic=packaging.least.plastic_mg,
        least_mass=packaging.least.mass_mg,
        trips=bounds.verified_trips,
        carrier_trips=bounds.carrier_trips,
        thin_side=rule.below_side_mm,
        thin_um=rule.below_thickness_um,
        seller_round=delivery.seller_round_mg,
        buyer_round=delivery.buyer_round_mg,
        collection=_round(delivery.collection),
        town=_round(delivery.town),
        town_m=delivery.town.distance_m,
        town_parcels=delivery.town.parcels,
        country_m=delivery.country.distance_m,
        country_parcels=delivery.country.parcels,
        hub=delivery.hub_mg,
        hub_times=Decimal(delivery.hub_permille) / 1000,
        usual_mass=delivery.usual_mass_mg // 1000,
        reference_tkm=Decimal(delivery.tkm.value) / SCALE,
        round_times=delivery.round_times,
        line_haul_times=delivery.line_haul_times,
        line_haul_from_km=distances.line_haul_from_m // 1000,
        unknown_km=distances.unknown_distance_m // 1000,
        road_factor=distances.road_numerator / distances.road_denominator,
        shortfall_km=bounds.line_haul_shortfall_m // 1000,
        locker_parcels=bounds.locker_parcels,
        least_round=bounds.round_distance_m,
        metres_per_parcel=bounds.metres_per_parcel,
        vn_34_from=method.places.vn_34_from,
        policy_version=policy.version,
        window_days=policy.window_days,
        late_days=min(policy.lateness_days, policy.window_days - 1),
        enter_days=policy.enter_days,
        leave_days=policy.leave_days,
        leave_margin=policy.leave_margin,
        levels=table(LEVEL_HEAD, level_rows(policy)),
        lies=table(LIE_HEAD, lie_rows((_FOLDER / "lies.csv").read_text(encoding="utf-8"))),
        parcels=parcels_text(example, method),
        seller=seller_text(example, method),
        by_hand=by_hand(example, method),
        known_answers=known_answers(method),
    )


def _litres(mm3: int) -> str:
    return str(Decimal(mm3) / 10**6)


def _end(value: int | None) -> str:
    return "-" if value is None else str(value)


def _round(trip: RoundDefault) -> str:
    return f"{trip.distance_m // 1000} km for {trip.parcels} parcels"


LEVEL_HEAD = (
    "level", "scores", "green", "each dimension", "complete", "measured", "packed and delivered", "days", "thin bags"
)  # fmt: skip
LIE_HEAD = ("act", "about", "points", "account", "its level", "level then", "flagged")


def _tables(method: Method) -> dict[str, str]:
    file = read_yaml(DATA / "bounds.yaml", rows.BoundsFile)
    bounds = file.bounds
    places = read_yaml(DATA / "places" / "places.yaml", rows.PlacesFile).tables
    sources = {factor.source.id: factor.source for factor in method.factors.values()}
    return {
        "rules": table(
            ("rule", "country", "in force", "forbidden", "law"),
            [
                (
                    rule.id,
                    rule.country,
                    f"{rule.valid_from} to {rule.valid_to or 'open'}",
                    f"a side below {rule.below_side_mm} mm and film below {rule.below_thickness_um} um",
                    rule.law,
                )
                for rule in method.thin_bag_rules
            ],
        ),
        "places": table(("points", "source", "licence"), [(one.content, one.source, one.licence) for one in places]),
        "materials": table(
            ("material", "primary", "closed loop", "plastic", "known", "cover", "film"),
            [
                (
                    word,
                    row.primary.id,
                    "-" if row.recycled is None else row.recycled.id,
                    row.plastic,
                    row.known,
                    Decimal(row.least_mg_per_m2) / 1000,
                    row.film,
                )
                for word, row in method.materials.items()
            ],
        ),
        "vehicles": table(
            ("vehicle", "per km", "per tonne-km", "cooling", "energy", "plausible per km", "detour"),
            vehicle_rows(method),
        ),
        "series": table(("country", "energy", "from", "factor"), series_rows(method)),
        "limits": table(
            ("vehicles", "payload kg", "round km", "parcels", "reason"),
            [
                (", ".join(row.vehicles), row.payload_kg, _end(row.round_km), _end(row.parcels), row.reason)
                for row in file.vehicles
            ],
        ),
        "certificates": table(("scheme", "id"), [(name, f"`{form}`") for name, form in method.certificates.items()]),
        "bounds": table(
            ("fact", "least", "most", "reason"),
            [(name, _end(row.least), _end(row.most), row.reason) for name, row in iter(bounds)],
        ),
        "defaults": table(("code", "meaning"), [*DEFAULT_MEANING.items(), *IMPLAUSIBLE_MEANING.items()]),
        "factors": table(FACTOR_HEAD, factor_rows(method)),
        "sources": table(
            ("source", "document", "publisher", "year", "licence", "attribution"),
            [(one.id, one.document, one.publisher, one.year, one.licence, one.attribution) for one in sources.values()],
        ),
    }
