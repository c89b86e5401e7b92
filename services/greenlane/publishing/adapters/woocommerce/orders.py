"""WooCommerce knows no parcels: a completed order is one, packed at its completion; nothing tells of its arrival."""

from datetime import datetime

from greenlane.contracts.events import ParcelPacked
from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.conversion import Conversion, Draft
from greenlane.publishing.adapters.document import PartRefused
from greenlane.publishing.adapters.facts import line_item, packed
from greenlane.publishing.adapters.versions import revision

_NOT_SENT = frozenset({"pending", "processing", "on-hold", "checkout-draft", "auto-draft"})
_NEVER_SENT = frozenset({"cancelled", "failed", "trash"})
"""From each of these an order may still be paid and completed, so it cancels no parcel."""

_SENT = frozenset({"completed", "refunded"})
_TRACKING = "_wc_shipment_tracking_items"
"""The key of `meta_data` by which the shop's tracking extension lists parcels."""

_PRODUCTS = ("sku", "variation_id", "product_id")
_REQUIRED = ("id", "status", "date_created_gmt", "date_modified_gmt", "line_items")


def convert(draft: Draft, stated_by: StatedBy) -> Conversion:
    """The event of an order."""
    with draft.refusing():
        _Order(draft, stated_by).event()
    return draft.done()


class _Order:
    def __init__(self, draft: Draft, stated_by: StatedBy) -> None:
        self._draft = draft
        self._root = draft.root
        self._stated_by = stated_by

    def event(self) -> None:
        """What the order's status says. Raises PartRefused."""
        missing = [name for name in _REQUIRED if name not in self._root]
        if missing:
            raise PartRefused("", f"is no WooCommerce order: it lacks {', '.join(missing)}", "send the full order")
        status = self._root["status"].needed_text()
        if not self._root["date_completed_gmt"].absent:
            self._check_one_parcel()
            self._draft.attempt(self._root, self._packed)
        elif status in _NEVER_SENT:
            raise self._root["status"].refusal("says that nothing was sent", "leave it out; there is no parcel")
        elif status in _NOT_SENT:
            raise self._root["status"].refusal("says that nothing was sent yet", "send the order once it is completed")
        elif status in _SENT:
            raise self._root["date_completed_gmt"].refusal("is missing, so the time of packing is unknown", "send it")
        else:
            raise self._root["status"].refusal("is a status of the shop's own", "send the order once it is completed")

    def _packed(self) -> tuple[ParcelPacked, datetime]:
        moment = self._root["date_completed_gmt"].needed_utc_instant()
        sender, lines = self._draft.sender, self._root["line_items"].entries()
        items = [line_item(sender, self._stated_by, line, _PRODUCTS) for line in lines]
        version = revision(
            self._root["date_created_gmt"].needed_utc_instant(), self._root["date_modified_gmt"].utc_instant()
        )
        return packed(self._root, sender, self._root["id"].identifier(), items, version), moment

    def _check_one_parcel(self) -> None:
        for entry in self._root["meta_data"].entries():
            tracked = entry["value"].value if entry["key"].value == _TRACKING else None
            if isinstance(tracked, list) and len(tracked) > 1:
                raise entry["value"].refusal(
                    "names several parcels, and not which goods are in which", "publish them by another road"
                )
