"""The closed lists of words the method knows; contracts import them, nobody declares them twice."""

from enum import StrEnum
from typing import Literal


class Dimension(StrEnum):
    """What an assessment judges; with marketplace and parcel it is the assessment's identity."""

    PACKAGING = "packaging"
    DELIVERY = "delivery"
    RETURN = "return"
    CIRCULARITY = "circularity"


class DataCategory(StrEnum):
    """How well a figure is founded: measured by somebody else than the seller, declared, modelled, or a default.

    `primary` stands in records of method 1.0.0 alone.
    """

    MEASURED = "measured"
    DECLARED = "declared"
    MODELLED = "modelled"
    DEFAULT = "default"
    PRIMARY = "primary"


class StatedBy(StrEnum):
    """Who states a fact. An event that does not say it counts as stated by the seller."""

    SELLER = "seller"
    MARKETPLACE = "marketplace"
    CARRIER = "carrier"
    VERIFIER = "verifier"


class CertificateScheme(StrEnum):
    """Schemes whose certificates of recycled content count."""

    FSC = "fsc"
    PEFC = "pefc"
    GRS = "grs"
    RCS = "rcs"


class Grade(StrEnum):
    """Letter of a score: A from 80, B from 60, C from 45, D from 30, else E."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


DecisionKind = Literal["badge.granted", "badge.level_changed", "badge.warned", "badge.revoked"]
"""What a decision about a badge may be."""


class BadgeLevel(StrEnum):
    """Levels of the green badge, lowest first."""

    NONE = "none"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


class Material(StrEnum):
    """Packaging materials; each has a row in the material table."""

    CORRUGATED_BOARD = "corrugated_board"
    SOLID_BOARD = "solid_board"
    KRAFT_PAPER = "kraft_paper"
    PAPER = "paper"
    MIXED_PAPER = "mixed_paper"
    PAPER_TAPE = "paper_tape"
    PAPER_LABEL = "paper_label"
    PLASTIC_FILM = "plastic_film"
    LDPE_FILM = "ldpe_film"
    BUBBLE_WRAP = "bubble_wrap"
    AIR_CUSHION = "air_cushion"
    HDPE = "hdpe"
    PP = "pp"
    WOVEN_PP = "woven_pp"
    PP_TAPE = "pp_tape"
    PET = "pet"
    PVC = "pvc"
    PS_FOAM = "ps_foam"
    EPS = "eps"
    WOOD = "wood"
    ALUMINIUM = "aluminium"
    STEEL = "steel"
    GLASS = "glass"
    TEXTILE = "textile"
    UNKNOWN_PLASTIC = "unknown_plastic"
    UNKNOWN_FIBRE = "unknown_fibre"


class ComponentRole(StrEnum):
    """What a packaging component is for."""

    OUTER = "outer"
    INNER = "inner"
    FILLER = "filler"
    CUSHIONING = "cushioning"
    CLOSURE = "closure"
    LABEL = "label"
    OTHER = "other"


class OuterKind(StrEnum):
    """Kind of the outer packaging."""

    BOX = "box"
    FLEXIBLE_MAILER = "flexible_mailer"
    OWN_BOX = "own_box"


class ChainRole(StrEnum):
    """Place of a transport chain element in the chain (ISO 14083)."""

    FIRST_MILE = "first_mile"
    LINE_HAUL = "line_haul"
    LAST_MILE = "last_mile"


class Vehicle(StrEnum):
    """Vehicles and vessels; each has a row in the vehicle table. Vans without a class are of Class III."""

    MOTORBIKE_PETROL = "motorbike_petrol"
    MOTORBIKE_ELECTRIC = "motorbike_electric"
    BICYCLE = "bicycle"
    CARGO_BIKE = "cargo_bike"
    ON_FOOT = "on_foot"
    VAN_CLASS_1_DIESEL = "van_class_1_diesel"
    VAN_CLASS_1_PETROL = "van_class_1_petrol"
    VAN_CLASS_1_ELECTRIC = "van_class_1_electric"
    VAN_CLASS_2_DIESEL = "van_class_2_diesel"
    VAN_CLASS_2_PETROL = "van_class_2_petrol"
    VAN_CLASS_2_ELECTRIC = "van_class_2_electric"
    VAN_DIESEL = "van_diesel"
    VAN_PETROL = "van_petrol"
    VAN_ELECTRIC = "van_electric"
    LORRY_RIGID_TO_7_5T = "lorry_rigid_to_7_5t"
    LORRY_RIGID_TO_17T = "lorry_rigid_to_17t"
    LORRY_RIGID_OVER_17T = "lorry_rigid_over_17t"
    LORRY_RIGID = "lorry_rigid"
    LORRY_ARTICULATED_TO_33T = "lorry_articulated_to_33t"
    LORRY_ARTICULATED_OVER_33T = "lorry_articulated_over_33t"
    LORRY_ARTICULATED = "lorry_articulated"
    LORRY_AVERAGE = "lorry_average"
    TRAIN = "train"
    INLAND_VESSEL = "inland_vessel"
    CONTAINER_SHIP = "container_ship"
    AIRCRAFT_DOMESTIC = "aircraft_domestic"


class EnergyCarrier(StrEnum):
    """Carriers of declared energy; fuels are declared in litres, electricity in kWh."""

    DIESEL = "diesel"
    PETROL = "petrol"
    ELECTRICITY = "electricity"


class DistanceBasis(StrEnum):
    """How a declared distance was obtained (ISO 14083)."""

    ACTUAL = "actual"
    SHORTEST_FEASIBLE = "shortest_feasible"
    GREAT_CIRCLE = "great_circle"


class RoundDensity(StrEnum):
    """Words for a round's density: accepted as before, and without any effect since method 2.0.0."""

    DENSE = "dense"
    USUAL = "usual"
    SPARSE = "sparse"


