"""What an average parcel carrying the same product volume uses: the yardstick of a parcel's packaging."""

from greenlane.methodology.assessment import Notes, Step
from greenlane.methodology.facts import Order
from greenlane.methodology.tables import Method, PackagingClass
from greenlane.methodology.vocabulary import DefaultUsed, ImplausibleFact


def packaging_reference(product_mm3: int, order: Order | None, method: Method, notes: Notes) -> PackagingClass:
    """The class of the product volume, the smallest when it is undeclared; of a split order, the parcel's share."""
    reference, volume = _class_of(product_mm3, method), ""
    if order is not None and order.parcels > 1:
        reference, volume = _share_of_order(product_mm3, order, reference, method, notes)
    notes.factors.extend(method.reference_ids)
    if notes.steps is not None:
        alone = f"{product_mm3} mm³ of product" if product_mm3 else "product volume undeclared: smallest class"
        volume = volume or alone
        notes.steps.append(Step("reference CO2e", volume, reference.co2e_mg, "mg", method.reference_ids))
        notes.steps.append(Step("reference plastic", volume, reference.plastic_mg, "mg"))
        notes.steps.append(Step("reference mass", volume, reference.mass_mg, "mg"))
    return reference


def _class_of(product_mm3: int, method: Method) -> PackagingClass:
    for candidate in method.reference_classes:
        if candidate.up_to_mm3 is None or product_mm3 <= candidate.up_to_mm3:
            break
    return candidate


def _share_of_order(
    product_mm3: int, order: Order, alone: PackagingClass, method: Method, notes: Notes
) -> tuple[PackagingClass, str]:
    """The parcel's share of the whole order's reference, by product volume, and why.

    Rounded down and never above what the parcel would have alone, so that all shares together never exceed the
    reference of the order in one parcel, and overstating the order's volume gains nothing. Without both volumes: an
    equal share of the smallest class.
    """
    whole_mm3 = order.product_mm3
    if whole_mm3 is not None and whole_mm3 < product_mm3:
        notes.implausible.append(ImplausibleFact.ORDER_VOLUME)
        whole_mm3 = None
    if not product_mm3 or whole_mm3 is None:
        notes.defaults.append(DefaultUsed.ORDER_SHARED_EQUALLY)
        shared, part, whole = method.reference_classes[0], 1, order.parcels
        text = f"1 / {order.parcels} of the smallest class: the order was split"
    else:
        shared, part, whole = _class_of(whole_mm3, method), product_mm3, whole_mm3
        text = f"{product_mm3} / {whole_mm3} mm³ of the order's reference, at most what the parcel has alone"
    figures = (max(1, min(own, figure * part // whole)) for own, figure in zip(alone[1:], shared[1:], strict=True))
    return PackagingClass(alone.up_to_mm3, *figures), text
