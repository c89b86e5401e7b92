"""The report on events as one HTML file: no script, nothing from elsewhere, English and Vietnamese."""
