"""The worked example and the known answers of the method document, computed by the very functions that score."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from greenlane.contracts.declarations import ScoredEvent, declaration_of
from greenlane.contracts.events import CancelledEvent
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.methodology.explaining.account_explanation import AccountExplanation, explain_account
from greenlane.methodology.explaining.account_text import account_text
from greenlane.methodology.explaining.explain import explain, explanation_text
from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.seller.score import blended_ratio
from greenlane.methodology.tables import Method
from greenlane.reports.method_document.markdown import table

_READ_AT = datetime(2026, 11, 1, tzinfo=UTC)


def _events(example: str) -> Iterator[ScoredEvent]:
    for line in example.splitlines():
        event = read_document(line.encode(), _READ_AT)
        assert not isinstance(event, CancelledEvent), "a cancellation explains nothing"
        yield event


def _declarations(example: str) -> list[Declaration]:
    return [declaration_of(event) for event in _events(example)]


def parcels_text(example: str, method: Method) -> str:
    """Each event's assessment, step by step."""
    texts = (f"{one.parcel_id}: {explanation_text(explain(one, method))}" for one in _declarations(example))
    return "\n\n".join(f"```text\n{_without_factors(text)}\n```" for text in texts)


def _without_factors(text: str) -> str:
    """The explanation without its factors, which the document lists once."""
    blocks = text.split("\n\n")
    return "\n\n".join(block for block in blocks if not block.startswith("Factors\n"))


def seller_text(example: str, method: Method) -> str:
    """The account of the worked example: its sums, its arithmetic, and its CO2e by factor."""
    text = _without_factors(account_text(_account(example, method))).partition("\n\nDefaults used")[0]
    return f"```text\n{text}\n```"


def _account(example: str, method: Method) -> AccountExplanation:
    return explain_account(_declarations(example), method)


def by_hand(example: str, method: Method) -> str:
    """The same score in single steps, each a line that a pocket calculator can follow."""
    account = _account(example, method)
    arithmetic = account.arithmetic
    packaging, delivery = f"{arithmetic.packaging:.4f}", f"{arithmetic.delivery:.4f}"
    green = f"green = 0.5 x {packaging} + 0.5 x {delivery} = {arithmetic.green:.4f}"
    steps = (
        *_packaging_steps(account),
        *_delivery_steps(account),
        f"{green}, hence **{arithmetic.score}**, grade {arithmetic.grade}",
    )
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))


def _packaging_steps(account: AccountExplanation) -> Iterator[str]:
    sums, prior = account.totals.packaging, account.arithmetic.prior_parcels
    co2e, plastic, empty, circular, _ = account.arithmetic.lines
    yield _ratio_step("packaging CO2e", sums.co2e_ratio, sums.parcels, prior)
    yield _points_step(co2e.points)
    yield _ratio_step("plastic", sums.plastic_ratio, sums.parcels, prior)
    yield _points_step(plastic.points)
    parcels = f"({sums.parcels} + {prior})"
    yield f"E = {sums.empty_space_milli} / 1000 / {parcels} = {empty.points:.4f}"
    yield f"C = {sums.circular_milli} / 1000 / {parcels} = {circular.points:.4f}"
    parts = f"0.40 x {co2e.points:.4f} + 0.30 x {plastic.points:.4f}"
    parts += f" + 0.15 x {empty.points:.4f} + 0.15 x {circular.points:.4f}"
    yield f"packaging = {parts} = {account.arithmetic.packaging:.4f}"


def _delivery_steps(account: AccountExplanation) -> Iterator[str]:
    sums, returned = account.totals.delivery, account.totals.returns.ratio
    ratio = sums.ratio + returned
    yield f"delivery: {sums.ratio} + {returned} = {ratio} millionths delivered and returned"
    yield _ratio_step("delivery", ratio, sums.parcels, account.arithmetic.prior_parcels)
    yield _points_step(account.arithmetic.delivery)


def _ratio_step(name: str, ratio: int, parcels: int, prior: int) -> str:
    mean = float(blended_ratio(ratio, parcels, prior))
    return f"{name}: r = ({ratio} / 1000000 + {prior}) / ({parcels} + {prior}) = {mean:.6f}"


def _points_step(points: Decimal) -> str:
    return f"S = 50 - 25 x log2(r), within 0 and 100 = {points:.4f}"


def known_answers(method: Method) -> str:
    """Figures that everybody who implements the method must find again."""
    value = {identifier: factor.value for identifier, factor in method.factors.items()}
    board, film = value["pk.board.primary"] * 87, value["pk.film.primary"] * 79
    town, electric = method.delivery.town, value["grid.vn.y2023.plug"]
    motorbike = value["moto.small.wtw.km"] * town.distance_m / town.parcels
    lorry, air = value["hgv.artic.all.wtw.tkm"] * 569, value["air.domestic.no_rf.tkm"] * 569
    return table(
        ("what", "formula", "g CO2e"),
        [
            ("average Vietnamese parcel", "87 g board + 79 g film", f"{board + film:.3f}"),
            ("usual petrol-motorbike round of a town", "44 km / 100 parcels", f"{motorbike:.3f}"),
            ("usual electric round, declared", "60 km x 0.03 kWh / 100 parcels", f"{electric * 1800 / 100:.3f}"),
            ("articulated lorry", "0.5 kg over 1,138 km", f"{lorry:.3f}"),
            ("domestic air, tank to wheel", "0.5 kg over 1,138 km", f"{air:.3f}"),
        ],
    )