class PlaceKind(StrEnum):
    """Where the parcel was handed over."""

    HOME = "home"
    PICKUP_POINT = "pickup_point"
    LOCKER = "locker"
    BUSINESS = "business"


class RecoveredKind(StrEnum):
    """What was taken back."""

    REUSABLE_ASSET = "reusable_asset"
    USED_PACKAGING = "used_packaging"


class DefaultUsed(StrEnum):
    """Which default stood in for an undeclared fact."""

    PACKAGING_UNDECLARED = "packaging_undeclared"
    MATERIAL_UNDECLARED = "material_undeclared"
    MASS_UNDECLARED = "mass_undeclared"
    MATERIAL_UNKNOWN = "material_unknown"
    RECYCLED_UNCERTIFIED = "recycled_uncertified"
    TRIPS_UNVERIFIED = "trips_unverified"
    FILM_THICKNESS_UNDECLARED = "film_thickness_undeclared"
    OUTER_UNDECLARED = "outer_undeclared"
    PRODUCT_VOLUME_UNDECLARED = "product_volume_undeclared"
    ORDER_SHARED_EQUALLY = "order_shared_equally"
    EMPTY_SPACE_UNDECLARED = "empty_space_undeclared"
    PLACE_UNKNOWN = "place_unknown"
    FIRST_MILE_UNDECLARED = "first_mile_undeclared"
    LINE_HAUL_UNDECLARED = "line_haul_undeclared"
    LAST_MILE_UNDECLARED = "last_mile_undeclared"
    VEHICLE_UNDECLARED = "vehicle_undeclared"
    VEHICLE_CONSUMPTION_UNKNOWN = "vehicle_consumption_unknown"
    DISTANCE_UNDECLARED = "distance_undeclared"
    ROUND_UNDECLARED = "round_undeclared"
    HUB_UNDECLARED = "hub_undeclared"


class ImplausibleFact(StrEnum):
    """Which declared fact lay outside the plausible and therefore counted as undeclared."""

    PACKAGING_MASS = "packaging_mass"
    ITEMS_VOLUME = "items_volume"
    GOODS_DENSITY = "goods_density"
    ORDER_VOLUME = "order_volume"
    FILM_THICKNESS = "film_thickness"
    CERTIFICATE = "certificate"
    VERIFIED_TRIPS = "verified_trips"
    PAYLOAD = "payload"
    ROUND = "round"
    LINE_HAUL_DISTANCE = "line_haul_distance"
    ENERGY = "energy"
    VEHICLE = "vehicle"
