"""Whether a webhook was signed by its shop: HMAC-SHA256 over the bytes of the body, base64 in a header."""

import base64
import hashlib
import hmac

HEADERS = {
    "shopify": "X-Shopify-Hmac-SHA256",
    "woocommerce": "X-WC-Webhook-Signature",
    "haravan": "X-Haravan-Hmacsha256",
    "sapo": "X-Sapo-Hmac-SHA256",
}
"""The header of each shop software that holds the signature."""


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` is that of these very bytes; compared in constant time.

    Check it before anything is read of the body. An empty secret signs nothing.
    """
    if not secret:
        return False
    expected = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256))
    return hmac.compare_digest(expected, signature.strip().encode("utf-8", "replace"))
