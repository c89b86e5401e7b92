"""Which shops may post their webhooks here: each has a secret, and with it a marketplace, a seller and a vocabulary."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import SecretStr

from greenlane.publishing.adapters.sender import MARKETPLACE_PATTERN
from greenlane.publishing.adapters.signatures import HEADERS, is_signed
from greenlane.settings import SettingsError

_SHORTEST = 16
"""Characters of a secret: each shop software makes longer ones."""
_PARTS = 3
_MARKETPLACE = re.compile(MARKETPLACE_PATTERN)
_SELLER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_NOBODY = "nobody's secret, so that an unknown shop takes as long"


class Shop(NamedTuple):
    """Whose webhooks they are."""

    marketplace: str
    seller: str
    vocabulary: str

    @property
    def key_id(self) -> str:
        """Under which its rate is counted."""
        return f"shop {'/'.join(self)}"


class Shops:
    """The secrets of the shops that post here; nothing of it is ever shown."""

    def __init__(self, secrets: Mapping[Shop, str]) -> None:
        self._secrets = secrets

    def signed(self, shop: Shop, body: bytes, signature: str) -> bool:
        """Whether this very shop signed these very bytes."""
        secret = self._secrets.get(shop)
        good = is_signed(body, signature, secret or _NOBODY)
        return good and secret is not None

    def known(self, shop: Shop) -> bool:
        """Whether the shop has a secret here."""
        return shop in self._secrets


def shops_of(setting: SecretStr) -> Shops:
    """The shops that GREENLANE_GATEWAY_SHOPS names. Raises SettingsError, which shows no secret."""
    text = setting.get_secret_value()
    try:
        pairs = json.loads(text, object_pairs_hook=list) if text.strip() else []
    except ValueError:
        raise _wrong("is no JSON object") from None
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise _wrong("is no JSON object")
    return Shops(dict(_read(pairs)))


def signature_of(vocabulary: str, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The signature that the shop's software sends; None without one."""
    name = HEADERS.get(vocabulary, "").lower().encode()
    return next((value.decode("latin-1") for header, value in headers if header == name), None)


def _read(pairs: Iterable[tuple[str, object]]) -> Iterable[tuple[Shop, str]]:
    seen: set[Shop] = set()
    for number, (name, secret) in enumerate(pairs, start=1):
        parts = name.split("/")
        if len(parts) != _PARTS or not _MARKETPLACE.fullmatch(parts[0]) or not _SELLER.fullmatch(parts[1]):
            raise _wrong(f"names shop {number} wrongly")
        shop = Shop(*parts)
        if shop.vocabulary not in HEADERS:
            raise _wrong(f"has for shop {number} a vocabulary that is not signed (use {', '.join(HEADERS)})")
        if not isinstance(secret, str) or len(secret) < _SHORTEST:
            raise _wrong(f"has for shop {number} no secret of at least {_SHORTEST} characters")
        if shop in seen:
            raise _wrong(f"has shop {number} twice")
        seen.add(shop)
        yield shop, secret


def _wrong(problem: str) -> SettingsError:
    return SettingsError(
        f'GREENLANE_GATEWAY_SHOPS {problem}. Set it like {{"demo-vn/seller-0042/shopify": "the shop\'s secret"}}.'
    )
