"""The pure arithmetic of the scoring method; factor and policy tables lie beside it as data."""
