"""The process that turns packed, recovered and cancelled parcels into packaging assessments."""
