"""Orders and fulfilments of Shopify, as its webhooks and its Admin REST API write them."""
