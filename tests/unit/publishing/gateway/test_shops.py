"""Which shops may post, and that what is wrong with the setting is told without a secret."""

import base64
import hashlib
import hmac
import json

import pytest
from pydantic import SecretStr

from greenlane.publishing.gateway.shops import Shop, shops_of, signature_of
from greenlane.settings import SettingsError

SECRET = "a secret of some length"
BODY = b'{"id": 1}'


def signature(secret: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), BODY, hashlib.sha256)).decode()


def test_a_secret_is_for_one_seller_of_one_marketplace_and_one_software() -> None:
    shops = shops_of(SecretStr(json.dumps({"demo-vn/s-1/shopify": SECRET, "demo-vn/s-2/sapo": SECRET[::-1]})))
    assert shops.signed(Shop("demo-vn", "s-1", "shopify"), BODY, signature(SECRET))
    for shop in (
        Shop("demo-vn", "s-2", "shopify"),
        Shop("demo-vn", "s-2", "sapo"),
        Shop("demo-vn", "s-1", "sapo"),
        Shop("other-vn", "s-1", "shopify"),
        Shop("", "", ""),
    ):
        assert not shops.signed(shop, BODY, signature(SECRET))
    assert not shops.signed(Shop("demo-vn", "s-1", "shopify"), BODY + b" ", signature(SECRET))
    assert shops.known(Shop("demo-vn", "s-1", "shopify"))
    assert not shops.known(Shop("demo-vn", "s-1", "sapo"))


def test_without_the_setting_no_shop_may_post() -> None:
    assert not shops_of(SecretStr("")).known(Shop("demo-vn", "s-1", "shopify"))


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("nonsense", "is no JSON object"),
        ("[1]", "is no JSON object"),
        ("7", "is no JSON object"),
        (json.dumps({"demo-vn/shopify": SECRET}), "names shop 1 wrongly"),
        (json.dumps({"Demo/s-1/shopify": SECRET}), "names shop 1 wrongly"),
        (json.dumps({"demo-vn/a b/shopify": SECRET}), "names shop 1 wrongly"),
        (json.dumps({"demo-vn/s-1/ucp": SECRET}), "a vocabulary that is not signed"),
        (json.dumps({"demo-vn/s-1/shopify": "short"}), "no secret of at least 16"),
        (json.dumps({"demo-vn/s-1/shopify": None}), "no secret of at least 16"),
        (f'{{"demo-vn/s-1/sapo": "{SECRET}", "demo-vn/s-1/sapo": "{SECRET[::-1]}"}}', "shop 2 twice"),
    ],
)
def test_a_wrong_setting_is_named_without_its_secrets(setting: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as raised:
        shops_of(SecretStr(setting))
    assert "GREENLANE_GATEWAY_SHOPS" in str(raised.value)
    assert SECRET not in str(raised.value)
    assert SECRET[::-1] not in str(raised.value)


def test_the_signature_is_read_from_its_softwares_own_header() -> None:
    headers = [(b"x-shopify-hmac-sha256", b"one"), (b"x-sapo-hmac-sha256", b"two")]
    assert signature_of("shopify", headers) == "one"
    assert signature_of("sapo", headers) == "two"
    assert signature_of("woocommerce", headers) is None
    assert signature_of("ucp", headers) is None
