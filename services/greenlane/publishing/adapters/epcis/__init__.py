"""Events of EPCIS 2.0 in JSON: packing, receiving, reusable assets, corrections and retractions."""
