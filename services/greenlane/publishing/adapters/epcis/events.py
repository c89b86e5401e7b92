"""EPCIS events as events of parcels: a parcel is an SSCC, a reusable asset a GRAI, goods are GTINs."""

from collections import defaultdict
from datetime import datetime
from functools import partial

from greenlane.contracts.events import (
    ItemLine,
    PackagingComponent,
    PackagingRecovered,
    ParcelCancelled,
    ParcelDelivered,
    ParcelPacked,
    ParcelReturned,
    ReusableAsset,
)
from greenlane.methodology.vocabulary import ComponentRole, RecoveredKind, StatedBy
from greenlane.publishing.adapters.conversion import Conversion, Draft
from greenlane.publishing.adapters.document import Field, PartRefused
from greenlane.publishing.adapters.epcis.checks import AGGREGATION, ASSOCIATION, OBJECT, check, event_fields, word
from greenlane.publishing.adapters.epcis.corrections import Corrections
from greenlane.publishing.adapters.epcis.keys import GRAI, GTIN, SSCC, Key, key_of
from greenlane.publishing.adapters.facts import GRAMS, Journey, item, packed, weaker
from greenlane.publishing.adapters.versions import corrected

_Body = ParcelPacked | ParcelDelivered | ParcelReturned | PackagingRecovered | ParcelCancelled
_PIECES = frozenset({None, "EA", "C62", "H87"})
_ARRIVALS = frozenset({"receiving", "accepting"})
_MOST_ASSETS = 10
_TAKEN_BACK = frozenset({"collecting", "receiving", "accepting"})


def convert(draft: Draft, stated_by: StatedBy) -> Conversion:
    """The events of an EPCIS document, or of one EPCIS event."""
    fields: list[Field] = []
    with draft.refusing():
        fields = event_fields(draft.root)
    sound: list[tuple[Field, str]] = []
    for field in fields:
        with draft.refusing():
            sound.append((field, check(field)))
    _Document(draft, stated_by, sound).events()
    return draft.done()


