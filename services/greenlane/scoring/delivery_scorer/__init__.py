"""The process that turns delivered and returned parcels into delivery assessments."""
