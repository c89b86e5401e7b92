"""What the report says, in English and Vietnamese."""

from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.methodology.vocabulary import DefaultUsed, Dimension
from greenlane.publishing.files.plausibility import DoubtCode
from greenlane.publishing.survey.page.markup import Markup, joined, tag

LANGUAGES = ("en", "vi")

TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Report on events", "Báo cáo về sự kiện"),
    "source": ("Source", "Nguồn"),
    "made": ("Made", "Lập lúc"),
    "accepted": ("accepted", "được nhận"),
    "refused": ("refused", "bị từ chối"),
    "impossible": ("impossible", "không thể đúng"),
    "improbable": ("improbable", "đáng ngờ"),
    "sellers": ("sellers", "người bán"),
    "good": ("Every event would be accepted.", "Mọi sự kiện đều sẽ được nhận."),
    "bad": (
        "Some events would be refused. Correct them at their source and publish them again.",
        "Một số sự kiện sẽ bị từ chối. Hãy sửa tại nguồn rồi gửi lại.",
    ),
    "none": ("There is no event in it.", "Không có sự kiện nào."),
    "problems": ("Problems, the worst first", "Vấn đề, nặng nhất trước"),
    "no_problem": ("Nothing is refused and nothing is improbable.", "Không có gì bị từ chối và không có gì đáng ngờ."),
    "more_problems": (
        "Further kinds of problems: `--json` has every one.",
        "Còn các loại vấn đề khác: `--json` liệt kê tất cả.",
    ),
    "in_english": ("Details are in English.", "Phần mô tả chi tiết bằng tiếng Anh."),
    "events": ("events", "sự kiện"),
    "field": ("Field", "Trường"),
    "first": ("First", "Đầu tiên"),
    "days": ("Events by day (UTC)", "Sự kiện theo ngày (UTC)"),
    "months": ("Events by month (UTC)", "Sự kiện theo tháng (UTC)"),
    "declared": ("How often each fact is declared", "Tỷ lệ khai báo của từng dữ kiện"),
    "declared_note": (
        "Share of the events in which no default stood in for the fact. Facts that are always declared are not shown.",
        "Tỷ lệ sự kiện mà dữ kiện không bị thay bằng giá trị mặc định. Dữ kiện luôn được khai báo không hiện ở đây.",
    ),
    "all_declared": ("Everything is declared.", "Mọi dữ kiện đều đã được khai báo."),
    "gains": ("What declaring each missing fact would add", "Khai báo thêm từng dữ kiện thì được gì"),
    "gains_note": (
        (
            "Every account was scored again with the fact declared as supposed. Points: mean gain of the green score "
            "of the sellers who lack it. Grams: change over their parcels. Levels: sellers whose badge level would "
            "change."
        ),
        (
            "Mỗi tài khoản được chấm lại như thể dữ kiện đã được khai báo theo giả định. Điểm: mức tăng trung bình của "
            "điểm xanh ở những người bán còn thiếu. Gam: thay đổi trên các bưu kiện của họ. Hạng: số người bán sẽ đổi "
            "hạng huy hiệu."
        ),
    ),
    "beyond": (
        "Only the first parcels were scored again. Events that were not:",
        "Chỉ những bưu kiện đầu được chấm lại. Số sự kiện chưa chấm lại:",
    ),
    "fact": ("Fact", "Dữ kiện"),
    "parcels": ("Parcels", "Bưu kiện"),
    "points": ("Points", "Điểm"),
    "co2e": ("g CO2e", "g CO2e"),
    "plastic": ("g plastic", "g nhựa"),
    "levels": ("Levels", "Hạng"),
    "everything": ("everything at once", "tất cả cùng lúc"),
    "only_you": ("only you know what to declare", "chỉ bạn biết cần khai báo gì"),
    "supposed": ("Supposed", "Giả định"),
    "scores": ("Scores of single parcels", "Điểm của từng bưu kiện"),
    "scores_note": (
        "Each parcel by itself, without an account: parcels by ten points of their score.",
        "Từng bưu kiện riêng lẻ, không tính theo tài khoản: số bưu kiện theo từng mười điểm.",
    ),
    "implausible": ("Declared facts that counted as undeclared", "Dữ kiện đã khai báo nhưng bị coi như chưa khai báo"),
    "refused_code": ("refused", "bị từ chối"),
    "method": (
        "Figures by the scoring method of the version named here; self-declared, not certified. Method",
        "Số liệu theo phương pháp chấm điểm của phiên bản nêu ở đây; tự khai báo, không được chứng nhận. Phương pháp",
    ),
}

