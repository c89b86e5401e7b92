"""The marketplaces' side: the publishing SDK, the Olist import and the simulator."""
