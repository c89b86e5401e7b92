"""A synthetic Vietnamese marketplace with the oddities of real publishers."""
