"""The simulator's truth, figured out by the method's document, beside the accounts of the real pipeline."""
