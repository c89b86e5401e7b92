"""Renders the method document: the prose beside the tables, every table and factor, and the worked example computed."""

from importlib.resources import files
from string import Template

from greenlane.factors import rows
from greenlane.factors.files import DATA, read_yaml
from greenlane.methodology.explaining.explain import DEFAULT_MEANING, IMPLAUSIBLE_MEANING
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.score import PRIOR_PARCELS
from greenlane.methodology.tables import Method
from greenlane.reports.method_document.examples import by_hand, known_answers, parcels_text, seller_text
from greenlane.reports.method_document.markdown import table
from greenlane.reports.method_document.tables import FACTOR_HEAD, factor_rows, reference_rows, series_rows, vehicle_rows

_FOLDER = files("greenlane.reports.method_document")


def method_files(method: Method) -> dict[str, str]:
    """The method document and the events of its worked example, by their path below `schemas/`."""
    example = (_FOLDER / "worked-example.jsonl").read_text(encoding="utf-8")
    return {
        f"methodology/method-{METHOD_VERSION}.md": _document(method, example),
        "methodology/worked-example.jsonl": example,
    }


def _document(method: Method, example: str) -> str:
    distances, bounds = method.distances, method.bounds
    prose = Template((_FOLDER / "document.md").read_text(encoding="utf-8"))
    return prose.substitute(
        _tables(method),
        version=METHOD_VERSION,
        prior=PRIOR_PARCELS,
        undeclared_factor=method.undeclared_times,
        undeclared_round_vehicle=method.undeclared_round_vehicle,
        undeclared_line_haul_vehicle=method.undeclared_line_haul_vehicle,
        line_haul_from_km=distances.line_haul_from_m // 1000,
        unknown_km=distances.unknown_distance_m // 1000,
        reference_mass_kg=distances.reference_mass_mg // 1_000_000,
        road_factor=distances.road_numerator / distances.road_denominator,
        shortfall_km=bounds.line_haul_shortfall_m.most // 1000,
        vn_34_from=method.places.vn_34_from,
        parcels=parcels_text(example, method),
        seller=seller_text(example, method),
        by_hand=by_hand(example, method),
        known_answers=known_answers(method),
    )


def _tables(method: Method) -> dict[str, str]:
    bounds = read_yaml(DATA / "bounds.yaml", rows.BoundsFile).bounds
    places = read_yaml(DATA / "places" / "places.yaml", rows.PlacesFile).tables
    sources = {factor.source.id: factor.source for factor in method.factors.values()}
    return {
        "reference_classes": table(("product volume", "CO2e g", "plastic g", "mass g"), reference_rows(method)),
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
        "rounds": table(
            ("density", "km", "parcels"),
            [(density, trip.distance_m / 1000, trip.parcels) for density, trip in method.rounds.items()],
        ),
        "places": table(("points", "source", "licence"), [(one.content, one.source, one.licence) for one in places]),
        "materials": table(
            ("material", "primary", "closed loop", "plastic", "known"),
            [
                (word, row.primary.id, "-" if row.recycled is None else row.recycled.id, row.plastic, row.known)
                for word, row in method.materials.items()
            ],
        ),
        "vehicles": table(
            ("vehicle", "per km", "per tonne-km", "cooling", "energy", "plausible per km"), vehicle_rows(method)
        ),
        "series": table(("country", "energy", "from", "factor"), series_rows(method)),
        "bounds": table(
            ("fact", "least", "most", "reason"),
            [(name, row.least, row.most, row.reason) for name, row in iter(bounds)],
        ),
        "defaults": table(("code", "meaning"), [*DEFAULT_MEANING.items(), *IMPLAUSIBLE_MEANING.items()]),
        "factors": table(FACTOR_HEAD, factor_rows(method)),
        "sources": table(
            ("source", "document", "publisher", "year", "licence", "attribution"),
            [(one.id, one.document, one.publisher, one.year, one.licence, one.attribution) for one in sources.values()],
        ),
    }
