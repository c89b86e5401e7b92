"""Orders of WooCommerce, as its webhooks and its REST API v3 write them."""