DIMENSIONS: dict[Dimension, tuple[str, str]] = {
    Dimension.PACKAGING: ("packaging", "bao bì"),
    Dimension.DELIVERY: ("delivery", "giao hàng"),
    Dimension.RETURN: ("return", "trả hàng"),
    Dimension.CIRCULARITY: ("circularity", "tuần hoàn"),
}

FACTS: dict[DefaultUsed, tuple[str, str]] = {
    DefaultUsed.PACKAGING_UNDECLARED: ("packaging components", "các thành phần bao bì"),
    DefaultUsed.MATERIAL_UNDECLARED: ("material of a component", "chất liệu của thành phần"),
    DefaultUsed.MASS_UNDECLARED: ("mass of a component", "khối lượng của thành phần"),
    DefaultUsed.MATERIAL_UNKNOWN: ("which plastic or fibre", "loại nhựa hoặc sợi cụ thể"),
    DefaultUsed.RECYCLED_UNCERTIFIED: ("certificate of recycled content", "chứng nhận hàm lượng tái chế"),
    DefaultUsed.TRIPS_UNVERIFIED: ("verified trips of a reusable asset", "số lượt dùng lại đã xác minh"),
    DefaultUsed.FILM_THICKNESS_UNDECLARED: ("thickness of a film", "độ dày màng nhựa"),
    DefaultUsed.OUTER_UNDECLARED: ("sides of the outer packaging", "kích thước bao bì ngoài"),
    DefaultUsed.PRODUCT_VOLUME_UNDECLARED: ("size of the goods, by others", "kích thước hàng do bên khác nêu"),
    DefaultUsed.ORDER_SHARED_EQUALLY: ("volumes of a split order", "thể tích của đơn bị tách"),
    DefaultUsed.EMPTY_SPACE_UNDECLARED: ("empty space, by others", "khoảng trống do bên khác nêu"),
    DefaultUsed.PLACE_UNKNOWN: ("known code of a place", "mã địa điểm có trong bảng"),
    DefaultUsed.FIRST_MILE_UNDECLARED: ("first mile", "chặng lấy hàng"),
    DefaultUsed.LINE_HAUL_UNDECLARED: ("line-haul", "chặng đường trục"),
    DefaultUsed.LAST_MILE_UNDECLARED: ("last mile", "chặng giao cuối"),
    DefaultUsed.VEHICLE_UNDECLARED: ("vehicle", "phương tiện"),
    DefaultUsed.VEHICLE_CONSUMPTION_UNKNOWN: ("energy of the vehicle's round", "năng lượng của chuyến xe"),
    DefaultUsed.DISTANCE_UNDECLARED: ("distance of the line-haul", "quãng đường chặng trục"),
    DefaultUsed.ROUND_UNDECLARED: ("length and parcels of the round", "độ dài và số kiện của chuyến"),
    DefaultUsed.HUB_UNDECLARED: ("CO2e of hubs, by the carrier", "CO2e của kho trung chuyển do hãng nêu"),
}
"""A short name for what each default stood in for."""

