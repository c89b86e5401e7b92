"""Commands about scores, decisions, accounts and the rules they are kept under."""
