"""Files of events: read, checked for the impossible and the improbable, and sent."""
