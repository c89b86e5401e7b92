"""The public Olist data set (Brazil) as events."""
