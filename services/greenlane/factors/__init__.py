"""Every figure of the method as data with its source: read, checked, and put into the method's tables."""

from greenlane.factors.loading import load_method, load_policy

__all__ = ["load_method", "load_policy"]
