"""Which iLEAP document it is: a footprint, wrapped as PACT has it or bare, or activities, or one without a parcel."""

from datetime import UTC, datetime

from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.conversion import Conversion, Draft
from greenlane.publishing.adapters.document import Field
from greenlane.publishing.adapters.ileap.activities import Activities
from greenlane.publishing.adapters.ileap.footprints import Footprint
from greenlane.publishing.adapters.versions import CARRIERS_REVISION, GREATEST_REVISION

_SCHEMAS = {"shipment-footprint.json", "tad.json", "hoc.json", "toc.json"}
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
_HOUR_SECONDS = 3600


def convert(draft: Draft, stated_by: StatedBy) -> Conversion:
    """The deliveries that a carrier's document tells of."""
    with draft.refusing():
        _convert(draft, stated_by)
    return draft.done()


def _convert(draft: Draft, stated_by: StatedBy) -> None:
    root = draft.root
    if not root["extensions"].absent:
        _extensions(draft, stated_by)
    elif "tces" in root:
        Footprint(draft, stated_by, root, lambda: CARRIERS_REVISION).event()
    elif "activityId" in root:
        Activities(draft, stated_by, [root]).events()
    elif "data" in root:
        Activities(draft, stated_by, root["data"].entries()).events()
    else:
        _without_parcel(root)


def _extensions(draft: Draft, stated_by: StatedBy) -> None:
    root = draft.root
    if root["status"].text() == "Deprecated":
        raise root["status"].refusal("is Deprecated: another footprint replaces it", "send that one")
    found = [(_schema(entry), entry["data"]) for entry in root["extensions"].entries()]
    if not any(schema in _SCHEMAS for schema, _ in found):
        raise root["extensions"].refusal("holds no extension of iLEAP", "send a ShipmentFootprint or TAD")
    activities = [data for schema, data in found if schema == "tad.json"]
    for schema, data in found:
        if schema == "shipment-footprint.json":
            Footprint(draft, stated_by, data, lambda: _issued(root)).event()
        elif schema in _SCHEMAS and schema != "tad.json":
            _without_parcel(data)
    if activities:
        Activities(draft, stated_by, activities, lambda: _issued(root)).events()


def _schema(entry: Field) -> str:
    return (entry["dataSchema"].text() or "").rpartition("/")[2]


def _without_parcel(found: Field) -> None:
    """Raises PartRefused: a category of hubs or transports has an intensity and tells of no parcel."""
    for name, kind in (("hocId", "hub operation category (HOC)"), ("tocId", "transport operation category (TOC)")):
        if name in found:
            raise found.refusal(
                f"is a {kind}: it tells of no parcel", "send the ShipmentFootprint or TAD, and the category in --known"
            )
    raise found.refusal("is no ShipmentFootprint and no TAD", "send one, alone or in its PACT footprint")


def _issued(root: Field) -> int:
    """The revision of a footprint: the hours from 2020 to its last issue count, so that a later one wins."""
    issued = root["updated"].instant() or root["created"].needed_instant()
    hours = int((issued - _BEGINNING).total_seconds()) // _HOUR_SECONDS
    return min(GREATEST_REVISION, CARRIERS_REVISION + max(0, hours))