class _Document:
    """The sound events of a document, read together: what packs a parcel, and what is associated with it."""

    def __init__(self, draft: Draft, stated_by: StatedBy, sound: list[tuple[Field, str]]) -> None:
        self._draft = draft
        self._sender = draft.sender
        self._stated_by = stated_by
        self._sound = sound
        self._corrections = Corrections([field for field, _ in sound])
        self._assets: dict[str, dict[str, tuple[Field, Field, ComponentRole, Key]]] = defaultdict(dict)
        self._taken_back: dict[str, set[str]] = defaultdict(set)
        right = [(field, kind) for field, kind in sound if not self._corrections.is_erroneous(field)]
        self._packings = {parcel for field, kind in right if _packs(field, kind) for parcel in _parcels(field, kind)}
        self._arrivals = {parcel for field, kind in right if _arrives(field, kind) for parcel in _parcels(field, kind)}

    def events(self) -> None:
        """Everything that the events say."""
        wanted = []
        for field, kind in self._sound:
            with self._draft.refusing():
                associates = kind == ASSOCIATION and field["action"].value == "ADD"
                if self._corrections.is_erroneous(field):
                    for _, parcel, _, _ in self._pairs(field) if associates else ():
                        self._taken_back[self._sender.known.parcel_of(parcel.id)].add(field.path)
                    self._draft.attempt(field, partial(self._retracted, field, kind))
                elif not (associates and self._associated(field)):
                    wanted.append((field, kind))
        for field, kind in wanted:
            self._draft.attempt(field, partial(self._made, field, kind))

    def _made(self, field: Field, kind: str) -> tuple[_Body, datetime]:
        step = word(field["bizStep"])
        moment = field["eventTime"].needed_instant()
        for name in ("type", "action"):
            field[name].text()
        if _packs(field, kind):
            return self._packed(field), moment
        if kind == ASSOCIATION and field["action"].value == "DELETE" and step in _TAKEN_BACK:
            return self._recovered(field), moment
        if kind == OBJECT and step == "void_shipping":
            return ParcelCancelled(parcel_id=self._parcel(field, kind)), moment
        if _arrives(field, kind):
            return self._arrived(field, kind), moment
        named = f"of bizStep {step}" if step else "of no standard bizStep"
        raise PartRefused(
            field.path,
            f"{kind} {named} and action {field['action'].value or 'none'} says nothing that our events carry",
            "leave it out, or publish what it means yourself",
        )

    def _retracted(self, field: Field, kind: str) -> tuple[ParcelCancelled, datetime] | None:
        """What a declared error takes back: nothing if the document says right what it said wrong of the same parcel.

        Raises PartRefused.
        """
        if self._corrections.is_corrected(field) and not self._is_gone(field, kind):
            return None
        if not _packs(field, kind):
            raise field["errorDeclaration"].refusal(
                "takes back an event that is no packing; our events take back a whole parcel only",
                "send the corrective event in the same document, or cancel the parcel yourself",
            )
        for name in ("type", "action", "bizStep"):
            field[name].text()
        return ParcelCancelled(parcel_id=self._parent(field)), field.at(
            "errorDeclaration", "declarationTime"
        ).needed_instant()

    def _is_gone(self, field: Field, kind: str) -> bool:
        """Whether a corrected error was about a parcel of which no event says the like. Raises PartRefused."""
        self._corrections.revision(field)  # refuses what corrects itself in a circle: nothing stands in its stead
        if _packs(field, kind):
            return not _parcels(field, kind) <= self._packings
        return _arrives(field, kind) and not _parcels(field, kind) <= self._arrivals

    def _packed(self, field: Field) -> ParcelPacked:
        parcel_id = self._parent(field)
        version = self._corrections.revision(field) + len(self._corrected_assets(parcel_id))
        body = packed(field, self._sender, parcel_id, self._items(field), version)
        parts = [self._component(*found) for found in self._assets[parcel_id].values()]
        return ParcelPacked.model_validate({**dict(body), "components": tuple(parts)}) if parts else body

    def _corrected_assets(self, parcel_id: str) -> set[str]:
        """The associations that were declared errors and were of this parcel, or led to one of its assets."""
        associations = [association for association, *_ in self._assets[parcel_id].values()]
        return self._taken_back[parcel_id].union(*map(self._corrections.behind, associations))

    def _component(self, field: Field, child: Field, role: ComponentRole, asset: Key) -> PackagingComponent:
        """A reusable asset as packaging; what it is made of is not said. The weaker word for it and its mass counts."""
        for part in (field["type"], field["action"], field["parentID"], child):
            part.text()
        known = self._sender.known.products.get(asset.kind_id)
        mass_g = None if known is None else known.mass_g
        mass_by = self._stated_by if known is None or mass_g is None else known.stated_by
        return PackagingComponent(
            role=role,
            mass_g=mass_g,
            reusable_asset=ReusableAsset(asset_id=asset.id),
            stated_by=weaker(self._stated_by, mass_by),
        )

    def _associated(self, field: Field) -> bool:
        """Whether the association is one of a parcel with a reusable asset, which its packed event then carries.

        Raises PartRefused for an asset of a parcel that is packed in another document.
        """
        pairs = self._pairs(field)
        for child, parcel, role, asset in pairs:
            parcel_id = self._sender.known.parcel_of(parcel.id)
            if parcel.id not in self._packings:
                raise PartRefused(
                    field.path,
                    "associates a reusable asset with a parcel whose packing is not in this document",
                    "send the AggregationEvent of bizStep packing in the same document",
                )
            assets = self._assets[parcel_id]
            if len(assets) == _MOST_ASSETS and asset.id not in assets:
                raise PartRefused(field.path, f"is asset {_MOST_ASSETS + 1} of one parcel", "a parcel has fewer")
            assets.setdefault(asset.id, (field, child, role, asset))
        return bool(pairs)

    @staticmethod
    def _pairs(field: Field) -> list[tuple[Field, Key, ComponentRole, Key]]:
        """The child, the parcel, what the asset is to it, and the asset; none if it associates anything else."""
        parent = key_of(field["parentID"].needed_text())
        children = [(child, key_of(child.needed_text())) for child in field["childEPCs"].entries()]
        pairs: list[tuple[Field, Key, ComponentRole, Key]] = []
        if parent is not None and parent.scheme == GRAI:
            pairs = [(at, key, ComponentRole.OUTER, parent) for at, key in children if key and key.scheme == SSCC]
        elif parent is not None and parent.scheme == SSCC:
            pairs = [(at, parent, ComponentRole.OTHER, key) for at, key in children if key and key.scheme == GRAI]
        return pairs

    def _recovered(self, field: Field) -> PackagingRecovered:
        parent = key_of(field["parentID"].needed_text())
        children = [key_of(child.needed_text()) for child in field["childEPCs"].entries()]
        keys = [key for key in (parent, *children) if key is not None]
        parcels = [key for key in keys if key.scheme == SSCC]
        assets = [key for key in keys if key.scheme == GRAI]
        if len(parcels) != 1 or len(assets) != 1:
            raise PartRefused(
                field.path,
                "takes an association back that is not of one parcel (SSCC) and one reusable asset (GRAI)",
                "send one event for each asset and the parcel that it carried",
            )
        known = self._sender.known.products.get(assets[0].kind_id)
        if known is None or known.mass_g is None:
            raise PartRefused(
                field.path,
                "a recovery needs the asset's mass, which EPCIS does not say",
                "state it in --known under products and the asset's type (14 digits of the GRAI)",
            )
        version = self._corrections.revision(field)
        return PackagingRecovered(
            parcel_id=self._sender.known.parcel_of(parcels[0].id),
            revision=version,
            correction_reason=corrected(version),
            kind=RecoveredKind.REUSABLE_ASSET,
            mass_g=known.mass_g,
            asset_id=assets[0].id,
        )

    def _arrived(self, field: Field, kind: str) -> ParcelDelivered | ParcelReturned:
        journey = Journey(self._sender, self._parcel(field, kind))
        version = self._corrections.revision(field)
        back = word(field["disposition"]) == "returned"
        return journey.returned(field, version) if back else journey.delivered(field, version)

    def _parcel(self, field: Field, kind: str) -> str:
        """The one parcel that the event is about. Raises PartRefused."""
        if kind == AGGREGATION:
            return self._parent(field)
        keys = [key_of(entry.needed_text()) for entry in field["epcList"].entries()]
        parcels = [key.id for key in keys if key is not None and key.scheme == SSCC]
        if len(parcels) != 1:
            raise PartRefused(
                field.path, "is not about one parcel (SSCC)", "send one event for each parcel, with its SSCC"
            )
        return self._sender.known.parcel_of(parcels[0])

    def _parent(self, field: Field) -> str:
        """The parcel that holds the children. Raises PartRefused."""
        key = key_of(field["parentID"].needed_text())
        if key is None or key.scheme != SSCC:
            raise field["parentID"].refusal("is no parcel: it is no SSCC", "name the parcel by its SSCC")
        return self._sender.known.parcel_of(key.id)

    def _items(self, field: Field) -> list[ItemLine]:
        """The goods in the parcel: instances by product, then classes with their quantity."""
        pieces: dict[str, int] = defaultdict(int)
        for child in field["childEPCs"].entries():
            key = key_of(child.needed_text())
            if key is None or key.scheme != GTIN:
                raise child.refusal("is no product: it is no GTIN", "name goods by GTIN, assets in an AssociationEvent")
            pieces[key.kind_id] += 1
        lines = [item(self._sender, self._stated_by, product, count) for product, count in pieces.items()]
        return lines + [self._line(entry) for entry in field["childQuantityList"].entries()]

    def _line(self, entry: Field) -> ItemLine:
        key = key_of(entry["epcClass"].needed_text())
        if key is None or key.scheme != GTIN:
            raise entry["epcClass"].refusal("is no product: it is no GTIN", "name goods by GTIN")
        unit = entry["uom"].text()
        if unit in _PIECES:
            return item(self._sender, self._stated_by, key.kind_id, entry["quantity"].count())
        amount = entry["quantity"].decimal()
        mass = None if amount is None or unit not in GRAMS else float(amount * GRAMS[unit])
        return ItemLine(mass_g=mass, stated_by=self._stated_by)


def _packs(field: Field, kind: str) -> bool:
    return kind == AGGREGATION and field["action"].value == "ADD" and word(field["bizStep"]) == "packing"


def _arrives(field: Field, kind: str) -> bool:
    return kind in {OBJECT, AGGREGATION} and field["action"].value != "DELETE" and word(field["bizStep"]) in _ARRIVALS


def _parcels(field: Field, kind: str) -> set[str]:
    """The parcels that an event is about, whatever else it names."""
    named = [field["parentID"]] if kind == AGGREGATION else field["epcList"].entries()
    keys = [key_of(entry.value) for entry in named if isinstance(entry.value, str)]
    return {key.id for key in keys if key is not None and key.scheme == SSCC}
