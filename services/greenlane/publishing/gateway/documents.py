"""One request with a document of another vocabulary, from its head to the verdicts of the events that it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from pydantic import ValidationError
from starlette.responses import Response
from starlette.types import Receive, Scope

from greenlane.contracts.events import Place
from greenlane.contracts.reading.media_types import essence
from greenlane.contracts.reading.problems import problems_of
from greenlane.errors import WrongUseError
from greenlane.publishing.adapters.document import MAX_DOCUMENT_BYTES
from greenlane.publishing.adapters.sender import Known, Sender
from greenlane.publishing.adapters.signatures import HEADERS
from greenlane.publishing.adapters.vocabularies import VOCABULARIES, stating
from greenlane.publishing.gateway import bodies
from greenlane.publishing.gateway.admission import NOT_NOW, Payer, refusal, shows_a_key
from greenlane.publishing.gateway.converting import Converted, Converter, NotConvertedError
from greenlane.publishing.gateway.intake import AGAIN, LEAST_HELD, Held, Intake, read_encoding
from greenlane.publishing.gateway.room import Room
from greenlane.publishing.gateway.shops import Shop, Shops, signature_of
from greenlane.publishing.gateway.verdicts import AllMissing, Answer, DocumentAnswer, Missing, RefusedPart
from greenlane.web.problems import FieldProblem, answer
from greenlane.web.slots import client_of

ADAPTERS = "/v1/adapters/"
QUESTIONS = ("marketplace", "seller", "country", "origin", "stated_by")
"""What the query may say beside the document, each once."""
EVENT_COST = 10
"""An event of a document costs its key as much as so many: to convert it and to find what it lacks is more work."""
_ROOM_OF_ALL, _ROOM_OF_EACH = 8 * bodies.MAX_BODY, 2 * bodies.MAX_BODY
_PING = b"webhook_id="
_PARTS: Mapping[str, Any] = {
    "refusals": list[RefusedPart],
    "unused": list[str],
    "undeclared": list[Missing],
    "together": list[AllMissing],
}


@dataclass(slots=True)
class Documents:
    """Takes documents; one for the whole process. Bodies of shops that have proven nothing yet have their own room."""

    intake: Intake
    converter: Converter
    shops: Shops = field(default_factory=lambda: Shops({}))
    unproven: Room = field(default_factory=lambda: Room(_ROOM_OF_ALL, _ROOM_OF_EACH))

    async def take(self, scope: Scope, receive: Receive) -> Response | None:
        """The response to a request; None when its client has gone. Raises RefusedError and TooOftenError."""
        vocabulary = scope["path"].removeprefix(ADAPTERS)
        if shows_a_key(scope["headers"]):
            return await self._of_a_key(vocabulary, scope, receive)
        return await self._of_a_shop(vocabulary, scope, receive)

    async def _of_a_key(self, vocabulary: str, scope: Scope, receive: Receive) -> Response | None:
        admission = self.intake.admission
        key = await admission.key_of(scope)
        await admission.charge(key)
        asked = _asked(vocabulary, scope)
        if asked.get("marketplace", key.marketplace) != key.marketplace:
            remedy = "leave it out, or use a key of that marketplace"
            raise refusal(403, "marketplace", "is not the key's", remedy)
        sender = _sender(vocabulary, key.marketplace, asked)
        decode, length = _read_head(scope)
        self.intake.appender()
        held = Held(self.intake.room, key.marketplace)
        held.enter(max(length, LEAST_HELD))
        try:
            body = await self.intake.body(receive)
            if body is None:
                return None
            async with self.intake.lines.turn(key.marketplace):
                body = await self.intake.decoded(key, decode, body)
            signature = signature_of(vocabulary, scope["headers"])
            shop = Shop(key.marketplace, sender.seller_id, vocabulary)
            if signature is not None and self.shops.known(shop) and not self.shops.signed(shop, body, signature):
                raise _unsigned()
            found = await self._converted(key, vocabulary, body, sender, costs=True)
            if not found.events:
                return self._nothing(vocabulary, found)
            return await self._published(key, vocabulary, found, held)
        finally:
            held.leave_when_ended()

    async def _of_a_shop(self, vocabulary: str, scope: Scope, receive: Receive) -> Response | None:
        """A webhook: what the shop reads is the status alone, so it is 200 unless the same bytes help another time."""
        admission, client = self.intake.admission, scope.get("client")
        admission.stranger(client)
        signature = signature_of(vocabulary, scope["headers"])
        if signature is None and vocabulary != "woocommerce":
            raise _unsigned()
        asked = _asked(vocabulary, scope)
        decode, length = _read_head(scope)
        if decode is not bodies.plain:
            raise refusal(415, "content-encoding", "is not what a shop sends", "send the very bytes that were signed")
        self.intake.appender()
        waiting = Held(self.unproven, client_of(client[0] if client else ""))
        waiting.enter(max(length, LEAST_HELD))
        try:
            body = await self.intake.body(receive)
        finally:
            waiting.leave()
        if body is None:
            return None
        if signature is None:
            return _ping(body)
        shop = Shop(asked.get("marketplace", ""), asked.get("seller", ""), vocabulary)
        if not self.shops.signed(shop, body, signature):
            raise _unsigned()
        admission.proven(client)
        await admission.charge(shop)
        admission.charge_body(shop, len(body))
        held = Held(self.intake.room, shop.marketplace)
        held.enter(max(len(body), LEAST_HELD))
        try:
            sender = _sender(vocabulary, shop.marketplace, asked)
            found = await self._converted(shop, vocabulary, body, sender, costs=False)
            return await self._published(shop, vocabulary, found, held)
        finally:
            held.leave_when_ended()

    async def _converted(self, key: Payer, vocabulary: str, body: bytes, sender: Sender, *, costs: bool) -> Converted:
        async with self.intake.lines.turn(f"documents of {key.marketplace}"):
            try:
                found = await self.converter.convert(vocabulary, body, sender, costs=costs)
            except NotConvertedError as error:
                remedy = "send it again in some seconds, or split it"
                raise refusal(503, "body", str(error), remedy, headers=AGAIN, title=NOT_NOW) from None
        self.intake.admission.charge_events(key, EVENT_COST * len(found.events), 0)
        return found

    def _nothing(self, vocabulary: str, found: Converted) -> Response:
        self.intake.metrics.converted(vocabulary, refused=True)
        told = [
            FieldProblem(field=item["path"] or "body", problem=item["problem"], remedy=item["remedy"])
            for item in found.report["refusals"]
        ]
        return answer(422, told, None, "The document becomes no event")

    async def _published(self, key: Payer, vocabulary: str, found: Converted, held: Held) -> Response:
        self.intake.metrics.converted(vocabulary, refused=bool(found.report["refusals"]))
        said = await self.intake.published(key.marketplace, list(found.events), held)
        webhook = isinstance(key, Shop)
        if said.unknown and webhook:
            errors = [FieldProblem(field="body", problem="Kafka did not answer in time", remedy="send it again")]
            return answer(503, errors, AGAIN, "It is not known whether all events were taken")
        return _answer(said, found.report, webhook=webhook)


def _answer(said: Answer, report: Mapping[str, Any], *, webhook: bool) -> Response:
    status = 207 if said.status != 200 or (report["refusals"] and not webhook) else 200
    told = DocumentAnswer(
        said.accepted,
        said.refused,
        said.unknown,
        said.verdicts,
        **{name: msgspec.convert(report[name], kind) for name, kind in _PARTS.items()},
    )
    headers = AGAIN if said.unknown else None
    return Response(told.to_json(), 200 if webhook else status, headers, media_type="application/json")


def _asked(vocabulary: str, scope: Scope) -> dict[str, str]:
    """What the query says. Raises RefusedError for anything that is not offered, or stands twice."""
    if vocabulary not in VOCABULARIES:
        raise refusal(404, "path", "names no vocabulary", f"use {ADAPTERS} and one of {', '.join(VOCABULARIES)}")
    try:
        pairs = (
            parse_qsl(
                scope["query_string"].decode("ascii"),
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=2 * len(QUESTIONS),
            )
            if scope["query_string"]
            else []
        )
    except ValueError:
        raise refusal(400, "query", "cannot be read", f"send {', '.join(QUESTIONS)}, each at most once") from None
    asked = dict(pairs)
    if len(asked) < len(pairs) or not asked.keys() <= set(QUESTIONS):
        raise refusal(400, "query", "has a name that is not offered, or one twice", f"send {', '.join(QUESTIONS)}")
    return asked


def _sender(vocabulary: str, marketplace: str, asked: Mapping[str, str]) -> Sender:
    """Whose document it is. Raises RefusedError."""
    country, origin = asked.get("country"), asked.get("origin")
    if "seller" not in asked:
        raise refusal(422, "seller", "is missing", "add ?seller= and the seller's id to the address")
    if origin is not None and country is None:
        raise refusal(422, "country", "is missing", "say in which country the origin lies")
    try:
        place = None if origin is None else Place.model_validate({"country": country, "code": origin})
        document = {"marketplace": marketplace, "seller_id": asked["seller"], "country": country}
        sender = Sender.model_validate(document | {"stated_by": asked.get("stated_by"), "known": Known(origin=place)})
        stating(vocabulary, sender)
    except ValidationError as error:
        names = {"seller_id": "seller", "code": "origin"}
        problem = problems_of(error)[0]
        what, _, remedy = problem.message.partition("; ")
        raise refusal(422, names.get(problem.path, problem.path), what, remedy or "correct it") from None
    except WrongUseError as error:
        raise refusal(422, error.field, error.problem, error.remedy) from None
    return sender


def _read_head(scope: Scope) -> tuple[bodies.Decoder, int]:
    kinds = [value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"]
    kind = essence(kinds[0]) if len(kinds) == 1 else ""
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    is_ping = kind == "application/x-www-form-urlencoded" and scope["path"] == f"{ADAPTERS}woocommerce"
    if not is_json and not is_ping:
        raise refusal(415, "content-type", "is not offered", "send one document as application/json")
    return read_encoding(scope["headers"], MAX_DOCUMENT_BYTES)


def _ping(body: bytes) -> Response:
    """WooCommerce asks so, unsigned, whether somebody is here; nothing is published."""
    if not body.startswith(_PING) or not body.removeprefix(_PING).isdigit():
        raise _unsigned()
    return Response(b"{}", media_type="application/json")


def _unsigned() -> Exception:
    shown = ", ".join(HEADERS.values())
    remedy = (
        f"send `Authorization: Bearer <key>`, or a shop's signature ({shown}) of exactly this body, seller and shop"
    )
    challenge = {"www-authenticate": "Bearer"}
    return refusal(401, "authorization", "shows neither a key nor a shop's signature", remedy, headers=challenge)
