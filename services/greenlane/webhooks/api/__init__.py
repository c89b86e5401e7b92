"""The management of webhooks over HTTP: endpoints, secrets, deliveries, replays and API keys of one owner."""
