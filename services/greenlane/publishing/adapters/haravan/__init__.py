"""Orders and fulfilments of Haravan, a shop software of Vietnam."""
