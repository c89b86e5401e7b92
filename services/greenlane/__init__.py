"""Greenlane scores how green parcels are packed and delivered, and decides sellers' green badges exactly."""

__version__ = "0.1.0"
