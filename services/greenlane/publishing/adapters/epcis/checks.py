"""Which events are EPCIS 2.0 as far as we read them: names, times and lists; what is wrong is refused by its field."""

import re
from collections.abc import Iterable

from greenlane.publishing.adapters.document import Field, PartRefused

OBJECT, AGGREGATION, ASSOCIATION = "ObjectEvent", "AggregationEvent", "AssociationEvent"
_TYPES = frozenset({OBJECT, AGGREGATION, ASSOCIATION, "TransactionEvent", "TransformationEvent"})
_ACTIONS = frozenset({"ADD", "OBSERVE", "DELETE"})
_OFFSET = re.compile(r"[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00)")
_STANDARD_NAME = re.compile(
    r"(?:https?://ref\.gs1\.org/cbv/(?:BizStep|Disp)-|urn:epcglobal:cbv:(?:bizstep|disp):)(\w+)"
)
_BIZ_STEPS = frozenset(
    [
        "accepting",
        "arriving",
        "assembling",
        "collecting",
        "commissioning",
        "consigning",
        "creating_class_instance",
        "cycle_counting",
        "decommissioning",
        "departing",
        "destroying",
        "disassembling",
        "dispensing",
        "encoding",
        "entering_exiting",
        "holding",
        "inspecting",
        "installing",
        "killing",
        "loading",
        "other",
        "packing",
        "picking",
        "receiving",
        "removing",
        "repackaging",
        "repairing",
        "replacing",
        "reserving",
        "retail_selling",
        "sampling",
        "sensor_reporting",
        "shipping",
        "staging_outbound",
        "stock_taking",
        "stocking",
        "storing",
        "transporting",
        "unloading",
        "unpacking",
        "void_shipping",
    ]
)
_DISPOSITIONS = frozenset(
    [
        "active",
        "available",
        "completeness_inferred",
        "completeness_verified",
        "conformant",
        "container_closed",
        "container_open",
        "damaged",
        "destroyed",
        "dispensed",
        "disposed",
        "encoded",
        "expired",
        "in_progress",
        "in_transit",
        "inactive",
        "mismatch_class",
        "mismatch_instance",
        "mismatch_quantity",
        "needs_replacement",
        "no_pedigree_match",
        "non_conformant",
        "non_sellable_other",
        "partially_dispensed",
        "recalled",
        "reserved",
        "retail_sold",
        "returned",
        "sellable_accessible",
        "sellable_not_accessible",
        "stolen",
        "unavailable",
        "unknown",
    ]
)
"""Words of GS1's Core Business Vocabulary 2.0."""

_LISTS = {
    OBJECT: ("epcList", "quantityList"),
    AGGREGATION: ("childEPCs", "childQuantityList"),
    ASSOCIATION: ("childEPCs", "childQuantityList"),
}
_QUANTITIES = ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList")


def event_fields(root: Field) -> list[Field]:
    """The events of a capture document, of a query's answer, or one event alone. Raises PartRefused."""
    kind = root["type"].text()
    if kind in _TYPES:
        return [root]
    if kind not in {"EPCISDocument", "EPCISQueryDocument"}:
        raise root["type"].refusal("is no EPCIS 2.0 document and no event", "send an EPCISDocument or an event")
    if root["schemaVersion"].text() not in {"2.0", "2.0.0", "2.0.1", "2.1"}:
        raise root["schemaVersion"].refusal("is no version 2", "send EPCIS 2.0 in JSON")
    body = root["epcisBody"]
    listed = body.at("queryResults", "resultsBody", "eventList") if kind == "EPCISQueryDocument" else body["eventList"]
    if not listed.entries():
        raise listed.refusal("holds no event", "send at least one")
    return listed.entries()


def check(event: Field) -> str:
    """The event's type. Raises PartRefused for what EPCIS 2.0 does not allow."""
    kind = event["type"].needed_text()
    if kind not in _TYPES:
        raise event["type"].refusal("is no event type of EPCIS 2.0", f"use one of {', '.join(sorted(_TYPES))}")
    event["eventTime"].needed_instant()
    if not _OFFSET.fullmatch(event["eventTimeZoneOffset"].needed_text()):
        raise event["eventTimeZoneOffset"].refusal("is no offset", "send an offset like +07:00")
    if kind != "TransformationEvent" and event["action"].needed_text() not in _ACTIONS:
        raise event["action"].refusal("is no action", "use ADD, OBSERVE or DELETE")
    word(event["bizStep"], _BIZ_STEPS)
    word(event["disposition"], _DISPOSITIONS)
    _check_lists(event, kind)
    _check_error(event)
    if kind == OBJECT and not event["ilmd"].absent and event["action"].value != "ADD":
        raise event["ilmd"].refusal("belongs to action ADD alone", "leave it out")
    if isinstance(event["ilmd"].value, dict) and any(":" not in name for name in event["ilmd"].value):
        raise event["ilmd"].refusal("has a field without a namespace", "write prefix:name, the prefix in @context")
    return kind


def word(field: Field, known: Iterable[str] = ()) -> str | None:
    """The word of the Core Business Vocabulary, also if it is written as a URI; "" for one of somebody's own.

    Raises PartRefused for a bare word that is none of `known`.
    """
    text = field.text()
    if text is None:
        return None
    named = _STANDARD_NAME.fullmatch(text)
    bare = named[1] if named else text
    if ":" in bare:
        return ""
    if known and bare not in known:
        raise field.refusal("is no word of the Core Business Vocabulary", "use one of its words, or a URI of your own")
    return bare


def _check_error(event: Field) -> None:
    event["eventID"].text()
    declared = event["errorDeclaration"]
    if declared.absent:
        return
    declared["declarationTime"].needed_instant()
    for name in declared["correctiveEventIDs"].entries():
        name.needed_text()


def _check_lists(event: Field, kind: str) -> None:
    lists = _LISTS.get(kind, ())
    filled = [name for name in lists if event[name].entries()]
    if kind == OBJECT:
        filled += [name for name in ("epcList", "sensorElementList") if name in event]
    if lists and not filled and not (kind != OBJECT and event["action"].value == "DELETE"):
        raise PartRefused(event.path, f"names nothing: it has neither {' nor '.join(lists)}", "name what it is about")
    if kind in {AGGREGATION, ASSOCIATION} and event["action"].value != "OBSERVE":
        event["parentID"].needed_text()
    for name in _QUANTITIES:
        for entry in event[name].entries():
            entry["epcClass"].needed_text()
            if isinstance(entry["quantity"].value, str):
                raise entry["quantity"].refusal("is text", "send a number, without quotes")
            entry["quantity"].decimal()
