"""Carriers' figures as iLEAP exchanges them: shipment footprints and transport activities."""
