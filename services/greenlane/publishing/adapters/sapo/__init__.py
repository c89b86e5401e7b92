"""Orders and fulfilments of Sapo, a shop software of Vietnam."""
