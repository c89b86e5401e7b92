"""What people do with endpoints, secrets, API keys and deliveries, from any process."""
