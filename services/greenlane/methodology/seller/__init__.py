"""From a seller's sums to the score, and the rules of the badge."""
