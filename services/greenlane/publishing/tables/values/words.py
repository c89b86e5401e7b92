"""Words of shops for the words of the method: exact ones only; what could mean two things is left to the mapping."""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum

from greenlane.contracts.events import CorrectionReason
from greenlane.methodology.vocabulary import (
    CertificateScheme,
    ComponentRole,
    DistanceBasis,
    EnergyCarrier,
    Material,
    OuterKind,
    PlaceKind,
    StatedBy,
    Vehicle,
)
from greenlane.publishing.tables.faults import CellFault

_NAMED = 8


class Happening(StrEnum):
    """What a row says, where one column tells it; `none` is no event."""

    PACKED = "packed"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    NONE = "none"


class Flag(StrEnum):
    """Yes or no, as JSON writes it."""

    YES = "true"
    NO = "false"


_WORDS: dict[type[StrEnum], dict[str, str]] = {
    Happening: {
        "packed": "da dong goi, dong goi, packed",
        "delivered": "da giao, da giao hang, giao thanh cong, giao hang thanh cong, delivered, completed, hoan thanh",
        "returned": "da hoan, da hoan hang, da tra hang, hoan hang thanh cong, returned",
        "cancelled": "da huy, huy, don huy, cancelled, canceled",
        "none": "dang giao, dang van chuyen, cho lay hang, cho xac nhan, in transit, pending, shipping",
    },
    Material: {
        "corrugated_board": "carton, thung carton, hop carton, bia carton, carton song, cardboard, corrugated",
        "kraft_paper": "giay kraft, kraft",
        "paper": "giay",
        "bubble_wrap": "xop hoi, mang xop hoi, bong bong khi, mang bong khi, tui bong khi",
        "plastic_film": "nilon, nylon, tui nilon, tui nylon, tui nhua, mang nhua, plastic bag",
        "eps": "xop, mut xop, styrofoam",
        "pp_tape": "bang keo, bang dinh, bang keo nhua",
        "paper_tape": "bang keo giay",
        "paper_label": "tem giay, nhan giay",
        "wood": "go",
        "textile": "vai, tui vai",
        "glass": "thuy tinh",
        "aluminium": "nhom, aluminum",
        "steel": "thep",
        "unknown_plastic": "nhua, plastic",
    },
    ComponentRole: {
        "outer": "bao bi ngoai, lop ngoai, outside",
        "inner": "bao bi trong, hop trong",
        "filler": "chen, vat lieu chen, lot, filling, void fill",
        "cushioning": "chong soc, dem, cushion",
        "closure": "dong kin, bang keo, niem phong, tape",
        "label": "nhan, tem",
        "other": "khac",
    },
    OuterKind: {
        "box": "hop, thung, thung carton, hop carton, hop giay, carton",
        "flexible_mailer": "tui, tui nilon, tui niem phong, phong bi, bao thu, mailer, bag, poly mailer",
        "own_box": "hop cua nha san xuat, hop goc, hop san pham, own packaging, ships in own container",
    },
    Vehicle: {
        "motorbike_electric": "xe may dien, electric motorbike, e motorbike",
        "motorbike_petrol": "xe may xang, petrol motorbike",
        "bicycle": "xe dap",
        "cargo_bike": "xe dap cho hang",
        "on_foot": "di bo, walking",
        "train": "tau hoa, tau lua, rail",
        "container_ship": "tau container",
        "inland_vessel": "sa lan, barge",
        "aircraft_domestic": "may bay noi dia, hang khong noi dia",
    },
    EnergyCarrier: {"diesel": "dau diesel, dau do", "petrol": "xang, gasoline", "electricity": "dien, electric"},
    DistanceBasis: {"actual": "thuc te", "shortest_feasible": "ngan nhat", "great_circle": "duong chim bay"},
    PlaceKind: {
        "home": "nha, nha rieng, tan nha, residential",
        "pickup_point": "diem nhan, diem lay hang, buu cuc, diem giao nhan, pick up point, pickup",
        "locker": "tu do, tu khoa, tu giao nhan, smart locker",
        "business": "cong ty, van phong, co quan, office, kho, warehouse",
    },
    StatedBy: {
        "seller": "nguoi ban, shop, nha ban hang",
        "marketplace": "san, san thuong mai dien tu",
        "carrier": "don vi van chuyen, hang van chuyen",
        "verifier": "don vi kiem dinh, ben xac minh",
    },
    CertificateScheme: {},
    CorrectionReason: {},
    Flag: {"true": "yes, y, 1, co, dung", "false": "no, n, 0, khong, sai"},
}


def words_of(text: str) -> str:
    """A text in small letters without marks and signs, one space between words: `Thùng-carton` is thung carton."""
    marks = unicodedata.normalize("NFKD", text.casefold().replace("đ", "d"))
    return " ".join(re.findall(r"[a-z0-9]+", "".join(mark for mark in marks if not unicodedata.combining(mark))))


KNOWN: dict[type[StrEnum], dict[str, str]] = {
    kind: {words_of(word.value): word.value for word in kind}
    | {spelling.strip(): word for word, spellings in table.items() for spelling in spellings.split(",")}
    for kind, table in _WORDS.items()
}
"""Every known word by kind, as `words_of` writes it."""


def word(text: str, kind: type[StrEnum], own: Mapping[str, str]) -> str:
    """The method's word for a text; `own` are the mapping's words, by `words_of`. Raises CellFault."""
    key = words_of(text)
    found = own.get(key) or KNOWN[kind].get(key)
    if found is None:
        every = [str(word.value) for word in kind]
        options = ", ".join(every[:_NAMED]) + (", …" if len(every) > _NAMED else "")
        raise CellFault(
            "is a word that no list has",
            f"say in the mapping what it means: `words: {{{key or '…'}: …}}`, one of {options}",
        )
    return found
