"""The repository's own sample documents, and the seller whose they are."""

import json
from pathlib import Path
from typing import Any

from greenlane.contracts.events import Place
from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.conversion import Conversion
from greenlane.publishing.adapters.sender import Known, Sender
from greenlane.publishing.adapters.vocabularies import convert

ROOT = Path(__file__).parents[4]
DOCUMENTS = ROOT / "examples" / "documents"
SAMPLES = sorted(DOCUMENTS.glob("*/*.json"))

SAIGON = Place(country="VN", code="79")
HANOI = Place(country="VN", code="01")
KNOWN = Known.model_validate_json((DOCUMENTS / "known.json").read_bytes())


def sender(country: str | None = "VN", known: Known | None = None, stated_by: StatedBy | None = None) -> Sender:
    return Sender(
        marketplace="demo-vn",
        seller_id="seller-0042",
        country=country,
        stated_by=stated_by,
        known=KNOWN if known is None else known,
    )


def sample(name: str) -> Any:
    return json.loads((DOCUMENTS / name).read_text(encoding="utf-8"))


def converted(vocabulary: str, document: Any, of: Sender | None = None) -> Conversion:
    return convert(vocabulary, json.dumps(document).encode(), sender() if of is None else of)


def bodies(found: Conversion) -> list[Any]:
    return [event.data for event in found.events]


def kinds(found: Conversion) -> list[str]:
    return [event.type.split(".")[2] for event in found.events]


def only_refusal(found: Conversion) -> tuple[str, str]:
    (refused,) = found.refusals
    return refused.path, refused.problem
