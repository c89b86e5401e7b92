"""What an average parcel carrying the same product volume uses: the yardstick of a parcel's packaging."""

from greenlane.methodology.assessment import Notes, Step
from greenlane.methodology.facts import Order
from greenlane.methodology.parcel.words import SELLER
from greenlane.methodology.rounding import surface_scale
from greenlane.methodology.tables import AveragePackaging, Method, PackagingReference
from greenlane.methodology.vocabulary import DefaultUsed, ImplausibleFact


def packaging_reference(product_mm3: int, order: Order | None, method: Method, notes: Notes) -> AveragePackaging:
    """The reference of a product volume, at least the smallest one; of a split order, the parcel's share.

    `product_mm3` is 0 unless somebody else than the seller states it.
    """
    table = method.packaging
    reference = table.least if product_mm3 <= table.least_mm3 else _of_volume(product_mm3, table)
    text = f"{product_mm3} mm³ of product" if product_mm3 > table.least_mm3 else f"at least {table.least_mm3} mm³"
    if order is not None and order.parcels > 1 and order.stated_by is not SELLER:
        reference, text = _share_of_order(product_mm3, order, reference, table, notes)
    notes.factors.extend(table.ids)
    if notes.steps is not None:
        notes.steps.append(Step("reference CO2e", text, reference.co2e_mg, "mg", table.ids))
        notes.steps.append(Step("reference plastic", text, reference.plastic_mg, "mg"))
        notes.steps.append(Step("reference mass", text, reference.mass_mg, "mg"))
    return reference


def _of_volume(volume_mm3: int, table: PackagingReference) -> AveragePackaging:
    """Base x (volume / base volume)^(2/3): packaging follows surface."""
    return table.base.times(surface_scale(volume_mm3, table.base_mm3))


def _share_of_order(
    product_mm3: int, order: Order, alone: AveragePackaging, table: PackagingReference, notes: Notes
) -> tuple[AveragePackaging, str]:
    """The parcel's share of the whole order's reference, by product volume, and why.

    Rounded down and never above what the parcel would have alone, nor below an equal share of the smallest
    reference, which it has without both volumes. So no silence gives it more, and all shares together exceed the
    reference of the order in one parcel by the smallest reference at most.
    """
    whole_mm3 = order.product_mm3
    if whole_mm3 is not None and whole_mm3 < product_mm3:
        notes.implausible.append(ImplausibleFact.ORDER_VOLUME)
        whole_mm3 = None
    if not product_mm3 or whole_mm3 is None:
        notes.defaults.append(DefaultUsed.ORDER_SHARED_EQUALLY)
        shared, part, whole = table.least, 1, order.parcels
        text = f"1 / {order.parcels} of the smallest reference: the order was split"
    else:
        counted = max(whole_mm3, table.least_mm3)
        shared, part, whole = _of_volume(counted, table), product_mm3, whole_mm3
        text = f"{product_mm3} / {whole_mm3} mm³ of the order's reference, at most what the parcel has alone"
        text += f", at least 1 / {order.parcels} of the smallest"
    figures = zip(alone, shared, table.least, strict=True)
    return AveragePackaging(
        *(max(1, least // order.parcels, min(own, figure * part // whole)) for own, figure, least in figures)
    ), text
