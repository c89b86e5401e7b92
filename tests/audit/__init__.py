"""An independent second implementation of the scoring method, and its comparison with the product."""
