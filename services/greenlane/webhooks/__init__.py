"""How scores and decisions reach sellers and marketplaces as signed webhooks."""