_NOT_WRITTEN = ("written by a service", "do dịch vụ ghi")
CODES: dict[str, tuple[str, str]] = {
    DeadLetterCode.NULL_VALUE: ("no event, a null value", "không có sự kiện, giá trị null"),
    DeadLetterCode.TOO_LARGE: ("event too large", "sự kiện quá lớn"),
    DeadLetterCode.NOT_UTF8: ("not UTF-8", "không phải UTF-8"),
    DeadLetterCode.NOT_JSON: ("not JSON", "không phải JSON"),
    DeadLetterCode.TOO_DEEP: ("nested too deep", "lồng nhau quá sâu"),
    DeadLetterCode.NOT_A_CLOUD_EVENT: ("envelope is wrong", "phong bì CloudEvent sai"),
    DeadLetterCode.UNKNOWN_TYPE: ("unknown type of event", "loại sự kiện không xác định"),
    DeadLetterCode.SCHEMA_VIOLATION: ("field breaks the contract", "trường dữ liệu trái hợp đồng"),
    DeadLetterCode.NAIVE_TIME: ("time without an offset", "thời gian thiếu múi giờ"),
    DeadLetterCode.FUTURE_TIME: ("time in the future", "thời gian ở tương lai"),
    DeadLetterCode.SOURCE_MISMATCH: ("source of another marketplace", "nguồn của sàn khác"),
    DeadLetterCode.KEY_MISMATCH: ("key is not the seller", "khóa không phải người bán"),
    DeadLetterCode.DAY_NOT_OVER: _NOT_WRITTEN,
    DeadLetterCode.UNKNOWN_MARKETPLACE: _NOT_WRITTEN,
    DeadLetterCode.OTHER_RULES: _NOT_WRITTEN,
    DeadLetterCode.UNREADABLE_BATCH: ("batch cannot be read", "không đọc được lô bản ghi"),
    DeadLetterCode.OUTPUT_TOO_LARGE: _NOT_WRITTEN,
    DeadLetterCode.UNEXPECTED_ERROR: _NOT_WRITTEN,
    DeadLetterCode.SKIPPED: _NOT_WRITTEN,
    DoubtCode.UNKNOWN_PLACE: ("place that no table has", "địa điểm không có trong bảng"),
    DoubtCode.DENSITY: ("improbable density", "tỷ trọng đáng ngờ"),
    DoubtCode.MASS: ("improbable mass", "khối lượng đáng ngờ"),
    DoubtCode.SIDE: ("improbable side", "cạnh đáng ngờ"),
    DoubtCode.PACKAGING_MASS: ("improbable mass of packaging", "khối lượng bao bì đáng ngờ"),
    DoubtCode.COUNTED_AS_UNDECLARED: ("counted as undeclared", "bị coi như chưa khai báo"),
    DoubtCode.MEDIAN: ("improbable median of all", "trung vị chung đáng ngờ"),
    DoubtCode.SAME_VERSION: ("two events of one revision", "hai sự kiện cùng một phiên bản"),
    DoubtCode.SAME_ID: ("one id for two events", "một mã cho hai sự kiện"),
}
"""A short title of every reason and doubt."""


def both(pair: tuple[str, str], element: str = "span") -> Markup:
    """A text in both languages; the page shows one of them."""
    return joined(*(tag(element, text, lang=language) for language, text in zip(LANGUAGES, pair, strict=True)))


def say(name: str, element: str = "span") -> Markup:
    """One of the report's own texts in both languages."""
    return both(TEXTS[name], element)


def fact_name(default: DefaultUsed | None) -> tuple[str, str]:
    """The short name of a fact, or of all of them."""
    return TEXTS["everything"] if default is None else FACTS[default]


def place_pair(place: str) -> tuple[str, str]:
    """A place in words, as `where` says it in English, in both languages."""
    vietnamese = place
    for english, word in _PLACES:
        vietnamese = vietnamese.replace(english, word)
    return place, vietnamese


_PLACES = (
    ("the file", "cả tệp"), ("the topic", "cả topic"), ("line ", "dòng "), ("partition ", "phân vùng "),
    ("offset ", "vị trí "),
)  # fmt: skip
