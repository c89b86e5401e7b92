"""The process that dispatches scores and decisions to sellers and marketplaces as signed webhooks."""
